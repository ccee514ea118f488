#!/usr/bin/env bats
# private.bats - the private cluster itself: two at once, killed half-way, nothing left

load cluster

teardown() {
    "$top/tests/cluster" down --dir "$dir-a"
    "$top/tests/cluster" down --dir "$dir-b"
}

# The bracket keeps grep from finding itself.
left_behind() {
    local pattern="[/]${1#/}"
    ls -d "$dir"-[ab] /sys/fs/cgroup/*/kwota-"$(printf %s "$1" | cksum | cut -d' ' -f1)" 2>/dev/null
    grep -l "$pattern" /proc/[0-9]*/cmdline 2>/dev/null
    grep "$pattern" /proc/self/mounts
    return 0
}

nothing_left() {
    [ -z "$(left_behind "$1")" ]
}

runs_a_job() {
    [ "$("$top/tests/cluster" sh --dir "$1" -u alice -- srun -A astro -N 2 -n 2 sh -c 'echo $SLURMD_NODENAME' | sort | tr '\n' ' ')" = 'n1 n2 ' ]
}

@test "two clusters at once, each with nodes n1 and n2" {
    "$top/tests/cluster" up --dir "$dir-a" --build "$build" --plain 3>&- &
    local first=$!
    "$top/tests/cluster" up --dir "$dir-b" --build "$build" --plain 3>&-
    wait "$first"
    runs_a_job "$dir-a"
    runs_a_job "$dir-b"
    "$top/tests/cluster" down --dir "$dir-a"
    runs_a_job "$dir-b"
    "$top/tests/cluster" down --dir "$dir-b"
    wait_for 60 nothing_left "$dir-a"
    wait_for 60 nothing_left "$dir-b"
    ! grep -q '^alice:' /etc/passwd
}

@test "up on a directory in use is refused, and harms nothing" {
    "$top/tests/cluster" up --dir "$dir-a" --build "$build" --plain 3>&-
    run "$top/tests/cluster" up --dir "$dir-a" --build "$build" --plain
    [ "$status" -ne 0 ]
    [[ "$output" == *"$dir-a is there already"* ]]
    runs_a_job "$dir-a"
}

database_runs() {
    [ -s "$dir-a/run/mariadb.pid" ]
}

@test "up killed half-way: down cleans up" {
    setsid "$top/tests/cluster" up --dir "$dir-a" --build "$build" --plain 3>&- &
    local up=$!
    # MariaDB's tables are made first.
    wait_for 180 database_runs
    kill -9 -- "-$up" 2>/dev/null || kill -9 "$up"
    "$top/tests/cluster" down --dir "$dir-a"
    wait_for 60 nothing_left "$dir-a"
}
