#!/usr/bin/env bats
# strict.bats - 300 jobs into a quota that fits a fifth of them: it holds at every moment
#
# Jobs of three users in two accounts under one parent, from several shells at once, by
# sbatch, srun, salloc and as arrays; some are requeued, some have their time limit or
# licences changed, and kwotad is killed five times meanwhile.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    mkdir -p "$BATS_FILE_TMPDIR"
    cat >"$BATS_FILE_TMPDIR/figures.json" <<'END'
{"package": {"idle_mw": 100000, "core_mw": 500000, "range_uj": 65532610987, "limit_mw": 9000000},
 "dram": {"idle_mw": 2000, "core_mw": 1000, "range_uj": 65532610987, "limit_mw": 100000}}
END
    # Ten times what jobs of a few seconds use in the minute that is the shortest limit.
    cat >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"enforce": "strict",
 "estimate": {"nameplate": {"*": {"node_w": 60, "cpu_w": 120, "gpu_w": 0}},
              "history": {"runs": 0}},
 "limits": {"breaker": {"holds_per_minute": 1000, "kills_per_minute": 1000}}}
END
    cluster_up --nodes 3 --cpus 8 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json"
}

teardown_file() {
    cluster_down
}

# What is charged to astro and plasma together, in mJ.
charged_mj() {
    ledger "SELECT COALESCE(SUM(e.mj), 0) FROM entries e JOIN runs r ON r.id = e.run_id
            WHERE r.account IN ('astro', 'plasma', 'physics') AND e.kind <> 'overrun'"
}

# Looks at the books until they are told to stop; the most that was ever charged.
watch_charges() {
    local most=0 now
    while [ ! -e "$1" ]; do
        # kwotad is killed and begins again meanwhile: the next look will do.
        now=$(charged_mj) || now=0
        [ "$now" -le "$most" ] || most=$now
        read -rt 0.3 <> <(:) || true
    done
    echo "$most" >"$1.most"
}

# jobs USER ACCOUNT COUNT - as fast as they can be said
jobs_of() {
    local user=$1 account=$2 count=$3 i
    for ((i = 0; i < count; i++)); do
        submit "$user" "touch $dir/home/$user/ran.\$SLURM_JOB_ID; timeout $((1 + RANDOM % 4)) sh -c 'while :; do :; done'; true" \
            -A "$account" -n 1 -t 1 -o /dev/null || true
    done >>"$BATS_TEST_TMPDIR/ids.$user.$account"
}

all_wait_or_are_over() {
    ! root squeue -h -t RUNNING,COMPLETING,CONFIGURING -o %i | grep -q . &&
        ! root squeue -h -t PENDING -o '%r' | grep -qvE 'AssocGrpLicense|job requeued in held state|JobHeldAdmin|BeginTime|Priority|Resources'
}

@test "300 jobs into a quota that fits a fifth of them" {
    local pids=() i job quota_mj stop=$BATS_TEST_TMPDIR/stop waiting holds starts
    # Twenty-four cores are two in truth, which the jobs share: some 0.5 kJ each.
    quota_mj=$((45 * 1000000))
    root kwota quota set -A physics 45000J --period 30days --why test
    wait_for 20 limited physics
    watch_charges "$stop" 3>&- &
    jobs_of alice astro 80 3>&- & pids+=($!)
    jobs_of bob astro 60 3>&- & pids+=($!)
    jobs_of bob plasma 60 3>&- & pids+=($!)
    jobs_of dave physics 40 3>&- & pids+=($!)
    for i in 1 2 3; do
        submit alice "timeout 2 sh -c 'while :; do :; done'; true" -A astro -n 1 -t 1 -o /dev/null --array=1-15 >/dev/null
    done
    for i in 1 2 3 4 5; do
        as bob timeout 100 srun -A plasma -n 1 -t 1 timeout 2 sh -c 'while :; do :; done' >/dev/null 2>&1 3>&- & pids+=($!)
        as alice timeout 100 salloc -A astro -n 1 -t 1 timeout 2 sh -c 'while :; do :; done' >/dev/null 2>&1 3>&- & pids+=($!)
    done
    for i in 1 2 3 4 5; do
        "$top/tests/cluster" kill --dir "$dir" kwotad -9 >&2 3>&-
        "$top/tests/cluster" start --dir "$dir" kwotad >&2 3>&-
        job=$(root squeue -h -t RUNNING -u alice,bob -o %i | head -n 1)
        [ -z "$job" ] || root scontrol requeue "$job" || true
        # Their own users': neither raises a limit, nor lowers a lien.
        job=$(root squeue -h -u alice -t PENDING -o %i | grep -v _ | head -n 1)
        [ -z "$job" ] || ! as alice scontrol update jobid="$job" TimeLimit=2
        job=$(root squeue -h -u bob -t PENDING -o %i | grep -v _ | tail -n 1)
        [ -z "$job" ] || ! as bob scontrol update jobid="$job" Licenses=kwota:1
    done
    wait "${pids[@]}" || true
    wait_for 240 all_wait_or_are_over
    # A moment without one that runs may have been between two.
    wait_for 240 no_lien_left
    touch "$stop"
    wait_for 60 test -s "$stop.most"
    echo "most ever charged: $(cat "$stop.most") of $quota_mj mJ"
    [ "$(cat "$stop.most")" -le "$quota_mj" ]
    [ "$(cat "$stop.most")" -ge $((quota_mj / 2)) ]
    waiting=$(root squeue -h -r -t PENDING | wc -l)
    echo "$waiting wait"
    [ "$waiting" -gt 100 ]
    [ -z "$(root squeue -h -t PENDING -o %N | tr -d '\n ')" ]
    # Overruns are the centre's: a report and what Slurm takes to end a job.
    [ "$(ledger 'SELECT COALESCE(MAX(overrun_mj), 0) FROM runs')" -le $((1300 * 1000 * 10)) ]
    starts=$(ledger "SELECT COUNT(*) FROM runs")
    holds=$(ledger "SELECT COUNT(*) FROM decisions WHERE action = 'hold'")
    echo "$holds of $starts starts were held"
    [ $((holds * 50)) -le "$starts" ]
    # No script of a run that was held ever ran.
    [ -z "$(ledger "SELECT DISTINCT job_id FROM runs WHERE decision = 'held' AND NOT EXISTS
        (SELECT 1 FROM runs o WHERE o.job_id = runs.job_id AND o.decision <> 'held')" | while read -r job; do
        ls "$dir"/home/*/"ran.$job" 2>/dev/null
    done)" ]
    no_node_drained
    # With more to spend they run: a part of them, for all would only take longer.
    root squeue -h -r -t PENDING -o %A | tail -n +41 | xargs "$top/tests/cluster" sh --dir "$dir" -u root -- scancel
    root kwota quota set -A physics 100kWh --period 30days --why test
    wait_for 240 queue_empty
    wait_for 60 no_lien_left
    no_node_drained
}

no_lien_left() {
    [ "$(ledger 'SELECT COUNT(*) FROM liens')" -eq 0 ]
}

limited() {
    root scontrol show assoc_mgr flags=assoc | grep -A6 "Account=$1 UserName= " | grep -q 'license/kwota=[0-9]'
}
