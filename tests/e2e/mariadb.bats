#!/usr/bin/env bats
# mariadb.bats - the ledger in a MariaDB that is killed, and two kwotad on it

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    cluster_up --nodes 2 --cpus 4 --tick-ms 2000 --report-ms 1000 --ledger mariadb
    wake=$(submit alice 'srun true' -A astro -N 2 -n 2 -o /dev/null)
    wait_for 60 settled "$wake"
}

teardown_file() {
    cluster_down
}

# mariadb SQL - asks the ledger of record
mariadb() {
    root mariadb --no-defaults -S "$dir/ledgerdb/socket" -u root -N -e "$1" kwota
}

daemon() { # start|kill NAME…
    local what=$1
    shift
    "$top/tests/cluster" "$what" --dir "$dir" "$@" >&2
}

# Every run has one charge, and all of them are the meters' jobs within a millijoule a
# job and domain; every counter's energy is somebody's.
books_exact() {
    local jobs_uj charges_mj parts
    [ "$(mariadb "SELECT COUNT(*) FROM runs WHERE state <> 'settled'")" -eq 0 ] || return 1
    [ "$(mariadb "SELECT COUNT(*) FROM runs")" -eq \
        "$(mariadb "SELECT COUNT(DISTINCT run_id) FROM entries WHERE kind = 'charge'")" ] || return 1
    nodes | jq -e 'all(.nodes[].domains[]; .jobs_uj + .node_uj == .total_uj)' >/dev/null || return 1
    jobs_uj=$(nodes | jq '[.nodes[].domains[].jobs_uj] | add')
    charges_mj=$(mariadb "SELECT SUM(mj) FROM entries")
    parts=$(mariadb "SELECT COUNT(*) FROM run_domains")
    echo "jobs $jobs_uj uJ, charges $charges_mj mJ, $parts parts"
    [ $((charges_mj * 1000)) -le "$jobs_uj" ] && [ $((jobs_uj - charges_mj * 1000)) -le $((parts * 1000)) ]
}

# What the plant made and no meter ever saw: it must not grow.
unseen_uj() {
    local made
    made=$("$build/tests/plant/kwota-plant" truth --truth "$dir/nodes/n1/truth.jsonl" --domain package-0 |
        jq .total_uj)
    echo $((made - $(total n1 package-0 total_uj)))
}

rest() {
    plant n1 trick stop >/dev/null
    wait_for 30 at_rest
}

at_rest() {
    local first
    first=$(total n1 package-0 total_uj)
    wait_for 15 reported_since "$(nodes | jq '.nodes[] | select(.node == "n1") | .last_report_ms')"
    [ "$first" = "$(total n1 package-0 total_uj)" ]
}

reported_since() {
    [ "$(nodes | jq '.nodes[] | select(.node == "n1") | .last_report_ms')" -ge $(($1 + 4000)) ]
}

# copies_same SPOOL - SQLite's copy there holds what MariaDB does
copies_same() {
    local table
    for table in entries runs rollups run_quarters; do
        [ "$(mariadb "SELECT COUNT(*) FROM $table")" -eq \
            "$(sqlite3 -readonly "$dir/spool/$1/ledger.db" "SELECT COUNT(*) FROM $table")" ] || return 1
    done
    [ "$(mariadb "SELECT SUM(mj) FROM entries")" -eq \
        "$(sqlite3 -readonly "$dir/spool/$1/ledger.db" "SELECT SUM(mj) FROM entries")" ]
}

settled_are() { # NUMBER - at least so many runs
    [ "$(ledger "SELECT COUNT(*) FROM runs WHERE state = 'settled'")" -ge "$1" ]
}

@test "MariaDB killed five times under load: no charge is lost, none doubled" {
    local n unseen jobs=()
    rest
    unseen=$(unseen_uj)
    daemon start plant-n1
    for n in $(seq 1 24); do
        jobs+=("$(submit alice "$(busy $((2 + n % 3)))" -A astro -n 1 -o /dev/null)")
    done
    for n in 1 2 3 4 5; do
        wait_for 40 settled_are $((n * 3))
        daemon kill ledgerdb -9
        # A change is refused with the reason, also the one that finds it out; what was read
        # last is still read.
        run root kwota quota set -A bio 1kWh --period month --why 'a test'
        [ "$status" -ne 0 ]
        [[ "$output" == *"is away"* ]]
        root kwota nodes --json | jq -e '.nodes | length == 2' >/dev/null
        daemon start ledgerdb
    done
    wait_for 90 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    rest
    wait_for 30 books_exact
    echo "unseen before: $unseen uJ, after: $(unseen_uj) uJ"
    [ "$(unseen_uj)" -eq "$unseen" ]
    [ "$(mariadb "SELECT COUNT(*) FROM runs")" -eq 25 ]
    wait_for 20 copies_same kwota
    daemon start plant-n1
    no_node_drained
}

kwota_2() {
    root env KWOTA_CONF="$dir/etc/kwota-2.json" kwota "$@"
}

acting() {
    mariadb "SELECT actor FROM kwota_ledger"
}

ask_2() { # METHOD PATH [BODY] - kwotad-2 itself, and nobody else
    root curl -s -X "$1" -d "${3:-}" --unix-socket "$dir/run/kwotad-2.sock" "http://localhost$2"
}

# The journal of slurmctld, which is in the first one's spool, was told to the one that acts.
journal_passed_on() {
    [ "$(mariadb "SELECT AUTO_INCREMENT > 1 FROM information_schema.tables WHERE table_name = 'kwota_ended'")" -eq 1 ] &&
        [ "$(mariadb "SELECT COUNT(*) FROM kwota_ended")" -eq 0 ]
}

@test "two kwotad: when the one that acts is killed, the other does within ten seconds" {
    local jobs=() n first since
    daemon start kwotad-2
    first=$(acting)
    # The second has the copy, answers questions, and names the other for the rest.
    wait_for 20 copies_same kwota-2
    [ "$(ask_2 GET /v1/nodes | jq '.nodes | length')" -eq 2 ]
    [[ "$(ask_2 POST /v1/freeze '{"frozen": true}' | jq -r .error)" == *"stands by: $first acts"* ]]
    wait_for 20 test -s "$dir/spool/kwota-2/budget.map"
    # … and its clients go to the other by themselves.
    kwota_2 quota set -A bio 1kWh --period month --why 'a test'
    [ "$(mariadb "SELECT COUNT(*) FROM quotas")" -eq 1 ]

    for n in 1 2 3 4 5; do
        jobs+=("$(submit alice "$(busy $((4 + n)))" -A astro -n 1 -o /dev/null)")
    done
    # One at least runs when the one that acts is killed.
    jobs+=("$(submit alice "$(busy 10)
until [ -e killed ]; do :; done" -A astro -n 1 -o /dev/null)")
    wait_for 30 job_runs "${jobs[5]}"
    daemon kill kwotad -9
    since=$(date +%s%N)
    as alice touch "$dir/home/alice/killed"
    until [ "$(acting)" != "$first" ]; do
        [ $((($(date +%s%N) - since) / 1000000)) -lt 15000 ]
        sleep 0.1
    done
    echo "acts after $((($(date +%s%N) - since) / 1000000)) ms"
    [ $((($(date +%s%N) - since) / 1000000)) -lt 10000 ]
    wait_for 60 queue_empty
    wait_for 60 all_settled "${jobs[@]}"
    wait_for 30 books_exact
    # The first comes back and stands by.
    daemon start kwotad
    wait_for 20 copies_same kwota
    [ "$(acting)" != "$first" ]
    wait_for 20 journal_passed_on
    kwota_2 quota set -A bio 2kWh --period month --why 'another'
    wait_for 10 copies_same kwota
    no_node_drained
}
