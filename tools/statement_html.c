/* statement_html.c - a statement as one HTML file that needs nothing else, and prints
 * well */
#include <inttypes.h>
#include <stdbool.h>

#include "tools/money.h"
#include "tools/statement.h"

/* Black on white, with nothing that grey would lose; a table's head stands on each
 * printed page, and no line is torn in two. */
static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;color:#111;background:#fff;"
    "max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:1.8rem 0 .5rem}"
    "p{margin:.2rem 0}.quiet{color:#444}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{padding:.28rem .6rem;text-align:left;border-bottom:1px solid #ccc;"
    "vertical-align:top}"
    ".t{white-space:nowrap}th{border-bottom:2px solid "
    "#111}.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    "tr.sum td{font-weight:600;border-top:2px solid #111;border-bottom:0}"
    ".bar{height:.8rem;border:1px solid #111;margin:.25rem 0;max-width:26rem}"
    ".bar span{display:block;height:100%;background:#555}"
    ".wide{overflow-x:auto}"
    "@media(max-width:40rem){body{font-size:13px}th,td{padding:.2rem .35rem}}"
    "@media print{body{font-size:9.5pt;margin:0;max-width:none;padding:0}"
    ".wide{overflow:visible}thead{display:table-header-group}"
    "tr{break-inside:avoid}h2{break-after:avoid}}@page{margin:15mm}";

static void safe(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    safe(out, text);
}

static void number(FILE *out, const char *text)
{
    fputs("<td class=n>", out);
    safe(out, text);
}

/* A line of a table of two columns. */
static void amount(FILE *out, const char *label, int64_t mj, bool sum)
{
    char kwh[ENERGY_TEXT], joules[ENERGY_TEXT];

    fprintf(out, "<tr%s><td>%s<td class=n>%s kWh<td class=n>%s\n",
            sum ? " class=sum" : "", label, energy_kwh(kwh, sizeof kwh, mj, 6),
            energy_joules(joules, sizeof joules, mj));
}

/* Of what no charge has, nothing is said: nobody may have measured it. */
static void part(FILE *out, const char *label, int64_t mj)
{
    if (mj != 0)
        amount(out, label, mj, false);
}

/* How much of it is used, in words and as a bar. */
static void budget(FILE *out, const json_t *item)
{
    int64_t quota_mj = statement_number(item, "quota_mj"),
            used_mj = statement_number(item, "used_mj");
    int64_t percent =
        quota_mj > 0 ? (int64_t)((__int128)used_mj * 100 / quota_mj) : 100;
    char kwh[3][ENERGY_TEXT];

    fputs("<p>", out);
    safe(out, statement_text(item, "name"));
    fprintf(out, ": %s (", energy_kwh_human(kwh[0], ENERGY_TEXT, quota_mj));
    safe(out, statement_text(item, "period"));
    fprintf(
        out, "), used %s (%" PRId64 " %%), left %s</p>",
        energy_kwh_human(kwh[1], ENERGY_TEXT, used_mj), percent,
        energy_kwh_human(kwh[2], ENERGY_TEXT, statement_number(item, "available_mj")));
    fprintf(out, "<div class=bar><span style=\"width:%" PRId64 "%%\"></span></div>\n",
            percent < 0     ? 0
            : percent > 100 ? 100
                            : percent);
}

static void tell_given(FILE *out, const json_t *head)
{
    const json_t *budgets = json_object_get(head, "budgets"),
                 *postings = json_object_get(head, "postings"), *item;
    char kwh[ENERGY_TEXT], time[STATEMENT_TIME];
    size_t i;

    fputs("<h2>Given</h2>\n", out);
    if (json_array_size(budgets) == 0)
        fputs("<p>It has no quota of its own.</p>\n", out);
    json_array_foreach(budgets, i, item) budget(out, item);
    if (json_array_size(postings) == 0)
        return;
    fputs("<table><thead><tr><th>When<th>What<th class=n>kWh<th>By<th>Why</thead>\n",
          out);
    json_array_foreach(postings, i, item)
    {
        fputs("<tr>", out);
        cell(out, statement_time(statement_number(item, "time_s"), time));
        cell(out, statement_text(item, "kind"));
        number(out, energy_kwh(kwh, sizeof kwh, statement_number(item, "mj"), 3));
        cell(out, statement_text(item, "actor"));
        cell(out, statement_text(item, "why"));
    }
    fputs("</table>\n", out);
}

static void tell_left_out(FILE *out, const char *sentence)
{
    if (sentence[0])
        fprintf(out, "<p class=quiet>%s</p>\n", sentence);
}

static void tell_used(FILE *out, const json_t *head)
{
    const json_t *totals = json_object_get(head, "totals");
    const struct statement_costs costs = statement_costs(totals);
    const char *currency = statement_currency(head);
    char text[MONEY_TEXT];

    fputs("<h2>Used</h2>\n<table>\n", out);
    part(out, "CPUs", statement_number(totals, "cpu_mj"));
    part(out, "Memory", statement_number(totals, "dram_mj"));
    part(out, "GPUs", statement_number(totals, "gpu_mj"));
    part(out, "Other", statement_number(totals, "other_mj"));
    amount(out, "Used", statement_number(totals, "used_mj"), true);
    amount(out, "Credited", -statement_number(totals, "credit_mj"), false);
    amount(out, "Borne by the centre", -statement_number(totals, "overrun_mj"), false);
    amount(out, "Charged", statement_number(totals, "charged_mj"), true);
    if (currency) {
        fputs("<tr class=sum><td>Price", out);
        number(out, statement_amount(&costs, currency, text));
        fputs("<td>\n<tr><td>CO<sub>2</sub>", out);
        number(out, statement_co2(&costs, text));
        fputs("<td>\n", out);
    }
    fputs("</table>\n", out);
    if (currency)
        tell_left_out(out, money_left_out("price", costs.unpriced_mj, text));
    if (currency && costs.co2_mg != ENERGY_UNKNOWN)
        tell_left_out(out, money_left_out("CO2", costs.co2_unknown_mj, text));
}

static void tell_accounts(FILE *out, const json_t *head)
{
    const json_t *accounts = json_object_get(head, "accounts"), *part;
    const char *currency = statement_currency(head);
    char kwh[ENERGY_TEXT], price[MONEY_TEXT];
    size_t i;

    if (json_array_size(accounts) < 2)
        return;
    fprintf(out,
            "<h2>By account</h2>\n<table><thead><tr><th>Account<th class=n>kWh "
            "charged%s</thead>\n",
            currency ? "<th class=n>Price" : "");
    json_array_foreach(accounts, i, part)
    {
        fputs("<tr>", out);
        cell(out, statement_text(part, "account"));
        number(out,
               energy_kwh(kwh, sizeof kwh, statement_number(part, "charged_mj"), 6));
        if (currency) {
            const struct statement_costs costs = statement_costs(part);

            number(out, statement_amount(&costs, currency, price));
        }
        fputc('\n', out);
    }
    fputs("</table>\n", out);
}

static void begin(FILE *out, const json_t *head)
{
    int64_t closed_s = statement_number(head, "closed_s");
    char time[STATEMENT_TIME];

    fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
          "<meta name=viewport content=\"width=device-width\"><title>Statement of ",
          out);
    safe(out, statement_text(head, "account"));
    fprintf(out,
            ", %s</title><style>%s</style></head><body>\n<h1>Statement of account ",
            statement_text(head, "month"), style);
    safe(out, statement_text(head, "account"));
    fprintf(out, "</h1>\n<p>%s", statement_text(head, "month"));
    if (statement_number(head, "number"))
        fprintf(out, " &middot; number %" PRId64, statement_number(head, "number"));
    fputs(json_is_true(json_object_get(head, "simulated")) ? " &middot; [simulated]</p>"
                                                           : "</p>",
          out);
    fprintf(
        out,
        closed_s ? "<p class=quiet>The month was closed on %s.</p>\n"
                 : "<p class=quiet>As of %s; the month is not closed, so figures may "
                   "change.</p>\n",
        statement_time(closed_s ? closed_s : statement_number(head, "now_s"), time));
    if (statement_text(head, "own")[0]) {
        fputs("<p>Only the runs of ", out);
        safe(out, statement_text(head, "own"));
        fputs(".</p>\n", out);
    }
    tell_given(out, head);
    tell_used(out, head);
    tell_accounts(out, head);
    fprintf(
        out,
        "<h2>Runs</h2>\n<div class=wide><table><thead><tr><th>Job<th>User<th>Account"
        "<th>Partition<th>Name<th>Start<th>End<th class=n>kWh used<th class=n>kWh "
        "charged%s</thead><tbody>\n",
        statement_currency(head) ? "<th class=n>Price<th class=n>CO<sub>2</sub> kg"
                                 : "");
}

static void line(FILE *out, const json_t *head, const struct statement_line *l)
{
    char start[STATEMENT_TIME], end_time[STATEMENT_TIME], kwh[ENERGY_TEXT],
        money[MONEY_TEXT];

    fputs("<tr>", out);
    cell(out, l->job);
    cell(out, l->user);
    cell(out, l->account);
    cell(out, l->partition);
    cell(out, l->name);
    fprintf(out, "<td class=t>%s<td class=t>%s", statement_time(l->start_s, start),
            statement_time(l->end_s, end_time));
    number(out, energy_kwh(kwh, sizeof kwh, l->used_mj, 6));
    number(out, energy_kwh(kwh, sizeof kwh, l->charged_mj, 6));
    if (statement_currency(head)) {
        number(out, statement_price(&l->costs, money));
        number(out, statement_co2_kg(&l->costs, money));
    }
    fputc('\n', out);
}

static void end(FILE *out, const json_t *head, const struct statement_sums *sums)
{
    char kwh[ENERGY_TEXT], money[MONEY_TEXT];

    fprintf(out, "<tr class=sum><td colspan=7>%" PRId64 " runs", sums->lines);
    number(out, energy_kwh(kwh, sizeof kwh, sums->used_mj, 6));
    number(out, energy_kwh(kwh, sizeof kwh, sums->charged_mj, 6));
    if (statement_currency(head)) {
        number(out, statement_price(&sums->costs, money));
        number(out, statement_co2_kg(&sums->costs, money));
    }
    fputs("\n</tbody></table></div>\n</body></html>\n", out);
}

const struct statement_form statement_as_html = {begin, line, end};
