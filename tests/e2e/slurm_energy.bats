#!/usr/bin/env bats
# slurm_energy.bats - Slurm's own energy figures are kwota's

load cluster

setup_file() {
    cluster_up --nodes 2 --cpus 8 --tick-ms 10000 --report-ms 1000 --slurm-energy --cred-expire 5
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

# The hours of this file, in progress or not: sacctmgr rolls up whole hours, and an hour
# whose end lies ahead counts as one.
roll_up() {
    from=$(date -d "@$began" +%Y-%m-%dT%H:00:00)
    until=$(date -d 'now + 1 hour' +%Y-%m-%dT%H:00:00)
    root sacctmgr -i rollup "$from" "$until"
}

# account_joules ACCOUNT - sreport's energy of it; it divides joules by 60, too, unless
# the time is to be in seconds
account_joules() {
    root sreport -n -P cluster AccountUtilizationByUser -T energy -t seconds start="$from" end="$until" |
        awk -F'|' -v account="$1" '$2 == account && $3 == "" { print $6 }'
}

# account_within ACCOUNT - sreport's joules are what `kwota usage` has of the account,
# within what its jobs may differ by
account_within() {
    local slurm kwota may
    slurm=$(account_joules "$1")
    kwota=$(root kwota usage --by account --start "$from" --json |
        jq --arg account "$1" '[.rows[] | select(.account == $account) | .mj] | add // 0')
    may=$(ledger "SELECT SUM(MAX(mj / 100, 2 * mj / MAX(end_s - start_s, 1)) + 1000) FROM (
        SELECT SUM(e.mj) AS mj, r.start_s, r.end_s FROM entries e JOIN runs r ON r.id = e.run_id
        WHERE r.account = '$1' GROUP BY r.id)")
    [ "$slurm" -gt 0 ] && jq -en "($slurm * 1000 - $kwota | fabs) <= $may" || {
        printf 'account %s: sreport %s J, kwota %s mJ, may differ by %s mJ\n' "$1" "$slurm" "$kwota" "$may"
        return 1
    }
}

@test "fifty jobs on shared nodes: sacct's and sreport's energy is kwota's" {
    local jobs=() i user account began from until
    began=$(date +%s)
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
        # What the last of its steps used may come after the others'.
        wait_for 60 within "$i"
    done
    roll_up
    for account in astro plasma bio; do
        account_within "$account"
    done
}

# summaries JOB - the system_comment of each of a job's runs, the oldest first
summaries() {
    root sacct -X -D -n -P -j "$1" -o Submit,SystemComment | sort | cut -d'|' -f2-
}

# What slurmdbd has of a job's runs, and what kwota has.
both_sides() {
    root sacct -X -D -n -P -j "$1" -o State,Submit,Start,End,SystemComment
    root kwota job "$1" --restart all --json
    ledger "SELECT * FROM summaries_due"
}

# told JOB RUNS - slurmdbd has a summary of each run, and it is what kwota has of it
told() {
    [ "$(summaries "$1" | jq -c '{total_mj, cpu_mj, dram_mj, charge_mj, quality, simulated}')" = \
        "$(root kwota job "$1" --restart all --json |
            jq -c '.runs[] | {total_mj: .energy.total_mj, cpu_mj: .energy.cpu_mj, dram_mj: .energy.dram_mj,
                          charge_mj, quality, simulated}')" ] &&
        [ "$(summaries "$1" | jq -c .charge_mj | sort -u | wc -l)" -eq "$2" ]
}

# From 25.11 on slurmdbd takes a run's joules from kwotad.
takes_joules() {
    [ "$(root sacct -V | sed -nE 's/^[^0-9]*([0-9]+)\.([0-9]+).*/\1\2/p')" -ge 2511 ]
}

# joules JOB - sacct's of each run, the oldest first: its ConsumedEnergyRaw and, of its
# AllocTRES, the energy
joules() {
    root sacct -X -D -n -P --noconvert -j "$1" -o Submit,ConsumedEnergyRaw,AllocTRES | sort |
        sed -E 's/^[^|]*\|([^|]*)\|(.*energy=([0-9]+))?.*/\1 \3/'
}

# has_settled JOB - they are what kwota settled each run at, in whole joules
has_settled() {
    [ "$(joules "$1")" = "$(root kwota job "$1" --restart all --json |
        jq -r '.runs[] | (.energy.total_mj + 500) / 1000 | floor | "\(.) \(.)"')" ]
}

# sql TEXT - asks slurmdbd's database
sql() {
    # shellcheck source=/dev/null
    . "$dir/settings"
    root mariadb --no-defaults -h 127.0.0.1 -P "$port" -u slurm -pslurm -N slurm_acct_db -e "$1"
}

# slurmctld's word of a run's last step may reach slurmdbd after kwotad's of the run, and
# brings TRES of its own: here what comes with a new summary is always undone so.
undo_joules() {
    sql 'CREATE TRIGGER late BEFORE UPDATE ON kwota_job_table FOR EACH ROW SET NEW.tres_alloc =
        IF(NEW.system_comment <=> OLD.system_comment, NEW.tres_alloc, OLD.tres_alloc)'
}

# What a roll-up makes of them: the joules anew in each hour that a run was eligible or ran in.
rolled_joules() {
    root env SLURM_TIME_FORMAT=%s sacct -X -D -n -P -j "$1" -o Eligible,End,ConsumedEnergyRaw |
        awk -F'|' '{ sum += $3 * (int($2 / 3600) - int($1 / 3600) + 1) } END { print sum }'
}

with_joules() {
    jq '.slurmdbd.energy = true' "$dir/etc/kwota.json" >"$dir/etc/kwota.json.new"
    mv "$dir/etc/kwota.json.new" "$dir/etc/kwota.json"
    "$top/tests/cluster" kill --dir "$dir" kwotad >&2
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
}

@test "what a settled run came to is in its system_comment, of each run its own; from Slurm 25.11 on its joules, too" {
    local job array before began from until
    with_joules
    began=$(date +%s)
    roll_up
    before=$(account_joules astro)
    ! takes_joules || undo_joules
    array=$(submit carol 'sleep 1' -A bio -n 1 -o /dev/null --array=1-3)
    job=$(submit alice "$(busy_again 3)" -A astro -n 1 -o /dev/null)
    wait_for 30 job_runs "$job"
    root scontrol requeue "$job"
    wait_for 90 queue_empty
    wait_for 60 told "$job" 2 || {
        both_sides "$job"
        return 1
    }
    for task in 1 2 3; do
        wait_for 30 told "${array}_$task" 1
    done
    root sacct -X -D -n -P -j "$job" -o State | sort | paste -sd, | grep -x COMPLETED,REQUEUED
    if takes_joules; then
        wait_for 30 has_settled "$job" || {
            joules "$job"
            return 1
        }
        for task in 1 2 3; do
            wait_for 30 has_settled "${array}_$task"
        done
        sql 'DROP TRIGGER late'
        roll_up
        echo "before: ${before:-0}, rolled: $(rolled_joules "$job"), now: $(account_joules astro)"
        [ "$(account_joules astro)" -eq $((${before:-0} + $(rolled_joules "$job"))) ]
    else
        grep 'slurmdbd.energy has no effect: Slurm takes a job.s joules from 25.11 on' "$dir/log/kwotad.out"
        joules "$job"
        [[ "$(joules "$job" | head -n 1)" =~ ^0?\ $ ]]
    fi
}

@test "slurmdbd away is told later; a user's comment stays, and a system_comment that is not kwota's" {
    local own theirs away go=$dir/etc/go
    own=$(submit alice "until [ -e $go ]; do sleep 0.2; done" -A astro -n 1 -o /dev/null)
    theirs=$(submit bob "until [ -e $go ]; do sleep 0.2; done" -A plasma -n 1 -o /dev/null)
    # Commented before kwotad has anything to tell of them.
    wait_for 60 sacct_says "$own" '^RUNNING'
    wait_for 60 sacct_says "$theirs" '^RUNNING'
    root sacctmgr -i modify job where jobid="$own" set Comment=mine
    root sacctmgr -i modify job where jobid="$theirs" set SystemComment=theirs
    touch "$go"
    wait_for 60 queue_empty
    wait_for 30 grep -q "job $theirs has a system_comment in slurmdbd that is not kwota's" "$dir/log/kwotad.out"
    "$top/tests/cluster" kill --dir "$dir" slurmdbd -9 >&2
    away=$(submit alice true -A astro -n 1 -o /dev/null)
    wait_for 60 all_settled "$away"
    wait_for 30 grep -q 'it is told later what runs came to' "$dir/log/kwotad.out"
    "$top/tests/cluster" start --dir "$dir" slurmdbd >&2
    wait_for 60 told "$away" 1
    wait_for 60 told "$own" 1
    root sacct -X -n -P -j "$own" -o Comment | grep -x mine
    root sacct -X -n -P -j "$theirs" -o SystemComment | grep -x theirs
    if takes_joules; then
        wait_for 60 has_settled "$theirs"
    fi
}

# past JOB NAME COUNT SECONDS TRES - so many past jobs like this one, a minute apart; what
# slurmctld may still owe slurmdbd of it is said
past() {
    sql "SET @top = (SELECT MAX(id_job) FROM kwota_job_table);
        CREATE TEMPORARY TABLE past AS SELECT j.*, seq FROM kwota_job_table j, seq_1_to_$3 WHERE id_job = $1;
        UPDATE past SET job_db_inx = 0, id_job = @top + seq, job_name = '$2',
            time_end = time_submit - 3600 - seq * 60, time_start = time_end - $4, time_eligible = time_start,
            time_submit = time_start, \`partition\` = 'main', tres_req = '1=8,4=1', tres_alloc = '$5';
        ALTER TABLE past DROP seq;
        INSERT INTO kwota_job_table SELECT * FROM past"
}

import() {
    root kwota import-sacct --start now-7days --json "$@" | jq -r '"\(.new) \(.by_slurm) \(.by_nameplate) \(.no_power)"'
}

# What was imported is on disk soon, not at once.
imported_is() {
    [ "$(ledger "SELECT DISTINCT source || ' ' || mw || ' ' || elapsed_s FROM history_past")" = "$1" ]
}

@test "import-sacct: past jobs become history, once" {
    local job
    job=$(submit alice true -A astro -N 1 -n 8 -o /dev/null)
    wait_for 60 told "$job" 1
    past "$job" whole 6 100 1=8,3=25000,4=1
    past "$job" shared 2 100 1=4,3=25000,4=1
    past "$job" brief 3 59 1=8,3=25000,4=1
    import --dry-run
    [ "$(import --dry-run)" = "0 6 0 2" ]
    [ "$(ledger 'SELECT COUNT(*) FROM history_past')" -eq 0 ]
    [ "$(import)" = "6 6 0 2" ]
    [ "$(import)" = "0 6 0 2" ]
    wait_for 20 imported_is 'slurm 250000 100'
    as alice kwota quote -A astro -J whole -n 8 -N 1 -t 60 | grep -F "history: 6 runs (6 of them Slurm's, estimated)"
    run as alice kwota import-sacct
    [ "$status" -eq 1 ]
    [[ "$output" = *'only operators may import'* ]]
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
    job=$(submit alice "$(busy 600 8)" -A astro -n 8 -w n1 -o /dev/null)
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
