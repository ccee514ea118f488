# quota.bash - what end-to-end tests of budgets say to their cluster
#
# load cluster; load quota; budgets_up OPTIONS… in setup_file, end_of_test in teardown.
# The simulated nodes draw much (1 kW a busy core), so that watt-hours are soon used.

# budgets_up OPTIONS… - a cluster of such nodes, strict, whose breaker is out of the way;
# $budgets_policy is jq's word on kwota.json
budgets_up() {
    mkdir -p "$BATS_FILE_TMPDIR"
    cat >"$BATS_FILE_TMPDIR/figures.json" <<'END'
{"package": {"idle_mw": 100000, "core_mw": 1000000, "range_uj": 65532610987, "limit_mw": 9000000},
 "dram": {"idle_mw": 2000, "core_mw": 1000, "range_uj": 65532610987, "limit_mw": 100000}}
END
    jq "${budgets_policy:-.}" >"$BATS_FILE_TMPDIR/policy.json" <<'END'
{"enforce": "strict",
 "estimate": {"nameplate": {"*": {"node_w": 300, "cpu_w": 1100, "gpu_w": 0}}},
 "limits": {"breaker": {"holds_per_minute": 1000, "kills_per_minute": 1000}}}
END
    cluster_up --nodes 2 --cpus 4 --tick-ms 500 --report-ms 1000 --cred-expire 5 \
        --figures "$BATS_FILE_TMPDIR/figures.json" --policy "$BATS_FILE_TMPDIR/policy.json" "$@"
}

# No job, no quota and no changed clock is left to the next test.
end_of_test() {
    [ -z "${KWOTA_KEEP:-}" ] || return 0
    # One that has ended meanwhile is no mistake.
    root sh -c 'squeue -h -o %i | sed "s/[+_].*//" | sort -u | xargs -r scancel' || true
    rm -f "$dir/etc/clock"
    echo '{"version": 1, "quotas": []}' >"$dir/etc/no-quotas.json"
    root kwota quota apply "$dir/etc/no-quotas.json" --why 'end of the test' >/dev/null
    wait_for 60 queue_empty
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

# A quota that is given in joules is a fraction of a Wh off.
limit_between() { # ACCOUNT LEAST MOST [USER]
    local wh
    wh=$(limit "$1" "${4:-}")
    [ -n "$wh" ] && [ "$wh" != N ] && [ "$wh" -ge "$2" ] && [ "$wh" -le "$3" ]
}

limit_below() {
    [ -n "$(limit "$1")" ] && [ "$(limit "$1")" -lt "$2" ]
}

quota() {
    root kwota quota set "$@" --why test
}

# room WH PERIOD -A ACCOUNT|-u USER… - a quota that has so much left now
room() {
    local wh=$1 period=$2 used
    shift 2
    wait_for 60 none_ending
    root kwota quota set "$@" 1000kWh --period "$period" --why test >/dev/null
    used=$(root kwota quota show "$@" --json | jq '[.budgets[] | .used_mj] | max')
    root kwota quota set "$@" "$(((wh * 3600000 + used) / 1000 + 1))J" --period "$period" --why test
}

# What is over is charged: a charge that comes later would be in what is left.
none_ending() {
    local job
    for job in $(ledger "SELECT job_id FROM runs WHERE state <> 'settled'"); do
        [ -n "$(job_state "$job")" ] || return 1
    done
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

is_held() {
    [ "$(root squeue -h -j "$1" -o '%T %Q')" = 'PENDING 0' ]
}

# Also when it is over already.
licence_is() {
    [ "$(root squeue -h -t all -j "$1" -o %W)" = "kwota:$2" ]
}

clock() { # SECONDS - what kwotad's budgets think the time is ahead
    echo "$1" >"$dir/etc/clock"
    chmod 644 "$dir/etc/clock"
}


# policy_file FILTER - changes kwota.json
policy_file() {
    jq "$1" "$dir/etc/kwota.json" >"$dir/etc/kwota.json.new"
    chmod 644 "$dir/etc/kwota.json.new"
    mv "$dir/etc/kwota.json.new" "$dir/etc/kwota.json"
}

# policy FILTER - the same, and waits until it is in force
policy() {
    policy_file "$1"
    root kwota policy reload >&2
}

policy_is_newer() {
    [ "$(root kwota policy show --json | jq .state.since_s)" -ge "$(stat -c %Y "$dir/etc/kwota.json")" ]
}

# newer_map - waits for a map that was begun after this call
newer_map() {
    touch "$dir/newer"
    wait_for 20 map_renewed
    touch "$dir/newer"
    wait_for 20 map_renewed
}

map_renewed() {
    [ "$dir/spool/kwota/budget.map" -nt "$dir/newer" ]
}

charge_wh() {
    echo $(($(job_json "$1" | jq .charge_mj) / 3600000))
}

why_says() { # USER JOB WORDS
    as "$1" kwota why "$2" | grep -q "$3"
}

comment_says() {
    root scontrol show job "$1" | grep -q "AdminComment=.*$2"
}

refuses_what_never_fits() { # USER ACCOUNT
    ! as "$1" sbatch --test-only -A "$2" -n 1 -t 100000 --wrap true
}

refused() { # USER ACCOUNT
    ! as "$1" sbatch -A "$2" -n 1 -t 1 --hold --wrap true
}

map_is_fresh() {
    [ "$(stat -c %Y "$dir/spool/kwota/budget.map")" -gt "$(($(date +%s) - 2))" ]
}

# Two jobs of one core each, of which a budget of 30 Wh lets one run at a time.
one_at_a_time() { # USER ACCOUNT USER ACCOUNT
    first=$(core "$1" 50 -A "$2")
    wait_for 30 job_runs "$first"
    second=$(core "$3" 1 -A "$4")
    wait_for 30 waits_for_energy "$second"
    [ -z "$(root squeue -h -j "$second" -o %N)" ]
}

tripped() {
    root kwota freeze | grep -q 'the breaker has tripped'
}
