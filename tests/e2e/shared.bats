#!/usr/bin/env bats
# shared.bats - two jobs on one node, each gets what it caused

load cluster

setup_file() {
    cluster_up --nodes 1 --cpus 4 --tick-ms 10000 --report-ms 1000
    wake=$(submit alice 'true' -A astro -n 1 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

# What the plant says this job caused, over all domains, in microjoules.
caused_uj() {
    truth n1 | jq -s --arg job "$1" '[.. | .jobs? | .[$job]?.uj // empty] | add'
}

within_percent() { # PERCENT A B
    local difference=$(($2 - $3))
    [ "${difference#-}" -le $(($3 * $1 / 100)) ]
}

both_within_one_percent() { # SECONDS
    local awake asleep job
    awake=$(submit alice "$(busy "$1")" -A astro -n 1 -c 1 -o /dev/null)
    asleep=$(submit carol "sleep $1" -A bio -n 1 -c 1 -o /dev/null)
    wait_for $(($1 + 60)) all_settled "$awake" "$asleep"
    for job in "$awake" "$asleep"; do
        local charged_uj caused
        charged_uj=$(($(job_json "$job" | jq .charge_mj) * 1000))
        caused=$(caused_uj "$job")
        echo "job $job: charged $charged_uj uJ, caused $caused uJ"
        [ "$caused" -gt 0 ]
        within_percent 1 "$charged_uj" "$caused"
    done
    # The one that slept pays for the part of the node it held, and for no more.
    [ "$(job_json "$awake" | jq .charge_mj)" -gt "$(job_json "$asleep" | jq .charge_mj)" ]
}

@test "one busy, one asleep, for forty seconds: each within 1 % of the truth" {
    both_within_one_percent 40
}

@test "jobs of twenty seconds with a tick of ten: each within 1 % of the truth" {
    both_within_one_percent 20
}
