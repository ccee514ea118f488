#!/usr/bin/env bats
# doctor.bats - a plain Slurm becomes a kwota cluster by what the README says, line by line,
# and kwota doctor names what is wrong with it

load cluster

setup_file() {
    cluster_up --nodes 1 --before-setup
}

teardown_file() {
    cluster_down
}

conf() {
    printf '%s/etc/slurm.conf' "$dir"
}

setup_kwota() {
    root kwota setup --plugin-dir "$dir/build/plugin/.libs" --spank "$(spank)" "$@"
}

# What the private cluster has elsewhere.
spank() {
    printf 'root=%s/nodes/%%n/root run=%s/run/kwota spool=%s/spool/meter meter=%s/build/plugin/meter/kwota-meter kwota=%s/build/tools/kwota' \
        "$dir" "$dir" "$dir" "$dir" "$dir"
}

# What the README has admins type to set kwota up: the lines of its blocks of commands, from
# `kwota setup` to the node's `kwota doctor`.
readme_commands() {
    sed -n '/^## Installing on a real cluster/,/^## /p' "$top/README.md" |
        awk '/^```/ { inside = !inside; next } inside && /^(kwota|systemctl) / { sub(/ *#.*/, ""); print }' |
        sed -n '/^kwota setup$/,/^systemctl enable --now kwota-meter$/p'
    echo "kwota doctor"
}

# restart UNIT - as systemd would, of a daemon that may not run yet
restart() {
    local daemon=$1
    [ "$1" != slurmd ] || daemon=slurmd-n1
    "$top/tests/cluster" kill --dir "$dir" "$daemon" || true
    "$top/tests/cluster" start --dir "$dir" "$daemon"
    # With a MariaDB every client knows of a second one.
    [ "$daemon ${KWOTA_TEST_LEDGER:-sqlite}" != "kwotad mariadb" ] || "$top/tests/cluster" start --dir "$dir" kwotad-2
}

# As its unit does: told its node alone, the meter finds the rest in plugstack.conf.
restart_meter() {
    local log=$dir/log/meter-unit server
    server=$(sed -n 's/.* server=\([^ ]*\).*/\1/p' "$dir/etc/plugstack.conf")
    root kwota-meter server | grep -F "$server ($dir/etc/plugstack.conf:" || return 1
    "$top/tests/cluster" kill --dir "$dir" meter-n1 || true
    root kwota-meter run --node n1 --log "$log" </dev/null >/dev/null 2>&1 3>&- &
    wait_for 10 grep -q "metering node n1: .* below $dir/nodes/n1/root" "$log"
}

# follow COMMAND - one of the README's, with the private cluster's places
follow() {
    local -a words
    read -ra words <<<"$1"
    case $1 in
    'kwota setup' | 'kwota setup --apply') setup_kwota "${words[@]:2}" ;;
    'systemctl enable --now kwota-meter') restart_meter ;;
    'systemctl enable --now '* | 'systemctl restart '*) restart "${words[-1]}" ;;
    'kwota doctor') root kwota doctor --node n1 ;;
    *)
        echo "this test cannot do what the README says: $1"
        return 1
        ;;
    esac
}

# doctor LEVEL - the checks that it finds so
doctor() {
    root kwota doctor --node n1 --json >"$BATS_TEST_TMPDIR/json" || true
    jq -r --arg l "$1" '.findings[] | select(.level == $l) | .check' "$BATS_TEST_TMPDIR/json"
}

# names CHECK [WORDS] - an error about it, and its exit status
names() {
    local status=0
    root kwota doctor --node n1 --json >"$BATS_TEST_TMPDIR/json" || status=$?
    [ "$status" -eq 1 ] || {
        jq -c '.findings[]' "$BATS_TEST_TMPDIR/json"
        return 1
    }
    jq -e --arg c "$1" --arg w "${2:-}" 'any(.findings[];
        .level == "error" and .check == $c and (.text + " " + (.remedy // "") | contains($w)))' \
        "$BATS_TEST_TMPDIR/json" >/dev/null || {
        jq -c '.findings[] | select(.level != "ok")' "$BATS_TEST_TMPDIR/json"
        return 1
    }
}

# mistake FILE SED CHECK [WORDS] - made, named, mended
mistake() {
    cp -p "$dir/etc/$1" "$BATS_TEST_TMPDIR/good"
    sed -i -E "$2" "$dir/etc/$1"
    run ! cmp -s "$dir/etc/$1" "$BATS_TEST_TMPDIR/good"
    names "$3" "${4:-}"
    cp -p "$BATS_TEST_TMPDIR/good" "$dir/etc/$1"
}

@test "kwota setup shows, makes, and has nothing to do the second time; the site's own lines stay" {
    cp "$(conf)" "$BATS_FILE_TMPDIR/before"
    cp "$dir/etc/licences.conf" "$BATS_FILE_TMPDIR/licences"
    readme_commands >"$BATS_FILE_TMPDIR/commands"
    [ "$(wc -l <"$BATS_FILE_TMPDIR/commands")" -eq 8 ]
    run -0 follow "$(sed -n 1p "$BATS_FILE_TMPDIR/commands")"
    [[ $output == *"+Licenses=matlab:4,kwota:2000000000"* ]]
    [[ $output == *"Nothing is changed yet"* ]]
    cmp "$(conf)" "$BATS_FILE_TMPDIR/before"
    chmod 640 "$(conf)"
    chown slurm: "$(conf)"
    follow "$(sed -n 2p "$BATS_FILE_TMPDIR/commands")"
    [ "$(stat -c '%a %U' "$(conf)")" = "640 slurm" ]
    chmod 644 "$(conf)"
    cmp "$(conf)".kwota-* "$BATS_FILE_TMPDIR/before"
    grep -qx '  Alloc,Contain,DeferBatch   # as it was' "$(conf)"
    run -0 setup_kwota --apply
    [[ $output == "Nothing to change."* ]]
}

@test "the README's commands to the last: a job is measured and charged, and all is well" {
    local job command commands
    names slurmctld "JobSubmitPlugins=kwota"
    mapfile -t commands < <(sed -n '3,$p' "$BATS_FILE_TMPDIR/commands")
    for command in "${commands[@]}"; do
        echo "$command"
        run follow "$command"
        # On the controller doctor still misses what the node gets next.
        [ "$status" -eq 0 ] || [ "$command" = "kwota doctor" ]
    done
    [ "$command" = "kwota doctor" ]
    [[ $output == *"All is well."* ]]
    wait_for 120 root sh -c 'sinfo -h -N -p main -t idle -o %N | grep -q n1'
    job=$(submit alice "$(busy 2)" -n 1)
    wait_for 90 settled "$job"
    [ "$(job_json "$job" | jq '.charge_mj > 0')" = true ]
    run -0 root kwota doctor --node n1
    [[ $output == *"All is well."* ]]
    doctor ok >"$BATS_TEST_TMPDIR/ok"
    for check in PluginDir PrologFlags plugstack.conf spank_kwota.so jobcomp_kwota.so munge \
        slurmctld "kwotad's port" kwotad clock ledger license/kwota cgroups kwota-meter counters; do
        grep -qxF "$check" "$BATS_TEST_TMPDIR/ok"
    done
    run -0 as alice kwota doctor --role login
}

@test "ten mistakes, one by one" {
    mistake slurm.conf 's/,DeferBatch   #/ #/' PrologFlags DeferBatch
    mistake slurm.conf '/^JobSubmitPlugins=/d' JobSubmitPlugins JobSubmitPlugins=kwota
    mistake slurm.conf 's|^JobCompLoc=.*|JobCompLoc=/var/log/jobs|' JobCompLoc "$dir/spool/kwota/ended.journal"
    mistake licences.conf 's/,kwota:[0-9]*//' Licenses Licenses=matlab:4,kwota:2000000000
    mistake slurm.conf '/^AccountingStorageTRES=/d' AccountingStorageTRES license/kwota
    mistake slurm.conf 's/^(AccountingStorageEnforce)=.*/\1=associations/' AccountingStorageEnforce \
        AccountingStorageEnforce=associations,limits
    # Packages put the plugins into Slurm's own folder.
    if grep -q '^PluginDir=.*:' "$(conf)"; then
        mistake slurm.conf 's|^(PluginDir=[^:]*):.*|\1|' job_submit_kwota.so "it is not in"
    else
        mistake slurm.conf '$aPluginDir=/nowhere' PluginDir "none of Slurm's own plugins is in /nowhere"
    fi
    mistake plugstack.conf 's/^optional/optinal/' plugstack.conf optinal
    mistake plugstack.conf 's/server=[^ ]*/server=127.0.0.1:1/' "kwotad's port" "nobody listens"
    mistake plugstack.conf "s|run=[^ ]*|run=$dir/nowhere|" kwota-meter "nobody listens"
    mistake plugstack.conf 's|root=[^ ]*|root=/nowhere|' counters "this node has none"
    mistake kwota.json 's/"sweep_s": 5/"sweep_s": "five"/' kwota.json sweep_s
    chown root: "$dir/spool/kwota/ledger.db"
    names "ledger's file" "chown slurm"
    chown slurm: "$dir/spool/kwota/ledger.db"
    [ -z "$(doctor error)" ]
}

@test "munge and kwotad away are named; kwota setup --remove is the way back" {
    "$top/tests/cluster" kill --dir "$dir" kwotad
    names "kwotad's port" "systemctl start kwotad"
    "$top/tests/cluster" kill --dir "$dir" munged
    names munge
    "$top/tests/cluster" start --dir "$dir" munged
    run -0 setup_kwota --remove --apply
    [[ $output == *"What remains:"*"$dir/spool/kwota"* ]]
    run ! grep -qi 'kwota' <(grep -v "=$dir\|=slurm\|ClusterName\|$dir/" "$(conf)")
    run ! grep -q spank_kwota "$dir/etc/plugstack.conf"
    cmp "$dir/etc/licences.conf" "$BATS_FILE_TMPDIR/licences"
    run -0 setup_kwota --remove
    [[ $output == "Nothing to change."* ]]
}
