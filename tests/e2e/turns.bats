#!/usr/bin/env bats
# turns.bats - one month's end and the next month's beginning
#
# This cluster's clock, everybody's in it, is four minutes before the end of a month when
# it comes up, and is set on to shortly before it. What comes later in the file sets only
# the clock that kwotad's budgets go by (etc/clock).

load cluster
load quota

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    local turn
    turn=$(date -d "$(date +%Y-%m-01) +1 month" +%s)
    budgets_up --ahead $((turn - 240 - $(date +%s)))
    echo "$turn" >"$dir/turn"
}

teardown_file() {
    cluster_down
}

teardown() {
    end_of_test
}

# set_on SECONDS - everybody's clock in the cluster
set_on() {
    local ahead_s
    read -r ahead_s <"$dir/etc/ahead"
    # In place: it is mapped.
    printf '%+015d\n' $((10#${ahead_s#+} + $1)) 1<>"$dir/etc/ahead"
}

# The cluster's time, in seconds.
now() {
    root date +%s
}

is_past() {
    [ "$(now)" -ge "$1" ]
}

# seconds from the cluster's now to two hours into the month after
next_month() {
    local now month
    now=$(now)
    month=$(date -d "@$now" +%Y-%m-01)
    echo $(($(date -d "$month +1 month +2 hours" +%s) - now))
}

# budget FIELD -A ACCOUNT… - a number of the one budget
budget() {
    local field=$1
    shift
    root kwota quota show "$@" --json | jq ".budgets[0].$field"
}

budget_is() { # FIELD NUMBER -A ACCOUNT…
    [ "$(budget "$1" "${@:3}")" -eq "$2" ]
}

@test "a run over the end of a month: energy counts where it was used, the lien in both" {
    local job turn now before after
    turn=$(cat "$dir/turn")
    quota -A astro 100Wh --period month
    wait_for 20 limit_is astro 100
    now=$(now)
    [ "$now" -lt $((turn - 30)) ]
    set_on $((turn - 30 - now))
    wait_for 5 is_past $((turn - 30))
    # Busy until it has been seen in both months.
    job=$(submit alice "until [ -e $dir/etc/over ]; do :; done" -n 1 -t 2 -o /dev/null -A astro)
    wait_for 10 job_runs "$job"
    wait_for 10 has_used astro
    [ "$(now)" -lt "$turn" ]
    # In the month to come it holds what it may use there, and has used nothing yet.
    clock 3600
    [ "$(budget used_mj -A astro)" -eq 0 ]
    [ "$(budget reserved_mj -A astro)" -gt $((15 * 3600000)) ]
    rm "$dir/etc/clock"
    wait_for 60 is_past "$turn"
    wait_for 20 has_used astro
    # Of the lien the months hold together what is left of it.
    job_runs "$job"
    [ "$(budget reserved_mj -A astro)" -gt 0 ]
    [ "$(budget used_mj -A astro)" -lt $((24 * 3600000)) ]
    touch "$dir/etc/over"
    wait_for 60 settled "$job"
    [ "$(now)" -gt "$turn" ]
    after=$(budget used_mj -A astro)
    [ "$(budget reserved_mj -A astro)" -eq 0 ]
    clock -43200
    before=$(budget used_mj -A astro)
    [ "$(budget reserved_mj -A astro)" -eq 0 ]
    echo "before $before mJ, after $after mJ, charge $(job_json "$job" | jq .charge_mj) mJ"
    [ "$before" -gt 0 ]
    [ "$after" -gt 0 ]
    [ $((before + after)) -eq "$(job_json "$job" | jq .charge_mj)" ]
}

has_used() {
    [ "$(budget used_mj -A "$1")" -gt 0 ]
}

@test "what a month has left is carried into the next, as far as the quota allows" {
    local job
    quota -A plasma 100Wh --period month --carry 20
    quota -A bio 100Wh --period month
    wait_for 20 limit_is plasma 100
    wait_for 20 limit_is bio 100
    # One core for five minutes is 117 Wh: never in this month, nor by what bio has.
    wait_for 20 refuses_five bob plasma
    clock "$(next_month)"
    wait_for 20 limit_is plasma 120
    budget_is carried_mj $((20 * 3600000)) -A plasma
    wait_for 20 refuses_five carol bio
    job=$(as bob sbatch --parsable -A plasma -n 1 -t 5 -o /dev/null --hold --wrap true)
    licence_is "$job" 117
    as bob scontrol release "$job"
    limit_is bio 100
    wait_for 60 settled "$job"
}

# A map that is too old by the clock refuses nobody.
refuses_five() { # USER ACCOUNT
    ! as "$1" sbatch --test-only -A "$2" -n 1 -t 5 --wrap true
}

@test "what a month borrows the next one owes" {
    local job used
    quota -A bio 2Wh --period month --borrow 50
    wait_for 20 limit_is bio 3
    wait_for 20 refuses_what_never_fits carol bio
    # At 1 kW, 3 Wh last eleven seconds.
    job=$(core carol 50 -A bio --energy-budget=3Wh)
    wait_for 90 settled "$job"
    used=$(job_json "$job" | jq .charge_mj)
    [ "$used" -gt $((2 * 3600000)) ]
    [ "$used" -le $((3 * 3600000)) ]
    clock "$(next_month)"
    budget_is owed_mj $((used - 2 * 3600000)) -A bio
    budget_is available_mj $((5 * 3600000 - used)) -A bio
    wait_for 20 limit_is bio 2
}

# What is left is exactly one lien: whatever the first uses is too much for the second.
one_after_another() { # PERIOD - sets first and second
    room 24 "$1" -A astro
    wait_for 20 limit_is astro 24
    first=$(core alice 2 -A astro)
    wait_for 60 settled "$first"
    # Before slurmctld knows, the second would begin.
    wait_for 20 limit_below astro 24
    second=$(core alice 1 -A astro)
    wait_for 30 waits_for_energy "$second"
}

@test "a period's turn frees what waited" {
    local first second
    one_after_another month
    clock "$(next_month)"
    wait_for 60 settled "$second"
}

@test "a rolling window slides" {
    local first second
    one_after_another 1days
    clock 90000
    wait_for 60 settled "$second"
}
