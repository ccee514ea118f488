#!/usr/bin/env bats
# caps.bats - the life of a cap on a real node: set before the job begins, set back
# however it ends
#
# The plant's GPUs obey limits and log every attempt to set one. alice's jobs are held to
# 150 W a GPU, bob's to 180 W, carol's to 10 % of their CPU time, dave's to nothing.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cat >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"enforce": "strict", "estimate": {"nameplate": {"*": {"node_w": 4, "cpu_w": 2, "gpu_w": 3}}},
 "caps": {"enabled": true, "rules": [{"user": "alice", "gpu": "150W"}, {"user": "bob", "gpu": "180W"},
                                     {"user": "carol", "cpu_percent": 10}]}}
END
    cluster_up --nodes 1 --cpus 4 --gpus 2 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --policy "$BATS_FILE_TMPDIR/policy.json"
    # What was found is not the default: that is what must come back.
    plant n1 trick limit --domain gpu-0 --mw 350000
    plant n1 trick limit --domain gpu-1 --mw 340000
}

teardown_file() {
    cluster_down
}

teardown() {
    local name
    for name in alice bob carol dave; do root scancel -u "$name"; done
    wait_for 60 queue_empty
}

limit_mw() {
    plant n1 trick limit --domain "$1" | jq .limit_mw
}

limit_is() {
    [ "$(limit_mw "$1")" = "$2" ]
}

found_again() {
    limit_is gpu-0 350000 && limit_is gpu-1 340000
}

meter_pid() {
    root cat "$dir/run/kwota/n1.pid"
}

# capped USER SECONDS [OPTIONS…] - a job on one GPU
capped() {
    local user=$1 seconds=$2
    shift 2
    submit "$user" "$(busy "$seconds")" -n 1 -c 1 --gres=gpu:1 -o /dev/null "$@"
}

# capped_until USER FILE [OPTIONS…] - the same, busy until there is such a file in their home
capped_until() {
    local user=$1 file=$2
    shift 2
    submit "$user" "until [ -e $file ]; do :; done" -n 1 -c 1 --gres=gpu:1 -o /dev/null "$@"
}

# The log of all attempts, in the node's tree.
sets() {
    cat "$(find "$dir/nodes/n1" -name kwota-plant-limits.jsonl | head -n 1)"
}

caps_kept() {
    jq -r '.devices | length' "$(find "$dir" -path '*n1/caps.json' | head -n 1)"
}

# A limit is set before that is saved.
none_kept() {
    [ "$(caps_kept)" -eq 0 ]
}

@test "a job begins under its cap, reads no more, and leaves the limit that was there" {
    local job began set_ms back_ms capped_s
    job=$(submit alice "date +%s%3N
$(busy 5)
until [ -e seen ]; do :; done" -n 1 -c 1 --gres=gpu:1 -o capped.out -A astro)
    wait_for 30 limit_is gpu-0 150000
    as alice touch "$dir/home/alice/seen"
    wait_for 60 queue_empty
    wait_for 10 found_again
    wait_for 20 none_kept
    # The first word of the job comes after the last set before it.
    began=$(head -n 1 "$dir/home/alice/capped.out")
    set_ms=$(sets | jq -s 'map(select(.mw == 150000)) | first | .time_ms')
    echo "set at $set_ms, began at $began"
    [ "$set_ms" -lt "$began" ]
    back_ms=$(sets | jq -s 'map(select(.mw == 350000)) | last | .time_ms')
    capped_s=$(sed -n 's/.*kwota:   capped to 150 W for \([0-9]*\):\([0-9]*\):\([0-9]*\).*/\1 \2 \3/p' "$dir/home/alice/capped.out" |
        awk '{ print $1 * 3600 + $2 * 60 + $3 }')
    echo "set back at $back_ms, capped for $capped_s s"
    [ "$capped_s" -le $(((back_ms - set_ms) / 1000 + 3)) ]
}

@test "two jobs sharing a GPU: the higher cap, and none beside one without" {
    local one two three
    one=$(submit alice "$(busy 600)" -n 1 -c 1 --gres=shard:1 -o /dev/null -A astro)
    some_limit_is() {
        limit_is gpu-0 "$1" || limit_is gpu-1 "$1"
    }
    wait_for 30 some_limit_is 150000
    local gpu=gpu-0 found=350000
    limit_is gpu-0 150000 || { gpu=gpu-1 found=340000; }
    two=$(submit bob "$(busy 600)" -n 1 -c 1 --gres=shard:1 -o /dev/null -A astro)
    wait_for 30 limit_is $gpu 180000
    three=$(submit dave "$(busy 600)" -n 1 -c 1 --gres=shard:1 -o /dev/null -A physics)
    wait_for 30 limit_is $gpu $found
    root scancel "$three"
    wait_for 30 limit_is $gpu 180000
    root scancel "$two"
    wait_for 30 limit_is $gpu 150000
    root scancel "$one"
    wait_for 30 found_again
}

script_runs() { # JOB
    root sh -c "ls -d /sys/fs/cgroup/freezer/slurm_n1/uid_*/job_$1/step_batch" >/dev/null 2>&1
}

@test "however a job ends: cancelled, timed out, requeued, its slurmd restarted" {
    local job
    job=$(capped alice 600 -A astro)
    wait_for 30 limit_is gpu-0 150000
    root scancel "$job"
    wait_for 30 found_again

    job=$(capped alice 600 -A astro)
    wait_for 30 limit_is gpu-0 150000
    root scontrol requeuehold "$job"
    wait_for 30 found_again
    root scancel "$job"

    job=$(submit alice "$(busy 6)
until [ -e looked ]; do :; done" -n 1 -c 1 --gres=gpu:1 -o /dev/null -A astro)
    wait_for 30 limit_is gpu-0 150000
    # Killed in its prolog, slurmd never says that it is over, and slurmctld waits for that.
    wait_for 30 script_runs "$job"
    "$top/tests/cluster" kill --dir "$dir" slurmd-n1 -KILL
    "$top/tests/cluster" start --dir "$dir" slurmd-n1
    limit_is gpu-0 150000
    as alice touch "$dir/home/alice/looked"
    # If slurmd was told of the end while it was away, slurmctld tells it again in its own time.
    wait_for 200 queue_empty
    wait_for 30 found_again
}

@test "kill -9 of the meter while a job is capped: the next one sets it back" {
    capped_until alice no-meter -A astro
    wait_for 30 limit_is gpu-0 150000
    "$top/tests/cluster" kill --dir "$dir" meter-n1 -KILL
    limit_is gpu-0 150000
    as alice touch "$dir/home/alice/no-meter"
    # The epilog starts another one.
    wait_for 60 queue_empty
    wait_for 30 found_again
}

@test "a driver that ends the meter as it sets: between set and acknowledge" {
    local pid job
    pid=$(meter_pid)
    plant n1 trick crash --domain gpu-0
    job=$(capped_until alice crashed -A astro)
    wait_for 30 job_runs "$job"
    wait_for 10 limit_is gpu-0 150000
    plant n1 trick allow --domain gpu-0
    as alice touch "$dir/home/alice/crashed"
    wait_for 60 queue_empty
    wait_for 30 found_again
    [ "$(meter_pid)" != "$pid" ]
    no_node_drained
}

@test "what someone else sets meanwhile is left alone and reported" {
    capped_until alice reported -A astro
    wait_for 30 limit_is gpu-0 150000
    plant n1 trick limit --domain gpu-0 --mw 222000
    foreign() {
        [ "$(ledger "SELECT state FROM run_caps WHERE what = 'gpu-0' ORDER BY time_ms DESC LIMIT 1")" = foreign ]
    }
    wait_for 15 foreign
    as alice touch "$dir/home/alice/reported"
    wait_for 60 queue_empty
    limit_is gpu-0 222000
    plant n1 trick limit --domain gpu-0 --mw 350000
}

# kwota nodes has what the driver says, or does not say, behind the limit.
nodes_say() {
    root kwota nodes | grep -E '^n1 +gpu-0 .* W \([0-9]+ to [0-9]+\): .' &&
        root cat "$dir"/log/meter-n1.out "$dir/run/kwota/n1.log" 2>/dev/null | grep -E 'power limit.*: '
}

@test "a driver that hangs or refuses delays no start beyond the time-out" {
    local word begun job
    for word in refuse hang; do
        plant n1 trick $word --domain gpu-0
        job=$(submit alice "date +%s >started.$word; until [ -e said.$word ]; do :; done" \
            -n 1 -c 1 --gres=gpu:1 -o /dev/null -A astro)
        # From when Slurm gave it its node to its script's first word: its prolog. Who waited
        # for the driver would wait for ever.
        wait_for 30 test -s "$dir/home/alice/started.$word"
        begun=$(root date -d "$(root squeue -h -j "$job" -o %S)" +%s)
        [ $(($(cat "$dir/home/alice/started.$word") - begun)) -le 15 ]
        wait_for 15 nodes_say
        as alice touch "$dir/home/alice/said.$word"
        wait_for 60 queue_empty
        plant n1 trick allow --domain gpu-0
        no_node_drained
    done
    wait_for 60 found_again
}

# What two jobs' CPU energies differ by, in mJ; and their CPU time, in ns.
differ() { # FIELD MORE LESS
    echo $(($(job_json "$2" | jq "$1") - $(job_json "$3" | jq "$1")))
}

@test "a CPU job is held to its share of the time through its cgroup, and draws less" {
    local job used twin saved_mj saved_ns core_mw
    [ -f /sys/fs/cgroup/cpu/cpu.cfs_quota_us ] || skip "no cgroup v1 with cpu alone"
    job=$(submit carol "$(busy 10 2)" -n 1 -c 2 -A bio -o /dev/null)
    group() {
        root grep -q . "/sys/fs/cgroup/cpu/kwota/n1/job_$1/cgroup.procs"
    }
    wait_for 15 group "$job"
    wait_for 60 queue_empty
    wait_for 60 settled "$job"
    used=$(job_json "$job" | jq .cpu_ns)
    echo "used $used ns of 20 s"
    [ "$used" -gt 1000000000 ] && [ "$used" -lt 7000000000 ]
    # Beside its twin that nothing holds: what it saves is what a core draws for the time
    # that it did not get.
    twin=$(submit dave "$(busy 10 2)" -n 1 -c 2 -A physics -o /dev/null)
    wait_for 60 settled "$twin"
    saved_mj=$(differ .energy.cpu_mj "$twin" "$job")
    saved_ns=$(differ .cpu_ns "$twin" "$job")
    core_mw=12000 # tests/plant/figures.c
    echo "saved $saved_mj mJ in $saved_ns ns of CPU time, a core draws $core_mw mW"
    [ "$saved_ns" -gt 3000000000 ]
    [ "$saved_mj" -gt $((saved_ns / 1000000 * core_mw / 1000 * 7 / 10)) ]
    [ "$saved_mj" -lt $((saved_ns / 1000000 * core_mw / 1000 * 13 / 10)) ]
    [ -z "$(root find /sys/fs/cgroup/cpu/kwota -name 'job_*' 2>/dev/null)" ]
}

@test "kill -9 of the meter while a CPU job is held: the group is gone in the end" {
    local job
    [ -f /sys/fs/cgroup/cpu/cpu.cfs_quota_us ] || skip "no cgroup v1 with cpu alone"
    job=$(submit carol "until [ -e killed ]; do :; done" -n 1 -c 1 -A bio -o /dev/null)
    wait_for 15 root test -d "/sys/fs/cgroup/cpu/kwota/n1/job_$job"
    "$top/tests/cluster" kill --dir "$dir" meter-n1 -KILL
    as carol touch "$dir/home/carol/killed"
    wait_for 60 queue_empty
    gone() {
        ! root test -d "/sys/fs/cgroup/cpu/kwota/n1/job_$1"
    }
    wait_for 15 gone "$job"
}

@test "frozen: every cap is lifted, and comes back" {
    capped alice 600 -A astro
    wait_for 30 limit_is gpu-0 150000
    root kwota freeze --why 'something is odd'
    wait_for 10 limit_is gpu-0 350000
    root kwota freeze --off --why 'it was nothing'
    wait_for 10 limit_is gpu-0 150000
    root scancel -u alice
    wait_for 30 found_again
}

@test "kwotad is away: a job slows down to the least, and ends when its allowance is used" {
    local job
    root kwota quota set -A physics 1000kWh --period month --why test
    # Uncapped and with a lien of a watt-hour, which it uses in half a minute: not before kwotad
    # is away, and long before its time is up.
    job=$(submit dave "until [ -e away ]; do sleep 0.2; done
$(busy 600)" -n 1 -c 1 --gres=gpu:1 -o /dev/null -A physics -t 5)
    wait_for 30 job_runs "$job"
    has_allowance() {
        jq -e '.runs[] | select(.allowance_mj > 0 and .then == "end")' "$dir/spool/meter/n1/caps.json"
    }
    wait_for 20 has_allowance
    "$top/tests/cluster" kill --dir "$dir" kwotad -KILL
    as dave touch "$dir/home/dave/away"
    # By the log: it ends some seconds later.
    floored() {
        sets | jq -es 'any(.[]; .gpu == 0 and .mw == 100000 and .rc == 0)'
    }
    wait_for 60 floored
    wait_for 200 queue_empty
    grep -q "job $job: kwotad is silent and the job has used its allowance" "$dir"/run/kwota/n1.log "$dir"/log/meter-n1*
    "$top/tests/cluster" start --dir "$dir" kwotad
    wait_for 60 found_again
    wait_for 60 settled "$job"
    root kwota quota remove -A physics --why 'end of the test'
}

@test "no set was ever outside a device's range, and nothing is left" {
    found_again
    wait_for 20 none_kept
    sets | jq -es 'length > 10 and all(.mw >= .min_mw and .mw <= .max_mw)'
    no_node_drained
}
