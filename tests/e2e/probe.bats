#!/usr/bin/env bats
# probe.bats - what kwota-meter makes of real machines' trees, and of their hostile twins
#
# Needs no cluster. The trees and where their figures are from: tests/data/trees.

bats_require_minimum_version 1.5.0

setup_file() {
    top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    meter=${KWOTA_BUILD:-$top/build}/plugin/meter/kwota-meter
    export top meter
}

setup() {
    root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root"
}

unpack() {
    rm -rf "$root"
    mkdir -p "$root"
    "$top/tests/data/unpack" "$top/tests/data/trees/$1.tree" "$root"
}

# probe - one line a counter: name kind source charged value-or-unknown; sets status
probe() {
    status=0
    "$meter" probe --root "$root" --json "$@" >"$BATS_TEST_TMPDIR/json" || status=$?
    jq -r '.domains[] | "\(.name) \(.kind) \(.source) \(if .charged then "charged" else "shown" end) \(if .state == "ok" then .uj else "unknown" end)"' \
        "$BATS_TEST_TMPDIR/json" | sort
}

# answered - the same. The tool that asks a BMC gets a moment in which on a busy machine no shell begins:
# then it gets more.
answered() {
    local watch
    for watch in '' '--watch 5' '--watch 20'; do
        probe $watch >"$BATS_TEST_TMPDIR/lines"
        [ "$(jq -r .sources.dcmi "$BATS_TEST_TMPDIR/json")" = "it has not answered yet" ] || break
    done
    cat "$BATS_TEST_TMPDIR/lines"
}

# shows TREE - the counters on stdin are those that the tree shows
shows() {
    unpack "$1"
    diff <(sort) <(probe)
}

# An integrated counter's value depends on the moment.
shows_integrated() {
    unpack "$1"
    diff <(sort) <(answered | awk '{ if ($3 == "hwmon" || $3 == "dcmi") $5 = "integrated"; print }')
}

reason() {
    jq -r --arg n "$1" '.domains[] | select(.name == $n) | .reason' "$BATS_TEST_TMPDIR/json"
}

@test "RAPL: packages, memories, psys beyond them; the twin and what lies inside are left out" {
    shows xeon-two-sockets <<'END'
package-0 package powercap charged 205312512345
package-1 package powercap charged 105312512345
dram-0 dram powercap charged 15312512345
dram-1 dram powercap charged 25312512345
psys platform powercap charged 205312512399
mmio-package-0 core powercap shown 205312512999
END
    [ "$(jq -c '.domains[] | select(.name == "psys") | .covers | sort' "$BATS_TEST_TMPDIR/json")" = \
        '["dram-0","dram-1","package-0","package-1"]' ]
    [[ $(reason mmio-package-0) == *"not counted twice"* ]]
    shows xeon-dies <<'END'
package-0-die-0 package powercap charged 1000001
package-0-die-1 package powercap charged 2000001
package-1-die-0 package powercap charged 3000001
package-1-die-1 package powercap charged 4000001
dram-0-die-0 dram powercap charged 11
dram-0-die-1 dram powercap charged 22
END
    shows epyc <<'END'
package-0 package powercap charged 63455543231
package-1 package powercap charged 1
core-0 core powercap shown 7000000
core-1 core powercap shown 2
END
    shows epyc-dies <<'END'
package-0-die-0 package powercap charged 10360237493
package-0-die-1 package powercap shown 10360251002
core-0-die-0 core powercap shown 1203498127
core-0-die-1 core powercap shown 998123741
END
    [[ $(reason package-0-die-1) == *"not counted twice"* ]]
    shows laptop <<'END'
package-0 package powercap charged 52131245678
core-0 core powercap shown 12131245678
uncore-0 core powercap shown 131245678
psys platform powercap charged 92131245678
END
    shows xeon-psys <<'END'
package-0 package powercap charged 105312512345
package-1 package powercap charged 95312512345
psys platform powercap charged 205312512399
psys-1 core powercap shown 0
END
    [ "$(reason psys-1)" = "the platform as another socket sees it: not counted twice" ]
}

@test "RAPL: without a range, or denied, nothing is charged and the reason is said" {
    unpack no-range
    probe
    [ "$status" -eq 3 ]
    [[ $(reason package-0) == *"a wrap could not be told"* ]]
    unpack epyc
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
    cp "$meter" "$root/meter"
    chmod 400 "$root"/sys/class/powercap/*/energy_uj
    run -3 setpriv --reuid=65534 --regid=65534 --clear-groups "$root/meter" probe --root "$root" --json
    [ "$(jq -r '.domains[] | select(.name == "package-0") | .state + ": " + .reason' <<<"$output")" = \
        "unknown: reading it is denied: the meter must run as root" ]
}

@test "Grace: the module beyond CPU and GPU, a socket for its rails, a rail where there is no socket" {
    shows_integrated grace-hopper <<'END'
module-0 platform hwmon charged integrated
package-0 package hwmon charged integrated
cpu-0 core hwmon shown integrated
sysio-0 core hwmon shown integrated
END
    [ "$(jq -r '[.domains[] | select(.charged) | .integrated] | all' "$BATS_TEST_TMPDIR/json")" = true ]
    # 0.2 s of 495 W and 155 W
    jq -e '.domains[] | select(.name == "module-0") | .mw > 480000 and .mw < 510000' "$BATS_TEST_TMPDIR/json"
    jq -e '.domains[] | select(.name == "package-0") | .mw > 150000 and .mw < 160000' "$BATS_TEST_TMPDIR/json"
    unpack grace-grace
    probe | cut -d' ' -f1-4 | diff - <(printf '%s\n' 'cpu-0 core hwmon shown' \
        'package-0 package hwmon charged' 'package-1 package hwmon charged')
}

@test "hwmon: ACPI meters, AMD and Intel GPUs by their render nodes, what is off or unknown" {
    shows_integrated acpi-meter <<'END'
acpi platform hwmon charged integrated
package-0 package powercap charged 123456789
END
    shows_integrated amdgpu <<'END'
gpu-0 gpu hwmon charged integrated
gpu-1 gpu hwmon charged integrated
END
    jq -e '.domains[] | select(.name == "gpu-0") | .gpu == 0 and .mw > 40000 and .mw < 50000' "$BATS_TEST_TMPDIR/json"
    shows intel-gpus <<'END'
gpu-0 gpu hwmon charged 987654321
gpu-1 gpu hwmon charged 123456789
xe-energy2_input core hwmon shown 23456789
END
    shows xe-package <<'END'
gpu-0 gpu hwmon charged 23456789
END
    shows amd-energy <<'END'
package-0 package hwmon charged 63455543231
package-1 package hwmon charged 63455543232
END
    shows_integrated acpi-meters <<'END'
acpi platform hwmon shown integrated
acpi#2 platform hwmon shown integrated
package-0 package powercap charged 123456789
END
    [[ $(reason acpi) == "one of several meters"* ]]
    # What a channel's file shows that is switched off is no reading.
    unpack disabled
    probe
    [ "$status" -eq 3 ]
    jq -e '.domains[] | select(.name == "acpi") | .state == "unknown" and .uj == null' "$BATS_TEST_TMPDIR/json"
    [ "$(reason acpi)" = "the channel is disabled" ]
    [[ $(reason ina3221-power1_input) == *"does not know what this device measures"* ]]
}

@test "Cray: joules with and without time stamps, accelerators, and power where there is no energy" {
    for tree in cray-ex cray-old; do
        shows $tree <<'END'
node platform pm_counters charged 139486823000000
cpu package pm_counters charged 29486823000000
memory dram pm_counters charged 9486823000000
accel-0 gpu pm_counters charged 24486820000000
accel-1 gpu pm_counters charged 24486821000000
accel-2 gpu pm_counters charged 24486822000000
accel-3 gpu pm_counters charged 24486823000000
END
    done
    unpack cray-power
    probe
    jq -e '.domains[] | select(.name == "node") | .integrated and .mw > 1150000 and .mw < 1250000' "$BATS_TEST_TMPDIR/json"
    # A controller whose freshness stands still tells nothing.
    unpack cray-ex
    probe --watch 4
    [ "$status" -eq 3 ]
    [[ $(reason node) == *"freshness has stood still"* ]]
}

@test "IPMI DCMI: FreeIPMI and ipmitool; off, zero and failing are unknown" {
    for tree in dcmi-freeipmi dcmi-ipmitool; do
        shows_integrated $tree <<'END'
bmc platform dcmi charged integrated
END
    done
    for tree in dcmi-off dcmi-zero dcmi-deactivated dcmi-fails; do
        unpack $tree
        answered
        [ "$status" -eq 3 ]
        jq -r .sources.dcmi "$BATS_TEST_TMPDIR/json"
    done >"$BATS_TEST_TMPDIR/reasons"
    diff "$BATS_TEST_TMPDIR/reasons" - <<'END'
the BMC's power measurement is not active
the BMC says 0 W, which no running node draws
the BMC's power measurement is not active
the tool failed without a word
END
    # One that hangs holds up nothing.
    printf '#!/bin/sh\nexec sleep 90\n' >"$root/usr/bin/ipmitool"
    SECONDS=0
    probe 3>&-
    [ "$SECONDS" -le 40 ]
    [ "$(jq -r .sources.dcmi "$BATS_TEST_TMPDIR/json")" = "it has not answered yet" ]
}

# limits TREE - one line a limit: name kind by now from to default settable
limits() {
    unpack "$1"
    probe >/dev/null
    jq -r '.limits[] | "\(.name) \(.kind) \(.by) \(.mw) \(.min_mw) \(.max_mw) \(.default_mw) \(.settable)"' \
        "$BATS_TEST_TMPDIR/json" | sort
}

limit_reason() {
    jq -r --arg n "$1" '.limits[] | select(.name == $n) | .reason' "$BATS_TEST_TMPDIR/json"
}

@test "power limits: what may be set, or why not; nothing is" {
    diff - <(limits xeon-two-sockets) <<'END'
package-0 package powercap 205000 52000 246000 null true
package-1 package powercap 220000 52000 246000 null true
END
    run -0 "$meter" probe --root "$root"
    [[ $output == *"package-1 "*" 220.0     52.0    246.0        - can be set"* ]]
    diff - <(limits amdgpu) <<'END'
gpu-0 gpu hwmon 250000 250000 250000 250000 false
gpu-1 gpu hwmon 250000 79000 315000 300000 true
END
    probe >/dev/null
    [ "$(limit_reason gpu-0)" = "its limit is fixed at 250 W" ]
    diff - <(limits intel-gpus) <<'END'
gpu-0 gpu hwmon 300000 75000 300000 300000 true
gpu-1 gpu hwmon 0 38000 150000 150000 false
END
    probe >/dev/null
    [[ $(limit_reason gpu-1) == "its limit is switched off"*"set it to 150 W first" ]]
    [ "$(cat "$root"/sys/class/hwmon/hwmon*/power1_max | tr '\n' ' ')" = "300000000 0 " ]
    # Zones that tell energy alone have none.
    [ "$(limits epyc)" = "" ]
    probe >/dev/null
    [ "$(jq -r .limit_kinds.powercap "$BATS_TEST_TMPDIR/json")" = "no package has a long-term limit" ]
}

# all_files - every regular file of the tree below /sys; value_files - those that hold values, of any source
all_files() {
    (cd "$root" && find sys -type f)
}

value_files() {
    all_files | grep -E '/(energy_uj|energy[0-9]+_input|power[0-9]+_(average|input))$|/pm_counters/[a-z0-9_]*(energy|power)$'
}

# spoil HOW FILE
spoil() {
    case $1 in
    empty) : >"$2" ;;
    newline) echo >"$2" ;;
    negative) echo -5 >"$2" ;;
    digits) echo 123456789012345678901234567890 >"$2" ;;
    bytes) printf '\xff\xfe\x80\n' >"$2" ;;
    words) echo 12x >"$2" ;;
    two) printf '12\n13\n' >"$2" ;;
    zeros) head -c 5000 /dev/zero >"$2" ;;
    folder) rm "$2" && mkdir "$2" ;;
    pipe) rm "$2" && mkfifo "$2" ;;
    gone) rm "$2" ;;
    error) ln -sf /proc/self/mem "$2" ;;
    esac
}

# Trees whose files do not meet make one machine, which saves probes.
machines() {
    printf '%s\n' 'xeon-two-sockets grace-hopper cray-ex' 'xeon-dies amdgpu cray-old' \
        'laptop intel-gpus cray-power' 'epyc-dies grace-grace' 'xeon-psys acpi-meters xe-package' \
        'no-range amd-energy'
}

# unpack_all TREE… - into one root
unpack_all() {
    local tree
    rm -rf "$root"
    for tree in "$@"; do "$top/tests/data/unpack" "$top/tests/data/trees/$tree.tree" "$root"; done
}

# spoilt HOW FILTER - a copy of the machine whose files (on stdin, below it) are spoilt; the filter holds for
# what is shown of it
spoilt() {
    local BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$1 file
    rm -rf "$BATS_TEST_TMPDIR"
    mkdir "$BATS_TEST_TMPDIR"
    cp -r "$root" "$BATS_TEST_TMPDIR/root"
    root=$BATS_TEST_TMPDIR/root
    while read -r file; do spoil "$1" "$root/$file"; done
    probe >/dev/null
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { echo "$trees, $1: status $status" && return 1; }
    jq -e "$2" "$BATS_TEST_TMPDIR/json" >/dev/null ||
        { echo "$trees, $1:" && jq -c '.domains[]' "$BATS_TEST_TMPDIR/json" && return 1; }
}

# all_spoilt FILTER HOW… - every way at once, each with a copy of its own; the files are those on stdin
all_spoilt() {
    local filter=$1 how files pids=() pid
    shift
    files=$(cat)
    for how in "$@"; do
        (spoilt "$how" "$filter") <<<"$files" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
}

@test "hostile twins: no value that is spoilt is ever shown as one" {
    local trees unknown='all(.state == "unknown" and .uj == null and .mw == null and (.reason | length) > 0)'
    while read -r trees; do
        unpack_all $trees
        value_files | all_spoilt ".domains | length >= 3 and $unknown" \
            empty newline negative digits bytes words two zeros folder pipe error
        value_files | all_spoilt ".domains | $unknown" gone
    done < <(machines)
}

@test "hostile twins: whatever names, labels and ranges hold, a value shown is its file's" {
    local trees values
    while read -r trees; do
        unpack_all $trees
        values=$(cd "$root" && value_files | xargs sed -nE 's/^([0-9]+).*/\1\n\1000000/p' | paste -sd,)
        value_files >"$BATS_TEST_TMPDIR/values"
        all_files | grep -vxFf "$BATS_TEST_TMPDIR/values" | all_spoilt "[$values] as \$values | .domains | all(
            if .state == \"ok\" then .integrated or (.uj | IN(\$values[])) else .uj == null and (.reason | length) > 0 end)" \
            empty digits bytes zeros folder pipe gone error
    done < <(machines)
}

@test "hostile twins: a limit that is spoilt is not settable, or is what its files say" {
    local trees values
    while read -r trees; do
        unpack_all $trees
        values=$(cd "$root" && all_files | grep -E 'power_limit_uw|_cap$|power[12]_max$' | xargs -r sed -nE 's/^([0-9]+).*/\1/p' | paste -sd,)
        all_files | grep -E '/constraint_|/power[0-9]_(cap|max|rated)|/name$|/enabled$' | all_spoilt "[$values] as \$values | .limits | all(
            if .settable then .mw * 1000 | IN(\$values[]) else (.reason | length) > 0 end)" \
            empty negative digits bytes words two zeros folder pipe gone error
    done < <(machines)
}

@test "without a newline it is the same number; a file that appears is read, one that goes is unknown" {
    local zones=$root/sys/class/powercap pid
    unpack epyc
    printf 42 >"$zones/intel-rapl:0/energy_uj"
    rm "$zones/intel-rapl:1/energy_uj"
    probe
    [ "$(jq '.domains[] | select(.name == "package-0") | .uj' "$BATS_TEST_TMPDIR/json")" -eq 42 ]
    # A process' file ends as a driver's does that is unloaded.
    sleep 30 3>&- &
    pid=$!
    ln -sf "/proc/$pid/oom_score_adj" "$zones/intel-rapl:0/energy_uj"
    (sleep 1 && kill "$pid" && echo 77 >"$zones/intel-rapl:1/energy_uj") 3>&- &
    # A file that was missing is tried again every ten seconds.
    probe --watch 11
    wait
    [ "$(jq '.domains[] | select(.name == "package-1") | .uj' "$BATS_TEST_TMPDIR/json")" -eq 77 ]
    jq -e '.domains[] | select(.name == "package-0") | .state == "unknown" and .uj == null and .mw == null' "$BATS_TEST_TMPDIR/json"
    [[ $(reason package-0) == "reading it fails"* ]]
}

@test "a list of sources: preferences are followed, mistakes are named" {
    unpack cray-ex
    cat >"$BATS_TEST_TMPDIR/list" <<'END'
{"version": 1, "sources": {"pm_counters": {"gpus_per_accelerator": 2}},
 "prefer": {"platform": [], "dram": []}, "overlaps": {"node": ["package"]}}
END
    probe --sources "$BATS_TEST_TMPDIR/list" >"$BATS_TEST_TMPDIR/out"
    grep -q '^node platform pm_counters shown' "$BATS_TEST_TMPDIR/out"
    [ "$(reason memory)" = "the list of sources leaves dram energy out" ]
    [ "$(jq '.domains[] | select(.name == "accel-3") | .gpu' "$BATS_TEST_TMPDIR/json")" -eq 6 ]
    echo '{"version": 1, "prefer": {"package": ["powercap", "rapl"]}}' >"$BATS_TEST_TMPDIR/list"
    run -2 "$meter" probe --root "$root" --sources "$BATS_TEST_TMPDIR/list"
    [[ $output == *'prefer.package: "rapl" is no source'* ]]
    echo '{"version": 1,' >"$BATS_TEST_TMPDIR/list"
    run -2 "$meter" probe --root "$root" --sources "$BATS_TEST_TMPDIR/list"
    [[ $output == *"$BATS_TEST_TMPDIR/list:"* ]]
}
