#!/usr/bin/env bats
# web.bats - the dashboard in a browser, and the metrics, of a running kwotad

load cluster

free_port() {
    local port
    for port in $(shuf -i 30000-32000 -n 50); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    mkdir -p "$BATS_FILE_TMPDIR"
    local web metrics
    web=$(free_port)
    metrics=$(free_port)
    cat >"$BATS_FILE_TMPDIR/policy.json" <<END
{"web": {"enabled": true, "port": $web},
 "metrics": {"enabled": true, "port": $metrics, "token_file": "$dir/etc/metrics-token"}}
END
    echo "http://127.0.0.1:$web" >"$BATS_FILE_TMPDIR/web"
    echo "http://127.0.0.1:$metrics/metrics" >"$BATS_FILE_TMPDIR/metrics"
    cluster_up --nodes 2 --cpus 4 --tick-ms 500 --report-ms 1000 --policy "$BATS_FILE_TMPDIR/policy.json"
    echo a-token-of-this-test >"$dir/etc/metrics-token"
    root kwota quota set -A astro 20Wh --period month --why 'the test'
    root kwota quota set -A bio 20Wh --period month --why 'the test'
    submit alice "$(busy 3000)" -A astro -J 'a<b>&"c' -o /dev/null >"$BATS_FILE_TMPDIR/alice"
    submit bob "$(busy 3000)" -A plasma -o /dev/null >"$BATS_FILE_TMPDIR/bob"
}

teardown_file() {
    cluster_down
}

setup() {
    url=$(cat "$BATS_FILE_TMPDIR/web")
    metrics=$(cat "$BATS_FILE_TMPDIR/metrics")
    alice=$(cat "$BATS_FILE_TMPDIR/alice")
    bob=$(cat "$BATS_FILE_TMPDIR/bob")
}

link_of() { # USER
    as "$1" kwota web 2>/dev/null
}

# browse USER URL - the page as a browser has it when its script has run
browse() {
    timeout 180 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$BATS_FILE_TMPDIR/browser-$1" \
        --virtual-time-budget=5000 --dump-dom "$2" 2>"$BATS_FILE_TMPDIR/browser-$1.log"
}

status() { # CURL_ARGUMENTS…
    curl -s -o "$dir/reply" -w '%{http_code}' --noproxy '*' "$@"
}

scrape() {
    curl -sf --noproxy '*' -H 'Authorization: Bearer a-token-of-this-test' "$metrics"
}

power_is_known() { # USER COUNT
    [ "$(as "$1" kwota top --once --json | jq .measured)" -ge "$2" ]
}

@test "a person's page has their budget, their running job and its power, and nobody else's" {
    local page
    wait_for 30 power_is_known root 2
    page=$(browse alice "$(link_of alice)")
    grep -qF '>account astro<' <<<"$page"
    grep -qF "href=\"#job=$alice\"" <<<"$page"
    # The job's name is a text and no markup.
    grep -qF 'a&lt;b&gt;&amp;"c' <<<"$page"
    grep -qE '<dt>Your jobs draw now</dt><dd>[0-9.]+ W</dd>' <<<"$page"
    grep -qF '<title>' <<<"$page"
    grep -qF 'simulated' <<<"$page"
    run ! grep -qF "#job=$bob\"" <<<"$page"
    page=$(browse bob "$(link_of bob)")
    grep -qF "href=\"#job=$bob\"" <<<"$page"
    run ! grep -qF "#job=$alice\"" <<<"$page"
    # He has an account in astro, too, and none in bio.
    grep -qF '>account astro<' <<<"$page"
    run ! grep -qF 'account bio' <<<"$page"
    # Nor if it is asked for.
    page=$(browse bob "$url/#job=$alice")
    grep -qF 'there is no run of job' <<<"$page"
    page=$(browse olga "$(link_of olga)")
    grep -qF "href=\"#job=$alice\"" <<<"$page"
    grep -qF "href=\"#job=$bob\"" <<<"$page"
    grep -qF '<dt>Jobs draw now</dt>' <<<"$page"
    grep -qF '>account bio<' <<<"$page"
}

@test "one job's curve" {
    local page
    browse alice "$(link_of alice)" >/dev/null
    page=$(browse alice "$url/#job=$alice")
    grep -qF "Job $alice [simulated]" <<<"$page"
    grep -qF 'Mean power of the job over time' <<<"$page"
    grep -qE '<title>[0-9:]+: [0-9.]+ W</title>' <<<"$page"
}

@test "without a session, with an old link or one that was opened, the page says what to do" {
    local link
    browse nobody "$url/" | grep -qF 'kwota web'
    [ "$(status "$url/v1/running")" = 403 ]
    link=$(link_of alice)
    [ "$(status "$link")" = 200 ]
    [ "$(status "$link")" = 403 ]
    grep -qF 'opened before' "$dir/reply"
    [ "$(status "${link%?}x")" = 403 ]
    link=$(link_of alice)
    echo 301 >"$dir/etc/clock"
    browse nobody "$link" | grep -qF 'has expired'
    rm "$dir/etc/clock"
}

@test "the page can only be read, and fetches nothing from elsewhere" {
    [ "$(status -X POST -d x "$url/")" = 405 ]
    [ "$(status -X POST -d '{}' "$url/v1/freeze")" = 405 ]
    [ "$(status -H "X-Long: $(head -c 20000 /dev/zero | tr '\0' x)" "$url/kwota.css")" = 431 ]
    curl -s -I --noproxy '*' "$url/kwota.js" | grep -i '^content-security-policy: ' >"$dir/reply"
    grep -qF "default-src 'none'; script-src 'self'" "$dir/reply"
    ! grep -q unsafe "$dir/reply"
}

# Every sample of an account, and what is not settled, as integers of millijoules.
metrics_mj() {
    scrape | awk '/^kwota_account_(charged|overrun)_joules_total\{|^kwota_account_unsettled_joules\{/ {s += $NF * 1000}
        END {printf "%.0f\n", s}'
}

usage_mj() {
    root kwota usage --json | jq .total_mj
}

metrics_are_the_usage() {
    [ "$(metrics_mj)" -gt 0 ] && [ "$(metrics_mj)" = "$(usage_mj)" ]
}

@test "metrics: only with the token, without names of users, and their sum is the usage, whatever becomes of kwotad" {
    local charged
    [ "$(status "$metrics")" = 401 ]
    root scancel "$alice" "$bob"
    wait_for 60 all_settled "$alice" "$bob"
    wait_for 20 metrics_are_the_usage
    charged=$(scrape | grep ^kwota_charged_joules_total)
    "$top/tests/cluster" kill --dir "$dir" kwotad -9
    "$top/tests/cluster" start --dir "$dir" kwotad
    wait_for 20 metrics_are_the_usage
    [ "$(scrape | grep ^kwota_charged_joules_total)" = "$charged" ]
    scrape >"$dir/reply"
    run ! grep -qE 'alice|bob' "$dir/reply"
    [ "$(tail -n 1 "$dir/reply")" = '# EOF' ]
    # Sessions ended with that kwotad.
    browse alice "$url/" | grep -qF 'kwota web'
}
