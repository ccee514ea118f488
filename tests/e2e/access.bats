#!/usr/bin/env bats
# access.bats - who may ask kwotad and the meter for what, with curl as the stranger

load cluster

setup_file() {
    cluster_up --nodes 1 --cpus 4 --tick-ms 2000 --report-ms 1000
    job=$(submit alice "$(busy 2)" -A astro -n 1 -o /dev/null)
    wait_for 60 settled "$job"
    echo "$job" >"$dir/job"
    jq -r .listen.port "$dir/etc/kwota.json" >"$dir/port"
}

teardown_file() {
    cluster_down
}

setup() {
    job=$(cat "$dir/job")
    url=http://127.0.0.1:$(cat "$dir/port")
}

# credential USER METHOD PATH BODY [MUNGE_OPTIONS…] - what a client of ours would send
credential() {
    local user=$1 method=$2 path=$3 body=$4 hash
    shift 4
    hash=$(printf %s "$body" | sha256sum | cut -d' ' -f1)
    printf 'kwota-request-1\n127.0.0.1\n%s\n%s\n%s' "$method" "$path" "$hash" |
        as "$user" munge --socket="$dir/run/munge.socket" "$@"
}

# status CURL_ARGUMENTS… - the HTTP status; the body is left in $dir/reply
status() {
    curl -s -o "$dir/reply" -w '%{http_code}' --noproxy '*' "$@"
}

get_as() { # USER PATH - over TCP with a good credential
    status -H "Kwota-Credential: $(credential "$1" GET "$2" '')" "$url$2"
}

unix_get_as() { # USER PATH - over the Unix socket
    as "$1" curl -s -o /dev/null -w '%{http_code}' --unix-socket "$dir/run/kwotad.sock" \
        "http://localhost$2"
}

@test "the owner reads a job, over TCP and over the Unix socket" {
    [ "$(get_as alice "/v1/job?id=$job")" = 200 ]
    jq -e --arg id "$job" '.runs[0].job_id == $id' "$dir/reply"
    [ "$(unix_get_as alice "/v1/job?id=$job")" = 200 ]
}

@test "another user does not, over either" {
    [ "$(get_as carol "/v1/job?id=$job")" = 404 ]
    run ! grep -q alice "$dir/reply"
    [ "$(unix_get_as carol "/v1/job?id=$job")" = 404 ]
    run as carol kwota job "$job"
    [ "$status" -eq 1 ]
}

@test "the coordinator of physics and the operator do" {
    [ "$(get_as dave "/v1/job?id=$job")" = 200 ]
    [ "$(get_as olga "/v1/job?id=$job")" = 200 ]
}

@test "usage shows a user no more than their own" {
    [ "$(as carol kwota usage --by user --json | jq '[.rows[] | select(.user != "carol")] | length')" -eq 0 ]
    [ "$(as alice kwota usage --by user --json | jq '.total_mj')" -gt 0 ]
}

@test "a user cannot report energy, over either listener" {
    local body='{"node":"n1","epoch":"00","seq":1,"time_ms":1,"simulated":false,"domains":[],"runs":[]}'
    [ "$(status -H "Kwota-Credential: $(credential alice POST /v1/report "$body")" \
        --data-binary "$body" "$url/v1/report")" = 403 ]
    [ "$(as alice curl -s -o /dev/null -w '%{http_code}' --unix-socket "$dir/run/kwotad.sock" \
        --data-binary "$body" http://localhost/v1/report)" = 403 ]
}

@test "no credential: refused" {
    [ "$(status "$url/v1/job?id=$job")" = 401 ]
    jq -e '.error | length > 0' "$dir/reply"
}

@test "a credential used twice: refused" {
    local cred
    cred=$(credential alice GET "/v1/job?id=$job" '')
    [ "$(status -H "Kwota-Credential: $cred" "$url/v1/job?id=$job")" = 200 ]
    [ "$(status -H "Kwota-Credential: $cred" "$url/v1/job?id=$job")" = 401 ]
    grep -qi replay "$dir/reply"
}

# A TTL of one second, and munged's clock past it.
older_than_its_ttl() {
    [ "$(date +%s)" -gt $(($1 + 2)) ]
}

@test "an expired credential: refused" {
    local cred made
    cred=$(credential alice GET "/v1/job?id=$job" '' --ttl=1)
    made=$(date +%s)
    wait_for 10 older_than_its_ttl "$made"
    [ "$(status -H "Kwota-Credential: $cred" "$url/v1/job?id=$job")" = 401 ]
    grep -qi expired "$dir/reply"
}

@test "a credential for another path, another body, another server: refused" {
    [ "$(status -H "Kwota-Credential: $(credential alice GET /v1/nodes '')" "$url/v1/job?id=$job")" = 401 ]
    local good='{"a":1}' bad='{"a":2}'
    [ "$(status -H "Kwota-Credential: $(credential root POST /v1/report "$good")" \
        --data-binary "$bad" "$url/v1/report")" = 401 ]
    local elsewhere
    elsewhere=$(printf 'kwota-request-1\nelsewhere\nGET\n/v1/ping\n%s' \
        "$(printf '' | sha256sum | cut -d' ' -f1)" |
        as alice munge --socket="$dir/run/munge.socket")
    [ "$(status -H "Kwota-Credential: $elsewhere" "$url/v1/ping")" = 401 ]
    grep -q elsewhere "$dir/reply"
}

@test "an altered credential: refused" {
    local cred
    cred=$(credential alice GET "/v1/job?id=$job" '')
    cred=${cred:0:40}$([ "${cred:40:1}" = A ] && echo B || echo A)${cred:41}
    [ "$(status -H "Kwota-Credential: $cred" "$url/v1/job?id=$job")" = 401 ]
}

@test "a user cannot talk to the meter's socket" {
    run as alice curl -s --max-time 5 --unix-socket "$dir/run/kwota/n1.sock" http://localhost/
    [ "$status" -ne 0 ]
    run as alice ls "$dir/run/kwota/n1.sock"
    [ "$status" -ne 0 ]
}

@test "bad requests get a sentence" {
    local body='{"node":'
    [ "$(status -H "Kwota-Credential: $(credential root POST /v1/report "$body")" \
        --data-binary "$body" "$url/v1/report")" = 400 ]
    jq -e '.error | length > 10' "$dir/reply"
    [ "$(get_as root /v1/nonsense)" = 404 ]
    [ "$(get_as root '/v1/usage?by=moon')" = 400 ]
    grep -q moon "$dir/reply"
}
