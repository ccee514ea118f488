# cluster.bash - what every end-to-end test file says to its private cluster
#
# load cluster; then in setup_file: cluster_up OPTIONS…, in teardown_file: cluster_down.
# Each file has a cluster of its own, in a directory of its own.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
build=${KWOTA_BUILD:-$top/build}
# … and of each source tree: two of them can be tested at the same time.
dir=/tmp/kwota-test-$(basename "$BATS_TEST_FILENAME" .bats)-$(cksum <<<"$top" | cut -c1-5)

cluster_up() {
    "$top/tests/cluster" down --dir "$dir" >/dev/null 2>&1 || true
    "$top/tests/cluster" up --dir "$dir" --build "$build" "$@" >&2
}

# KWOTA_KEEP=1 leaves the cluster up, to be looked at.
cluster_down() {
    [ -z "${KWOTA_KEEP:-}" ] || return 0
    "$top/tests/cluster" down --dir "$dir" >&2
}

as() {
    local user=$1
    shift
    "$top/tests/cluster" sh --dir "$dir" -u "$user" -- "$@"
}

root() {
    as root "$@"
}

# wait_for SECONDS COMMAND… - polls until it succeeds; says what it waited for if not
wait_for() {
    local waited_from=$SECONDS longest=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        # A machine that stood still or is slow has not tried often: it gets longer.
        if [ $((SECONDS - waited_from)) -ge $((tries < 2 * longest ? 4 * longest : longest)) ] && [ "$tries" -gt 4 ]; then
            printf 'waited in vain for: %s\n' "$*" >&2
            "$@" >&2 || true
            return 1
        fi
        sleep 0.2
    done
}

# submit USER SCRIPT_TEXT OPTIONS… - prints the job id
submit() {
    local user=$1 script=$2
    shift 2
    printf '#!/bin/sh\n%s\n' "$script" | as "$user" sbatch --parsable "$@"
}

# busy SECONDS [CORES] - script text that keeps cores busy
busy() {
    local i
    for ((i = 1; i < ${2:-1}; i++)); do
        printf "timeout %s sh -c 'while :; do :; done' &\n" "$1"
    done
    printf "timeout %s sh -c 'while :; do :; done'\nwait\ntrue" "$1"
}

# busy_again SECONDS - script text that keeps a core busy until the job is requeued, and then so long
busy_again() {
    printf "timeout \$([ \${SLURM_RESTART_COUNT:-0} -gt 0 ] && echo %s || echo 600) sh -c 'while :; do :; done'\ntrue" "$1"
}

job_state() {
    root squeue -h -j "$1" -o %T 2>/dev/null
}

job_runs() {
    [ "$(job_state "$1")" = RUNNING ]
}

# saved JOB - what slurmctld knows now is on its disk: it writes some seconds after something
# changed, and so something is changed
saved() {
    touch "$dir/saved"
    root scontrol update jobid="$1" comment="saved $(date +%s%N)"
    wait_for 60 test "$dir/spool/ctld/job_state" -nt "$dir/saved"
}

queue_empty() {
    [ -z "$(root squeue -h)" ]
}

job_json() {
    root kwota job "$1" --json
}

settled() {
    [ "$(job_json "$1" | jq -r .state)" = settled ]
}

all_settled() {
    local job
    for job in "$@"; do
        settled "$job" || {
            printf 'job %s is not settled: %s\n' "$job" "$(job_json "$job" | jq -c '[.state, .slurm_state, .nodes]')"
            return 1
        }
    done
}

nodes() {
    root kwota nodes --json
}

# total NODE DOMAIN FIELD - a number from `kwota nodes`
total() {
    nodes | jq -r --arg n "$1" --arg d "$2" --arg f "$3" \
        '.nodes[] | select(.node == $n) | .domains[] | select(.name == $d) | .[$f]'
}

no_node_drained() {
    ! root sinfo -h -N -o '%T' | grep -qiE 'drain|down|fail|error'
}

plant() {
    local node=$1 command=$2
    shift 2
    root "$build/tests/plant/kwota-plant" "$command" --socket "$dir/run/plant-$node.sock" "$@"
}

# truth NODE - the plant's cumulative truth by domain, at this moment, as JSON
truth() {
    plant "$1" trick sync
}

# ledger SQL - asks the ledger itself
ledger() {
    # A kwotad that begins after one was killed has it for itself for a moment.
    sqlite3 -readonly -cmd '.timeout 10000' "$dir/spool/kwota/ledger.db" "$1"
}
