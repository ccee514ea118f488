#!/usr/bin/env bats
# budgets.bats - quotas that hold, on a real cluster

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

@test "a lien is in the job's licences, and a quota is Slurm's limit" {
    local job
    quota -A astro 100Wh --period month
    wait_for 20 limit_is astro 100
    # slurmctld's plugin reads the map once a second.
    wait_for 20 refuses_what_never_fits alice astro
    job=$(core alice 3 -A astro)
    licence_is "$job" 24
    wait_for 60 settled "$job"
    [ "$(job_json "$job" | jq .charge_mj)" -gt 0 ]
    wait_for 20 limit_is astro $((100 - $(charge_wh "$job") - 1))
}

@test "what does not fit waits and holds nothing; a raised quota lets it run" {
    local first second
    # So little that the second does not fit beside what the first has used, either.
    quota -A plasma 30Wh --period month
    wait_for 20 limit_is plasma 30
    first=$(core bob 50 -A plasma)
    wait_for 30 job_runs "$first"
    second=$(core bob 1 -A plasma)
    wait_for 30 waits_for_energy "$second"
    [ -z "$(root squeue -h -j "$second" -o %N)" ]
    wait_for 20 comment_says "$second" 'waits for energy: account plasma has'
    wait_for 20 why_says bob "$second" 'waits for energy: account plasma has .* left until'
    as bob kwota queue | grep -q "^$second "
    quota -A plasma 400Wh --period month
    wait_for 60 settled "$second"
    ran bob "$second"
    no_node_drained
}

@test "a parent's quota stops jobs of the accounts below it" {
    local first second
    room 30 month -A physics
    wait_for 20 limit_between physics 28 31
    one_at_a_time alice astro bob plasma
    quota -A physics 10Wh --period 1days
    wait_for 20 refused alice astro
    [[ $(as alice sbatch -A astro -n 1 -t 1 --hold --wrap true 2>&1) == *"can never run this job: it could use 0.024 kWh"*"physics"* ]]
    root kwota quota remove -A physics --why test
    wait_for 60 settled "$second"
}

@test "a user's quota stops their jobs in all their accounts, and nobody else's" {
    local first second other
    room 30 month -u bob
    wait_for 20 limit_between plasma 28 31 bob
    wait_for 20 limit_between astro 28 31 bob
    first=$(core bob 50 -A plasma)
    wait_for 30 job_runs "$first"
    wait_for 20 limit_between astro 0 20 bob
    second=$(core bob 1 -A astro)
    wait_for 30 waits_for_energy "$second"
    other=$(core alice 1 -A astro)
    wait_for 60 settled "$other"
    wait_for 20 why_says bob "$second" 'user bob has'
    root kwota quota remove -u bob --why test
    wait_for 60 settled "$second"
    wait_for 30 ran bob "$second"
    no_node_drained
}

@test "a user's quota in an account stops only their jobs there" {
    local first second
    room 30 month -A bio -u carol
    wait_for 20 limit_between bio 28 31 carol
    one_at_a_time carol bio carol bio
    root kwota quota remove -A bio -u carol --why test
    wait_for 60 settled "$second"
}

@test "a quota for a class of partitions holds the task meant, of an array; srun is told and ends" {
    local job
    quota -A astro -p crowd 30Wh --period month
    wait_for 20 map_is_fresh
    # The first goes on until srun has been refused: over, it would give its lien back.
    job=$(submit alice "touch $dir/home/alice/ran.\$SLURM_ARRAY_TASK_ID; until [ -e $dir/home/alice/refused ]; do :; done" -A astro -p crowd -n 1 -t 1 --array=1-2 -o /dev/null)
    wait_for 40 one_runs_one_held "$job"
    run as alice timeout 120 srun -A astro -p crowd -n 1 -t 1 true
    touch "$dir/home/alice/refused"
    [ "$status" -ne 0 ]
    [[ $output == *"kwota: job "*" is ended: account astro, class crowd has"* ]]
    root kwota quota remove -A astro -p crowd --why test
    wait_for 60 queue_empty
    [ -e "$dir/home/alice/ran.1" ]
    [ -e "$dir/home/alice/ran.2" ]
    no_node_drained
}

one_runs_one_held() {
    [ "$(root squeue -h -r -j "$1" -t RUNNING | wc -l)" -eq 1 ] &&
        [ "$(root squeue -h -r -j "$1" -t PENDING | wc -l)" -eq 1 ] &&
        [ "$(root scontrol -o show job "$1" | grep -c 'AdminComment=kwota: held')" -eq 1 ]
}

@test "a strict run is ended when its energy is used, and never charged more" {
    local job
    policy '.estimate.nameplate["*"] = {"node_w": 50, "cpu_w": 50, "gpu_w": 50}'
    room 3 1days -A bio
    wait_for 20 limit_between bio 2 4
    # It draws 1 kW, ten times what the nameplate says: 3 Wh last ten seconds.
    job=$(core carol 55 -A bio)
    wait_for 30 ran carol "$job"
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq -r .slurm_state)" = CANCELLED ]
    [ "$(job_json "$job" | jq .charge_mj)" -le $((3 * 3600000 + 1000)) ]
    [ "$(ledger "SELECT SUM(mj) FROM entries e JOIN runs r ON r.id = e.run_id WHERE r.account = 'bio' AND kind <> 'overrun' AND r.job_id = $job")" -le $((3 * 3600000 + 1000)) ]
    # What ran on until it was over: a report and KillWait, at its power.
    [ "$(ledger "SELECT overrun_mj FROM runs WHERE job_id = $job")" -gt 0 ]
    [ "$(ledger "SELECT overrun_mj FROM runs WHERE job_id = $job")" -le $((1300 * 1000 * 8)) ]
    as carol kwota why "$job" | grep -q 'kill: it has used the'
    policy '.estimate.nameplate["*"] = {"node_w": 300, "cpu_w": 1100, "gpu_w": 0}'
}

@test "a quote is what the job then gets" {
    quota -A astro 400Wh --period 1days
    wait_for 20 limit_below astro 401
    as alice kwota quote -A astro -n 1 -t 1 --json >"$BATS_TEST_TMPDIR/quote"
    [ "$(jq .lien_wh "$BATS_TEST_TMPDIR/quote")" -eq 24 ]
    [ "$(jq .starts_now "$BATS_TEST_TMPDIR/quote")" = true ]
    as alice kwota quote -A astro -n 4 -N 1 -t 10:00:00 | grep -q 'would fit'
    as alice kwota | grep -q '^account astro '
}

