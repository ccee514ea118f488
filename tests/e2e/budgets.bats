#!/usr/bin/env bats
# budgets.bats - quotas that hold, on a real cluster
#
# The simulated nodes draw much (1 kW a busy core), so that watt-hours are soon used.

load cluster

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    mkdir -p "$BATS_FILE_TMPDIR"
    cat >"$BATS_FILE_TMPDIR/figures.json" <<'END'
{"package": {"idle_mw": 100000, "core_mw": 1000000, "range_uj": 65532610987, "limit_mw": 9000000},
 "dram": {"idle_mw": 2000, "core_mw": 1000, "range_uj": 65532610987, "limit_mw": 100000}}
END
    cat >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"enforce": "strict",
 "estimate": {"nameplate": {"*": {"node_w": 300, "cpu_w": 1100, "gpu_w": 0}}},
 "limits": {"breaker": {"holds_per_minute": 1000, "kills_per_minute": 1000}}}
END
    cluster_up --nodes 2 --cpus 4 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json"
}

teardown_file() {
    cluster_down
}

teardown() {
    [ -z "${KWOTA_KEEP:-}" ] || return 0
    local name
    for name in alice bob carol dave; do root scancel -u "$name"; done
    wait_for 60 queue_empty
    rm -f "$dir/etc/clock"
    for name in "-A astro -p crowd" "-A bio -u carol" "-A astro" "-A physics" "-A plasma" "-A bio" "-u alice" "-u bob"; do
        # shellcheck disable=SC2086 # two words
        root kwota quota remove $name --why 'end of the test' >/dev/null 2>&1 || true
    done
}

reason() {
    root squeue -h -j "$1" -o %r
}

waits_for_energy() {
    [ "$(reason "$1")" = AssocGrpLicense ]
}

# limit ACCOUNT [USER] - GrpTRES of license/kwota, as slurmctld has it; empty: none
limit() {
    root scontrol show assoc_mgr flags=assoc | awk -v account="$1" -v user="${2:-}" '
        /^ClusterName=/ { here = 0
            match($0, /Account=[^ ]*/); a = substr($0, RSTART + 8, RLENGTH - 8)
            match($0, /UserName=[^ ]*/); u = substr($0, RSTART + 9, RLENGTH - 9); sub(/\(.*/, "", u)
            here = a == account && u == user }
        here && /GrpTRES=/ { if (match($0, /license\/kwota=[^(]*/)) print substr($0, RSTART + 14, RLENGTH - 14) }'
}

limit_is() {
    [ "$(limit "$1" "${3:-}")" = "$2" ]
}

quota() {
    root kwota quota set "$@" --why test
}

# room WH PERIOD -A ACCOUNT|-u USER… - a quota that has so much left now
room() {
    local wh=$1 period=$2 used
    shift 2
    root kwota quota set "$@" 1000kWh --period "$period" --why test >/dev/null
    used=$(root kwota quota show "$@" --json | jq '[.budgets[] | .used_mj] | max')
    root kwota quota set "$@" "$(((wh * 3600000 + used) / 1000 + 1))J" --period "$period" --why test
}

# The lien of one core for a minute: (300 W + 1100 W) x 60 s = 23.3 Wh, so 24 licences.
core() { # USER SECONDS OPTIONS…
    local user=$1 seconds=$2
    shift 2
    submit "$user" "touch $dir/home/$user/ran.\$SLURM_JOB_ID; $(busy "$seconds")" -n 1 -t 1 -o /dev/null "$@"
}

ran() { # USER JOB
    [ -e "$dir/home/$1/ran.$2" ]
}

held() {
    root scontrol show job "$1" | grep -q 'AdminComment=kwota: held'
}

clock() { # SECONDS - what kwotad's budgets think the time is ahead
    echo "$1" >"$dir/etc/clock"
    chmod 644 "$dir/etc/clock"
}

# seconds from now into the next month
next_month() {
    echo $(($(date -d "$(date +%Y-%m-01) +1 month +2 hours" +%s) - $(date +%s)))
}

# policy FILTER - changes kwota.json in force
policy() {
    jq "$1" "$dir/etc/kwota.json" >"$dir/etc/kwota.json.new"
    mv "$dir/etc/kwota.json.new" "$dir/etc/kwota.json"
    chmod 644 "$dir/etc/kwota.json"
    wait_for 10 policy_is_newer
}

policy_is_newer() {
    [ "$(root kwota policy show --json | jq .state.since_s)" -ge "$(stat -c %Y "$dir/etc/kwota.json")" ]
}

# A quota that is given in joules is a fraction of a Wh off.
limit_between() { # ACCOUNT LEAST MOST [USER]
    local wh
    wh=$(limit "$1" "${4:-}")
    [ -n "$wh" ] && [ "$wh" != N ] && [ "$wh" -ge "$2" ] && [ "$wh" -le "$3" ]
}

charge_wh() {
    echo $(($(job_json "$1" | jq .charge_mj) / 3600000))
}

@test "a lien is in the job's licences, and a quota is Slurm's limit" {
    local job
    quota -A astro 100Wh --period month
    wait_for 20 limit_is astro 100
    # slurmctld's plugin reads the map once a second.
    wait_for 20 refuses_what_never_fits alice astro
    job=$(core alice 3 -A astro)
    [ "$(root squeue -h -j "$job" -o %W)" = kwota:24 ]
    wait_for 60 settled "$job"
    [ "$(job_json "$job" | jq .charge_mj)" -gt 0 ]
    wait_for 20 limit_is astro $((100 - $(charge_wh "$job") - 1))
}

refuses_what_never_fits() { # USER ACCOUNT
    ! as "$1" sbatch --test-only -A "$2" -n 1 -t 100000 --wrap true
}

@test "what does not fit waits and holds nothing; a raised quota lets it run" {
    local first second
    quota -A plasma 40Wh --period month
    wait_for 20 limit_is plasma 40
    first=$(core bob 15 -A plasma)
    wait_for 30 job_runs "$first"
    second=$(core bob 2 -A plasma)
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

why_says() { # USER JOB WORDS
    as "$1" kwota why "$2" | grep -q "$3"
}

comment_says() {
    root scontrol show job "$1" | grep -q "AdminComment=.*$2"
}

# Two jobs of one core each, of which a budget of 30 Wh lets one run at a time.
one_at_a_time() { # USER ACCOUNT USER ACCOUNT
    first=$(core "$1" 15 -A "$2")
    wait_for 30 job_runs "$first"
    second=$(core "$3" 1 -A "$4")
    wait_for 30 waits_for_energy "$second"
    [ -z "$(root squeue -h -j "$second" -o %N)" ]
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

refused() { # USER ACCOUNT
    ! as "$1" sbatch -A "$2" -n 1 -t 1 --hold --wrap true
}

@test "a user's quota stops their jobs in all their accounts, and nobody else's" {
    local first second other
    room 30 month -u bob
    wait_for 20 limit_between plasma 28 31 bob
    wait_for 20 limit_between astro 28 31 bob
    first=$(core bob 20 -A plasma)
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
    job=$(submit alice "touch $dir/home/alice/ran.\$SLURM_ARRAY_TASK_ID; $(busy 15)" -A astro -p crowd -n 1 -t 1 --array=1-2 -o /dev/null)
    wait_for 40 one_runs_one_held "$job"
    run as alice timeout 60 srun -A astro -p crowd -n 1 -t 1 true
    [ "$status" -ne 0 ]
    [[ $output == *"kwota: job "*" is ended: account astro, class crowd has"* ]]
    root kwota quota remove -A astro -p crowd --why test
    wait_for 60 queue_empty
    [ -e "$dir/home/alice/ran.1" ]
    [ -e "$dir/home/alice/ran.2" ]
    no_node_drained
}

map_is_fresh() {
    [ "$(stat -c %Y "$dir/spool/kwota/budget.map")" -gt "$(($(date +%s) - 2))" ]
}

one_runs_one_held() {
    [ "$(root squeue -h -r -j "$1" -t RUNNING | wc -l)" -eq 1 ] &&
        [ "$(root squeue -h -r -j "$1" -t PENDING | wc -l)" -eq 1 ] &&
        [ "$(root scontrol -o show job "$1" | grep -c 'AdminComment=kwota: held')" -eq 1 ]
}

@test "a strict run is ended when its energy is used, and never charged more" {
    local job
    policy '.estimate.nameplate["*"] = {"node_w": 50, "cpu_w": 50, "gpu_w": 50}'
    quota -A bio 8Wh --period 1days
    wait_for 20 limit_below bio 9
    # It draws 1 kW, ten times what the nameplate says: 8 Wh last half a minute.
    job=$(core carol 55 -A bio)
    wait_for 30 job_runs "$job"
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq -r .slurm_state)" = CANCELLED ]
    [ "$(job_json "$job" | jq .charge_mj)" -le $((8 * 3600000)) ]
    [ "$(ledger "SELECT SUM(mj) FROM entries e JOIN runs r ON r.id = e.run_id WHERE r.account = 'bio' AND kind <> 'overrun' AND r.job_id = $job")" -le $((8 * 3600000)) ]
    # What ran on until it was over: a report and KillWait, at its power.
    [ "$(ledger "SELECT overrun_mj FROM runs WHERE job_id = $job")" -gt 0 ]
    [ "$(ledger "SELECT overrun_mj FROM runs WHERE job_id = $job")" -le $((1300 * 1000 * 8)) ]
    as carol kwota why "$job" | grep -q 'kill: it has used the'
    policy '.estimate.nameplate["*"] = {"node_w": 300, "cpu_w": 1100, "gpu_w": 0}'
}

limit_below() {
    [ -n "$(limit "$1")" ] && [ "$(limit "$1")" -lt "$2" ]
}

@test "a user's own energy budget is the lien, and the end of the job" {
    local job
    quota -A bio 400Wh --period 1days
    wait_for 20 limit_below bio 401
    # It would use some 15 Wh.
    job=$(core carol 50 -A bio --energy-budget=5Wh)
    wait_for 20 licence_is "$job" 5
    root scontrol show job "$job" | grep -q 'AdminComment=kwota: energy budget 5 Wh'
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq -r .slurm_state)" = CANCELLED ]
    [ "$(job_json "$job" | jq .charge_mj)" -le $((5 * 3600000)) ]
    [ "$(job_json "$job" | jq .charge_mj)" -ge $((3 * 3600000)) ]
    as carol kwota why "$job" | grep -q 'its --energy-budget allows no more'
    run as carol sbatch -A bio -n 1 -t 1 --energy-budget=5apples --wrap true
    [ "$status" -ne 0 ]
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

@test "a quote is what the job then gets" {
    quota -A astro 400Wh --period 1days
    wait_for 20 limit_below astro 401
    as alice kwota quote -A astro -n 1 -t 1 --json >"$BATS_TEST_TMPDIR/quote"
    [ "$(jq .lien_wh "$BATS_TEST_TMPDIR/quote")" -eq 24 ]
    [ "$(jq .starts_now "$BATS_TEST_TMPDIR/quote")" = true ]
    as alice kwota quote -A astro -n 4 -N 1 -t 10:00:00 | grep -q 'would fit'
    as alice kwota | grep -q '^account astro '
}

@test "a period's turn frees what waited" {
    local first second
    room 25 month -A astro
    wait_for 20 limit_between astro 24 27
    first=$(core alice 15 -A astro)
    wait_for 60 settled "$first"
    second=$(core alice 1 -A astro)
    wait_for 30 waits_for_energy "$second"
    clock "$(next_month)"
    wait_for 60 settled "$second"
    rm "$dir/etc/clock"
}

@test "a rolling window slides" {
    local first second
    # On a busy machine the first uses little more than 1 Wh.
    room 25 1days -A astro
    wait_for 20 limit_between astro 24 27
    first=$(core alice 15 -A astro)
    wait_for 60 settled "$first"
    second=$(core alice 1 -A astro)
    wait_for 30 waits_for_energy "$second"
    clock 90000
    wait_for 60 settled "$second"
    rm "$dir/etc/clock"
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

licence_is() {
    [ "$(root squeue -h -j "$1" -o %W)" = "kwota:$2" ]
}

@test "kwotad away: admission and limits go on, jobs start; stopped: sbatch is no slower" {
    local first second began
    quota -A astro 400Wh --period month
    wait_for 20 limit_below astro 401
    "$top/tests/cluster" kill --dir "$dir" kwotad -9 >&2
    first=$(core alice 3 -A astro)
    licence_is "$first" 24
    wait_for 30 job_runs "$first"
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
    wait_for 60 settled "$first"
    "$top/tests/cluster" kill --dir "$dir" kwotad -STOP >&2
    began=$(date +%s%N)
    second=$(core alice 1 -A astro)
    [ $(($(date +%s%N) - began)) -lt 2000000000 ]
    "$top/tests/cluster" kill --dir "$dir" kwotad -CONT >&2
    wait_for 60 settled "$second"
    no_node_drained
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

tripped() {
    root kwota freeze | grep -q 'the breaker has tripped'
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
    wait_for 40 is_held "$second"
    run ! ran alice "$second"
    no_node_drained
    "$top/tests/cluster" start --dir "$dir" kwotad >&2
    root scontrol release "$second"
    wait_for 90 settled "$second"
    policy '.limits.kwotad_away = "run"'
}

is_held() {
    [ "$(root squeue -h -j "$1" -o '%T %Q')" = 'PENDING 0' ]
}
