/* nodes.c - kwota nodes: what every counter moved by, and who had it */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "policy/watts.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"

static const struct argp_option options[] = {
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;

    if (key == 'j')
        *json = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is too much", arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "3 s", "5 min", "2 h": since the last report. */
static void age(char *buf, size_t size, int64_t last_ms)
{
    int64_t s = (int64_t)time(NULL) - last_ms / 1000;

    if (s < 120)
        snprintf(buf, size, "%" PRId64 " s", s > 0 ? s : 0);
    else if (s < 7200)
        snprintf(buf, size, "%" PRId64 " min", s / 60);
    else
        snprintf(buf, size, "%" PRId64 " h", s / 3600);
}

/* "250 W (100 to 400)", with a star while kwota holds it; "": it has none. */
static void limit_text(char *buf, size_t size, const json_t *node, const char *domain)
{
    char now[WATTS_TEXT], least[WATTS_TEXT], most[WATTS_TEXT];
    json_t *limit;
    size_t i;

    buf[0] = '\0';
    json_array_foreach(json_object_get(node, "limits"), i, limit)
    {
        if (strcmp(text(limit, "name"), domain) != 0)
            continue;
        if (!json_is_integer(json_object_get(limit, "now_mw"))) {
            snprintf(buf, size, "unknown: %s", text(limit, "why"));
            continue;
        }
        snprintf(buf, size, "%s%s W (%s to %s)%s%s",
                 json_is_integer(json_object_get(limit, "found_mw")) ? "*" : "",
                 watts_text(integer(limit, "now_mw"), now),
                 watts_text(integer(limit, "min_mw"), least),
                 watts_text(integer(limit, "max_mw"), most),
                 text(limit, "why")[0] ? ": " : "", text(limit, "why"));
    }
}

static bool any_limits(const json_t *reply)
{
    json_t *node;
    size_t i;

    json_array_foreach(json_object_get(reply, "nodes"), i, node)
    {
        if (json_array_size(json_object_get(node, "limits")) > 0)
            return true;
    }
    return false;
}

static void add_domain(struct table *table, const json_t *node, const json_t *domain,
                       bool limits)
{
    char total[ENERGY_TEXT], jobs[ENERGY_TEXT], own[ENERGY_TEXT], gap[24], reported[24];
    char state[160], limit[320];
    const char *reason = text(domain, "reason");
    const char *cells[] = {
        text(node, "node"),
        text(domain, "name"),
        text(domain, "kind"),
        energy_kwh(total, sizeof total, integer(domain, "total_uj") / 1000, 6),
        energy_kwh(jobs, sizeof jobs, integer(domain, "jobs_uj") / 1000, 6),
        energy_kwh(own, sizeof own, integer(domain, "node_uj") / 1000, 6),
        gap,
        reported,
        limits ? limit : state,
        state};

    snprintf(gap, sizeof gap, "%" PRId64 " s", integer(domain, "gap_ms") / 1000);
    age(reported, sizeof reported, integer(node, "last_report_ms"));
    snprintf(state, sizeof state, "%s%s%s%s", text(domain, "state"),
             reason[0] ? ": " : "", reason,
             json_is_true(json_object_get(node, "simulated")) ? " [simulated]" : "");
    limit_text(limit, sizeof limit, node, text(domain, "name"));
    table_add(table, cells);
}

static void print_table(const json_t *reply)
{
    bool limits = any_limits(reply);
    const char *const columns[] = {"NODE",
                                   "DOMAIN",
                                   "KIND",
                                   ">TOTAL_KWH",
                                   ">JOBS_KWH",
                                   ">NODE_KWH",
                                   ">GAPS",
                                   ">REPORTED",
                                   limits ? "LIMIT" : "STATE",
                                   limits ? "STATE" : NULL,
                                   NULL};
    struct table *table = table_new(columns);
    size_t n, d;
    json_t *node, *domain;

    json_array_foreach(json_object_get(reply, "nodes"), n, node)
    {
        json_array_foreach(json_object_get(node, "domains"), d, domain)
            add_domain(table, node, domain, limits);
    }
    table_print(table);
    if (json_array_size(json_object_get(reply, "nodes")) == 0)
        puts("No node has reported yet.");
}

static int run_nodes(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Shows what each node's counters moved by: jobs' part and "
        "the node's own add up to the total. LIMIT, where devices have a power limit: "
        "what it is and may be; * while kwota holds it.",
        NULL,
        NULL,
        NULL};
    bool json = false;
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &json);
    rc = command_get("/v1/nodes", false, &reply);
    if (rc == 0 && json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        print_table(reply);
    }
    json_decref(reply);
    return rc;
}

const struct command command_nodes = {"nodes", "", "what each node's counters moved by",
                                      run_nodes};
