#!/usr/bin/env bats
# steering.bats - "this job has so many watt-hours: slow it down rather than kill it"
#
# Thirty random jobs at once on 32 GPUs of two nodes, whose natural use is 0.5 to 1.8
# times their --energy-budget; history knows how long they take. The plant's GPUs work at
# the square root of their power above idle. What was done is what the plant says.
#
# A run is ended while a report and KillWait still fit into its budget: on runs of a minute
# or two that is a tenth of it, on real ones a hundredth. One that would fit but for this
# tenth does not fit.

load cluster

# Of a fixed seed: the same jobs every time.
seed=3

# W: a GPU idle; a job's part of the rest of its node, with its own polling.
idle_w=60 rest_w=8
# s: KillWait, and STEER_LAG_S; a report and its age. At most so long a run goes on after
# the last word that it may.
kill_wait=1
reserve_s=$((kill_wait + 5 + 3))

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cat >"$BATS_FILE_TMPDIR/figures.json" <<'END'
{"gpu_idle_mw": 60000, "gpu_busy_mw": 0, "gpu_min_mw": 200000, "gpu_limit_mw": 700000, "gpu_root_speed": 1,
 "package": {"core_mw": 400000, "limit_mw": 8000000}, "dram": {"core_mw": 0}}
END
    cat >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"enforce": "strict", "estimate": {"nameplate": {"*": {"node_w": 0, "cpu_w": 50, "gpu_w": 700}}},
 "limits": {"breaker": {"holds_per_minute": 1000, "kills_per_minute": 1000}}, "caps": {"enabled": true},
 "steer": {"energy_budget": true, "part_percent": 15, "warn_s": 5, "warn_signal": "USR1"}}
END
    cluster_up --nodes 2 --cpus 20 --gpus 16 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json"
    root sed -i "s/^KillWait=.*/KillWait=$kill_wait/" "$dir/etc/slurm.conf"
    # What ended early is asked of slurmctld when all are over.
    echo MinJobAge=3600 >>"$dir/etc/slurm.conf"
    root scontrol reconfigure
    cp "$top/tests/e2e/steered_work.pl" "$dir/work.pl"
    # Before slurmctld has a map nobody reads an --energy-budget.
    wait_for 30 root test -s "$dir/spool/kwota/budget.map"
    wait_for 60 settled "$(submit alice true -A astro -n 1 -o /dev/null)"
}

teardown_file() {
    cluster_down
}

# draw - prints thirty jobs: name, natural use in thousandths of the budget, kind, GPUs,
# shape
draw() {
    local i u kind shapes=(steady bursty rising)
    RANDOM=$seed
    for ((i = 0; i < 30; i++)); do
        u=$((500 + 1300 * i / 30 + RANDOM % 43))
        case $((RANDOM % 6)) in
        0) kind='cpu 0' ;;
        1) kind='mixed 1' ;;
        2) kind='gpu 2' ;;
        *) kind='gpu 1' ;;
        esac
        echo "steered-$i $u $kind ${shapes[RANDOM % 3]}"
    done
}

# facts NAME U KIND GPUS SHAPE - the job's figures: budget in Wh, work in seconds, mW of a
# GPU, duty, then whether it fits with what must be left over, and whether it would from a
# fifth of its budget on at its floor
facts() {
    awk -v u="$2" -v kind="$3" -v gpus="$4" -v shape="$5" -v idle=$idle_w -v rest=$rest_w -v reserve=$reserve_s '
    BEGIN {
        duty = kind == "cpu" ? 15 : kind == "mixed" ? 8 : 0
        dyn = gpus ? (shape == "bursty" ? 400 : 500) : 0
        high = shape == "bursty" ? 1.4 : shape == "rising" ? 1.2 : 1
        other = rest + duty * 4
        w = gpus * (idle + dyn) + other
        peak = gpus * (idle + dyn * high) + other * (gpus ? 1 : high)
        wh = gpus ? 18 * gpus : 1
        budget = wh * 3600
        s = u / 1000 * budget / w
        # held to half of 700 W
        need = 0
        for (f = 2 - high; f <= high + 0.001; f += (high > 1 ? (2 * high - 2) / 4 : 1)) {
            drawn = dyn * f < 350 - idle ? dyn * f : 350 - idle
            speed = gpus ? sqrt(drawn / (dyn * f)) : 1
            need += (gpus * (idle + drawn) + other) / speed
            n++
        }
        floor = need / n
        fits = u / 1000 * budget + 1.05 * peak * reserve <= budget
        rest_j = u / 1000 * budget - budget / 5
        enough = gpus && budget / 5 + rest_j / w * floor + 1.05 * (gpus * 350 + other) * reserve <= budget * 0.98
        printf "%d %.1f %d %d %s %s %d\n", wh, duty && !gpus ? s * duty / 100 : s, dyn * 1000, duty,
            fits ? "fits" : "-", enough ? "enough" : "-", s + 4
    }'
}

# What like jobs took is known: exactly, and of each name.
write_history() {
    local name u kind gpus shape wh s mw duty fits enough took i
    "$top/tests/cluster" kill --dir "$dir" kwotad -TERM
    while read -r name u kind gpus shape; do
        read -r wh s mw duty fits enough took < <(facts "$name" "$u" "$kind" "$gpus" "$shape")
        for i in 1 2 3 4 5; do
            echo "INSERT INTO history VALUES ('kwota','alice','astro','$name','main',1,1,$gpus,$i,$i,
                $((wh * 3600000 / took * u / 1000)),$took,600,0,1);"
        done
    done | sqlite3 "$dir/spool/kwota/ledger.db"
    chown slurm: "$dir"/spool/kwota/ledger.db*
    "$top/tests/cluster" start --dir "$dir" kwotad
}

# start_job NAME U KIND GPUS SHAPE - prints its id
start_job() {
    local wh s mw duty rest kind=$3
    read -r wh s mw duty rest < <(facts "$@")
    [ "$kind" = cpu ] || kind=gpu
    submit alice "exec perl $dir/work.pl $dir/run/plant-\$SLURMD_NODENAME.sock $kind $s $mw $5 $duty" \
        -J "$1" -A astro -n 1 -c 1 $([ "$4" = 0 ] || echo "--gres=gpu:$4") -t 10 --energy-budget="${wh}Wh" -o "%x.out"
}

# done_permille JOB KIND GPUS SECONDS - what the plant says of its work
done_permille() {
    local node
    node=$(root sacct -nPX -j "$1" -o nodelist)
    plant "$node" job work --job "$1" |
        jq --arg kind "$2" --argjson gpus "$3" --argjson s "$4" \
            '(if $kind == "cpu" then .cpu_ns else .gpu_work_ns / $gpus end) / 1e6 / $s | floor'
}

decided() { # JOB ACTION
    [ "$(ledger "SELECT COUNT(*) FROM decisions WHERE job_text = '$1' AND action = '$2'")" -gt 0 ]
}

complain() {
    echo "  ^ $*"
    failed=$((failed + 1))
}

# Slowed: everyone is told to what, and why.
judge_slowed() { # JOB
    slowed=$((slowed + 1))
    root kwota why "$1" | grep -q 'steer: .* GPUs held to [0-9]* W each' || complain "kwota why does not say"
    job_json "$1" | jq -e '.caps | any(.why | startswith("steering: "))' >/dev/null ||
        complain "kwota job does not say"
}

# Ended: its user reads why, and was warned if there was the time.
judge_ended() { # JOB OUTPUT
    ended=$((ended + 1))
    grep -q "kwota: job $1 is ended: it has used" "$2" || complain "not told why it ended"
    root scontrol show job "$1" | grep -q "AdminComment=kwota: job $1 is ended: it has used" ||
        complain "no admin_comment"
    decided "$1" warn || return 0
    warned=$((warned + 1))
    grep -q "kwota: job $1: its energy runs out: it has used" "$2" || complain "not warned"
    grep -q '^warned by a signal' "$2" || complain "no signal"
}

judge() { # JOB NAME U KIND GPUS SHAPE
    local job=$1 u=$3 wh s mw duty fits enough took charge state permille was=-
    shift
    read -r wh s mw duty fits enough took < <(facts "$@")
    charge=$(job_json "$job" | jq .charge_mj)
    state=$(job_json "$job" | jq -r .slurm_state)
    permille=$(done_permille "$job" "$3" "$4" "$s")
    ! decided "$job" steer || was=slowed
    printf '%s: %s %s %s, use %d: charged %d of 1000, done %d, %s %s; %s %s\n' "$job" "$3" "$4" "$5" \
        "$u" $((charge / wh / 3600)) "$permille" "$was" "$state" "$fits" "$enough"
    [ "$charge" -le $((wh * 3600000)) ] || complain "charged more than its budget"
    [ "$fits" = - ] || [ "$was" = - ] || complain "slowed though it fits"
    [ "$fits" = - ] || [ "$state" = COMPLETED ] || complain "it fits and did not finish"
    [ "$enough" = - ] || [ "$state" = COMPLETED ] || complain "its floor was enough and it did not finish"
    [ "$state" != COMPLETED ] || [ "$permille" -ge 1000 ] || complain "finished without its work done"
    if [ "$state" = COMPLETED ] && [ "$was" = slowed ]; then saved=$((saved + 1)); fi
    [ "$was" = - ] || judge_slowed "$job"
    [ "$state" != CANCELLED ] || judge_ended "$job" "$dir/home/alice/$1.out"
}

some_held() {
    [ "$(ledger 'SELECT COUNT(*) FROM steering WHERE gpu_mw > 0')" -ge 5 ]
}

@test "thirty random jobs: none that fits is slowed, none charged beyond its budget, the floor brings home the rest" {
    local name u kind gpus shape failed=0 saved=0 slowed=0 ended=0 warned=0
    local -A jobs=()
    draw >"$BATS_TEST_TMPDIR/jobs"
    write_history <"$BATS_TEST_TMPDIR/jobs"
    while read -r name u kind gpus shape; do
        jobs[$name]=$(start_job "$name" "$u" "$kind" "$gpus" "$shape")
    done <"$BATS_TEST_TMPDIR/jobs"
    # In the middle of it: what it knew stands in the ledger.
    wait_for 120 some_held
    "$top/tests/cluster" kill --dir "$dir" kwotad -KILL
    "$top/tests/cluster" start --dir "$dir" kwotad
    wait_for 270 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    while read -r name u kind gpus shape; do
        judge "${jobs[$name]}" "$name" "$u" "$kind" "$gpus" "$shape"
    done <"$BATS_TEST_TMPDIR/jobs"
    echo "$slowed were slowed, $saved of them finished, $ended were ended, $warned of them warned"
    [ "$failed" -eq 0 ]
    [ "$saved" -gt 0 ] && [ "$ended" -gt 0 ] && [ "$warned" -gt 0 ]
    no_node_drained
}
