#!/usr/bin/env bats
# takeover.bats - Slurm's own daemons reconfigured, replaced, away: nothing lost, nobody waits
#
# KWOTA_TEST_AWAY_S: for so long slurmdbd is away (default 15).

load cluster
load quota

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    budgets_up --backup
}

teardown_file() {
    cluster_down
}

teardown() {
    end_of_test
}

meter_pids() {
    cat "$dir"/run/kwota/n*.pid
}

# What the plants say the job caused, in mJ.
caused_mj() {
    { truth n1 && truth n2; } | jq -s --arg job "$1" '[.[] | .jobs? | .[$job]?.uj // empty | add? // .] | add / 1000 | floor'
}

charged_what_it_caused() { # JOB
    local charged caused
    charged=$(job_json "$1" | jq .charge_mj)
    caused=$(caused_mj "$1")
    echo "job $1: charged $charged mJ, caused $caused mJ"
    jq -ne "(($charged - $caused) | fabs) * 20 <= $caused and $caused > 0" >/dev/null
}

answers() {
    root timeout 5 squeue -h
}

books_are_right() {
    root kwota verify --slurmdbd
}

@test "scontrol reconfigure while jobs run: the same meters, the same account" {
    local job before
    before=$(meter_pids)
    job=$(submit alice "$(busy 12)
until [ -e $dir/etc/reconfigured ]; do sleep 0.2; done" -A astro -n 1 -t 2 -o /dev/null)
    wait_for 30 job_runs "$job"
    for _ in 1 2 3; do
        root scontrol reconfigure
        wait_for 10 answers
    done
    touch "$dir/etc/reconfigured"
    wait_for 60 settled "$job"
    charged_what_it_caused "$job"
    [ "$(meter_pids)" = "$before" ]
    no_node_drained
}

@test "the backup controller takes over and gives back: who runs is charged, who waits waits on" {
    local runs first second third fourth from
    runs=$(submit alice "$(busy 25)" -A astro -n 1 -t 2 -o /dev/null)
    # For one, so that the second waits even when the first is over.
    room 24 month -A plasma
    wait_for 20 limit_is plasma 24
    one_at_a_time bob plasma bob plasma
    # What slurmctld has not saved, no backup knows.
    saved "$second"
    "$top/tests/cluster" kill --dir "$dir" slurmctld -9 >&2
    wait_for 60 answers
    wait_for 20 waits_for_energy "$second"
    limit_between plasma 0 31
    third=$(core alice 1 -A astro)
    licence_is "$third" 24
    wait_for 90 settled "$third"
    wait_for 90 settled "$runs"
    charged_what_it_caused "$runs"
    [ -z "$(root squeue -h -j "$second" -o %N)" ]
    from=$(wc -l <"$dir/log/slurmctld")
    "$top/tests/cluster" start --dir "$dir" slurmctld >&2
    wait_for 60 primary_acts "$from"
    fourth=$(core alice 1 -A astro)
    licence_is "$fourth" 24
    quota -A plasma 400Wh --period month
    wait_for 120 all_settled "$first" "$second" "$third" "$fourth"
    books_are_right
    no_node_drained
}

primary_acts() { # LINES that its log had before
    grep -q 'Running as primary controller' <(tail -n "+$(($1 + 1))" "$dir/log/slurmctld") && answers
}

# As systemd does after an upgrade: ended, and started again.
restart() { # DAEMON
    "$top/tests/cluster" kill --dir "$dir" "$1" >&2
    wait_for 20 gone "$1"
    "$top/tests/cluster" start --dir "$dir" "$1" >&2
}

gone() {
    ! "$top/tests/cluster" kill --dir "$dir" "$1" -0
}

@test "every daemon of Slurm's and of kwota's is restarted while jobs run: the books are exact" {
    local one two daemon
    one=$(core alice 30 -A astro -t 2 -w n1)
    two=$(core bob 30 -A plasma -n 2 -N 2 -t 2)
    # A slurmd that ends in a prolog never says that it is over.
    wait_for 30 ran alice "$one"
    wait_for 30 ran bob "$two"
    for daemon in slurmdbd slurmd-n1 slurmd-n2 meter-n1 meter-n2; do
        restart "$daemon"
    done
    # A kwotad that begins while there is no slurmctld knows whose ledger it is all the same.
    "$top/tests/cluster" kill --dir "$dir" slurmctld >&2
    restart kwotad
    "$top/tests/cluster" start --dir "$dir" slurmctld >&2
    wait_for 120 all_settled "$one" "$two"
    charged_what_it_caused "$one"
    charged_what_it_caused "$two"
    [ "$(ledger 'SELECT COUNT(*) FROM runs')" -eq "$(ledger 'SELECT COUNT(DISTINCT job_id) FROM runs')" ]
    books_are_right
    no_node_drained
}

@test "slurmdbd away: jobs are admitted, run and are charged; it has all of them afterwards" {
    local away_s=${KWOTA_TEST_AWAY_S:-15} until jobs=() job told
    told=$(told_away)
    "$top/tests/cluster" kill --dir "$dir" slurmdbd -9 >&2
    until=$((SECONDS + away_s))
    while [ "$SECONDS" -lt "$until" ]; do
        job=$(as alice timeout 60 sbatch --parsable -A astro -n 1 -t 1 -o /dev/null --wrap "$(busy 2)")
        licence_is "$job" 24
        jobs+=("$job")
        wait_for 60 settled "$job"
    done
    # kwotad says so, once, and does not blame slurm.conf.
    [ "$(told_away)" -le $((told + 1)) ]
    run ! grep 'Slurm has no TRES' "$dir/log/kwotad.out"
    "$top/tests/cluster" start --dir "$dir" slurmdbd >&2
    echo "${#jobs[@]} jobs while slurmdbd was away"
    wait_for 60 in_slurmdbd "${jobs[@]}"
    books_are_right
    no_node_drained
}

told_away() {
    grep -c 'slurmdbd does not answer: the last limits hold' "$dir/log/kwotad.out" || true
}

in_slurmdbd() {
    [ "$(root sacct -X -n -P -j "$(IFS=, && echo "$*")" -o JobID,State | grep -c '|COMPLETED$')" -eq $# ]
}
