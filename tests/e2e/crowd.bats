#!/usr/bin/env bats
# crowd.bats - twelve jobs at once on one node of eight CPUs: each gets what it caused
#
# Different core counts, loads, GPUs (whole ones and shards), random starts and ends, one
# suspended, one requeued, counters that wrap every few seconds. The truth is the plant's
# plain model. Afterwards the same load with the meter killed every few seconds.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    # 60 W at most for a package that wraps after 150 J: ticks of up to 2.5 s are safe.
    # The plant moves its counters ten times a second, a hundred times more seldom than
    # real ones: at a tick much shorter than a second, CPU time and energy would be of
    # different moments.
    echo '{"package": {"range_uj": 150000000, "limit_mw": 30000},
           "dram": {"range_uj": 20000000, "limit_mw": 4000}, "platform_mw": 20000}' \
        >"$BATS_FILE_TMPDIR/figures.json"
    cluster_up --nodes 1 --cpus 8 --gpus 4 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json"
    wake=$(submit alice 'true' -A astro -n 1 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

# load_for SECONDS PERCENT CORES - script text: so much of so many cores, thirty times a
# second, which is out of step with everything else here; until so long after all of them
# run, and no shorter than that and twenty seconds
load_for() {
    local i
    for ((i = 0; i < $3; i++)); do
        printf "perl -e 'use Time::HiRes qw(time sleep); for (;;) { my @s = stat q(%s); last if @s && time() > (\$s[9] > \$^T + 20 ? \$s[9] : \$^T + 20) + %s; my \$e = time + %s; 1 while time < \$e; sleep %s }' &\n" \
            "$dir/etc/all-run" "$1" "$(jq -n "$2 / 3000")" "$(jq -n "(100 - $2) / 3000 + 0.0003")"
    done
    printf 'wait\ntrue\n'
}

# submit_crowd MORE - the twelve, of 50 seconds and up to so many more, or more where it takes
# longer until all of them run; their ids go to the array jobs. One after the other: the meter and
# the plant are told by two prologs, of which on a small machine a dozen at once take a
# second, and that would be the difference between them.
submit_crowd() {
    local seconds more=$1
    # cores, load in percent, more options
    local -a shapes=('1 10' '1 15' '2 5' '1 0' '3 2 --gres=gpu:1' '1 10 --gres=gpu:1'
        '1 25 --gres=shard:1' '1 30 --gres=shard:1' '4 2' '1 6' '2 5' '1 8')
    jobs=()
    rm -f "$dir/etc/all-run"
    local shape
    for shape in "${shapes[@]}"; do
        set -- $shape
        seconds=$((30 + RANDOM % more))
        jobs+=("$(submit alice "$(load_for $seconds "$2" "$1")" -A astro -p crowd -n 1 \
            -c "$1" ${3:-} --requeue -o /dev/null)")
        wait_for 30 job_runs "${jobs[-1]}"
    done
    wait_for 60 all_run
    touch "$dir/etc/all-run"
}

all_run() {
    [ "$(root squeue -h -t R | wc -l)" -eq 12 ]
}

# What the plant says this job caused, over all domains, in microjoules.
caused_uj() {
    jq -s --arg job "$1" '[.[] | .jobs? | .[$job]?.uj // empty] | add // 0' "$truth_file"
}

# What all runs of the job were charged, in microjoules.
charged_uj() {
    root kwota job "$1" --restart all --json | jq -s '[.. | .charge_mj? // empty] | add * 1000'
}

# Seconds flagged uncertain, over the runs of the job: the longest of each run's reasons.
flagged_s() {
    root kwota job "$1" --restart all --json |
        jq -s '[.. | .reasons? // empty | arrays | [.[] | capture("for (?<s>[0-9.]+) s") | .s | tonumber] | max // 0] | add // 0'
}

suspend_for_a_while() {
    root scontrol suspend "$1"
    # Slurm gives the processes two seconds before it freezes them.
    wait_for 20 frozen "$1"
    plant n1 job suspend --job "$1" >/dev/null
    wait_for 30 passed $(($(date +%s%3N) + 6000))
    root scontrol resume "$1"
    plant n1 job resume --job "$1" >/dev/null
}

frozen() {
    root sh -c "grep -q FROZEN /sys/fs/cgroup/freezer/slurm_n1/uid_*/job_$1/step_batch/freezer.state"
}

requeue() {
    root scontrol requeue "$1"
    # As soon as its credential has expired: before, Slurm would skip the prolog.
    wait_for 60 job_restarted "$1"
}

job_restarted() {
    root scontrol show job "$1" | grep -q 'Restarts=1' && job_runs "$1"
}

conserved() {
    nodes | jq -e 'all(.nodes[].domains[]; .jobs_uj + .node_uj == .total_uj)' >/dev/null
}

passed() {
    [ "$(date +%s%3N)" -ge "$1" ]
}

# Stops the plant; the meter has read counters that no longer move when its totals stay
# the same from one report to the next but one.
rest() {
    plant n1 trick stop >/dev/null
    wait_for 30 still
}

still() {
    local first
    first=$(nodes | jq -c '[.nodes[].domains[].total_uj]')
    wait_for 10 reported_after "$(($(nodes | jq '.nodes[0].last_report_ms') + 2500))"
    [ "$first" = "$(nodes | jq -c '[.nodes[].domains[].total_uj]')" ]
}

reported_after() {
    [ "$(nodes | jq '.nodes[0].last_report_ms')" -ge "$1" ]
}

true_total() {
    "$build/tests/plant/kwota-plant" truth --truth "$dir/nodes/n1/truth.jsonl" \
        --domain "$1" | jq .total_uj
}

totals() {
    local domain
    for domain in package-0 package-1 dram-0 dram-1; do
        echo "$domain $(true_total $domain) $(total n1 $domain total_uj)"
    done
}

@test "twelve jobs at once: conservation is exact, each within 1 % of what it caused" {
    truth_file=$BATS_TEST_TMPDIR/truth
    rest
    totals >"$BATS_TEST_TMPDIR/before"
    "$top/tests/cluster" start --dir "$dir" plant-n1 >&2
    submit_crowd 30
    suspend_for_a_while "${jobs[0]}"
    requeue "${jobs[9]}"
    wait_for 180 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    truth n1 >"$truth_file"
    rest
    totals >"$BATS_TEST_TMPDIR/after"
    "$top/tests/cluster" start --dir "$dir" plant-n1 >&2
    local job charged caused worst=0 error failed=0
    for job in "${jobs[@]}"; do
        charged=$(charged_uj "$job")
        caused=$(caused_uj "$job")
        error=$(jq -n "($charged - $caused) / $caused * 10000 | round")
        echo "job $job: charged $charged uJ, caused $caused uJ, error $error / 10000, $(job_json "$job" | jq -c .reasons)"
        [ "${error#-}" -le 100 ] || failed=1
        [ "${error#-}" -le "$worst" ] || worst=${error#-}
    done
    echo "worst error: $worst / 10000"
    [ "$failed" -eq 0 ]
    conserved
    # What the counters moved by, as the plant says and as the meter says.
    paste "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" |
        awk '{ print $1, $5 - $2, $6 - $3; if ($5 - $2 != $6 - $3 || $5 <= $2) bad = 1 } END { exit bad }'
    [ "$(nodes | jq '[.nodes[].domains[].gap_ms] | add')" -eq 0 ]
}

# Kills the meter every few seconds; something starts it again, as systemd would.
kill_meters() {
    local until=$((SECONDS + 75))
    while [ "$SECONDS" -lt "$until" ] || [ "$kills" -lt 12 ]; do
        wait_for 10 passed $(($(date +%s%3N) + 2000 + RANDOM % 3000))
        "$top/tests/cluster" kill --dir "$dir" meter-n1 -9
        wait_for 5 passed $(($(date +%s%3N) + RANDOM % 500))
        "$top/tests/cluster" start --dir "$dir" meter-n1
        kills=$((kills + 1))
    done
}

@test "the meter killed every few seconds: conservation is exact, errors stay within what is flagged" {
    truth_file=$BATS_TEST_TMPDIR/truth
    kills=0
    rest
    totals >"$BATS_TEST_TMPDIR/before"
    "$top/tests/cluster" start --dir "$dir" plant-n1 >&2
    submit_crowd 12
    kill_meters
    wait_for 180 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    truth n1 >"$truth_file"
    rest
    totals >"$BATS_TEST_TMPDIR/after"
    "$top/tests/cluster" start --dir "$dir" plant-n1 >&2
    echo "killed $kills times"
    [ "$kills" -ge 12 ]
    # What the node's parts of a job can draw at most, in watts: more than that no flagged
    # second can hide. 34 idle, 2 real cores busy, 20 for fans; a GPU; one that is shared.
    local i job charged caused flagged off failed=0
    local -a most_w=(90 90 90 90 315 315 515 515 90 90 90 90)
    for i in "${!jobs[@]}"; do
        job=${jobs[i]}
        charged=$(charged_uj "$job")
        caused=$(caused_uj "$job")
        flagged=$(flagged_s "$job")
        off=$((charged - caused))
        echo "job $job: charged $charged uJ, caused $caused uJ, $flagged s flagged, $(job_json "$job" | jq -c .reasons)"
        # 1 % more for what no kill has to do with, as in the test above
        jq -ne "($off | fabs) <= $flagged * ${most_w[i]} * 1e6 + $caused / 100" >/dev/null || failed=1
    done
    [ "$failed" -eq 0 ]
    # Something was lost from sight, and it is said.
    jq -ne "$(flagged_s "${jobs[4]}") > 0" >/dev/null
    conserved
    paste "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" |
        awk '{ print $1, $5 - $2, $6 - $3; if ($5 - $2 != $6 - $3 || $5 <= $2) bad = 1 } END { exit bad }'
}
