#!/usr/bin/env bats
# clients.bats - whatever client a user takes, and whatever it says: they gain nothing

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

forge() { # USER ARGUMENTS… - what tests/e2e/forge.c can say to slurmctld
    as "$1" "$dir/build/tests/e2e/kwota-forge" "${@:2}"
}

# rest USER METHOD PATH [BODY] - to a REST daemon of the user's own, which takes one
# request from a pipe that is theirs, too
rest() {
    local body=${4:-}
    printf '%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
        "$2" "$3" "${#body}" "$body" |
        as "$1" sh -c 'cat | timeout 20 slurmrestd -a rest_auth/local -s openapi/v0.0.38' |
        sed -n '/^{/,/^}/p' | sed 's/^}.*/}/'
}

# A quota is known to slurmctld's plugin.
admission_knows() { # USER ACCOUNT
    wait_for 20 refuses_what_never_fits "$1" "$2"
}

licence() {
    root squeue -h -j "$1" -o %W
}

comment() {
    root scontrol -o show job "$1" | sed -n 's/.*AdminComment=//p'
}

@test "the REST daemon: a job has the same lien, whatever its licences and variables say" {
    local job answer
    quota -A astro 100Wh --period month
    admission_knows alice astro
    answer=$(rest alice POST /slurm/v0.0.38/job/submit '{"script": "#!/bin/sh\ntrue\n", "job": {
        "account": "astro", "partition": "main", "name": "rest", "hold": true, "time_limit": 1, "nodes": 1,
        "licenses": "kwota:1", "current_working_directory": "/", "standard_output": "/dev/null",
        "environment": {"PATH": "/bin", "KWOTA_BUDGET_MAP": "/nowhere", "SPANK_KWOTA_TOKEN": "x",
                        "_SLURM_SPANK_OPTION_kwota_energy_budget": "1Wh"}}}')
    echo "$answer"
    job=$(jq .job_id <<<"$answer")
    [ "$(licence "$job")" = kwota:24 ]
    [ "$(comment "$job")" = '' ]
    answer=$(rest alice POST "/slurm/v0.0.38/job/$job" '{"licenses": "kwota:1"}')
    echo "$answer"
    [ "$(licence "$job")" = kwota:24 ]
    # Never more than the whole quota, and it is said.
    answer=$(rest alice POST /slurm/v0.0.38/job/submit '{"script": "#!/bin/sh\ntrue\n", "job": {
        "account": "astro", "time_limit": 6000, "nodes": 1, "current_working_directory": "/",
        "environment": {"PATH": "/bin"}}}')
    echo "$answer"
    jq -e '.errors | length > 0' <<<"$answer"
    [ "$(root squeue -h -u alice | wc -l)" -eq 1 ]
}

@test "a hand-made submission: licences and variables are kwota's, or it is refused" {
    local job
    quota -A astro 100Wh --period month
    admission_knows alice astro
    job=$(forge alice submit account=astro priority=0 licenses=kwota:1,kwota \
        environment=KWOTA_BUDGET_MAP=/nowhere environment=SPANK_KWOTA_X=1 \
        environment=_SLURM_SPANK_OPTION_kwota_energy_budget=1Wh environment=SLURM_JOB_ACCOUNT=bio \
        spank_job_env=KWOTA_TOKEN=x spank_job_env=SPANK_KWOTA_TOKEN=y spank_job_env=OTHER=z)
    [ "$(licence "$job")" = kwota:24 ]
    [ "$(comment "$job")" = '' ]
    run ! forge alice submit account=astro 'admin_comment=kwota: energy budget 1 Wh'
    run ! forge alice submit account=astro 'admin_comment=kwota: held: by me'
    run ! forge alice submit account=astro user_id=0
    run ! forge alice submit account=astro user_id="$(id_of bob)"
    # Nor by a change.
    run ! forge alice update "$job" licenses=kwota:1
    run ! forge alice update "$job" licenses=
    run ! forge alice update "$job" 'admin_comment=kwota: energy budget 1 Wh'
    forge alice update "$job" spank_job_env=_SLURM_SPANK_OPTION_kwota_energy_budget=1Wh || true
    [ "$(licence "$job")" = kwota:24 ]
    [ "$(comment "$job")" = '' ]
    # Its time limit is the user's to change, and the lien goes with it.
    forge alice update "$job" time_limit=3
    wait_for 20 licence_is "$job" 70
}

id_of() {
    sed -n "s/^$1:x:\([0-9]*\):.*/\1/p" "$dir/etc/passwd"
}

@test "what a job pretends to be does not start beyond its quota" {
    local first second
    room 30 month -A plasma
    wait_for 20 limit_between plasma 28 31
    first=$(core bob 50 -A plasma)
    wait_for 30 job_runs "$first"
    second=$(forge bob submit account=plasma licenses=kwota:1 \
        environment=KWOTA_BUDGET_MAP=/nowhere spank_job_env=KWOTA_TOKEN=x \
        script=$'#!/bin/sh\n'"touch $dir/home/bob/forged"$'\n')
    wait_for 30 waits_for_energy "$second"
    # What it does to its environment and its job's does not start it either.
    run ! forge bob update "$second" licenses=kwota:1
    forge bob update "$second" priority=0xfffffffe || true
    forge bob top "$second" || true
    wait_for 10 comment_says "$second" 'waits for energy'
    wait_for 10 waits_for_energy "$second"
    [ ! -e "$dir/home/bob/forged" ]
    root scancel "$first"
    quota -A plasma 400Wh --period month
    wait_for 60 settled "$second"
    [ -e "$dir/home/bob/forged" ]
}

# For a class of partitions there is no limit of Slurm's: kwota holds the job itself.
hold_one() { # USER - sets job
    quota -A astro -p crowd 10Wh --period month
    wait_for 20 map_is_fresh
    job=$(core "$1" 1 -A astro -p crowd --requeue)
    wait_for 60 held "$job"
    wait_for 20 is_held "$job"
}

@test "a job that kwota holds is not its owner's to release" {
    local job
    hold_one alice
    run ! as alice scontrol release "$job"
    run ! forge alice update "$job" priority=0xffffffff
    run ! forge alice update "$job" priority=100
    # A user's hold in place of the administrator's would be one to release.
    forge alice update "$job" priority=0 alloc_sid=2 || true
    forge alice update "$job" priority=0xffffffff || true
    forge alice requeue "$job" || true
    forge alice requeuehold "$job" || true
    forge alice update "$job" priority=0xffffffff || true
    forge alice resume "$job" || true
    forge alice top "$job" || true
    forge alice update "$job" qos=normal || true
    is_held "$job"
    held "$job"
    run ! ran alice "$job"
    root kwota quota remove -A astro -p crowd --why test
    wait_for 60 ran alice "$job"
}

@test "no one gains by touching licences, or kwota's variables" {
    local job
    quota -A astro 100Wh --period month
    wait_for 20 limit_below astro 101
    job=$(core alice 1 -A astro -L kwota:1 --begin=now+1hour)
    [ "$(root squeue -h -j "$job" -o %W)" = kwota:24 ]
    run ! as alice scontrol update jobid="$job" Licenses=kwota:1
    run ! as alice scontrol update jobid="$job" Licenses=
    [ "$(root squeue -h -j "$job" -o %W)" = kwota:24 ]
    # An operator's hand is put right again, as is a changed time limit.
    root scontrol update jobid="$job" Licenses=kwota:1
    wait_for 20 licence_is "$job" 24
    root scontrol update jobid="$job" TimeLimit=3
    wait_for 20 licence_is "$job" 70
    run ! as alice scontrol update jobid="$job" AdminComment=x
}

@test "a user's own energy budget is the lien, and the end of the job" {
    local job
    quota -A bio 400Wh --period 1days
    wait_for 20 limit_below bio 401
    # It would use some 15 Wh.
    # Held until it was looked at: it would be over in some seconds.
    job=$(core carol 50 -A bio --energy-budget=3Wh --hold)
    wait_for 20 licence_is "$job" 3
    root scontrol show job "$job" | grep -q 'AdminComment=kwota: energy budget 3 Wh'
    as carol scontrol release "$job"
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq -r .slurm_state)" = CANCELLED ]
    [ "$(job_json "$job" | jq .charge_mj)" -le $((3 * 3600000)) ]
    [ "$(job_json "$job" | jq .charge_mj)" -ge $((2 * 3600000)) ]
    as carol kwota why "$job" | grep -q 'its --energy-budget allows no more'
    run as carol sbatch -A bio -n 1 -t 1 --energy-budget=5apples --wrap true
    [ "$status" -ne 0 ]
}

never_runs() {
    run as carol sbatch --test-only -A bio -n 1 -t 60 --energy-budget=9000GWh --wrap true
    [ "$status" -ne 0 ]
    [[ $output == *"can never run this job"* ]]
}

@test "a large energy budget is no more than the estimate, and its quota's all the same" {
    local job
    room 30 1days -A bio
    wait_for 20 limit_between bio 28 31
    job=$(core carol 1 -A bio --energy-budget=9000GWh --hold)
    [ "$(licence "$job")" = kwota:24 ]
    # slurmctld looks at the map once a second.
    wait_for 10 never_runs
    # Nothing is below nothing, or beyond what can be counted.
    run ! as carol sbatch -A bio -n 1 -t 1 --energy-budget=0Wh --wrap true
    run ! as carol sbatch -A bio -n 1 -t 1 --energy-budget=-5Wh --wrap true
    run ! as carol sbatch -A bio -n 1 -t 1 --energy-budget=99999999999999999999GWh --wrap true
}
