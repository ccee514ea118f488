#!/usr/bin/env bats
# capcrowd.bats - an operator's cap and a hundred running jobs: all are held within one
# report interval, and go free again when it ends
#
# Four nodes with sixteen GPUs each; the jobs hold parts of GPUs (shards), so that some
# share one.

load cluster

report_ms=8000

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    echo '{"gpu_limit_mw": 400000}' >"$BATS_FILE_TMPDIR/figures.json"
    echo '{"caps": {"enabled": true}}' >"$BATS_FILE_TMPDIR/policy.json"
    cluster_up --nodes 4 --cpus 32 --gpus 16 --tick-ms 2000 --report-ms $report_ms --cred-expire 60 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json"
    submit alice 'sleep 3000' -n 1 -c 1 --gres=shard:2 --array=1-80 -o /dev/null >&2
    submit bob 'sleep 3000' -n 1 -c 1 --gres=gpu:1 --array=1-20 -o /dev/null >&2
    wait_for 400 all_reported
}

teardown_file() {
    cluster_down
}

# How much later than it should something may be on a machine that has other work, too: less
# than another report interval.
late_ms=4000

now_ms() {
    date +%s%3N
}

# All run, and each is in a node's reports.
all_reported() {
    [ "$(root squeue -h -t R | wc -l)" -eq 100 ] &&
        [ "$(root kwota top --once --json | jq '.runs | length')" -eq 100 ]
}

# Every attempt to set a limit, of all nodes: all have GPUs of the same names.
sets() {
    find "$dir/nodes" -name kwota-plant-limits.jsonl -exec jq -c '.gpu = input_filename + "\(.gpu)"' {} +
}

# The runs that are held to the value by their nodes' own word, which the ledger has.
acknowledged() { # MW
    ledger "SELECT COUNT(DISTINCT t.run_id) FROM run_caps c JOIN tokens t USING (token)
        WHERE c.state = 'set' AND c.value = $1"
}

all_acknowledged() {
    [ "$(acknowledged "$1")" -eq 100 ]
}

# The GPUs that the jobs hold, as Slurm says.
gpus_in_use() {
    root scontrol -d show job | sed -n 's/.*Nodes=\(n[0-9]*\) .*(IDX:\([0-9]*\)).*/\1 \2/p' | sort -u | wc -l
}

# So many GPUs have another limit than was found.
held_devices() {
    cat "$dir"/spool/meter/*/caps.json | jq -s 'map(.devices | length) | add'
}

none_held() {
    [ "$(held_devices)" -eq 0 ]
}

@test "an order reaches a hundred running jobs within one report interval" {
    local ordered devices last_ms
    ordered=$(now_ms)
    root kwota cap set --partition main 300W --why 'the grid asked'
    wait_for 40 all_acknowledged 300000
    devices=$(sets | jq -s 'map(select(.mw == 300000) | .gpu) | unique | length')
    last_ms=$(sets | jq -s 'map(select(.mw == 300000) | .time_ms) | max')
    echo "$devices GPUs held, the last $((last_ms - ordered)) ms after the order; told after" \
        "$(ledger "SELECT MAX(time_ms) - $ordered FROM run_caps WHERE value = 300000") ms"
    [ "$devices" -ge 40 ] && [ "$devices" -eq "$(gpus_in_use)" ]
    [ $((last_ms - ordered)) -le $((report_ms + late_ms)) ]
    # Nodes say so with the next report.
    [ "$(ledger "SELECT MAX(time_ms) - $ordered FROM run_caps WHERE value = 300000")" -le $((2 * report_ms + late_ms)) ]
    [ "$(root kwota top --once --json | jq '[.runs[] | select(.cap.gpu_mw == 300000)] | length')" -eq 100 ]
}

@test "another order below it, until soon: --until lifts it, and the first holds again" {
    local until_ms last_ms
    root kwota cap set --cluster 200W --until now+1hour --why 'a moment'
    wait_for 40 all_acknowledged 200000
    # By kwotad's clock it is an hour later, and stays so: the order would be in force again.
    until_ms=$(now_ms)
    echo 3601 >"$dir/etc/clock"
    chmod 644 "$dir/etc/clock"
    back_again() {
        sets | jq -es --argjson from "$until_ms" 'map(select(.mw == 300000 and .time_ms >= $from) | .gpu) | unique | length == $all' --argjson all "$(gpus_in_use)"
    }
    wait_for 60 back_again
    last_ms=$(sets | jq -s --argjson from "$until_ms" 'map(select(.mw == 300000 and .time_ms >= $from) | .time_ms) | max')
    echo "lifted $((last_ms - until_ms)) ms after its end"
    # kwotad looks at its clock once a second.
    [ $((last_ms - until_ms)) -le $((report_ms + 500 + late_ms)) ]
    root kwota cap list | grep -c 'a moment' && return 1
    root kwota cap list --all | grep 'a moment'
}

@test "lifted by hand: every GPU is as it was" {
    local lifted last_ms
    lifted=$(now_ms)
    root kwota cap lift 1 --why 'the grid is fine'
    wait_for 40 none_held
    last_ms=$(sets | jq -s 'map(select(.mw == 400000) | .time_ms) | max')
    echo "the last $((last_ms - lifted)) ms after the lift"
    [ $((last_ms - lifted)) -le $((report_ms + late_ms)) ]
    sets | jq -es 'all(.mw >= .min_mw and .mw <= .max_mw and .rc == 0)'
    sets | jq -es 'group_by(.gpu) | all(max_by(.time_ms).mw == 400000)'
}

@test "the same for CPU time" {
    local ordered
    [ -f /sys/fs/cgroup/cpu/cpu.cfs_quota_us ] || skip "no cgroup v1 with cpu alone"
    ordered=$(now_ms)
    root kwota cap set --account astro --cpu-percent 50 --why 'the grid asked'
    quotas() {
        [ "$(root sh -c 'cat /sys/fs/cgroup/cpu/kwota/n*/job_*/cpu.cfs_quota_us | grep -vc -- -1')" -eq "$1" ]
    }
    wait_for 40 quotas 80
    echo "held within $(($(now_ms) - ordered)) ms"
    [ $(($(now_ms) - ordered)) -le $((report_ms + 2500 + late_ms)) ]
    root scancel -u alice
    root scancel -u bob
    no_quotas() {
        [ -z "$(root find /sys/fs/cgroup/cpu/kwota -name 'job_*')" ]
    }
    wait_for 240 no_quotas
    no_node_drained
}

# As where Slurm runs no prolog, for a job that is back on its node at once.
@test "no meter heard of its prolog: kwotad tells the meter its GPUs, and it is held all the same" {
    local job
    limit_is() {
        [ "$(plant n4 trick limit --domain gpu-0 | jq .limit_mw)" = "$1" ]
    }
    root scancel -u alice
    root scancel -u bob
    wait_for 240 queue_empty
    mv "$dir/build/plugin/meter/kwota-meter" "$dir/build/plugin/meter/away"
    "$top/tests/cluster" kill --dir "$dir" meter-n4 -KILL
    job=$(submit carol 'while [ ! -e go ]; do sleep 0.2; done
srun sleep 600' -w n4 -n 1 -c 1 --gres=gpu:1 -o /dev/null --gpu-power-cap=200W)
    batch_runs() {
        root scontrol listpids "$job" n4 | grep -q batch
    }
    wait_for 40 batch_runs
    mv "$dir/build/plugin/meter/away" "$dir/build/plugin/meter/kwota-meter"
    "$top/tests/cluster" start --dir "$dir" meter-n4
    as carol touch "$dir/home/carol/go"
    wait_for 60 limit_is 200000
    start_not_told() {
        root kwota job "$job" --json | jq -e '.. | strings | select(test("start was not told"))'
    }
    wait_for 20 start_not_told
    root scancel "$job"
    wait_for 40 limit_is 400000
    no_node_drained
}

@test "over before any report could tell of it: what it was held to is in the books all the same" {
    local job
    job=$(submit carol 'sleep 1' -w n4 -n 1 -c 1 --gres=gpu:1 -o /dev/null --gpu-power-cap=210W)
    wait_for 60 settled "$job"
    root kwota job "$job" | grep -E "capped: gpu at 210 W, its user's --gpu-power-cap"
}
