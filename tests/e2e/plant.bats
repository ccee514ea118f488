#!/usr/bin/env bats
# plant.bats - the power plant's limits: obeyed, slowing work, changed by others, kept
#
# Needs no cluster: the job is a file that says how much CPU time its cgroup used.

bats_require_minimum_version 1.5.0

setup_file() {
    top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    build=${KWOTA_BUILD:-$top/build}
    export top build
}

setup() {
    dir=$BATS_TEST_TMPDIR
    job=$dir/cgroup/cpuacct/slurm/uid_0/job_12
    mkdir -p "$job"
    echo 0 >"$job/cpuacct.usage"
    # A busy card draws 225 W; nothing here comes near its 300 W.
    echo '{"gpus": 2, "gpu_idle_mw": 25000, "gpu_busy_mw": 200000, "gpu_limit_mw": 300000}' \
        >"$dir/figures.json"
    plant_start
}

teardown() {
    kill "$busy" 2>/dev/null || true
    kill "$plant" 2>/dev/null && wait "$plant" || true
}

plant_start() {
    "$build/tests/plant/kwota-plant" run --node n1 --root "$dir/root" --cgroup "$dir/cgroup" \
        --truth "$dir/truth" --socket "$dir/socket" --cpus 8 --figures "$dir/figures.json" \
        --nvml "$build/tests/plant/.libs/libfakenvml.so" 3>&- &
    plant=$!
    within 60 test -S "$dir/socket"
}

ask() {
    "$build/tests/plant/kwota-plant" "$@" --socket "$dir/socket"
}

within() { # SECONDS COMMAND…
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || { echo "not within its time: $*" && return 1; }
        sleep 0.05
    done
}

# The job keeps three cores busy: its CPU time grows as time does. Written in place, so that
# nobody finds an empty file.
work_on() {
    (
        start=${EPOCHREALTIME/./}
        while [ -d "$job" ]; do
            echo "$(((${EPOCHREALTIME/./} - start) * 3000))" 1<>"$job/cpuacct.usage"
            read -rt 0.01 <> <(:) || true
        done
    ) 3>&- &
    busy=$!
    ask job start --job 12 --cpus 3 --strict >/dev/null
}

limit_of() { # DOMAIN FILTER
    ask trick limit --domain "$1" | jq -e "$2"
}

draws() { # MW
    [ "$(limit_of gpu-0 .mw)" -eq "$1" ]
}

# gpu_pace - GPU seconds of work a thousand seconds, over a second
gpu_pace() {
    local before after
    before=$(ask job work --job 12 | jq .gpu_work_ns) && from=$(date +%s%N)
    sleep 1
    after=$(ask job work --job 12 | jq .gpu_work_ns) && to=$(date +%s%N)
    echo $(((after - before) * 1000 / (to - from)))
}

# paces LEAST MOST - a look that had to wait is of another moment: then once more
paces() {
    local pace
    pace=$(gpu_pace)
    echo "pace $pace"
    [ "$pace" -ge "$1" ] && [ "$pace" -le "$2" ]
}

# package_draws_at_most MW - the mean of a second
package_draws_at_most() {
    local at uj now now_uj
    read -r at uj < <(ask trick sync | jq -r 'select(.domain == "package-0") | "\(.time_ms) \(.total_uj)"')
    sleep 1
    read -r now now_uj < <(ask trick sync | jq -r 'select(.domain == "package-0") | "\(.time_ms) \(.total_uj)"')
    [ $(((now_uj - uj) / (now - at))) -le "$1" ]
}

@test "a GPU draws no more than its limit, and its job works the slower" {
    export SLURM_JOB_GPUS=0
    work_on
    within 60 draws 225000
    within 60 paces 900 1100
    ask trick limit --domain gpu-0 --mw 125000
    within 60 draws 125000
    limit_of gpu-0 '.limit_mw == 125000 and .demand_mw == 225000 and .default_mw == 300000'
    within 60 paces 450 550
    limit_of gpu-1 '.limit_mw == 300000'
    ask trick unlimit
    within 60 draws 225000
    # A card that fits into its limit is not slowed.
    ask trick limit --domain gpu-0 --mw 225000
    within 60 paces 900 1100
}

@test "a limit out of range is refused; one that stands outlives the plant, not a reboot" {
    run ask trick limit --domain gpu-0 --mw 99999
    [ "$status" -ne 0 ] || [[ $output == '!'* ]]
    run ask trick limit --domain dram-0
    [[ $output == '!'* ]]
    ask trick limit --domain gpu-1 --mw 150000
    ask trick limit --domain package-0 --mw 60000
    ask trick stop >/dev/null
    wait "$plant"
    plant_start
    limit_of gpu-1 '.limit_mw == 150000'
    limit_of package-0 '.limit_mw == 60000 and .default_mw >= 205000'
    ask trick reset
    limit_of gpu-1 '.limit_mw == 300000'
    limit_of package-0 '.limit_mw == .default_mw'
}

@test "whoever writes a package's limit: it is obeyed and in the truth" {
    local file=$dir/root/sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw
    [ "$(cat "$file")" = "$(cat "${file/constraint_0/constraint_1}")" ]
    ask job set --job 12 --core-mw 400000 --strict
    work_on
    echo 60000000 >"$file"
    within 60 limit_of package-0 '.limit_mw == 60000'
    within 60 grep -q '"event":"limit","of":"package-0","limit_mw":60000' "$dir/truth"
    # Above it only until the clocks are down.
    within 60 package_draws_at_most 61000
    ask job work --job 12 | jq -e '.core_work_ns < .cpu_ns'
}

@test "a driver that hangs: probe ends, and shows what other kinds have" {
    ask trick hang --domain gpu-1
    timeout 120 "$build/plugin/meter/kwota-meter" probe --root "$dir/root" --json >"$dir/json"
    jq -e '[.limits[] | .by] == ["powercap", "powercap"]' "$dir/json"
    [ "$(jq -r .limit_kinds.nvml "$dir/json")" = "it has not answered yet" ]
    ask trick allow --domain gpu-1
    "$build/plugin/meter/kwota-meter" probe --root "$dir/root" --json >"$dir/json"
    jq -e '[.limits[] | .by] == ["nvml", "nvml", "powercap", "powercap"]' "$dir/json"
    # Looking sets nothing.
    [ ! -e "$dir/root/usr/lib64/kwota-plant-limits.jsonl" ]
}
