#!/usr/bin/env bats
# away.bats - kwotad, its map or slurmdbd away: jobs go on as the policy says

load cluster
load quota

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    budgets_up
}

teardown_file() {
    cluster_down
}

teardown() {
    end_of_test
}

@test "slurmdbd away: the last limits hold" {
    local first second
    room 30 month -A plasma
    wait_for 20 limit_between plasma 28 31
    "$top/tests/cluster" kill --dir "$dir" slurmdbd -9 >&2
    one_at_a_time bob plasma bob plasma
    "$top/tests/cluster" start --dir "$dir" slurmdbd >&2
    quota -A plasma 400Wh --period month
    wait_for 90 settled "$second"
    no_node_drained
}

@test "kwotad away: admission and limits go on, jobs start; stopped: sbatch is no slower" {
    local first second i
    quota -A astro 400Wh --period month
    wait_for 20 limit_below astro 401
    "$top/tests/cluster" kill --dir "$dir" kwotad -9 >&2
    first=$(core alice 3 -A astro)
    licence_is "$first" 24
    wait_for 30 ran alice "$first"
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
    wait_for 60 settled "$first"
    "$top/tests/cluster" kill --dir "$dir" kwotad -STOP >&2
    # Nobody who submits a job waits for it.
    for i in 1 2 3 4 5; do
        second=$(as alice timeout 30 sbatch --parsable -A astro -n 1 -t 1 -o /dev/null --wrap true)
        licence_is "$second" 24 || ! job_waits "$second"
    done
    "$top/tests/cluster" kill --dir "$dir" kwotad -CONT >&2
    wait_for 120 settled "$second"
    no_node_drained
}

job_waits() {
    [ "$(job_state "$1")" = PENDING ]
}

@test "where the policy says so, kwotad away holds jobs before their scripts start" {
    local first second
    quota -A astro 400Wh --period 1days
    wait_for 20 limit_below astro 401
    policy '.limits.kwotad_away = "hold"'
    # Both meters hear of it with their next reports.
    first=$(core alice 1 -A astro -N 2 --ntasks-per-node=1 -t 1)
    wait_for 60 settled "$first"
    "$top/tests/cluster" kill --dir "$dir" kwotad -9 >&2
    second=$(core alice 1 -A astro)
    wait_for 90 is_held "$second"
    run ! ran alice "$second"
    no_node_drained
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
    root scontrol release "$second"
    wait_for 90 settled "$second"
    policy '.limits.kwotad_away = "run"'
}

map_file() {
    echo "$dir/spool/kwota/budget.map"
}

daemon() { # kill|start NAME [SIGNAL]
    "$top/tests/cluster" "$1" --dir "$dir" "${@:2}" >&2 3>&-
}

# What slurmctld's plugin has said since mark(), how often.
mark() {
    wc -l <"$dir/log/slurmctld" >"$dir/mark"
}

said() { # WORDS
    tail -n "+$(($(cat "$dir/mark") + 1))" "$dir/log/slurmctld" | grep -c "job_submit/kwota: .*$1"
}

# A job that waits; its licences.
licences_of() { # USER OPTIONS…
    local job
    job=$(as "$1" sbatch --parsable --hold -n 1 -t 1 -o /dev/null "${@:2}" --wrap true)
    root squeue -h -j "$job" -o %W
}

# Two looks of the plugin's, which come once a second.
two_looks() {
    local until=$(($(date +%s%N) + 2200000000))
    wait_for 5 passed "$until"
}

passed() {
    [ "$(date +%s%N)" -ge "$1" ]
}

@test "a map that is damaged is told once, and the one before stays in use" {
    local map
    map=$(map_file)
    quota -A astro 100Wh --period month
    # The map of the test before refuses, too, and the one after that has no quota.
    newer_map
    wait_for 20 refuses_what_never_fits alice astro
    daemon kill kwotad -9
    cp "$map" "$dir/good.map"
    mark
    head -c 100 "$dir/good.map" >"$map.short"
    mv "$map.short" "$map"
    wait_for 10 said 'budget.map.*stays in use until it is stale'
    [ "$(licences_of alice -A astro)" = kwota:24 ]
    refuses_what_never_fits alice astro
    two_looks
    [ "$(said .)" -eq 1 ]
    cp "$dir/good.map" "$map"
    wait_for 10 said 'budget.map is read and up to date'
    # After the magic, eight bytes, comes its version.
    mark
    cp "$dir/good.map" "$map.other"
    printf '\377' | dd of="$map.other" bs=1 seek=8 conv=notrunc status=none
    chmod 644 "$map.other"
    mv "$map.other" "$map"
    wait_for 10 said 'version.*stays in use until it is stale'
    [ "$(licences_of alice -A astro)" = kwota:24 ]
    two_looks
    [ "$(said .)" -eq 1 ]
    mark
    daemon start kwotad
    wait_for 10 said 'budget.map is read and up to date'
}

@test "a stale map is told once; jobs pass without a lien, or are refused if the policy says so" {
    quota -A astro 100Wh --period month
    policy '.limits.map_stale_s = 60'
    newer_map
    wait_for 20 refuses_what_never_fits alice astro
    daemon kill kwotad -9
    mark
    clock 70
    wait_for 10 said 'budget.map is stale: is kwotad running'
    [ "$(licences_of alice -A astro -L kwota:1)" = '(null)' ]
    two_looks
    [ "$(said .)" -eq 1 ]
    rm "$dir/etc/clock"
    daemon start kwotad
    policy '.limits.map_missing = "refuse"'
    # kwotad's last map says it.
    newer_map
    wait_for 20 refuses_what_never_fits alice astro
    two_looks
    daemon kill kwotad -9
    mark
    clock 130
    wait_for 10 said 'budget.map is stale: is kwotad running'
    run ! as alice sbatch -A astro -n 1 -t 1 --wrap true
    [[ $output == *"kwota: the energy budgets are "?" minutes old, because kwotad does not renew them"* ]]
    rm "$dir/etc/clock"
    daemon start kwotad
    policy '.limits.map_missing = "pass" | .limits.map_stale_s = 600'
}

@test "without any map jobs pass without a lien, or are refused if slurmctld's environment says so" {
    local map job
    map=$(map_file)
    daemon kill kwotad -9
    daemon kill slurmctld -TERM
    mark
    mv "$map" "$dir/good.map"
    daemon start slurmctld
    wait_for 10 said 'budget.map: No such file or directory; without a budget map no job gets a lien'
    [ "$(licences_of alice -A astro -L kwota:1)" = '(null)' ]
    two_looks
    [ "$(said 'without a budget map')" -eq 1 ]
    daemon kill slurmctld -TERM
    echo KWOTA_MAP_MISSING=refuse >"$dir/etc/environment"
    # One that is damaged from the beginning is none.
    mark
    head -c 100 "$dir/good.map" >"$map"
    daemon start slurmctld
    wait_for 10 said 'budget.map.*without a budget map no job gets a lien'
    run ! as alice sbatch -A astro -n 1 -t 1 --wrap true
    [[ $output == *"kwota: there are no energy budgets, because kwotad has written none"* ]]
    daemon start kwotad
    wait_for 10 said 'budget.map is read and up to date'
    job=$(core alice 1 -A astro)
    wait_for 60 settled "$job"
    no_node_drained
}
