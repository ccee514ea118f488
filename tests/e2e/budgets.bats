#!/usr/bin/env bats
# budgets.bats - quotas that hold, on a real cluster
#
# The simulated nodes draw much (1 kW a busy core), so that watt-hours are soon used.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    mkdir -p "$BATS_FILE_TMPDIR"
    cat >"$BATS_FILE_TMPDIR/figures.json" <<'END'
{"package": {"idle_mw": 100000, "core_mw": 1000000, "range_uj": 65532610987, "limit_mw": 9000000},
 "dram": {"idle_mw": 2000, "core_mw": 1000, "range_uj": 65532610987, "limit_mw": 100000}}
END
    cat >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"enforce": "strict",
 "estimate": {"nameplate": {"*": {"node_w": 300, "cpu_w": 1100, "gpu_w": 0}}},
 "limits": {"breaker": {"holds_per_minute": 1000, "kills_per_minute": 1000}}}
END
    cluster_up --nodes 2 --cpus 4 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json"
}

teardown_file() {
    cluster_down
}

teardown() {
    [ -z "${KWOTA_KEEP:-}" ] || return 0
    root scancel -u alice,bob,carol,dave || true
    wait_for 60 queue_empty
    local name
    for name in "-A astro" "-A physics" "-A plasma" "-A bio" "-u alice" "-u bob"; do
        # shellcheck disable=SC2086 # two words
        root kwota quota remove $name --why 'end of the test' >/dev/null 2>&1 || true
    done
}

reason() {
    root squeue -h -j "$1" -o %r
}

waits_for_energy() {
    [ "$(reason "$1")" = AssocGrpLicense ]
}

# limit ACCOUNT [USER] - GrpTRES of license/kwota, as slurmctld has it; empty: none
limit() {
    root scontrol -o show assoc_mgr accounts="$1" users="${2:-}" flags=assoc |
        sed -nE "s/.*Account=$1 UserName=${2:-} ?.*GrpTRES=[^ ]*license\/kwota=([0-9]+|N)\(.*/\1/p" | head -n 1
}

limit_is() {
    [ "$(limit "$1" "${3:-}")" = "$2" ]
}

charge_wh() {
    echo $(($(job_json "$1" | jq .charge_mj) / 3600000))
}

@test "a lien is in the job's licences, and a quota is Slurm's limit" {
    local job
    root kwota quota set -A astro 100Wh --period month --why test
    wait_for 20 limit_is astro 100
    job=$(submit alice "$(busy 3)" -A astro -n 1 -t 1 -o /dev/null)
    # (300 W + 1100 W) x 60 s
    [ "$(root squeue -h -j "$job" -o %W)" = kwota:24 ]
    wait_for 60 settled "$job"
    [ "$(job_json "$job" | jq .charge_mj)" -gt 0 ]
    wait_for 20 limit_is astro $((100 - $(charge_wh "$job") - 1))
}

@test "what does not fit waits and holds nothing; a raised quota lets it run" {
    local first second
    root kwota quota set -A astro 40Wh --period month --why test
    wait_for 20 limit_is astro "$(($(root kwota quota show -A astro --json | jq '.budgets[0].available_mj') / 3600000))"
    first=$(submit alice "$(busy 20)" -A astro -n 1 -t 1 -o /dev/null)
    wait_for 30 job_runs "$first"
    second=$(submit alice "$(busy 2)" -A astro -n 1 -t 1 -o /dev/null)
    wait_for 30 waits_for_energy "$second"
    [ -z "$(root squeue -h -j "$second" -o %N)" ]
    root kwota quota set -A astro 400Wh --period month --why test
    wait_for 60 settled "$second"
    no_node_drained
}
