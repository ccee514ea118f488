#!/usr/bin/env bats
# moves.bats - jobs that come back, change or are several: their liens go with them

load cluster
load quota

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    mkdir -p "$BATS_FILE_TMPDIR"
    cat >"$BATS_FILE_TMPDIR/slurm.conf" <<END
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=low Nodes=n1 State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=high Nodes=n1 State=UP PriorityTier=10 PreemptMode=OFF
END
    # No sweep helps.
    budgets_policy=".sweep_s = 600" budgets_up --slurm "$BATS_FILE_TMPDIR/slurm.conf"
}

teardown_file() {
    cluster_down
}

teardown() {
    end_of_test
}

lien_wh() { # JOB - of its run that is open
    ledger "SELECT l.mj / 3600000 FROM liens l JOIN runs r ON r.id = l.run_id WHERE r.job_id = $1 AND r.state = 'running'"
}

lien_between() { # JOB LEAST MOST
    local wh
    wh=$(lien_wh "$1")
    [ -n "$wh" ] && [ "$wh" -ge "$2" ] && [ "$wh" -le "$3" ]
}

@test "a running job's lien goes with its time limit" {
    local job
    room 100 month -A astro
    wait_for 20 limit_between astro 99 101
    job=$(core alice 600 -A astro)
    wait_for 30 lien_between "$job" 24 24
    # kwotad has seen it in the queue, too.
    wait_for 20 limit_between astro 50 98
    root scontrol update jobid="$job" TimeLimit=2
    wait_for 10 lien_between "$job" 46 47
    # Slurm holds a licence for the half of it alone.
    licence_is "$job" 24
    wait_for 10 limit_between astro 50 79
    # Four hours are more than there is.
    root scontrol update jobid="$job" TimeLimit=240
    wait_for 10 lien_between "$job" 95 101
    wait_for 10 limit_between astro 0 24
    run ! as alice scontrol update jobid="$job" TimeLimit=300
}

@test "a job that is preempted gives its lien back, and gets another when it comes back" {
    local low high
    room 400 month -A astro
    wait_for 20 limit_between astro 399 401
    low=$(core alice 55 -A astro -p low -n 4 --requeue)
    wait_for 30 lien_between "$low" 79 79
    high=$(core alice 1 -A astro -p high -n 4)
    wait_for 60 settled "$high"
    wait_for 60 runs_again "$low"
    wait_for 30 first_is_settled "$low"
    [ "$(ledger "SELECT COUNT(*) FROM liens l JOIN runs r ON r.id = l.run_id WHERE r.job_id = $low")" -eq 1 ]
    wait_for 10 lien_between "$low" 79 79
    root scancel "$low"
    wait_for 60 settled "$low"
    # Both runs are charged, each once.
    [ "$(ledger "SELECT COUNT(*) FROM entries e JOIN runs r ON r.id = e.run_id WHERE r.job_id = $low AND kind = 'charge' AND mj > 0")" -eq 2 ]
    [ "$(ledger 'SELECT COUNT(*) FROM liens')" -eq 0 ]
    no_node_drained
}

runs_again() {
    job_runs "$1" && [ "$(ledger "SELECT COUNT(*) FROM runs WHERE job_id = $1")" -eq 2 ] &&
        [ -n "$(lien_wh "$1")" ]
}

first_is_settled() {
    [ "$(ledger "SELECT state FROM runs WHERE job_id = $1 AND restart = 0")" = settled ]
}

# het USER OPTIONS… - a job of two parts, of one and of two cores: 24 and 42 Wh
het() {
    local user=$1
    shift
    printf '#!/bin/sh\ntouch %s/home/%s/het.$SLURM_JOB_ID\ntrue\n' "$dir" "$user" >"$dir/home/$user/het"
    chmod 755 "$dir/home/$user/het"
    as "$user" sbatch --parsable -o /dev/null -t 1 -n 1 "$@" : -n 2 "$@" "$dir/home/$user/het"
}

part_licence_is() { # JOB+PART WH
    root scontrol -o show job "$1" | grep -q "Licenses=kwota:$2 "
}

@test "a het job's parts have liens of their own, which are corrected one by one" {
    local job
    room 400 month -A astro
    wait_for 20 limit_between astro 399 401
    job=$(het alice -A astro --hold)
    part_licence_is "$job+0" 24
    part_licence_is "$job+1" 42
    # Not before it was looked at is it put right.
    "$top/tests/cluster" kill --dir "$dir" kwotad -STOP >&2
    root scontrol update jobid="$job+1" Licenses=kwota:7
    part_licence_is "$job+1" 7
    "$top/tests/cluster" kill --dir "$dir" kwotad -CONT >&2
    wait_for 20 part_licence_is "$job+1" 42
    part_licence_is "$job+0" 24
    root scontrol update jobid="$job+0" Licenses=kwota:7
    wait_for 20 part_licence_is "$job+0" 24
    part_licence_is "$job+1" 42
    as alice scontrol release "$job"
    wait_for 60 settled "$job+0"
    wait_for 60 settled "$job+1"
    ran_het alice "$job"
}

ran_het() {
    [ -e "$dir/home/$1/het.$2" ]
}

@test "a het job is held and released as one" {
    local job
    # Enough for each part, and not for both.
    quota -A astro -p crowd 50Wh --period month
    wait_for 20 map_is_fresh
    job=$(het alice -A astro -p crowd)
    wait_for 60 het_is_held "$job"
    run ! ran_het alice "$job"
    # It stays so: its leader alone would have room.
    wait_for 20 queue_says "$job" 'account astro, class crowd has'
    het_is_held "$job"
    [ "$(ledger "SELECT COUNT(*) FROM decisions WHERE action = 'hold'")" -eq 1 ]
    quota -A astro -p crowd 500Wh --period month
    wait_for 120 ran_het_at_last alice "$job"
    wait_for 60 queue_empty
    no_node_drained
}

# Slurm starts het jobs by backfill alone, which looks only when something has changed.
ran_het_at_last() {
    ran_het "$@" || {
        root scontrol update jobid="$2+0" Comment="$SECONDS"
        false
    }
}

het_is_held() {
    [ "$(root squeue -h -j "$1" -o %T | sort -u)" = PENDING ] &&
        [ "$(root squeue -h -j "$1" -o %Q | sort -u)" = 0 ] && held "$1"
}

queue_says() { # JOB WORDS
    root kwota queue --json | jq -r ".jobs[] | select(.job_id == \"$1\") | .why" | grep -q "$2"
}
