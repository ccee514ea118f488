#!/usr/bin/env bats
# stopped.bats - a meter or a kwotad that does not answer delays no job and drains no node

load cluster

setup_file() {
    cluster_up --nodes 1 --cpus 4 --tick-ms 2000 --report-ms 1000
    wake=$(submit alice 'true' -A astro -n 1 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

# Milliseconds from sbatch until the job has left the queue. (sbatch --wait looks only every
# few seconds.)
job_takes_ms() {
    local from
    from=$(date +%s%3N)
    submit alice true -A astro -n 1 -o "$1" >/dev/null
    wait_for 60 queue_empty
    echo $(($(date +%s%3N) - from))
}

# is_quick OUTPUT - such a job takes no longer than is waited for; a machine that stood still
# meanwhile is asked again: what kwota delays it delays each time
is_quick() {
    local took
    for _ in 1 2 3; do
        took=$(job_takes_ms "$1") || return
        echo "took $took ms"
        [ "$took" -gt "$patience_ms" ] || return 0
    done
    return 1
}

# Three hooks (prolog, the batch step's task_exit, epilog), each at most the time-out of
# 2 s, the extern step's half a second, and the scheduler's own pace on a slow machine.
patience_ms=$((3 * 2000 + 500 + 4000))

@test "a stopped kwotad delays nothing" {
    "$top/tests/cluster" kill --dir "$dir" kwotad -STOP
    local quick=yes
    is_quick /dev/null || quick=no
    "$top/tests/cluster" kill --dir "$dir" kwotad -CONT
    [ "$quick" = yes ]
    no_node_drained
}

@test "a stopped kwota-meter delays each hook by no more than the time-out" {
    "$top/tests/cluster" kill --dir "$dir" meter-n1 -STOP
    local quick=yes
    is_quick "$dir/home/alice/stopped.out" || quick=no
    "$top/tests/cluster" kill --dir "$dir" meter-n1 -CONT
    [ "$quick" = yes ]
    no_node_drained
    cat "$dir/home/alice/stopped.out"
    grep -q 'no measurement' "$dir/home/alice/stopped.out"
}

@test "after that, jobs are measured again" {
    local job
    job=$(submit alice "$(busy 3)" -A astro -n 1 -o /dev/null)
    wait_for 60 settled "$job"
    [ "$(job_json "$job" | jq .charge_mj)" -gt 0 ]
}
