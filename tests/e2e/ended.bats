#!/usr/bin/env bats
# ended.bats - Slurm's own jobcomp/script tells kwotad of ends, where no plugin can
#
# kwotad looks at nothing by itself here: its sweep comes once a day.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    echo '{"sweep_s": 86400}' >"$BATS_FILE_TMPDIR/policy.json"
    cluster_up --completion script --tick-ms 500 --report-ms 500 --policy "$BATS_FILE_TMPDIR/policy.json"
}

teardown_file() {
    cluster_down
}

teardown() {
    no_node_drained
}

# told JOB - how often the journal names it
told() {
    grep -c "^{\"job\":$1,\"time\":[0-9]*}\$" "$dir/spool/kwota/ended.journal"
}

is_told() {
    [ "$(told "$1")" -ge 1 ]
}

# Slurm calls a job running in its prolog: of one that ends there no cgroup is ever seen, and
# that it is over a node hears late.
script_runs() { # USER JOB
    [ -e "$dir/home/$1/began.$2" ]
}

@test "a run is settled because the script said that it ended" {
    root scontrol show config | grep -q 'JobCompType *= jobcomp/script'
    job=$(submit alice 'sleep 1')
    wait_for 60 settled "$job"
    [ "$(told "$job")" -eq 1 ]
    [ "$(job_json "$job" | jq -r .slurm_state)" = COMPLETED ]
}

@test "array tasks, a cancelled job and a requeued one are told by their own numbers" {
    array=$(submit alice 'sleep 1' --array=1-2)
    long=$(submit bob 'touch began.$SLURM_JOB_ID; sleep 600')
    wait_for 60 script_runs bob "$long"
    root scancel "$long"
    wait_for 60 settled "${array}_1"
    wait_for 60 settled "${array}_2"
    wait_for 60 settled "$long"
    again=$(submit bob 'touch began.$SLURM_JOB_ID; sleep 600' --requeue)
    wait_for 60 script_runs bob "$again"
    root scontrol requeue "$again"
    wait_for 60 is_told "$again"
    root scancel "$again"
}
