#!/usr/bin/env bats
# restarts.bats - slurmctld is killed just after a job's start, before it has saved it

load cluster

setup_file() {
    cluster_up --nodes 2 --cpus 4 --tick-ms 1000 --report-ms 500 --settle-timeout-s 60 --cred-expire 5
    wake=$(submit alice 'srun true' -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

job_is_held() {
    root scontrol show job "$1" | grep -q 'Reason=JobHeld'
}

tokens() {
    ledger "SELECT COUNT(*) FROM tokens WHERE job_id = $1"
}

# A slurmctld that has forgotten a job gives its id to the next.
has_more_tokens() { # JOB COUNT
    [ "$(tokens "$1")" -gt "$2" ]
}

show() {
    ledger "SELECT * FROM runs WHERE job_id = $1"
    ledger "SELECT token, run_id, node, start_ms, last_ms, final, refused, uid FROM tokens WHERE job_id = $1"
    ledger "SELECT e.run_id, e.kind, e.mj FROM entries e JOIN runs r ON r.id = e.run_id WHERE r.job_id = $1"
    ledger "SELECT d.* FROM run_domains d JOIN tokens t USING (token) WHERE t.job_id = $1"
    root squeue -h
    root scontrol show job "$1" || true
    root sinfo -N -o '%n %T %E'
    grep -E "JobId=$1\b|[Rr]unning|error" "$dir/log/slurmctld" | tail -n 30
}

# Whatever slurmctld remembers of the job, and however often it starts it: all that its
# nodes counted is charged, once a run.
killed_after_start() { # SBATCH_OPTIONS…
    local job before
    job=$(submit alice "$(busy 8)" -A astro -n 1 --requeue -o /dev/null "$@")
    before=$(tokens "$job")
    if job_is_held "$job"; then
        saved "$job"
        root scontrol release "$job"
    fi
    wait_for 60 has_more_tokens "$job" "$before"
    "$top/tests/cluster" kill --dir "$dir" slurmctld -9
    "$top/tests/cluster" start --dir "$dir" slurmctld >&2
    # Slurm may end what it has just started anew, as it ends what it does not know of, and
    # misses it only when the node registers the next time.
    wait_for 300 all_charged "$job" || {
        show "$job"
        return 1
    }
    show "$job"
}

# Every token is of a run, every run is settled, and the charges are the counts.
all_charged() {
    # Slurm starts it anew while slurmd still ends what it does not know of: it holds the job,
    # and drains the node, for a duplicate. And one that it remembers as held goes on.
    ! root sinfo -h -R -o %E | grep -q 'Duplicate jobid' || root scontrol update nodename=n1,n2 state=resume || true
    [ "$(root squeue -h -j "$1" -o '%T %Q')" != 'PENDING 0' ] || root scontrol release "$1"
    [ -z "$(root squeue -h)" ] &&
        [ "$(ledger "SELECT COUNT(*) FROM tokens WHERE job_id = $1 AND (run_id IS NULL OR refused)")" -eq 0 ] &&
        [ "$(ledger "SELECT COUNT(*) FROM runs WHERE job_id = $1 AND state <> 'settled'")" -eq 0 ] &&
        [ "$(ledger "SELECT SUM(e.mj) FROM entries e JOIN runs r ON r.id = e.run_id WHERE r.job_id = $1")" \
            -eq "$(ledger "SELECT SUM(d.uj / 1000) FROM run_domains d JOIN tokens t USING (token) WHERE t.job_id = $1")" ] &&
        [ "$(ledger "SELECT COUNT(DISTINCT submit_s) FROM runs WHERE job_id = $1")" \
            -eq "$(ledger "SELECT COUNT(*) FROM runs WHERE job_id = $1")" ]
}

@test "slurmctld has forgotten the job: what it used is charged" {
    killed_after_start
}

@test "slurmctld remembers it as pending and starts it again: everything is charged" {
    killed_after_start -H
}
