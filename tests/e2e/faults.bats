#!/usr/bin/env bats
# faults.bats - every daemon is killed in the middle of a job; the books stay exact

load cluster

setup_file() {
    # Counts wait in kwotad's memory as on a large cluster.
    echo '{"save_s": 4}' >"$BATS_FILE_TMPDIR/settings.json"
    cluster_up --nodes 2 --cpus 4 --tick-ms 2000 --report-ms 1000 \
        --policy "$BATS_FILE_TMPDIR/settings.json"
    wake=$(submit alice 'srun true' -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

# What both packages and both drams moved by since the plant began, and what the meter
# saw, differ by what passed before the meter's first look: that difference must not
# change, whatever dies. Compared with the plant stopped.
books_exact() {
    local jobs_uj charges_mj parts open
    open=$(ledger "SELECT COUNT(*) FROM runs WHERE state <> 'settled'")
    [ "$open" -eq 0 ] || return 1
    nodes | jq -e 'all(.nodes[].domains[]; .jobs_uj + .node_uj == .total_uj)' >/dev/null || return 1
    jobs_uj=$(nodes | jq '[.nodes[].domains[].jobs_uj] | add')
    charges_mj=$(ledger "SELECT SUM(mj) FROM entries")
    parts=$(ledger "SELECT COUNT(*) FROM run_domains")
    [ $((charges_mj * 1000)) -le "$jobs_uj" ] &&
        [ $((jobs_uj - charges_mj * 1000)) -le $((parts * 1000)) ]
}

unseen_uj() { # NODE DOMAIN - what the plant made and the meter never saw
    local made
    made=$("$build/tests/plant/kwota-plant" truth --truth "$dir/nodes/$1/truth.jsonl" \
        --domain "$2" | jq .total_uj)
    echo $((made - $(total "$1" "$2" total_uj)))
}

rest() {
    plant n1 trick stop >/dev/null
    wait_for 30 at_rest
}

at_rest() {
    local first
    first=$(total n1 package-0 total_uj)
    wait_for 15 reported_since "$(nodes | jq '.nodes[] | select(.node == "n1") | .last_report_ms')"
    [ "$first" = "$(total n1 package-0 total_uj)" ]
}

reported_since() {
    [ "$(nodes | jq '.nodes[] | select(.node == "n1") | .last_report_ms')" -ge $(($1 + 4000)) ]
}

work() {
    "$top/tests/cluster" start --dir "$dir" plant-n1 >&2
}

# A job of twelve seconds on n1, or until DAEMON, killed in its middle, is started again.
killed_in_the_middle() {
    local daemon=$1 job unseen
    rest
    unseen=$(unseen_uj n1 package-0)
    work
    job=$(submit alice "touch began.\$SLURM_JOB_ID
$(busy 12)
until [ -e again.\$SLURM_JOB_ID ]; do :; done" -A astro -n 1 -w n1 -o /dev/null)
    # Not in its prolog, which a slurmd that is killed never ends.
    wait_for 60 test -e "$dir/home/alice/began.$job"
    wait_for 20 has_energy "$job"
    # One that forgot a start starts the job again, and Slurm drains the node for it.
    saved "$job"
    "$top/tests/cluster" kill --dir "$dir" "$daemon" -9
    "$top/tests/cluster" start --dir "$dir" "$daemon" >&2
    as alice touch "$dir/home/alice/again.$job"
    wait_for 200 settled "$job"
    rest
    wait_for 30 books_exact
    echo "unseen before: $unseen uJ, after: $(unseen_uj n1 package-0) uJ"
    [ "$(unseen_uj n1 package-0)" -eq "$unseen" ]
    work
    # The job ran for twelve seconds on one of four CPUs: its share of idle alone is more.
    [ "$(job_json "$job" | jq .charge_mj)" -gt 100000 ]
    wait_for 30 no_node_drained
}

has_energy() {
    [ "$(job_json "$1" | jq '.energy.total_mj // 0')" -gt 0 ]
}

@test "kill -9 of kwota-meter" {
    killed_in_the_middle meter-n1
}

@test "kill -9 of kwotad" {
    killed_in_the_middle kwotad
}

@test "kill -9 of slurmd" {
    killed_in_the_middle slurmd-n1
}

@test "kill -9 of slurmctld" {
    killed_in_the_middle slurmctld
}

@test "kwotad away for a job's whole life: charged once it is back" {
    local job
    "$top/tests/cluster" kill --dir "$dir" kwotad -9
    job=$(submit alice "$(busy 6)" -A astro -n 1 -w n1 -o /dev/null)
    wait_for 60 queue_empty
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq .charge_mj)" -gt 50000 ]
    [ "$(job_json "$job" | jq -r .quality)" = apportioned ]
    wait_for 30 books_exact
}

@test "after all that each of slurmdbd's runs has its one charge, and the books balance" {
    wait_for 60 queue_empty
    run -0 root kwota verify --slurmdbd
    echo "$output"
    [[ $output == *"The books balance."* ]]
    # No job was left without one for any reason, that it has just ended too.
    [[ $output != *"have no charge"* ]]
}
