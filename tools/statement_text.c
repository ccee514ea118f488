/* statement_text.c - a statement as text, for a terminal */
#include <inttypes.h>

#include "tools/money.h"
#include "tools/statement.h"

static void amount(FILE *out, const char *label, int64_t mj)
{
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT];

    fprintf(out, "  %-22s %16s kWh  (%s)\n", label, energy_kwh(kwh, sizeof kwh, mj, 6),
            energy_joules(joules, sizeof joules, mj));
}

/* Of what no charge has, nothing is said: nobody may have measured it. */
static void part(FILE *out, const char *label, int64_t mj)
{
    if (mj != 0)
        amount(out, label, mj);
}

static void tell_given(FILE *out, const json_t *head)
{
    const json_t *budgets = json_object_get(head, "budgets"), *item;
    char kwh[3][ENERGY_TEXT], time[STATEMENT_TIME];
    size_t i;

    fprintf(out, "\nGiven\n");
    if (json_array_size(budgets) == 0)
        fprintf(out, "  it has no quota of its own\n");
    json_array_foreach(budgets, i, item) fprintf(
        out, "  %s: %s in this %s, used %s, left %s\n", statement_text(item, "name"),
        energy_kwh_human(kwh[0], ENERGY_TEXT, statement_number(item, "quota_mj")),
        statement_text(item, "period"),
        energy_kwh_human(kwh[1], ENERGY_TEXT, statement_number(item, "used_mj")),
        energy_kwh_human(kwh[2], ENERGY_TEXT, statement_number(item, "available_mj")));
    json_array_foreach(json_object_get(head, "postings"), i, item)
        fprintf(out, "  %s  %-8s %s by %s: %s\n",
                statement_time(statement_number(item, "time_s"), time),
                statement_text(item, "kind"),
                energy_kwh_human(kwh[0], ENERGY_TEXT, statement_number(item, "mj")),
                statement_text(item, "actor"), statement_text(item, "why"));
}

static void tell_left_out(FILE *out, const char *sentence)
{
    if (sentence[0])
        fprintf(out, "  %s\n", sentence);
}

static void tell_used(FILE *out, const json_t *head)
{
    const json_t *totals = json_object_get(head, "totals");
    const struct statement_costs costs = statement_costs(totals);
    const char *currency = statement_currency(head);
    char text[MONEY_TEXT];

    fprintf(out, "\nUsed\n");
    part(out, "CPUs", statement_number(totals, "cpu_mj"));
    part(out, "memory", statement_number(totals, "dram_mj"));
    part(out, "GPUs", statement_number(totals, "gpu_mj"));
    part(out, "other", statement_number(totals, "other_mj"));
    amount(out, "used", statement_number(totals, "used_mj"));
    amount(out, "credited", -statement_number(totals, "credit_mj"));
    amount(out, "borne by the centre", -statement_number(totals, "overrun_mj"));
    amount(out, "charged", statement_number(totals, "charged_mj"));
    if (!currency)
        return;
    fprintf(out, "  %-22s %16s\n", "price", statement_amount(&costs, currency, text));
    fprintf(out, "  %-22s %16s\n", "CO2", statement_co2(&costs, text));
    tell_left_out(out, money_left_out("price", costs.unpriced_mj, text));
    if (costs.co2_mg != ENERGY_UNKNOWN)
        tell_left_out(out, money_left_out("CO2", costs.co2_unknown_mj, text));
}

static char *part_price(const json_t *part, const char *currency, char text[MONEY_TEXT])
{
    const struct statement_costs costs = statement_costs(part);

    return statement_amount(&costs, currency, text);
}

static void tell_accounts(FILE *out, const json_t *head)
{
    const json_t *accounts = json_object_get(head, "accounts"), *part;
    char kwh[ENERGY_TEXT], price[MONEY_TEXT];
    size_t i;

    if (json_array_size(accounts) < 2)
        return;
    fprintf(out, "\nBy account\n");
    json_array_foreach(accounts, i, part) fprintf(
        out, "  %-22s %16s kWh %16s\n", statement_text(part, "account"),
        energy_kwh(kwh, sizeof kwh, statement_number(part, "charged_mj"), 6),
        statement_currency(head) ? part_price(part, statement_currency(head), price)
                                 : "");
}

static void begin(FILE *out, const json_t *head)
{
    char time[STATEMENT_TIME];
    int64_t closed_s = statement_number(head, "closed_s");

    fprintf(out, "Statement of account %s for %s%s\n", statement_text(head, "account"),
            statement_text(head, "month"),
            json_is_true(json_object_get(head, "simulated")) ? " [simulated]" : "");
    if (statement_number(head, "number"))
        fprintf(out, "Number %" PRId64 "\n", statement_number(head, "number"));
    fprintf(
        out,
        closed_s ? "The month was closed on %s.\n"
                 : "As of %s; the month is not closed, so figures may change.\n",
        statement_time(closed_s ? closed_s : statement_number(head, "now_s"), time));
    if (statement_text(head, "own")[0])
        fprintf(out, "Only the runs of %s.\n", statement_text(head, "own"));
    tell_given(out, head);
    tell_used(out, head);
    tell_accounts(out, head);
    fprintf(out, "\nRuns\n  %-14s %-12s %-14s %-12s %-16s %-16s %16s %16s%s%s\n", "JOB",
            "USER", "ACCOUNT", "PARTITION", "START", "END", "KWH_USED", "KWH_CHARGED",
            statement_currency(head) ? "            PRICE" : "",
            statement_currency(head) ? "      CO2_KG" : "");
}

static void line(FILE *out, const json_t *head, const struct statement_line *l)
{
    char start[STATEMENT_TIME], end[STATEMENT_TIME], used[ENERGY_TEXT],
        charged[ENERGY_TEXT], price[MONEY_TEXT], co2[MONEY_TEXT];

    fprintf(out, "  %-14s %-12s %-14s %-12s %-16s %-16s %16s %16s", l->job, l->user,
            l->account, l->partition, statement_time(l->start_s, start),
            statement_time(l->end_s, end), energy_kwh(used, sizeof used, l->used_mj, 6),
            energy_kwh(charged, sizeof charged, l->charged_mj, 6));
    if (statement_currency(head))
        fprintf(out, " %16s %11s", statement_price(&l->costs, price),
                statement_co2_kg(&l->costs, co2));
    fputc('\n', out);
}

static void end(FILE *out, const json_t *head, const struct statement_sums *sums)
{
    char runs[48], used[ENERGY_TEXT], charged[ENERGY_TEXT], price[MONEY_TEXT],
        co2[MONEY_TEXT];

    snprintf(runs, sizeof runs, "%" PRId64 " runs", sums->lines);
    fprintf(out, "  %-89s %16s %16s", runs,
            energy_kwh(used, sizeof used, sums->used_mj, 6),
            energy_kwh(charged, sizeof charged, sums->charged_mj, 6));
    if (statement_currency(head))
        fprintf(out, " %16s %11s", statement_price(&sums->costs, price),
                statement_co2_kg(&sums->costs, co2));
    fputc('\n', out);
}

const struct statement_form statement_as_text = {begin, line, end};
