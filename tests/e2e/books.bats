#!/usr/bin/env bats
# books.bats - what the counters moved by is on the books, to the microjoule
#
# The truth is the power plant's; the plant is stopped before and after the load, so
# that meter and plant are compared at rest.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cluster_up --nodes 3 --cpus 8 --tick-ms 10000 --report-ms 1000
    meters_awake
}

teardown_file() {
    cluster_down
}

# One short job on every node: a meter is started by its node's first prolog.
meters_awake() {
    local job
    job=$(submit alice 'srun true' -A astro -N 3 -n 3 -o /dev/null)
    wait_for 60 queue_empty
    wait_for 60 settled "$job"
}

plants_rest() {
    local node
    for node in n1 n2 n3; do
        plant "$node" trick stop >/dev/null
    done
}

plants_work() {
    local node
    for node in n1 n2 n3; do
        "$top/tests/cluster" start --dir "$dir" "plant-$node" >&2
    done
}

# The plant's unwrapped total of one domain, from its truth file.
true_total() {
    "$build/tests/plant/kwota-plant" truth --truth "$dir/nodes/$1/truth.jsonl" \
        --domain "$2" | jq .total_uj
}

# Waits until two looks, a tick apart, show the same totals: the meter has read a
# counter that no longer moves.
meter_at_rest() {
    local first second
    first=$(nodes | jq -c '[.nodes[].domains[].total_uj]')
    wait_for 40 newer_reports "$(nodes | jq '[.nodes[].last_report_ms] | max')" 12000
    second=$(nodes | jq -c '[.nodes[].domains[].total_uj]')
    [ "$first" = "$second" ]
}

newer_reports() {
    [ "$(nodes | jq '[.nodes[].last_report_ms] | min')" -ge $(($1 + $2)) ]
}

@test "twenty jobs at once on three nodes: counters = jobs + the node's own, exactly" {
    plants_rest
    wait_for 60 meter_at_rest
    local node domain before=() truth_before=() i=0
    for node in n1 n2 n3; do
        for domain in package-0 package-1 dram-0 dram-1; do
            before[i]=$(total $node $domain total_uj)
            truth_before[i]=$(true_total $node $domain)
            i=$((i + 1))
        done
    done
    plants_work

    local jobs=() n
    for n in $(seq 1 20); do
        jobs+=("$(submit alice "$(busy $((3 + n % 5)))" -A astro -n 1 -c 1 -o /dev/null)")
    done
    wait_for 180 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    plants_rest
    wait_for 60 meter_at_rest

    i=0
    for node in n1 n2 n3; do
        for domain in package-0 package-1 dram-0 dram-1; do
            local moved=$(($(true_total $node $domain) - truth_before[i]))
            local metered=$(($(total $node $domain total_uj) - before[i]))
            echo "$node $domain: the counter moved by $moved uJ, the meter saw $metered uJ"
            [ "$moved" -gt 0 ]
            [ "$moved" -eq "$metered" ]
            [ "$(($(total $node $domain jobs_uj) + $(total $node $domain node_uj)))" -eq \
                "$(total $node $domain total_uj)" ]
            i=$((i + 1))
        done
    done
    plants_work
}

@test "the ledger's charges are the meters' jobs, within a millijoule a job and domain" {
    wait_for 60 queue_empty
    local jobs_uj charges_mj parts
    jobs_uj=$(nodes | jq '[.nodes[].domains[].jobs_uj] | add')
    charges_mj=$(ledger "SELECT SUM(mj) FROM entries")
    parts=$(ledger "SELECT COUNT(*) FROM run_domains")
    echo "jobs $jobs_uj uJ, charges $charges_mj mJ, $parts parts"
    [ "$charges_mj" -gt 0 ]
    [ $((charges_mj * 1000)) -le "$jobs_uj" ]
    [ $((jobs_uj - charges_mj * 1000)) -le $((parts * 1000)) ]
}

@test "roll-ups add up to the charges" {
    local charges rollups
    charges=$(ledger "SELECT SUM(mj) FROM entries")
    rollups=$(ledger "SELECT SUM(cpu_mj + dram_mj + gpu_mj + other_mj) FROM rollups")
    [ "$charges" -eq "$rollups" ]
    [ "$(root kwota usage --by account --json | jq .total_mj)" -eq "$charges" ]
}

@test "kwota verify says so, too" {
    run -0 root kwota verify --slurmdbd
    echo "$output"
    [[ $output == *"The books balance."* ]]
}
