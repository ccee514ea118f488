/* schema_fill.c - what a new table holds of an older ledger, as far as SQL alone can't
 * tell: days and months are those of kwotad's time zone */
#include <sqlite3.h>
#include <stddef.h>

#include "policy/period.h"
#include "policy/schema.h"

/* Of what was posted, by where and when it was used. */
#define POSTED                                                                         \
    " SUM(CASE q.kind WHEN 'package' THEN q.posted_mj ELSE 0 END) AS cpu_mj,"          \
    " SUM(CASE q.kind WHEN 'dram' THEN q.posted_mj ELSE 0 END) AS dram_mj,"            \
    " SUM(CASE q.kind WHEN 'gpu' THEN q.posted_mj ELSE 0 END) AS gpu_mj,"              \
    " SUM(CASE WHEN q.kind IN ('package', 'dram', 'gpu') THEN 0 ELSE q.posted_mj END)" \
    "  AS other_mj, 0 AS overrun_mj, 0 AS credit_mj, 0 AS runs"                        \
    " FROM run_quarters q JOIN tokens t ON t.token = q.token"                          \
    " JOIN runs r ON r.id = t.run_id WHERE q.posted_mj <> 0"

/* What the centre bears of a run, and the run itself, stand where it ended. */
#define ENDED                                                                          \
    " 0, 0, 0, 0,"                                                                     \
    " COALESCE((SELECT SUM(mj) FROM entries e WHERE e.run_id = r.id"                   \
    "  AND kind = 'overrun'), 0),"                                                     \
    " COALESCE((SELECT -SUM(mj) FROM entries e WHERE e.run_id = r.id"                  \
    "  AND kind = 'credit'), 0), 1 FROM runs r WHERE r.state = 'settled'"

/* Nothing had a price. */
#define CHARGED "SUM(cpu_mj + dram_mj + gpu_mj + other_mj - overrun_mj - credit_mj)"

#define SUMS                                                                           \
    " SUM(cpu_mj), SUM(dram_mj), SUM(gpu_mj), SUM(other_mj), SUM(overrun_mj),"         \
    " SUM(credit_mj), " CHARGED ", " CHARGED

#define WHOSE "r.cluster, r.account, r.user, r.partition, r.qos, r.gpu_types"

#define FILL(table, start, local)                                                      \
    "INSERT INTO " table " (" start ", cluster, account, user, partition, qos,"        \
    " gpu_types, cpu_mj, dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj,"            \
    " unpriced_mj, co2_unknown_mj, runs)"                                              \
    " SELECT from_s, cluster, account, user, partition, qos, gpu_types," SUMS          \
    ", SUM(runs) FROM ("                                                               \
    "SELECT " local "(q.quarter_s) AS from_s, " WHOSE "," POSTED                       \
    " GROUP BY 1, 2, 3, 4, 5, 6, 7"                                                    \
    " UNION ALL SELECT " local "(r.end_s / 900 * 900), " WHOSE "," ENDED               \
    ") GROUP BY 1, 2, 3, 4, 5, 6, 7;"

static const char version_4[] = FILL("rollup_days", "day_s", "local_day")
    FILL("rollup_months", "month_s",
         "local_month") "INSERT INTO run_months (month_s, account, run_id, cpu_mj, "
                        "dram_mj, gpu_mj,"
                        " other_mj, overrun_mj, credit_mj, unpriced_mj, co2_unknown_mj)"
                        " SELECT from_s, account, id," SUMS " FROM ("
                        "SELECT local_month(q.quarter_s) AS from_s, r.account, r.id AS "
                        "id," POSTED " GROUP BY 1, 2, 3"
                        " UNION ALL SELECT local_month(r.end_s / 900 * 900), "
                        "r.account, r.id," ENDED ") GROUP BY 1, 2, 3;"
                        "INSERT INTO account_months (month_s, cluster, account, cpu_mj,"
                        " dram_mj, gpu_mj, other_mj, overrun_mj, credit_mj,"
                        " unpriced_mj, co2_unknown_mj, runs) SELECT month_s, cluster,"
                        " account," SUMS ", SUM(runs) FROM rollup_months"
                        " GROUP BY 1, 2, 3;";

static void local_day(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct window window;

    (void)count;
    period_day_of(sqlite3_value_int64(values[0]), &window);
    sqlite3_result_int64(context, window.from_s);
}

static void local_month(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct window window;

    (void)count;
    period_month_of(sqlite3_value_int64(values[0]), &window);
    sqlite3_result_int64(context, window.from_s);
}

int schema_fill(sqlite3 *db, int version)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

    if (version != 4)
        return SQLITE_OK;
    if (sqlite3_create_function(db, "local_day", 1, flags, NULL, local_day, NULL,
                                NULL) != SQLITE_OK ||
        sqlite3_create_function(db, "local_month", 1, flags, NULL, local_month, NULL,
                                NULL) != SQLITE_OK)
        return SQLITE_ERROR;
    return sqlite3_exec(db, version_4, NULL, NULL, NULL);
}
