#!/usr/bin/env bats
# memory.bats - kwotad and the meter under valgrind while jobs run

load cluster

setup_file() {
    cluster_up --nodes 1 --cpus 4 --tick-ms 1000 --report-ms 1000 --valgrind
}

teardown_file() {
    cluster_down
}

clean() {
    cat "$dir/log/valgrind-$1"
    grep -q 'ERROR SUMMARY: 0 errors' "$dir/log/valgrind-$1"
}

@test "kwotad and kwota-meter: no invalid access, nothing lost for good" {
    local one two
    one=$(submit alice "$(busy 3)" -A astro -n 1 -o /dev/null)
    two=$(submit carol "sleep 2" -A bio -n 1 -o /dev/null)
    wait_for 90 all_settled "$one" "$two"
    as alice kwota job "$one" >/dev/null
    as olga kwota usage --by job >/dev/null
    nodes >/dev/null
    "$top/tests/cluster" kill --dir "$dir" meter-n1 -TERM
    "$top/tests/cluster" kill --dir "$dir" kwotad -TERM
    clean kwotad
    clean meter-n1
}
