#!/usr/bin/env bats
# runs.bats - requeues, arrays, het jobs, cancelled jobs: each run once, named as Slurm does

load cluster

setup_file() {
    cluster_up --nodes 2 --cpus 8 --tick-ms 1000 --report-ms 1000 --settle-timeout-s 20
    wake=$(submit alice 'srun true' -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

# No job is left to the next test.
teardown() {
    root sh -c 'squeue -h -o %A | sort -u | xargs -r scancel' || true
    wait_for 60 queue_empty
}

charge() {
    job_json "$1" | jq .charge_mj
}

@test "the end-of-job block stands in the job's output, labelled simulated" {
    local job
    job=$(submit alice "$(busy 3)" -A astro -n 1 -o block.out)
    wait_for 60 settled "$job"
    cat "$dir/home/alice/block.out"
    grep -q "kwota: job $job used .* kWh" "$dir/home/alice/block.out"
    grep -q simulated "$dir/home/alice/block.out"
}

@test "the user can switch the block off" {
    local job
    job=$(submit alice true -A astro -n 1 --energy-report=no -o quiet.out)
    wait_for 60 settled "$job"
    ! grep -q kwota "$dir/home/alice/quiet.out"
}

@test "srun --energy-report prints the block on stderr only" {
    run --separate-stderr as alice srun -A astro -n 1 --energy-report sh -c 'echo out'
    echo "$stderr"
    [ "$status" -eq 0 ]
    [ "$output" = out ]
    [[ "$stderr" == *kWh* ]]
}

@test "sbatch --parsable prints the job id and nothing else" {
    run --separate-stderr submit alice true -A astro -n 1 -o /dev/null
    [[ "$output" =~ ^[0-9]+$ ]]
    # It runs for a moment: gone before the next test counts running jobs.
    wait_for 60 all_settled "$output"
}

# top_is JOBS… - the jobs that kwota top shows to root, in their order, each with its power
top_is() {
    [ "$(root kwota top --json | jq -r '[.runs[] | if .mw != null then .job_id else "?" end] | join(" ")')" = "$*" ]
}

@test "kwota top shows running jobs, those that draw most first, to each their own" {
    local light heavy
    light=$(submit bob 'sleep 600' -A plasma -n 1 -o /dev/null)
    heavy=$(submit alice "$(busy 600 3)" -A astro -n 3 -o /dev/null)
    wait_for 60 top_is "$heavy" "$light"
    run root kwota top --once
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" =~ ^2\ running\ jobs,\ [0-9.]+\ W\ \[simulated\]$ ]]
    [[ "${lines[1]}" == *JOBID*USER*POWER*LEFT*CAP* ]]
    [[ "${lines[2]}" == *"$heavy"*alice*astro*" W "* ]]
    [[ "${lines[3]}" == *"$light"*bob*plasma*" W "* ]]
    run as bob kwota top
    [[ "$output" == *"1 running job,"* && "$output" != *alice* ]]
    run root kwota top -u nobody
    [ "$output" = "no job runs" ]
    # On a terminal it goes on until somebody quits, and leaves the terminal as it was.
    printf q | root script -qec 'TERM=xterm timeout --foreground 60 kwota top' "$dir/top.typescript" >/dev/null
    grep -aq "2 running jobs" "$dir/top.typescript"
    run root env TERM=unheard-of script -qec 'kwota top' /dev/null
    [[ "$output" == *"TERM=unheard-of"*--once* ]]
    root scancel "$light" "$heavy"
    wait_for 60 all_settled "$light" "$heavy"
}

@test "a requeued job is two runs, each with one charge" {
    local job
    job=$(submit alice "$(busy_again 3)" -A astro -n 1 --requeue -o /dev/null)
    wait_for 60 job_runs "$job"
    wait_for 30 used_something "$job"
    root scontrol requeue "$job"
    # A requeued job waits two minutes by default, from when its nodes are free.
    wait_for 60 waits_for_its_time "$job"
    root scontrol update "JobId=$job" StartTime=now
    wait_for 90 runs_settled "$job" 2
    [ "$(ledger "SELECT COUNT(*) FROM entries e JOIN runs r ON e.run_id = r.id WHERE r.job_id = $job AND e.kind = 'charge'")" -eq 2 ]
    [ "$(ledger "SELECT COUNT(DISTINCT restart) FROM runs WHERE job_id = $job")" -eq 2 ]
}

used_something() {
    [ "$(job_json "$1" | jq '.energy.total_mj // 0')" -gt 0 ]
}

waits_for_its_time() {
    root scontrol show job "$1" | grep -q 'Reason=BeginTime'
}

runs_settled() {
    [ "$(ledger "SELECT COUNT(*) FROM runs WHERE job_id = $1 AND state = 'settled'")" -eq "$2" ]
}

@test "array tasks are shown as Slurm prints them" {
    local job
    job=$(submit bob "$(busy 2)" -A plasma -a 1-3 -n 1 -o /dev/null)
    wait_for 90 all_settled "${job}_1" "${job}_2" "${job}_3"
    [ "$(job_json "${job}_2" | jq -r .job_id)" = "${job}_2" ]
    [ "$(charge "${job}_2")" -gt 0 ]
}

@test "het jobs are shown as Slurm prints them" {
    local job
    job=$(as bob sbatch --parsable -A plasma -n 1 -o /dev/null : -n 1 --wrap 'srun --het-group=0,1 sleep 2' | tail -n 1)
    wait_for 90 all_settled "${job}+0" "${job}+1"
    [ "$(job_json "${job}+1" | jq -r .job_id)" = "${job}+1" ]
}

@test "a job cancelled while it runs is charged for what it used" {
    local job
    job=$(submit carol "$(busy 600)" -A bio -n 1 -o /dev/null)
    wait_for 60 job_runs "$job"
    wait_for 30 used_something "$job"
    as carol scancel "$job"
    wait_for 60 settled "$job"
    [ "$(charge "$job")" -gt 0 ]
}

@test "a job cancelled before it starts has no run" {
    local job
    job=$(submit carol true -A bio -n 1 -o /dev/null --begin=now+1hour)
    as carol scancel "$job"
    # The next job's settlement shows that kwotad has looked at the journal since.
    local next
    next=$(submit carol true -A bio -n 1 -o /dev/null)
    wait_for 60 settled "$next"
    [ "$(ledger "SELECT COUNT(*) FROM runs WHERE job_id = $job")" -eq 0 ]
    run root kwota job "$job"
    [ "$status" -eq 1 ]
}

@test "a node whose final comes late: settled without it, then adjusted by itself" {
    local job enough=$dir/etc/enough
    job=$(submit alice "srun -n 2 -N 2 sh -c 'until [ -e $enough ]; do :; done'" -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 job_runs "$job"
    wait_for 30 used_something "$job"
    wait_for 30 told_by_nodes "$job" 2
    "$top/tests/cluster" kill --dir "$dir" meter-n2 -STOP
    # It ends when the meter has stopped, however long that took.
    touch "$enough"
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq -r .quality)" = partial ]
    local before
    before=$(charge "$job")
    "$top/tests/cluster" kill --dir "$dir" meter-n2 -CONT
    # The next job on n2 lets its meter know that the first is over.
    submit alice true -A astro -n 1 -w n2 -o /dev/null
    wait_for 60 adjusted "$job"
    [ "$(charge "$job")" -gt "$before" ]
}

told_by_nodes() {
    [ "$(ledger "SELECT COUNT(DISTINCT node) FROM tokens WHERE job_id = $1")" -eq "$2" ]
}

adjusted() {
    [ "$(ledger "SELECT COUNT(*) FROM entries e JOIN runs r ON e.run_id = r.id WHERE r.job_id = $1 AND e.kind = 'adjustment'")" -ge 1 ]
}

@test "kwotad knows what a node has and what a job holds there" {
    local job
    job=$(submit alice "$(busy 600)" -A astro -n 1 -c 3 --mem 200 -o /dev/null)
    wait_for 60 job_runs "$job"
    wait_for 30 holds "$job" 3 200
    as alice scancel "$job"
    wait_for 30 node_has n1 8
    [ "$(ledger "SELECT memory_mb > 0 FROM node_facts WHERE node = 'n1'")" -eq 1 ]
}

@test "of a job on two nodes kwotad knows what it holds on each" {
    local job said="$dir/home/alice/said"
    job=$(submit alice "echo \$SLURM_JOB_CPUS_PER_NODE >$said; sleep 600" -A astro -N 2 -n 3 -o /dev/null)
    wait_for 60 test -s "$said"
    # One has two of its CPUs, the other one.
    [ "$(tr , '\n' <"$said" | sort | tr '\n' ' ')" = '1 2 ' ]
    wait_for 30 holds_on_each "$job" "$(cat "$said")"
    as alice scancel "$job"
}

holds_on_each() {
    [ "$(ledger "SELECT GROUP_CONCAT(cpus) FROM (SELECT cpus FROM tokens WHERE job_id = $1 ORDER BY node)")" = "$2" ]
}

holds() {
    [ "$(ledger "SELECT cpus || ' ' || memory_mb FROM tokens WHERE job_id = $1")" = "$2 $3" ]
}

node_has() {
    [ "$(ledger "SELECT cpus FROM node_facts WHERE node = '$1'")" -eq "$2" ]
}

@test "a job's name cannot act on the reader's terminal" {
    local job
    job=$(submit alice true -A astro -n 1 -o /dev/null -J "$(printf 'a\033[2Jb')")
    wait_for 60 settled "$job"
    root kwota job "$job" | grep -qF 'a?[2Jb'
}

@test "wrong input gets a sentence and a status" {
    run root kwota jbo 1
    [ "$status" -eq 2 ]
    [[ "$output" == *job* ]]
    run root kwota job nonsense
    [ "$status" -ne 0 ]
    [[ "$output" == *nonsense* ]]
    run root kwota usage --start yesteryear
    [ "$status" -eq 2 ]
    [[ "$output" == *yesteryear* ]]
    run root env KWOTA_CONF=/nonexistent kwota --server 127.0.0.1:1 job 1
    [ "$status" -eq 3 ]
    [[ "$output" == *127.0.0.1* ]]
}
