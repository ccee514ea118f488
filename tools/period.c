/* period.c - kwota period: months that are closed, and their numbered statements */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/command.h"
#include "tools/money.h"
#include "tools/printable.h"
#include "tools/statement.h"
#include "tools/table.h"

struct arguments {
    const char *action, *month, *why;
    bool dry_run, leave_unsettled, csv, json;
};

enum { OPT_MONTH = 256, OPT_DRY_RUN, OPT_WHY, OPT_LEAVE, OPT_CSV };

static const struct argp_option options[] = {
    {"month", OPT_MONTH, "MONTH", 0, "close, export: which one, 2026-10", 0},
    {"dry-run", OPT_DRY_RUN, 0, 0, "close: only show what would be done", 0},
    {"why", OPT_WHY, "TEXT", 0, "close: the reason, for the books", 0},
    {"leave-unsettled", OPT_LEAVE, 0, 0,
     "close: what has no charge yet is charged in the next month", 0},
    {"csv", OPT_CSV, 0, 0, "export: print CSV", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static void check(struct argp_state *state, const struct arguments *a)
{
    bool closes = a->action && strcmp(a->action, "close") == 0;

    if (!a->action)
        argp_error(state, "one of list, close and export is needed");
    if (strcmp(a->action, "list") != 0 && !a->month)
        argp_error(state, "which month? --month 2026-10, say");
    if (closes && !a->dry_run && !a->why)
        argp_error(state, "say --why: it goes into the books");
    if (!closes && (a->dry_run || a->why || a->leave_unsettled))
        argp_error(state, "--dry-run, --why and --leave-unsettled are for close");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct tm tm = {0};
    const char *end;

    switch (key) {
    case OPT_MONTH:
        end = strptime(arg, "%Y-%m", &tm);
        if (!end || *end || strlen(arg) != 7)
            argp_error(state, "--month %s: a month is 2026-10, say", arg);
        a->month = arg;
        return 0;
    case OPT_DRY_RUN:
        a->dry_run = true;
        return 0;
    case OPT_WHY:
        a->why = arg;
        return 0;
    case OPT_LEAVE:
        a->leave_unsettled = true;
        return 0;
    case OPT_CSV:
        a->csv = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->action)
            argp_error(state, "\"%s\" is too much", arg);
        if (strcmp(arg, "list") && strcmp(arg, "close") && strcmp(arg, "export"))
            argp_error(state, "\"%s\" is no action: list, close or export", arg);
        a->action = arg;
        return 0;
    case ARGP_KEY_END:
        check(state, a);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_statements(const json_t *reply, const char *currency)
{
    const char *columns[] = {
        ">NUMBER", "ACCOUNT", ">RUNS", ">KWH_CHARGED", currency ? ">PRICE" : NULL,
        ">CO2_KG", NULL};
    struct table *table = table_new(columns);
    json_t *s;
    size_t i;

    json_array_foreach(json_object_get(reply, "statements"), i, s)
    {
        const struct statement_costs costs = statement_costs(s);
        char number[24], runs[24], kwh[ENERGY_TEXT], price[MONEY_TEXT], co2[MONEY_TEXT];
        const char *cells[] = {
            number,
            statement_text(s, "account"),
            runs,
            energy_kwh(kwh, sizeof kwh, statement_number(s, "charged_mj"), 6),
            statement_amount(&costs, currency ? currency : "", price),
            statement_co2_kg(&costs, co2)};

        snprintf(number, sizeof number, "%" PRId64, statement_number(s, "number"));
        snprintf(runs, sizeof runs, "%" PRId64, statement_number(s, "runs"));
        table_add(table, cells);
    }
    table_print(table);
}

static void print_closed(const json_t *reply)
{
    bool dry_run = json_is_true(json_object_get(reply, "dry_run"));
    const json_t *unsettled = json_object_get(reply, "unsettled"), *job;
    size_t i;

    print_statements(reply, json_string_value(json_object_get(reply, "currency")));
    if (statement_number(reply, "unsettled_count") > 0) {
        printf("%" PRId64 " runs have no charge yet:",
               statement_number(reply, "unsettled_count"));
        json_array_foreach(unsettled, i, job)
            printf(" %s", statement_text(job, "job_id"));
        printf("; they are charged in the next month if %s is closed now\n",
               statement_text(reply, "month"));
    }
    printf(dry_run ? "%s would be closed with these statements; nothing was done\n"
                   : "%s is closed\n",
           statement_text(reply, "month"));
}

static int close_month(const struct arguments *a, json_t **reply)
{
    json_t *body =
        json_pack("{s:s s:b s:b s:s?}", "month", a->month, "dry_run", (int)a->dry_run,
                  "leave_unsettled", (int)a->leave_unsettled, "why", a->why);
    int rc = command_post("/v1/period/close", body, reply);

    json_decref(body);
    return rc;
}

static void print_list(const json_t *reply)
{
    static const char *const columns[] = {"MONTH",       "CLOSED",  "BY",
                                          ">STATEMENTS", "NUMBERS", ">KWH_CHARGED",
                                          ">PRICE",      "WHY",     NULL};
    const char *currency = json_string_value(json_object_get(reply, "currency"));
    struct table *table = table_new(columns);
    json_t *p;
    size_t i;

    json_array_foreach(json_object_get(reply, "periods"), i, p)
    {
        const struct statement_costs costs = statement_costs(p);
        char closed[STATEMENT_TIME], count[24], numbers[64], kwh[ENERGY_TEXT],
            price[MONEY_TEXT] = "";
        const char *cells[] = {
            statement_text(p, "month"),
            statement_time(statement_number(p, "closed_s"), closed),
            statement_text(p, "actor"),
            count,
            numbers,
            energy_kwh(kwh, sizeof kwh, statement_number(p, "charged_mj"), 6),
            currency ? statement_amount(&costs, currency, price) : price,
            statement_text(p, "why")};

        snprintf(count, sizeof count, "%" PRId64, statement_number(p, "statements"));
        snprintf(numbers, sizeof numbers, "%" PRId64 "-%" PRId64,
                 statement_number(p, "first"), statement_number(p, "last"));
        table_add(table, cells);
    }
    table_print(table);
}

/* For a finance system: a line for each statement. */
static void print_csv(const json_t *reply)
{
    char day[STATEMENT_TIME];
    json_t *s;
    size_t i;

    statement_time(statement_number(reply, "closed_s"), day);
    day[10] = '\0';
    fputs("number,account,period,kwh,price,currency,co2_kg,date,charged_mj,digest,"
          "unpriced_mj,co2_unknown_mj\r\n",
          stdout);
    json_array_foreach(json_object_get(reply, "statements"), i, s)
    {
        const struct statement_costs costs = statement_costs(s);
        const char *currency = json_string_value(json_object_get(s, "currency"));
        char kwh[ENERGY_TEXT], price[MONEY_TEXT] = "", co2[MONEY_TEXT] = "";

        if (currency && costs.price_u != ENERGY_UNKNOWN)
            money_price(costs.price_u, price);
        if (currency && costs.co2_mg != ENERGY_UNKNOWN)
            money_co2_kg(costs.co2_mg, co2);
        printf("%" PRId64 ",", statement_number(s, "number"));
        statement_csv_field(stdout, statement_text(s, "account"));
        printf(",%s,%s,%s,%s,%s,%s,%" PRId64 ",%s,%" PRId64 ",%" PRId64 "\r\n",
               statement_text(reply, "month"),
               energy_kwh(kwh, sizeof kwh, statement_number(s, "charged_mj"), 9), price,
               currency ? currency : "", co2, day, statement_number(s, "charged_mj"),
               statement_text(s, "digest"), costs.unpriced_mj, costs.co2_unknown_mj);
    }
}

static int ask(const struct arguments *a, json_t **reply)
{
    char path[128] = "/v1/period/statements";

    if (strcmp(a->action, "close") == 0)
        return close_month(a, reply);
    if (strcmp(a->action, "list") == 0)
        return command_get("/v1/period/list", false, reply);
    command_query(path, sizeof path, "month", a->month);
    return command_get(path, false, reply);
}

static int run(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "list|close|export",
        "Shows the months that are closed; closes one, with a numbered statement for "
        "each account; exports its statements for a finance system.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {0};
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = ask(&a, &reply);
    if (rc == 0 && a.json) {
        command_print_json(reply);
    } else if (rc == 0) {
        printable_json(reply);
        if (strcmp(a.action, "close") == 0)
            print_closed(reply);
        else if (strcmp(a.action, "list") == 0)
            print_list(reply);
        else if (a.csv)
            print_csv(reply);
        else
            print_statements(
                reply, json_string_value(json_object_get(
                           json_array_get(json_object_get(reply, "statements"), 0),
                           "currency")));
    }
    json_decref(reply);
    return rc;
}

const struct command command_period = {"period", "list|close|export...",
                                       "closed months, their numbered statements", run};
