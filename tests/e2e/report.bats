#!/usr/bin/env bats
# report.bats - kwota report's total is what the counters counted, and all who tell
# energy tell the same
#
# The truth is the power plant's; the plants are stopped before and after the load, so
# that meter and plant are compared at rest.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cluster_up --nodes 2 --cpus 4 --tick-ms 1000 --report-ms 500
    local job
    job=$(submit alice 'srun true' -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 settled "$job"
}

teardown_file() {
    cluster_down
}

report() {
    root kwota report --start 2020-01-01 --json "$@"
}

plants_rest() {
    local node
    for node in n1 n2; do
        plant "$node" trick stop >/dev/null
    done
}

# The plants' unwrapped totals of all counters, from their truth files.
true_uj() {
    local node domain uj sum=0
    for node in n1 n2; do
        for domain in package-0 package-1 dram-0 dram-1; do
            uj=$("$build/tests/plant/kwota-plant" truth --domain "$domain" \
                --truth "$dir/nodes/$node/truth.jsonl" | jq .total_uj)
            sum=$((sum + uj))
        done
    done
    echo "$sum"
}

totals() {
    nodes | jq -c '[.nodes[].domains[].total_uj]'
}

newer_reports() {
    [ "$(nodes | jq '[.nodes[].last_report_ms] | min')" -ge $(($1 + $2)) ]
}

# Two looks, more than a tick apart, show the same: the meters have read counters that no
# longer move.
meters_at_rest() {
    local first
    first=$(totals)
    wait_for 20 newer_reports "$(nodes | jq '[.nodes[].last_report_ms] | max')" 2500
    [ "$first" = "$(totals)" ]
}

within() { # LEAST VALUE MOST
    [ "$1" -le "$2" ] && [ "$2" -le "$3" ] || {
        echo "$2 is not in $1 to $3"
        return 1
    }
}

@test "the report's rows add up to what the counters counted, and that is the truth" {
    local before truth_before after job jobs=() account
    plants_rest
    wait_for 40 meters_at_rest
    before=$(report | jq .centre.total_mj)
    truth_before=$(true_uj)
    for node in n1 n2; do
        "$top/tests/cluster" start --dir "$dir" "plant-$node" >&2
    done
    for n in 1 2 3; do
        jobs+=("$(submit alice "$(busy $((2 + n)))" -A astro -n 1 -c 1 -o /dev/null)")
        jobs+=("$(submit carol "$(busy 3)" -A bio -n 1 -c 2 -o /dev/null)")
    done
    wait_for 120 all_settled "${jobs[@]}"
    plants_rest
    wait_for 40 meters_at_rest
    after=$(report)

    # Each counter is floored to millijoules, before and after.
    within -8 $((($(jq .centre.total_mj <<<"$after") - before) - \
        ($(true_uj) - truth_before) / 1000)) 8
    # Nothing is left out: what is not charged has a line of its own.
    jq -e '.total.charged_mj + .total.overrun_mj + .total.credit_mj + .open_mj +
           .centre.unattributed_mj + .centre.node_mj + .centre.difference_mj
           == .centre.total_mj' <<<"$after"
    within 0 "$(jq .centre.difference_mj <<<"$after")" 200
    jq -e '.open_mj == 0 and .centre.unattributed_mj == 0 and .simulated' <<<"$after"

    # report = usage = the jobs, to the millijoule, whatever it is asked by.
    local usage
    usage=$(root kwota usage --start 2020-01-01 --json)
    for by in account user partition qos gpu-type day month; do
        [ "$(report --by "$by" | jq '[.rows[].used_mj] | add')" = \
            "$(jq .total_mj <<<"$usage")" ]
    done
    for account in astro bio; do
        [ "$(report -A "$account" | jq .total.used_mj)" = \
            "$(jq --arg a "$account" '[.rows[] | select(.account == $a) | .mj] | add' \
                <<<"$usage")" ]
    done
    [ "$(for job in "${jobs[@]}" 1; do job_json "$job"; done |
        jq -s 'map(.energy.total_mj) | add')" = "$(jq .total.used_mj <<<"$after")" ]
    [ "$(jq .total.runs <<<"$after")" -eq 7 ]
}

@test "table, CSV and page show it; mistakes are told, and nobody sees others' energy" {
    run -0 root kwota report
    [[ $output == *"nodes' own (idle)"* && $output == *"[simulated]"* ]]
    run -0 root kwota report --by user --top 1
    [[ $output == *"(1 other)"* ]]
    run -0 root kwota report --csv
    [[ $output == *"row,astro,"* && $output == *"meters,all that the counters counted,"* ]]
    run -0 root kwota report --html
    [[ $output == "<!DOCTYPE html>"*"</html>" && $output != *"<script"* ]]
    run -0 root kwota report --metered 1000kWh
    [[ $output == *"metered elsewhere"* ]]

    run -2 root kwota report --month 2026-13
    [[ $output == *'"2026-13" is no month'* ]]
    run -2 root kwota report --by acount
    [[ $output == *"account is meant?"* ]]
    run -1 root kwota report -A astor
    [[ $output == *'no account "astor"; astro is meant?'* ]]
    run -1 root kwota report --by qos --start 2026-01-01T12:00
    [[ $output == *"whole days only"* ]]
    run -1 root sh -c 'kwota report --html >/dev/full'
    [[ $output == *"cannot be written: No space left"* ]]

    run -0 as alice kwota report --json
    [ "$(jq -r '[.rows[] | select(.used_mj > 0) | .name] | join(" ")' <<<"$output")" = astro ]
    [ "$(jq .centre <<<"$output")" = null ]
}
