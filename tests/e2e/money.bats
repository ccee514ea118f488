#!/usr/bin/env bats
# money.bats - jobs under a tariff: prices, statements, a month that is closed
#
# kwotad's clock is set on for closing the month (etc/clock); jobs and counters go by the
# real one.

load cluster
load quota

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    # shellcheck disable=SC2034
    local budgets_policy='.enforce = "off" | .credits = {"CANCELLED": 50}
        | .tariff = {"currency": "EUR", "price": "0.30", "pue": "1.5", "co2_g": 400,
            "rules": [{"account": "physics", "price": "0.50"}]}'
    budgets_up --settle-timeout-s 4
    date +%Y-%m >"$dir/month"
}

teardown_file() {
    cluster_down
}

teardown() {
    end_of_test
}

month() {
    cat "$dir/month"
}

# statement ACCOUNT FILTER - of this month, as JSON
statement() {
    root kwota statement -A "$1" --month "$(month)" --json | jq -r "$2"
}

# Seconds from now to an hour into the next month.
to_next_month() {
    echo $(($(date -d "$(month)-01 +1 month +1 hour" +%s) - $(date +%s)))
}

# All sums of the ledger, beside those of its entries.
books_agree() {
    local table
    for table in rollups rollup_days rollup_months run_months; do
        [ "$(ledger "SELECT SUM(cpu_mj + dram_mj + gpu_mj + other_mj), SUM(price_u), SUM(co2_mg) FROM $table")" = \
            "$(ledger "SELECT SUM(CASE kind WHEN 'credit' THEN 0 ELSE mj END), SUM(price_u), SUM(co2_mg) FROM entries")" ] || return 1
    done
}

@test "entries, usage and statement have the same joules and the same price" {
    local one two three
    one=$(core alice 4 -A astro)
    two=$(core bob 4 -A plasma)
    three=$(core alice 300 -A astro -t 6)
    wait_for 30 job_runs "$three"
    wait_for 30 settled "$one"
    root scancel "$three"
    wait_for 60 all_settled "$one" "$two" "$three"
    books_agree
    # astro is below physics: 0.50 x 1.5 a kWh, in millionths
    [ "$(job_json "$one" | jq .price_u)" -eq "$(job_json "$one" | jq '(.charge_mj * 500000 * 1.5 / 3600000000 + 0.5) | floor')" ]
    root kwota job "$one" | grep -q 'price .* EUR$'
    [ "$(ledger "SELECT COUNT(*) FROM entries WHERE kind = 'credit' AND price_u < 0 AND co2_mg <= 0")" -eq 1 ]
    [ "$(statement physics '.statement.totals.used_mj')" -eq "$(ledger "SELECT SUM(mj) FROM entries WHERE kind <> 'credit'")" ]
    [ "$(statement physics '.statement.totals.price_u')" -eq "$(ledger "SELECT SUM(price_u) FROM entries")" ]
    [ "$(statement physics '[.runs[].used_mj] | add')" -eq "$(root kwota usage --json | jq .total_mj)" ]
    [ "$(statement physics '[.runs[].charged_mj] | add')" -eq "$(ledger "SELECT SUM(mj) FROM entries")" ]
    [ "$(statement physics '.sums.price_u')" -eq "$(root kwota usage --json | jq '[.rows[].price_u] | add')" ]
    [ "$(statement astro '.runs | length')" -eq 2 ]
}

@test "a statement as text, CSV and HTML; who may see it; what is wrong is said" {
    local out
    out=$(root kwota statement -A physics --month "$(month)")
    [[ $out == *"Statement of account physics"* && $out == *"3 runs"* ]]
    [ "$(root kwota statement -A physics --month "$(month)" --csv | wc -l)" -eq 4 ]
    out=$(root kwota statement -A physics --month "$(month)" --html)
    [[ $out == "<!DOCTYPE html>"*"</html>" && $out != *"<script"* ]]
    [ "$(as alice kwota statement -A astro --month "$(month)" --json | jq -r '[.runs[].user] | unique | join(",")')" = alice ]
    run -1 as alice kwota statement -A nobodys
    [[ $output == *'there is no account "nobodys"'* ]]
    run -2 root kwota statement -A astro --month 2026-13
    run -1 as bob kwota period list
    run -2 root kwota period close --month "$(month)"
    run -1 root kwota period close --month "$(month)" --why 'too early'
    [[ $output == *"is not over: it can be closed from"* ]]
    as alice kwota quote -A astro -n 1 -t 1 | grep -q 'would cost .* EUR and cause .* of CO2'
    [[ $(root kwota policy explain -A plasma) == *"0.50 EUR a kWh now, times a PUE of 1.5"* ]]
}

late_is_there() {
    [ "$(ledger "SELECT COUNT(*) FROM entries e JOIN runs r ON e.run_id = r.id WHERE r.job_id = $1 AND e.kind = 'adjustment'")" -eq 1 ]
}

@test "a month is closed; what is late lands in the open one" {
    local late open turn closed
    # n2's meter is stopped while it runs: its final comes when the month is closed.
    late=$(submit alice "touch late; until [ -e stopped ]; do :; done
$(busy 3)" -A astro -w n2 -n 1 -t 6 -o /dev/null)
    wait_for 30 test -e "$dir/home/alice/late"
    wait_for 20 has_used_some "$late"
    "$top/tests/cluster" kill --dir "$dir" meter-n2 -STOP >&2
    as alice touch "$dir/home/alice/stopped"
    wait_for 60 settled "$late"
    open=$(core bob 300 -A plasma -t 6 -w n1)
    wait_for 30 job_runs "$open"
    # Slurm calls it running before kwotad has heard of it.
    wait_for 30 is_known "$open"
    clock "$(to_next_month)"
    turn=$(date -d "$(month)-01 +1 month" +%s)
    run -1 root kwota period close --month "$(month)" --why test
    [[ $output == *"are not settled yet: $open"* ]]
    root kwota period close --month "$(month)" --dry-run | grep -q 'nothing was done'
    root kwota period close --month "$(month)" --why test --leave-unsettled
    run -1 root kwota period close --month "$(month)" --why again
    [[ $output == *"is closed already"* ]]
    closed=$(statement physics .statement.totals.used_mj)
    "$top/tests/cluster" kill --dir "$dir" meter-n2 -CONT >&2
    wait_for 60 late_is_there "$late"
    root scancel "$open"
    wait_for 60 settled "$open"
    books_agree
    [ "$(statement physics .statement.totals.used_mj)" -eq "$closed" ]
    [ "$(ledger "SELECT COUNT(DISTINCT run_id) FROM run_months WHERE month_s = $turn")" -eq 2 ]
    [ "$(ledger "SELECT SUM(cpu_mj + dram_mj + gpu_mj + other_mj) FROM rollups WHERE quarter_s = $turn")" -gt 0 ]
    [ "$(statement astro .statement.number)" -eq 1 ]
    root kwota period list | grep -q "^$(month) .*root"
    [ "$(root kwota period export --month "$(month)" --csv | tail -n +2 | cut -d, -f9 | paste -sd+ | bc)" -eq \
        "$(ledger "SELECT SUM(cpu_mj + dram_mj + gpu_mj + other_mj - overrun_mj - credit_mj) FROM rollup_months WHERE month_s < $turn")" ]
}

is_known() {
    [ "$(ledger "SELECT COUNT(*) FROM runs WHERE job_id = $1")" -eq 1 ]
}

has_used_some() {
    [ "$(job_json "$1" | jq '.energy.total_mj // 0')" -gt 0 ]
}
