/* budget.c - kwota alone: what one may use, has used, and how long it lasts */
#include "tools/budget.h"

#include "config.h"

#include <argp.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/energy.h"
#include "tools/bar.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"

#define DATE_TEXT 40
#define DAY_S 86400

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool may_use_blocks(void)
{
    setlocale(LC_CTYPE, "");
    return isatty(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* "empty 2026-12-01", with the time of day if wanted. */
static void write_date(char *text, const char *before, int64_t s, bool with_time)
{
    time_t when = (time_t)s;
    struct tm tm = {0};
    char date[24];

    localtime_r(&when, &tm);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
    snprintf(text, DATE_TEXT, "%s%.*s", before, with_time ? 16 : 10, date);
}

static void write_until(const json_t *budget, int64_t now_s, char *text)
{
    const json_t *window = json_object_get(budget, "window");
    const char *period = json_string_value(json_object_get(budget, "period"));

    if (period && strstr(period, "days"))
        snprintf(text, DATE_TEXT, "%.30s back", period);
    else if (now_s >= number(window, "until_s"))
        write_date(text, "over since ", number(window, "until_s"), false);
    else if (now_s < number(window, "from_s"))
        write_date(text, "begins ", number(window, "from_s"), false);
    else
        write_date(text, "", number(window, "until_s"), false);
}

static void write_rate(const json_t *budget, int64_t now_s, char *text)
{
    const json_t *empty = json_object_get(budget, "empty_s");

    if (json_is_null(json_object_get(budget, "rate_mw")))
        snprintf(text, DATE_TEXT, "unknown");
    else if (!json_is_integer(empty))
        snprintf(text, DATE_TEXT, "lasts");
    else if (json_integer_value(empty) <= now_s)
        snprintf(text, DATE_TEXT, "used up");
    else
        write_date(text, "empty ", json_integer_value(empty),
                   json_integer_value(empty) < now_s + 2 * DAY_S);
}

static void add_line(struct table *table, const json_t *budget, int64_t now_s,
                     bool blocks)
{
    char bar[BAR_TEXT], used[ENERGY_TEXT], reserved[ENERGY_TEXT], left[ENERGY_TEXT],
        quota[ENERGY_TEXT], until[DATE_TEXT], rate[DATE_TEXT];
    int64_t used_mj = number(budget, "used_mj");
    int64_t reserved_mj = number(budget, "reserved_mj");
    int64_t quota_mj = number(budget, "quota_mj");
    const char *cells[] = {
        json_string_value(json_object_get(budget, "name")),
        bar_text(used_mj, reserved_mj, quota_mj, blocks, bar),
        energy_kwh_human(used, sizeof used, used_mj),
        energy_kwh_human(reserved, sizeof reserved, reserved_mj),
        energy_kwh_human(left, sizeof left, number(budget, "available_mj")),
        energy_kwh_human(quota, sizeof quota, quota_mj),
        until,
        rate};

    write_until(budget, now_s, until);
    write_rate(budget, now_s, rate);
    table_add(table, cells);
}

void budget_print(const json_t *budgets)
{
    static const char *const columns[] = {"BUDGET", "",       ">USED", ">RESERVED",
                                          ">LEFT",  ">QUOTA", "UNTIL", "AT THIS RATE",
                                          NULL};
    bool blocks = may_use_blocks();
    struct table *table = table_new(columns);
    int64_t now_s = (int64_t)time(NULL);
    size_t i;
    json_t *budget;

    json_array_foreach(budgets, i, budget)
    {
        int64_t told_s = number(budget, "now_s");

        add_line(table, budget, told_s ? told_s : now_s, blocks);
    }
    table_print(table);
}

static const struct argp_option options[] = {
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key == 'j') {
        *(bool *)state->input = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is too much; kwota quota show takes -A and -u", arg);
    return ARGP_ERR_UNKNOWN;
}

static int run_budget(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse,
        NULL,    "Shows the energy budgets that bind you, and how long they last.",
        NULL,    NULL,
        NULL};
    bool json = false;
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &json);
    rc = command_get("/v1/budgets", false, &reply);
    if (rc == 0 && json)
        command_print_json(reply);
    else if (rc == 0 && json_array_size(json_object_get(reply, "budgets")) == 0)
        puts("no budget limits you: kwota usage shows what your jobs use, and kwota "
             "--help what else there is");
    else if (rc == 0) {
        printable_json(reply);
        budget_print(json_object_get(reply, "budgets"));
        command_print_simulated(reply);
    }
    json_decref(reply);
    return rc;
}

const struct command command_budget = {"budget", "", "the budgets that bind you",
                                       run_budget};
