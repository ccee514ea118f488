#!/usr/bin/env bats
# policy.bats - a policy that is changed, what is told of it, and how everything is stopped

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

@test "shadow touches nothing and says what would have happened" {
    local job
    policy '.enforce = "shadow"'
    quota -A astro 1Wh --period 1days
    job=$(core alice 2 -A astro)
    wait_for 60 settled "$job"
    [ "$(root squeue -h -j "$job" -o %W 2>/dev/null)" != kwota:24 ]
    [ "$(job_json "$job" | jq -r .slurm_state)" = COMPLETED ]
    root kwota shadow | grep -q '^astro '
    # With it jobs would wait for Slurm's limit, if kwotad is quick, and never be held.
    root kwota quota remove -A astro --why 'test'
    policy '.enforce = "strict"'
}

@test "freeze stops every action; the breaker trips by itself" {
    local job
    root kwota freeze --why 'test' | grep -q 'kwota is frozen'
    quota -A astro -p crowd 1Wh --period 1days
    job=$(core alice 1 -A astro -p crowd)
    wait_for 60 settled "$job"
    [ "$(job_json "$job" | jq -r .slurm_state)" = COMPLETED ]
    run ! as alice kwota freeze --off --why 'mine'
    root kwota freeze --off --why 'test'
    policy '.limits.breaker.holds_per_minute = 1'
    for job in 1 2 3; do core alice 1 -A astro -p crowd >/dev/null; done
    wait_for 60 tripped
    root kwota freeze --reset-breaker --why 'test'
    policy '.limits.breaker.holds_per_minute = 1000'
    root kwota quota remove -A astro -p crowd --why test
    wait_for 60 queue_empty
}

@test "W for kW waits for a confirmation; a policy that stops nobody does not" {
    local i job
    # bob has no runs that would tell better than the nameplate.
    quota -A plasma 100Wh --period month
    wait_for 20 limit_is plasma 100
    for i in 1 2 3 4 5; do
        job=$(core bob 1 -A plasma --hold)
    done
    # kwotad has seen them.
    wait_for 60 waits_to_be_confirmed '.estimate.nameplate["*"].node_w = 30000'
    [[ $(jq -r .state.waits <<<"$(root kwota policy show --json)") == *"would stop 5 of 5 jobs (0 that run, 5 that wait): kwota policy reload --confirm takes it" ]]
    [ "$(root kwota policy show --json | jq '.policy.estimate.nameplate["*"].node_w')" = 300 ]
    run root kwota policy reload
    [ "$status" -ne 0 ]
    [[ $output == *"would stop 5 of 5 jobs"* ]]
    run ! as alice kwota policy reload --confirm
    licence_is "$job" 24
    root kwota policy reload --confirm
    [ "$(root kwota policy show --json | jq .state.waits)" = null ]
    wait_for 20 licence_is "$job" 519
    policy '.estimate.nameplate["*"].node_w = 300'
    wait_for 20 licence_is "$job" 24
}

# Writes the file until kwotad, which knows the queue as of its last round, says no of all five.
waits_to_be_confirmed() { # FILTER
    policy_file "$1"
    wait_for 3 policy_waits && return
    policy_file '.estimate.nameplate["*"].node_w = 300'
    wait_for 3 policy_is_newer
    return 1
}

policy_waits() {
    [[ $(root kwota policy show --json | jq -r .state.waits) == *"would stop 5 of 5 jobs"* ]]
}

@test "the site's own program is told of thresholds, holds and policies" {
    local job used
    printf '#!/bin/sh\ncat >>%s/spool/kwota/told; echo >>%s/spool/kwota/told\n' "$dir" "$dir" >"$dir/etc/hook"
    chmod 755 "$dir/etc/hook"
    policy ".limits.hook = \"$dir/etc/hook\" | .limits.thresholds_percent = [50]"
    quota -A bio 1kWh --period month
    job=$(core carol 1 -A bio)
    wait_for 60 settled "$job"
    used=$(job_json "$job" | jq .charge_mj)
    quota -A bio "$((used * 3 / 2 / 1000))J" --period month
    wait_for 20 told '.event == "threshold" and .percent == 50 and .budget.name == "account bio"'
    quota -A astro -p crowd 10Wh --period month
    wait_for 20 map_is_fresh
    job=$(core alice 1 -A astro -p crowd)
    wait_for 60 told ".event == \"held\" and .job_id == \"$job\" and .user == \"alice\" and .partition == \"crowd\""
    echo '{' >"$dir/etc/kwota.json.bad"
    cp "$dir/etc/kwota.json" "$dir/etc/kwota.json.good"
    chmod 644 "$dir/etc/kwota.json.bad" "$dir/etc/kwota.json.good"
    mv "$dir/etc/kwota.json.bad" "$dir/etc/kwota.json"
    wait_for 20 told '.event == "policy-invalid"'
    mv "$dir/etc/kwota.json.good" "$dir/etc/kwota.json"
    policy '.limits.hook = null | .limits.thresholds_percent = []'
    # Once each.
    [ "$(jq -s '[.[] | select(.event == "threshold")] | length' "$dir/spool/kwota/told")" -eq 1 ]
}

told() { # FILTER
    jq -es "any(.[]; $1)" "$dir/spool/kwota/told"
}

@test "who may overdraw runs in the QOS for it, and is charged" {
    local job
    root sacctmgr -i -Q add qos overdraft
    root sacctmgr -i -Q modify user alice set qos+=overdraft
    policy '.limits.at_limit = {"default": "wait", "rules": [{"account": "astro", "action": "overdraft"}]} | .limits.overdraft_qos = "overdraft"'
    quota -A astro 1Wh --period month
    wait_for 20 overdraws alice
    job=$(core alice 1 -A astro --hold)
    [ "$(root squeue -h -j "$job" -o %W)" = '(null)' ]
    wait_for 20 qos_is "$job" overdraft
    as alice kwota why "$job" | grep -q 'account astro has .* left until'
    as alice scontrol release "$job"
    wait_for 60 settled "$job"
    [ "$(job_json "$job" | jq -r .slurm_state)" = COMPLETED ]
    [ "$(job_json "$job" | jq .charge_mj)" -gt 0 ]
    policy '.limits.at_limit = "wait" | .limits.overdraft_qos = null'
}

overdraws() {
    as "$1" sbatch --test-only -A astro -n 1 -t 1 --wrap true 2>&1 | grep -q 'kwota: .*overdra'
}

qos_is() {
    [ "$(root squeue -h -j "$1" -o %q)" = "$2" ]
}
