#!/usr/bin/env bats
# caplives.bats - six caps on six GPUs, and every way in which a job, its node or the
# meter can end: afterwards each device has the limit that somebody gave it before
#
# Nothing is capped by rule here: each job's own --gpu-power-cap is what it is held to.
# A holder that is busy for a twentieth of the time makes a GPU ask for all that it may draw.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    echo '{"gpu_busy_mw": 8000000, "gpu_limit_mw": 400000}' >"$BATS_FILE_TMPDIR/figures.json"
    echo '{"caps": {"enabled": true}}' >"$BATS_FILE_TMPDIR/policy.json"
    cluster_up --nodes 3 --cpus 8 --gpus 6 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json"
    # Made by hand, so not the default; the others stand at it.
    plant n1 trick limit --domain gpu-0 --mw 360000
    plant n1 trick limit --domain gpu-1 --mw 350000
    plant n1 trick limit --domain gpu-4 --mw 345000
    plant n3 trick limit --domain gpu-0 --mw 340000
    lose_an_end
    # Its time is up a minute and more later, while the other tests run.
    submit dave 'sleep 600' -w n3 -n 1 --gres=gpu:1 -t 1 -o /dev/null --gpu-power-cap=150W \
        >"$BATS_FILE_TMPDIR/timeout"
}

# A job is cancelled in its prolog, so that nobody ever sees a cgroup of it; and at its epilog
# there is no meter, and none can be started.
lose_an_end() {
    local job
    sed -i "2i while [ -e $dir/slow ]; do sleep 0.1; done" "$dir/etc/plant-start"
    touch "$dir/slow"
    job=$(held n3 alice 200W 'sleep 600')
    wait_for 30 limit_is n3 0 200000
    mv "$dir/build/plugin/meter/kwota-meter" "$dir/build/plugin/meter/away"
    "$top/tests/cluster" kill --dir "$dir" meter-n3 -KILL
    root scancel "$job"
    rm "$dir/slow"
    wait_for 30 gone "$job"
    wait_for 30 n3_is_idle
    mv "$dir/build/plugin/meter/away" "$dir/build/plugin/meter/kwota-meter"
    "$top/tests/cluster" start --dir "$dir" meter-n3
    limit_is n3 0 200000
    echo "$job" >"$BATS_FILE_TMPDIR/lost"
}

n3_is_idle() {
    [ "$(root sinfo -h -n n3 -p main -o %T)" = idle ]
}

teardown_file() {
    cluster_down
}

teardown() {
    local name
    for name in alice bob carol; do root scancel -u "$name"; done
    wait_for 60 users_gone
}

users_gone() {
    [ -z "$(root squeue -h -u alice,bob,carol)" ]
}

limit_is() { # NODE GPU MW
    [ "$(plant "$1" trick limit --domain "gpu-$2" | jq .limit_mw)" = "$3" ]
}

# limits_are NODE MW… - of gpu-0, gpu-1, …
limits_are() {
    local node=$1 gpu=0 mw
    shift
    for mw in "$@"; do
        limit_is "$node" $gpu "$mw" || return 1
        gpu=$((gpu + 1))
    done
}

n1_found_again() {
    limits_are n1 360000 350000 400000 400000 345000 400000
}

# held NODE USER CAP SCRIPT [OPTIONS…] - a job on a GPU of that node
held() {
    local node=$1 user=$2 cap=$3 script=$4
    shift 4
    submit "$user" "$script" -w "$node" -n 1 -c 1 --gres=gpu:1 -o /dev/null "--gpu-power-cap=$cap" "$@"
}

gone() {
    [ -z "$(root squeue -h -j "$1" 2>/dev/null)" ]
}

sets() { # NODE
    cat "$(find "$dir/nodes/$1" -name kwota-plant-limits.jsonl | head -n 1)"
}

none_kept() { # NODE
    [ "$(jq '.devices | length' "$dir/spool/meter/$1/caps.json")" -eq 0 ]
}

meter_pid() {
    root cat "$dir/run/kwota/$1.pid"
}

# draws NODE GPU FROM_MS TO_MS - mean powers in mW, second by second, from then until the limit
# of 250 W is gone again, each with "working" if it is of before TO_MS, else "over"
draws() {
    jq -sr --arg gpu "gpu-$2" --argjson from "$3" --argjson to "$4" '
        (map(select(.event == "limit" and .of == $gpu and .limit_mw != 250000 and .time_ms > $from))
         | first | .time_ms) as $until |
        map(select(.domain == $gpu and .time_ms >= $from and .time_ms <= $until)) as $at |
        range(1; $at | length) |
        "\(($at[.].total_uj - $at[. - 1].total_uj) / ($at[.].time_ms - $at[. - 1].time_ms) | round) " +
            if $at[.].time_ms <= $to then "working" else "over" end
        ' "$dir/nodes/$1/truth.jsonl"
}

# capped_s PREFIX - the whole seconds of "PREFIX 0:00:09" in what is read
capped_s() {
    sed -n "s/.*$1 \([0-9]*\):\([0-9]*\):\([0-9]*\).*/\1 \2 \3/p" | awk 'NR == 1 { print $1 * 3600 + $2 * 60 + $3 }'
}

# about SECONDS FROM_MS TO_MS - so long, within a second and ten
about() {
    [ "$1" -ge $((($3 - $2) / 1000 - 1)) ] && [ "$1" -le $((($3 - $2) / 1000 + 10)) ]
}

@test "held to 250 W it draws no more once the overshoot is over, and everybody sees it" {
    local job begun ended until_ms powers mw when
    # It works for nine seconds, and on until everybody has seen it.
    job=$(submit alice "date +%s%3N
$(busy 9)
until [ -e everybody ]; do :; done
date +%s%3N" -w n1 -n 1 -c 1 --gres=gpu:1 -o two-fifty.out --gpu-power-cap=250W)
    wait_for 30 limit_is n1 0 250000
    top_shows() {
        root kwota top --once | grep -E "^ *$job .* 250 W"
    }
    wait_for 10 top_shows
    nodes_show() {
        root kwota nodes | grep -E '^n1 +gpu-0 .*\*250 W \(100 to 400\)'
    }
    wait_for 10 nodes_show
    as alice touch "$dir/home/alice/everybody"
    wait_for 30 gone "$job"
    wait_for 10 n1_found_again
    mapfile -t when < <(grep -x '[0-9]\{13\}' "$dir/home/alice/two-fifty.out")
    begun=${when[0]} ended=${when[1]}
    mapfile -t powers < <(draws n1 0 $((begun + 1000)) "$ended")
    echo "drew, in mW: ${powers[*]}"
    [ "$(printf '%s\n' "${powers[@]}" | grep -c working)" -ge 4 ]
    for mw in "${powers[@]}"; do
        [ "${mw% *}" -le 250500 ]
        [ "${mw#* }" = over ] || [ "${mw% *}" -ge 249000 ]
    done
    # Its limit was there from a little before it began until a little after it ended.
    until_ms=$(sets n1 | jq -s --argjson from "$begun" 'map(select(.gpu == 0 and .mw == 360000 and .time_ms > $from)) | first | .time_ms')
    [ "$until_ms" -gt "$ended" ] || until_ms=$ended
    about "$(capped_s 'kwota:   capped to 250 W for' <"$dir/home/alice/two-fifty.out")" "$begun" "$until_ms"
    wait_for 60 settled "$job"
    root kwota job "$job" | grep -E "caps .* capped: gpu at 250 W, its user's --gpu-power-cap \(n1 gpu-0\)"
    about "$(root kwota job "$job" | sed -n 's/.*capped for \([0-9]*\) s in all.*/\1/p')" "$begun" "$until_ms"
    nodes_show_found() {
        root kwota nodes | grep -E '^n1 +gpu-0 .* 360 W \(100 to 400\)'
    }
    wait_for 10 nodes_show_found
}

@test "six jobs on six GPUs with six caps, ended in six ways" {
    local jobs=() cap i gpu
    for cap in 150 175 200 225 250 275; do
        jobs+=("$(held n1 bob "${cap}W" "while [ ! -e go.$cap ]; do :; done; [ $cap != 250 ]")")
    done
    wait_for 40 limits_are n1 150000 175000 200000 225000 250000 275000
    # Each draws what it may, and not more.
    for gpu in 0 1 2 3 4 5; do
        drawn() {
            plant n1 trick limit --domain "gpu-$gpu" | jq -e '.mw == .limit_mw and .demand_mw > .limit_mw'
        }
        wait_for 10 drawn
    done
    # Each job's own, and in the books as its own.
    # Nothing but its own has ever been told of any.
    all_told() {
        [ "$(ledger "SELECT group_concat(r.job_id || ':' || c.value, ' ') FROM run_caps c JOIN tokens t USING (token)
            JOIN runs r ON r.id = t.run_id WHERE c.state = 'set' AND r.user = 'bob' ORDER BY r.job_id" | wc -w)" -eq 6 ]
    }
    wait_for 10 all_told
    for i in 0 1 2 3 4 5; do
        [ "$(ledger "SELECT c.value FROM run_caps c JOIN tokens t USING (token) JOIN runs r ON r.id = t.run_id
            WHERE c.state = 'set' AND r.job_id = ${jobs[i]}")" -eq $((150000 + 25000 * i)) ]
    done
    # One ends, and only its own limit is what it was.
    as bob touch "$dir/home/bob/go.150"
    wait_for 30 limits_are n1 360000 175000 200000 225000 250000 275000
    root scancel "${jobs[1]}"
    wait_for 30 limits_are n1 360000 350000 200000 225000 250000 275000
    root scancel --signal=KILL --full "${jobs[2]}"
    root scontrol requeuehold "${jobs[3]}"
    wait_for 30 limits_are n1 360000 350000 400000 400000 250000 275000
    root scancel "${jobs[3]}"
    # It fails.
    as bob touch "$dir/home/bob/go.250"
    wait_for 30 limits_are n1 360000 350000 400000 400000 345000 275000
    # It ends while there is no slurmd to see it.
    "$top/tests/cluster" kill --dir "$dir" slurmd-n1 -KILL
    as bob touch "$dir/home/bob/go.275"
    "$top/tests/cluster" start --dir "$dir" slurmd-n1
    # If slurmd was told of the end while it was away, slurmctld tells it again in its own time.
    wait_for 200 n1_found_again
    wait_for 200 users_gone
}

@test "two jobs share a GPU: the higher cap holds for both, and the books say so" {
    local one two
    one=$(submit alice 'sleep 600' -w n1 -n 1 -c 1 --gres=shard:1 -o /dev/null --gpu-power-cap=150W)
    wait_for 30 limit_is n1 0 150000
    two=$(submit bob 'sleep 600' -w n1 -n 1 -c 1 --gres=shard:1 -o /dev/null --gpu-power-cap=200W)
    wait_for 30 limit_is n1 0 200000
    shared() {
        root kwota job "$one" | grep 'capped, but for a job it shares with higher: gpu at 200 W'
    }
    wait_for 10 shared
    root scancel "$two"
    wait_for 30 limit_is n1 0 150000
    root scancel "$one"
    wait_for 30 n1_found_again
}

@test "its node fails, and is used again" {
    local job
    job=$(held n2 carol 200W 'touch began; sleep 600' --no-requeue)
    # Not in its prolog: of a job that never had a cgroup it is kwotad's word a minute later.
    wait_for 60 test -e "$dir/home/carol/began"
    wait_for 30 limit_is n2 0 200000
    "$top/tests/cluster" kill --dir "$dir" slurmd-n2 -KILL
    root scontrol update nodename=n2 state=down reason=test
    wait_for 30 gone "$job"
    root scontrol update nodename=n2 state=resume
    "$top/tests/cluster" start --dir "$dir" slurmd-n2
    wait_for 120 limit_is n2 0 400000
    wait_for 60 no_node_drained
}

@test "requeued, it runs again under its cap" {
    local job requeued
    job=$(held n1 carol 200W 'until [ -e again ]; do sleep 0.2; done' --requeue)
    wait_for 30 limit_is n1 0 200000
    requeued=$(date +%s%3N)
    root scontrol requeue "$job"
    # Set back, and set again when its credential has expired, and not before: Slurm would
    # skip its prolog. In between are only some seconds.
    back_and_again() {
        sets n1 | jq -es --argjson from "$requeued" \
            'map(select(.gpu == 0 and .time_ms >= $from) | .mw) | index([360000, 200000])'
    }
    wait_for 90 back_and_again
    limit_is n1 0 200000
    as carol touch "$dir/home/carol/again"
    wait_for 60 gone "$job"
    wait_for 30 n1_found_again
}

@test "the meter is killed between the save and the set, and between the set and its word" {
    local job pid trick
    for trick in crashearly crash; do
        pid=$(meter_pid n1)
        plant n1 trick $trick --domain gpu-0
        # Its epilog starts another meter, which sets back: not before this one was looked at.
        job=$(held n1 alice 150W "until [ -e over.$trick ]; do sleep 0.2; done")
        wait_for 30 job_runs "$job"
        meter_ended() {
            [ "$(meter_pid n1)" != "$pid" ] || ! root kill -0 "$pid"
        }
        wait_for 20 meter_ended
        # What was there is on disk, whether or not it was changed.
        jq -e '.devices[0] | .found_mw == 360000 and .set_mw == 150000' "$dir/spool/meter/n1/caps.json"
        plant n1 trick allow --domain gpu-0
        as alice touch "$dir/home/alice/over.$trick"
        wait_for 60 gone "$job"
        wait_for 30 n1_found_again
    done
    no_node_drained
}

@test "the meter is killed again and again, at whatever moment" {
    local i
    for i in 1 2 3 4 5 6; do
        held n1 alice "$((100 + 20 * i))W" 'sleep 2' >/dev/null
        # Any moment will do: before, between, after.
        sleep "0.$((RANDOM % 10))"
        root sh -c "kill -9 \$(cat $dir/run/kwota/n1.pid)" || true
    done
    wait_for 150 users_gone
    # Killed after the last epilog, it is started again by the next prolog.
    held n1 alice 300W true >/dev/null
    wait_for 60 users_gone
    wait_for 30 n1_found_again
    no_node_drained
}

@test "its end was lost and nobody ever saw its cgroup: by kwotad's word it is over" {
    wait_for 90 grep -q "job $(cat "$BATS_FILE_TMPDIR/lost"): kwotad says it is over" "$dir/log/meter-n3.out" "$dir"/run/kwota/n3.log
    # It is said before it is saved.
    wait_for 20 jq -e --argjson job "$(cat "$BATS_FILE_TMPDIR/lost")" 'all(.runs[]; .job != $job)' "$dir/spool/meter/n3/caps.json"
}

@test "its time is up" {
    wait_for 200 gone "$(cat "$BATS_FILE_TMPDIR/timeout")"
    timed_out() {
        job_json "$(cat "$BATS_FILE_TMPDIR/timeout")" | jq -e '.slurm_state == "TIMEOUT"'
    }
    wait_for 60 timed_out
    wait_for 30 limit_is n3 0 340000
}

@test "all are as they were, nothing was set out of range, nothing is left" {
    local node
    n1_found_again
    limits_are n2 400000 400000 400000 400000 400000 400000
    limits_are n3 340000 400000 400000 400000 400000 400000
    for node in n1 n2 n3; do
        # A limit is set before that is saved.
        wait_for 20 none_kept $node
        sets $node | jq -es 'length >= 2 and all(.mw >= .min_mw and .mw <= .max_mw and .rc == 0)'
    done
    no_node_drained
}
