/* usage.c - kwota usage: energy by account, user, partition, job or day */
#include "config.h"

#include <argp.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/command.h"
#include "tools/money.h"
#include "tools/printable.h"
#include "tools/table.h"
#include "tools/when.h"

struct arguments {
    const char *by;
    int64_t start_s, end_s;
    bool json;
};

enum { OPT_BY = 256, OPT_START, OPT_END };

static const struct argp_option options[] = {
    {"by", OPT_BY, "WHAT", 0, "account, user, partition, job or day [account]", 0},
    {"start", OPT_START, "TIME", 0, "from here [the first of this month]", 0},
    {"end", OPT_END, "TIME", 0,
     "up to here [now]; times: 2026-11-01, 2026-11-01T12:00, today, "
     "now, now-7days",
     0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const char *const known[] = {"account", "user", "partition",
                                        "job",     "day",  NULL};
    struct arguments *a = state->input;
    int i = 0;

    switch (key) {
    case OPT_BY:
        while (known[i] && strcmp(known[i], arg) != 0)
            i++;
        if (!known[i])
            argp_error(state, "--by %s: account, user, partition, job or day is meant",
                       arg);
        a->by = arg;
        break;
    case OPT_START:
        when_option(state, "--start", arg, &a->start_s);
        break;
    case OPT_END:
        when_option(state, "--end", arg, &a->end_s);
        break;
    case 'j':
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        break;
    case ARGP_KEY_END:
        if (a->end_s <= a->start_s)
            argp_error(state, "--end must be later than --start");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int64_t integer(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

static int64_t left_out(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* What the rows' prices and CO2 leave out. */
static void print_left_out(const json_t *reply)
{
    int64_t unpriced_mj = 0, co2_mj = 0;
    char text[MONEY_TEXT];
    bool co2 = false;
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(reply, "rows"), i, row)
    {
        unpriced_mj += left_out(row, "unpriced_mj");
        co2_mj += left_out(row, "co2_unknown_mj");
        co2 |= integer(row, "co2_mg") > 0;
    }
    if (unpriced_mj != 0)
        puts(money_left_out("price", unpriced_mj, text));
    if (co2 && co2_mj != 0)
        puts(money_left_out("CO2", co2_mj, text));
}

static void print_table(const struct arguments *a, const json_t *reply)
{
    char heading[32], total[ENERGY_TEXT];
    const char *currency = json_string_value(json_object_get(reply, "currency"));
    char price_heading[48];
    const char *columns[] = {heading, ">JOBS", ">KWH", ">JOULES", NULL, NULL, NULL};
    struct table *table;
    size_t i, n = strlen(a->by);
    json_t *row;

    for (i = 0; i <= n; i++)
        heading[i] = (char)toupper((unsigned char)a->by[i]);
    snprintf(price_heading, sizeof price_heading, ">PRICE_%s",
             currency ? currency : "");
    columns[4] = currency ? price_heading : NULL;
    columns[5] = currency ? ">CO2_KG" : NULL;
    table = table_new(columns);
    json_array_foreach(json_object_get(reply, "rows"), i, row)
    {
        char jobs[24], joules[ENERGY_TEXT], kwh[ENERGY_TEXT], price[MONEY_TEXT],
            co2[MONEY_TEXT];
        int64_t mj = json_integer_value(json_object_get(row, "mj"));
        const char *cells[] = {json_string_value(json_object_get(row, a->by)),
                               jobs,
                               energy_kwh(kwh, sizeof kwh, mj, 6),
                               energy_joules(joules, sizeof joules, mj),
                               money_least(money_price(integer(row, "price_u"), price),
                                           left_out(row, "unpriced_mj")),
                               money_least(money_co2_kg(integer(row, "co2_mg"), co2),
                                           left_out(row, "co2_unknown_mj"))};

        snprintf(jobs, sizeof jobs, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(row, "jobs")));
        table_add(table, cells);
    }
    table_print(table);
    printf("Total %s kWh%s\n",
           energy_kwh(total, sizeof total,
                      json_integer_value(json_object_get(reply, "total_mj")), 6),
           json_is_true(json_object_get(reply, "simulated")) ? " [simulated]" : "");
    if (currency)
        print_left_out(reply);
}

static int run_usage(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse,
        NULL,    "Shows how much energy was used. JOBS counts settled runs.",
        NULL,    NULL,
        NULL};
    struct arguments a = {.by = "account",
                          .start_s = when_month(time(NULL)),
                          .end_s = (int64_t)time(NULL) + 1};
    char path[160];
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    snprintf(path, sizeof path, "/v1/usage?by=%s&start=%" PRId64 "&end=%" PRId64, a.by,
             a.start_s, a.end_s);
    rc = command_get(path, false, &reply);
    if (rc == 0 && a.json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        print_table(&a, reply);
    }
    json_decref(reply);
    return rc;
}

const struct command command_usage = {"usage", "[--by WHAT]",
                                      "energy by account, user, …", run_usage};
