/* cap_order.c - caps that operators order at once, beside the policy's rules */
#include "policy/cap_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const cap_scopes[] = {"cluster", "partition", "account",
                                  "user",    "job",       NULL};

static enum cap_scope scope_of(const char *text)
{
    enum cap_scope scope = CAP_CLUSTER;

    while (scope < CAP_JOB && strcmp(cap_scopes[scope], text) != 0)
        scope++;
    return scope;
}

/* An array's or a het job's own id stands for all of its tasks. */
static bool is_job(const char *ordered, const char *text)
{
    size_t length = strlen(ordered);

    return strncmp(ordered, text, length) == 0 &&
           (!text[length] || text[length] == '_' || text[length] == '+');
}

bool cap_order_is_for(const struct cap_order *order, const struct cap_ordered *job)
{
    const char *const *account = job->accounts;

    switch (order->scope) {
    case CAP_CLUSTER:
        return true;
    case CAP_PARTITION:
        return strcmp(order->name, job->partition) == 0;
    case CAP_ACCOUNT:
        while (*account && strcasecmp(*account, order->name) != 0)
            account++;
        return *account != NULL;
    case CAP_USER:
        return strcmp(order->name, job->user) == 0;
    case CAP_JOB:
        break;
    }
    return is_job(order->name, job->text);
}

void cap_order_cap(const struct cap_order *orders, int count,
                   const struct cap_ordered *job, struct cap *cap)
{
    char why[CAP_WHY + 128];

    *cap = (struct cap){.most = {0}};
    for (int i = 0; i < count; i++) {
        if (!cap_order_is_for(&orders[i], job))
            continue;
        snprintf(why, sizeof why, "order %lld by %s: %s", (long long)orders[i].id,
                 orders[i].actor, orders[i].why);
        cap_lower(cap, orders[i].most, why);
    }
}

static const char *text(sqlite3_stmt *row, int column)
{
    const char *value = (const char *)sqlite3_column_text(row, column);

    return value ? value : "";
}

#define COLUMNS                                                                        \
    "id, scope, name, gpu_mw, package_mw, cpu_percent, since_s, until_s, actor, why"

static void take(sqlite3_stmt *row, struct cap_order *order)
{
    order->id = sqlite3_column_int64(row, 0);
    order->scope = scope_of(text(row, 1));
    snprintf(order->name, sizeof order->name, "%s", text(row, 2));
    for (int part = 0; part < CAP_PARTS; part++)
        order->most[part] = sqlite3_column_int64(row, 3 + part);
    order->since_s = sqlite3_column_int64(row, 6);
    order->until_s = sqlite3_column_int64(row, 7);
    snprintf(order->actor, sizeof order->actor, "%s", text(row, 8));
    snprintf(order->why, sizeof order->why, "%s", text(row, 9));
}

int cap_order_active(struct ledger *ledger, const char *cluster, int64_t now_s,
                     struct cap_order **orders, int *count)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT " COLUMNS " FROM cap_orders WHERE lifted_s IS NULL"
        " AND cluster = ? AND (until_s IS NULL OR until_s > ?) ORDER BY id",
        "si", cluster, now_s);
    int room = 0, rc = row ? 0 : -1;

    *orders = NULL;
    *count = 0;
    while (row && rc == 0 && sqlite3_step(row) == SQLITE_ROW) {
        struct cap_order *more = *orders;

        if (*count == room) {
            room = room ? 2 * room : 8;
            more = realloc(*orders, (size_t)room * sizeof *more);
        }
        if (!more) {
            rc = -1;
            break;
        }
        *orders = more;
        memset(&more[*count], 0, sizeof *more);
        take(row, &more[(*count)++]);
    }
    ledger_done(ledger, row);
    return rc;
}

int cap_order_give(struct ledger *ledger, const char *cluster, struct cap_order *order)
{
    if (ledger_do(ledger,
                  "INSERT INTO cap_orders (cluster, scope, name, gpu_mw, package_mw,"
                  " cpu_percent, since_s, until_s, actor, why) VALUES"
                  " (?,?,?,NULLIF(?,0),NULLIF(?,0),NULLIF(?,0),?,NULLIF(?,0),?,?)",
                  "sssiiiiiss", cluster, cap_scopes[order->scope], order->name,
                  order->most[CAP_GPU], order->most[CAP_PACKAGE], order->most[CAP_CPU],
                  order->since_s, order->until_s, order->actor, order->why) < 0)
        return -1;
    order->id = ledger_last_id(ledger);
    return 0;
}

int cap_order_lift(struct ledger *ledger, const char *cluster, int64_t id,
                   int64_t now_s, const char *actor, const char *why)
{
    if (ledger_do(ledger,
                  "UPDATE cap_orders SET lifted_s = ?1, lifted_by = ?2, lifted_why = ?3"
                  " WHERE id = ?4 AND cluster = ?5 AND lifted_s IS NULL"
                  " AND (until_s IS NULL OR until_s > ?1)",
                  "issis", now_s, actor, why, id, cluster) < 0)
        return -1;
    return ledger_changed(ledger) > 0;
}

static json_t *number_or_null(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL
               ? json_null()
               : json_integer(sqlite3_column_int64(row, column));
}

static json_t *order_json(sqlite3_stmt *row)
{
    return json_pack(
        "{s:I s:s s:s s:o s:o s:o s:I s:o s:s s:s s:o s:s s:s s:b}", "id",
        (json_int_t)sqlite3_column_int64(row, 0), "scope", text(row, 1), "name",
        text(row, 2), "gpu_mw", number_or_null(row, 3), "package_mw",
        number_or_null(row, 4), "cpu_percent", number_or_null(row, 5), "since_s",
        (json_int_t)sqlite3_column_int64(row, 6), "until_s", number_or_null(row, 7),
        "actor", text(row, 8), "why", text(row, 9), "lifted_s", number_or_null(row, 10),
        "lifted_by", text(row, 11), "lifted_why", text(row, 12), "active",
        sqlite3_column_int(row, 13));
}

json_t *cap_order_list(struct ledger *ledger, const char *cluster, bool all,
                       int64_t now_s)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT * FROM (SELECT " COLUMNS ", lifted_s, lifted_by, lifted_why,"
        "  lifted_s IS NULL AND (until_s IS NULL OR until_s > ?1) AS active"
        "  FROM cap_orders WHERE cluster = ?2 AND (active OR ?3)"
        "  ORDER BY id DESC LIMIT 1000) ORDER BY id",
        "isi", now_s, cluster, (int64_t)all);
    json_t *list = json_array();

    while (row && sqlite3_step(row) == SQLITE_ROW)
        json_array_append_new(list, order_json(row));
    ledger_done(ledger, row);
    return list;
}
