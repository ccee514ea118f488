#!/usr/bin/env bats
# verify.bats - the books are proved, copied and pruned beside a kwotad that goes on; a
# disk that is full loses nothing

load cluster

setup_file() {
    cluster_up --nodes 2 --cpus 4 --tick-ms 1000 --report-ms 1000
    job=$(submit alice "$(busy 2)" -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 settled "$job"
    printf '%s\n' "$job" >"$dir/job"
}

teardown_file() {
    cluster_down
}

# tamper SQL - what nobody should do, while kwotad writes too
tamper() {
    sqlite3 -cmd '.timeout 10000' "$dir/spool/kwota/ledger.db" "$1"
}

verify_is_clean() {
    root kwota verify --slurmdbd --json | jq -e '.ok and .checked.runs > 0' >/dev/null
}

@test "the books of a cluster balance, and so they do against slurmdbd; a breach is named" {
    wait_for 30 verify_is_clean
    run -0 root kwota verify --slurmdbd
    [[ $output == *"The books balance."* ]]
    [ "$(root kwota verify --json | jq '.checked["slurmdbd'"'"'s runs"]')" -ge 1 ]
    run -1 as alice kwota verify
    [[ $output == *operators* ]]

    tamper \
        "UPDATE run_months SET cpu_mj = cpu_mj + 1 WHERE run_id = 1"
    run -1 root kwota verify
    [[ $output == *"job $(cat "$dir/job"): its months have"* ]]
    tamper \
        "UPDATE run_months SET cpu_mj = cpu_mj - 1 WHERE run_id = 1"
    wait_for 10 verify_is_clean
}

@test "a backup beside kwotad is whole, proved, only its owner's, and overwrites nothing" {
    local copy=$dir/backup.db
    run -0 root kwota ledger backup "$copy"
    [ "$(stat -c %a "$copy")" = 600 ]
    run -0 root kwota verify --file "$copy"
    [[ $output == *"The books balance."* ]]
    [ "$(sqlite3 -readonly "$copy" 'SELECT SUM(mj) FROM entries')" -eq \
        "$(ledger 'SELECT SUM(mj) FROM entries')" ]
    run -1 root kwota ledger backup "$copy"
    [[ $output == *"never overwrites"* ]]
}

@test "kwota prune drops an old run's detail; its charge stays, and the books balance" {
    local job charge
    job=$(cat "$dir/job")
    charge=$(job_json "$job" | jq .charge_mj)
    run -1 root kwota prune --older-than 10days
    [[ $output == *"90 days"* ]]
    run -0 root kwota prune --dry-run
    [[ $output == *"Would drop the detail of 0 runs"* ]]
    # It ended long ago. Sums by time are not asked about: it was not used then.
    tamper \
        "UPDATE runs SET end_s = end_s - 1000 * 86400 WHERE id = 1"
    run -0 root kwota prune --dry-run
    [[ $output == *"Would drop the detail of 1 runs"* ]]
    run -0 root kwota prune
    [[ $output == *"Dropped the detail of 1 runs"* ]]
    tamper \
        "UPDATE runs SET end_s = end_s + 1000 * 86400 WHERE id = 1"
    [ "$(job_json "$job" | jq .charge_mj)" -eq "$charge" ]
    [ "$(job_json "$job" | jq '.energy.total_mj')" -eq "$charge" ]
    run -0 root kwota job "$job" --steps
    [[ $output == *"its detail was dropped then"* ]]
    wait_for 10 verify_is_clean
}

@test "a full disk: kwotad goes on answering, nodes keep their finals, all is charged once" {
    local job filler=$dir/spool/kwota/filler
    "$top/tests/cluster" kill --dir "$dir" kwotad
    cp -a "$dir/spool/kwota" "$dir/spool/aside"
    # As the cluster's daemons see it; gone with them.
    root mount -t tmpfs -o size=8m kwota-test "$dir/spool/kwota"
    root cp -aT "$dir/spool/aside" "$dir/spool/kwota"
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
    wait_for 30 verify_is_clean

    job=$(submit alice "$(busy 4)
until [ -e $dir/etc/over ]; do sleep 0.2; done" -A astro -N 2 -n 2 -o /dev/null)
    wait_for 30 job_runs "$job"
    root dd if=/dev/zero of="$filler" bs=4k 2>/dev/null || true
    wait_for 30 log_says "make room on the file system"
    touch "$dir/etc/over"
    wait_for 60 queue_empty
    # Old books are read all the while.
    [ "$(job_json "$(cat "$dir/job")" | jq -r .state)" = settled ]
    run ! settled "$job"
    root rm "$filler"
    wait_for 60 settled "$job"
    wait_for 20 log_says "the ledger can be written again"
    [ "$(root sqlite3 -readonly "$dir/spool/kwota/ledger.db" "SELECT COUNT(*) FROM entries
        WHERE kind = 'charge' AND run_id = (SELECT id FROM runs WHERE job_text = '$job')")" -eq 1 ]
    [ "$(job_json "$job" | jq -r '.nodes | all(.final)')" = true ]
    wait_for 30 verify_is_clean
    no_node_drained
}

log_says() {
    grep -q "$1" "$dir/log/kwotad.out"
}
