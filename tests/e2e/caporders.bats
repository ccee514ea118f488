#!/usr/bin/env bats
# caporders.bats - what kwotad tells nodes of caps: rules, users' words, operators' orders
#
# What devices do with it is another file's matter.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    mkdir -p "$BATS_FILE_TMPDIR"
    cat >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"caps": {"enabled": true, "rules": [
  {"account": "plasma", "gpu": "350W"},
  {"qos": "normal", "user": "carol", "gpu": "320W", "cpu_percent": 50}]}}
END
    cluster_up --nodes 2 --cpus 4 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --policy "$BATS_FILE_TMPDIR/policy.json"
}

teardown_file() {
    cluster_down
}

teardown() {
    [ -z "${KWOTA_KEEP:-}" ] || return 0
    local name id
    # Before the orders are looked at: one that was over by it is in force again.
    rm -f "$dir/etc/clock"
    for name in alice bob carol; do root scancel -u "$name"; done
    for id in $(root kwota cap list --json | jq '.orders[].id'); do
        root kwota cap lift "$id" --why 'end of the test'
    done
    root kwota freeze --off --why 'end of the test'
    wait_for 60 queue_empty
}

token() {
    ledger "SELECT token FROM tokens WHERE job_id = $1 ORDER BY start_ms DESC LIMIT 1"
}

# told JOB FIELD - what kwotad tells a node that asks; "" before it is worked out
told() {
    root curl -s --unix-socket "$dir/run/kwotad.sock" -H 'Content-Type: application/json' \
        -d "{\"tokens\":[\"$(token "$1")\"]}" http://kwotad/v1/decisions |
        jq -r --arg field "$2" '.caps[] | .[$field]'
}

is_told() {
    [ "$(told "$1" "$2")" = "$3" ]
}

# Slurm calls a job running while its prolog waits for kwotad.
has_word() {
    [ -n "$(told "$1" gpu_mw)" ]
}

# idle USER OPTIONS… - a job that runs and does nothing, and whose cap is known
idle() {
    local user=$1 job
    shift
    job=$(submit "$user" 'sleep 300' "$@")
    wait_for 30 job_runs "$job" >&2
    wait_for 10 has_word "$job" >&2
    printf '%s\n' "$job"
}

@test "a rule's cap is told with its place in the file" {
    local job
    job=$(idle bob -A plasma)
    is_told "$job" gpu_mw 350000
    told "$job" why | grep -q 'kwota.json:.*caps.rules\[0\]'
}

@test "a rule by QOS and user caps CPU time too" {
    local job
    job=$(idle carol)
    is_told "$job" gpu_mw 320000
    is_told "$job" cpu_percent 50
}

@test "a user's word can only lower" {
    local lower higher
    lower=$(idle bob -A plasma --gpu-power-cap=250W)
    is_told "$lower" gpu_mw 250000
    told "$lower" why | grep -q -- --gpu-power-cap
    root scontrol show job "$lower" | grep -q 'AdminComment=kwota: gpu power cap 250 W'
    higher=$(idle bob -A plasma --gpu-power-cap=0.4kW)
    is_told "$higher" gpu_mw 350000
    run submit bob 'true' -A plasma --gpu-power-cap=250
    [ "$status" -ne 0 ]
    [[ "$output" == *'--gpu-power-cap=250 is no power of a GPU'* ]]
}

@test "an order reaches running jobs, --until and a lift end it" {
    local job
    job=$(idle alice)
    is_told "$job" gpu_mw null
    root kwota cap set --cluster 300W --why 'it is hot'
    wait_for 5 is_told "$job" gpu_mw 300000
    root kwota cap list | grep -q 'it is hot'
    root kwota cap set -u alice 200W --until now+1hour --why 'a moment'
    wait_for 5 is_told "$job" gpu_mw 200000
    # By kwotad's clock it is an hour later.
    echo 3601 >"$dir/etc/clock"
    chmod 644 "$dir/etc/clock"
    wait_for 15 is_told "$job" gpu_mw 300000
    root kwota cap lift 1 --why 'cooler'
    wait_for 5 is_told "$job" gpu_mw null
    root kwota cap list --all | grep -q 'by root: cooler'
    run as alice kwota cap set --cluster 300W --why 'I would like it'
    [ "$status" -eq 1 ]
    [[ "$output" == *'only operators'* ]]
}

@test "freeze lifts every cap, and ends" {
    local job
    job=$(idle bob -A plasma)
    is_told "$job" gpu_mw 350000
    root kwota freeze --why 'something is odd'
    wait_for 5 is_told "$job" gpu_mw null
    root kwota freeze --off --why 'it was nothing'
    wait_for 5 is_told "$job" gpu_mw 350000
}

@test "kwotad killed: orders and words are as they were" {
    local job
    job=$(idle alice --gpu-power-cap=280W)
    is_told "$job" gpu_mw 280000
    root kwota cap set --job "$job" 260W --why 'this one'
    wait_for 5 is_told "$job" gpu_mw 260000
    "$top/tests/cluster" kill --dir "$dir" kwotad
    "$top/tests/cluster" start --dir "$dir" kwotad
    wait_for 20 is_told "$job" gpu_mw 260000
}

@test "explain names the rules that are about a job" {
    run root kwota policy explain -u carol --qos normal
    [ "$status" -eq 0 ]
    [[ "$output" == *'GPUs at most 320 W, CPU time at most 50 %'* ]]
    run root kwota policy explain -u bob -A plasma
    [[ "$output" == *'GPUs at most 350 W'* ]]
}
