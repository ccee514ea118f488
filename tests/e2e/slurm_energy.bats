#!/usr/bin/env bats
# slurm_energy.bats - Slurm's own energy figures are kwota's

load cluster

setup_file() {
    cluster_up --nodes 2 --cpus 8 --tick-ms 10000 --report-ms 1000 --slurm-energy
}

teardown_file() {
    cluster_down
}

# sacct's figure of a job, in joules
slurm_joules() {
    root sacct -X -n -P -j "$1" -o ConsumedEnergyRaw
}

has_slurm_joules() {
    [[ "$(slurm_joules "$1")" =~ ^[0-9]+$ ]]
}

# within JOB - sacct's joules are kwota's within 1 %, or two seconds of the job's mean
# power (between the extern step's last poll and the epilog), and the rounding to joules
within() {
    local run slurm
    slurm=$(slurm_joules "$1")
    run=$(job_json "$1")
    jq -e --argjson slurm "$slurm" '
        (.energy.total_mj / 1000) as $kwota | (.end - .start) as $s
        | ([$kwota / 100, 2 * $kwota / ([$s, 1] | max)] | max) as $may
        | ($slurm - $kwota | fabs) <= $may + 1' <<<"$run" || {
        printf 'job %s: sacct %s J, kwota %s\n' "$1" "$slurm" "$(jq -c '[.energy.total_mj, .start, .end]' <<<"$run")"
        return 1
    }
}

@test "fifty jobs on shared nodes: sacct's and sreport's energy is kwota's" {
    local jobs=() i user account
    for i in {1..50}; do
        case $((i % 3)) in
        0) user=alice account=astro ;;
        1) user=bob account=plasma ;;
        2) user=carol account=bio ;;
        esac
        jobs+=("$(submit "$user" "srun -n 1 --overlap timeout $((i % 4 + 2)) sh -c 'while :; do :; done'; sleep $((i % 2)); true" -A "$account" -n 1 -o /dev/null)")
    done
    wait_for 240 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    for i in "${jobs[@]}"; do
        wait_for 60 has_slurm_joules "$i"
        within "$i"
    done
}

node_watts() {
    root scontrol show node n1 | sed -n 's/.*CurrentWatts=\([0-9]*\).*/\1/p'
}

draws_more_than() {
    [ "$(node_watts)" -gt "$1" ]
}

@test "scontrol show node has the node's watts" {
    local job idle
    wait_for 30 draws_more_than 0
    idle=$(node_watts)
    job=$(submit alice "$(busy 60 8)" -A astro -n 8 -w n1 -o /dev/null)
    # Two cores at least are busy then, whatever else this machine does.
    wait_for 60 draws_more_than $((idle + 4))
    root scancel "$job"
    wait_for 60 queue_empty
}

sacct_says() {
    root sacct -X -n -P -j "$1" -o State,ConsumedEnergyRaw | grep -qE "$2"
}

# Unknown is never zero, and Slurm waits for no meter.
@test "a job whose meter is gone has no energy in sacct, and ends in time" {
    local job
    "$top/tests/cluster" kill --dir "$dir" meter-n2 -STOP
    job=$(submit alice true -A astro -n 1 -w n2 -o /dev/null)
    wait_for 60 sacct_says "$job" '^COMPLETED\|$'
    "$top/tests/cluster" kill --dir "$dir" meter-n2 -CONT
    no_node_drained
}
