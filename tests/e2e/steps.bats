#!/usr/bin/env bats
# steps.bats - steps, apportioned energy and power over time, as nodes report them
#
# What only newer meters tell is posted here in a node's name, beside the real meter's
# own reports: a second token of the same job.

load cluster

setup_file() {
    cluster_up --nodes 1 --cpus 4 --tick-ms 500 --report-ms 500
    job=$(submit alice "$(busy 600)" -A astro -n 1 -o /dev/null)
    wait_for 60 job_runs "$job"
    wait_for 30 used_something "$job"
    echo "$job" >"$dir/job"
}

teardown_file() {
    cluster_down
}

setup() {
    job=$(cat "$dir/job")
}

used_something() {
    [ "$(job_json "$1" | jq '.energy.total_mj // 0')" -gt 0 ]
}

# post FILE - a report over the Unix socket as root; the reply
# A report right after another would be acknowledged and not looked at.
post() {
    wait_for 5 not_right_after
    root curl -s -f --unix-socket "$dir/run/kwotad.sock" --data-binary "@$1" \
        http://localhost/v1/report
}

# report_json SEQ UJ RUN_FIELDS - n1's report of one token of the job, with a GPU
report_json() {
    jq -n --argjson seq "$1" --argjson uj "$2" --argjson more "$3" --argjson job "$job" \
        --argjson start "$(ledger "SELECT start_s * 1000 FROM runs WHERE job_id = $job")" '
        {node: "n1", epoch: "posted", seq: $seq, time_ms: ($start + $seq * 1000),
         simulated: true,
         domains: [{name: "gpu-0", kind: "gpu", source: "test", state: "ok", reason: null,
                    total_uj: $uj, jobs_uj: $uj, node_uj: 0, gap_ms: 0, integrated: true}],
         runs: [{token: "posted", job: $job, start_ms: $start, end_ms: null, final: false,
                 cpu_ns: 0, reasons: [], domains: {"gpu-0": $uj}} + $more]}' >"$dir/report"
}

not_right_after() {
    local last
    last=$(ledger "SELECT COALESCE(MAX(last_report_ms), 0) FROM nodes WHERE epoch = 'posted'")
    [ "$(date +%s%3N)" -gt $((last + 300)) ]
}

posted_is_bound() {
    [ "$(ledger "SELECT COUNT(*) FROM tokens WHERE token = 'posted' AND run_id > 0")" -eq 1 ]
}

@test "steps that a node reports are added up and shown" {
    report_json 1 0 '{"steps":[{"step":"7","start_ms":1700000000000,"end_ms":1700000065000,
        "cpu_ns":61000000000,"uj":{"package":3600000000,"gpu":1000,"dram":null}},
        {"step":"8","start_ms":1700000000000,"end_ms":null,"cpu_ns":0,"uj":{}}]}'
    post "$dir/report" | jq -e '.runs | type == "object"'
    wait_for 30 posted_is_bound
    root kwota job "$job" --steps --json | jq -e '
        (.steps[] | select(.step == "7")) |
        .end_ms - .start_ms == 65000 and .nodes == 1 and .cpu_ns == 61000000000 and
        .energy == {total_mj: 3600001, cpu_mj: 3600000, dram_mj: null, gpu_mj: 1, other_mj: null}'
    run root kwota job "$job" --steps
    echo "$output"
    [[ "$output" == *STEP*GPU* ]]
    grep -qE '^7 +1 +0:01:05 +0:01:01 +0\.001000 ' <<<"$output"
    grep -qE '^8 +1 +runs ' <<<"$output"
}

@test "a step that is left out stays as it was, and no count goes back" {
    report_json 2 2000000 '{"steps":[{"step":"8","start_ms":1700000000000,"end_ms":1700000070000,
        "cpu_ns":5,"uj":{"package":9000}}]}'
    post "$dir/report"
    report_json 3 1000000 '{"steps":[{"step":"8","start_ms":1700000000000,"end_ms":null,
        "cpu_ns":4,"uj":{"package":8000}}]}'
    post "$dir/report"
    root kwota job "$job" --steps --json | jq -e '
        ([.steps[] | select(.step == "7" or .step == "8") | .energy.cpu_mj] == [3600000, 9]) and
        (.steps[] | select(.step == "8") | .end_ms == 1700000070000) and .energy.gpu_mj == 2000'
}

@test "apportioned and integrated energy are named so" {
    report_json 4 3000000 '{"apportioned":["gpu-0"]}'
    post "$dir/report"
    job_json "$job" | jq -e '(.apportioned | index("gpu")) and .integrated == ["gpu"]
        and .quality == "apportioned"'
    run root kwota job "$job"
    echo "$output"
    grep -qE '^ +gpu +.*, apportioned, from power over time$' <<<"$output"
    grep -qE '^  quality +apportioned$' <<<"$output"
    [[ "$(root kwota job "$job" --summary)" == *apportioned* ]]
}

@test "a kind that was not apportioned is called measured" {
    local alone
    alone=$(submit alice true -A astro -n 1 -o /dev/null)
    wait_for 60 settled "$alone"
    # A meter may say that this job, too, shared its counters.
    [ "$(job_json "$alone" | jq -r '.apportioned | index("dram")')" != null ] ||
        root kwota job "$alone" | grep -qE '^ +dram +.*, measured$'
}

@test "the plot's bins add up to the energy" {
    as alice scancel "$job"
    wait_for 60 over "$job"
    root kwota job "$job" --plot --json | jq -e '
        (.plot.bins | length) == 80 and .plot.end_ms > .plot.start_ms and
        ([.plot.bins[] | .cpu_mj, .dram_mj, .gpu_mj, .other_mj | values] | add)
            == .energy.total_mj'
}

over() {
    [ "$(job_json "$1" | jq -r .state)" != running ]
}

@test "a plot fits the terminal, in block characters or in ASCII" {
    run root env LC_ALL=C.UTF-8 COLUMNS=60 kwota job "$job" --plot
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Mean power over time, apportioned [simulated]"* ]]
    grep -q '█' <<<"$output"
    grep -qE ' W ┤' <<<"$output"
    local widest
    widest=$(sed -n '/^Mean power/,$p' <<<"$output" | LC_ALL=C.UTF-8 wc -L)
    [ "$widest" -eq 60 ]
    run root env LC_ALL=C COLUMNS=50 kwota job "$job" --plot
    echo "$output"
    grep -q '#' <<<"$output"
    [ -z "$(LC_ALL=C grep '[^ -~]' <<<"$output")" ]
    run root env -u COLUMNS LC_ALL=C kwota job "$job" --plot
    [ "$(sed -n '/^Mean power/,$p' <<<"$output" | wc -L)" -eq 80 ]
}

@test "a node with 256 runs of 12 domains and 500 steps can report" {
    jq -nc '[range(12) | "domain-number-\(.)"] as $names |
        {node: "big", epoch: "posted", seq: 1, time_ms: 1700000000000, simulated: true,
         domains: [$names[] | {name: ., kind: "package", source: "test", state: "ok",
                   reason: null, total_uj: 0, jobs_uj: 0, node_uj: 0, gap_ms: 0}],
         runs: [range(256) as $r | {token: "0123456789abcdef0123456789ab\($r)",
                job: (1000000 + $r), uid: 1001, node_count: 1, cpus: 1,
                start_ms: 1699999000000, end_ms: null, final: false, cpu_ns: 123456789012,
                quality: "partial", reasons: ["a counter could not be read for some time"],
                domains: ([$names[] | {(.): 123456789012345}] | add),
                apportioned: $names,
                steps: [range(2) | {step: "\(.)", start_ms: 1699999000000, end_ms: null,
                        cpu_ns: 123456789012, uj: {package: 123456789012345,
                        dram: 123456789012345, gpu: null}}]}]}' >"$dir/report"
    wc -c "$dir/report"
    local begun=$EPOCHREALTIME
    post "$dir/report" | jq -e '.acked == []'
    echo "took from $begun to $EPOCHREALTIME"
    [ "$(ledger "SELECT COUNT(*) FROM run_steps WHERE token LIKE '0123456789abcdef%'")" -eq 512 ]
}

@test "malformed steps get a sentence" {
    report_json 9 3000000 '{"steps":[{"step":"0"}]}'
    run root curl -s --unix-socket "$dir/run/kwotad.sock" --data-binary "@$dir/report" \
        http://localhost/v1/report
    [[ "$output" == *"a step needs step, start_ms, cpu_ns and uj"* ]]
    [ "$(root curl -s -o /dev/null -w '%{http_code}' --unix-socket "$dir/run/kwotad.sock" \
        "http://localhost/v1/job?id=$job&plot=1001")" = 400 ]
}
