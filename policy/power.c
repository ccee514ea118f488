/* power.c - energy by quarter-hour, as people see the power of the last day */
#include "policy/power.h"

#include <stdlib.h>

#include "policy/person.h"
#include "policy/quarter.h"
#include "policy/quota_right.h"

/* What the nodes' counters moved by: all of it, the jobs' part, the nodes' own. */
#define OF_CLUSTER                                                                     \
    "SELECT quarter_s, SUM(total_mj), SUM(jobs_mj), SUM(node_mj) FROM "                \
    "cluster_quarters"                                                                 \
    " WHERE cluster = ?1 AND quarter_s >= ?2 AND quarter_s < ?3 GROUP BY quarter_s"    \
    " ORDER BY quarter_s"

/* What is settled, and what is not yet, of somebody's runs (?4) and of those in
 * accounts that they coordinate (?5, a JSON list). */
#define OF_JOBS                                                                        \
    "SELECT quarter_s, NULL, SUM(mj), NULL FROM ("                                     \
    "SELECT quarter_s, cpu_mj + dram_mj + gpu_mj + other_mj AS mj FROM rollups"        \
    " WHERE user = ?4 AND cluster = ?1 AND quarter_s >= ?2 AND quarter_s < ?3"         \
    " UNION ALL SELECT quarter_s, cpu_mj + dram_mj + gpu_mj + other_mj FROM rollups"   \
    " WHERE account IN (SELECT value FROM json_each(?5)) AND user <> ?4"               \
    " AND cluster = ?1 AND quarter_s >= ?2 AND quarter_s < ?3"                         \
    " UNION ALL SELECT q.quarter_s, q.mj - q.posted_mj FROM runs r"                    \
    " CROSS JOIN tokens t ON t.run_id = r.id"                                          \
    " CROSS JOIN run_quarters q ON q.token = t.token AND q.mj <> q.posted_mj"          \
    " WHERE r.state <> 'settled' AND r.cluster = ?1 AND (r.user = ?4"                  \
    "  OR r.account IN (SELECT value FROM json_each(?5)))"                             \
    " AND q.quarter_s >= ?2 AND q.quarter_s < ?3) GROUP BY quarter_s ORDER BY "        \
    "quarter_s"

static json_t *amount(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL
               ? json_null()
               : json_integer(sqlite3_column_int64(row, column));
}

/* NULL: the ledger cannot be read. */
static json_t *take_quarters(struct ledger *ledger, sqlite3_stmt *row)
{
    json_t *list = json_array();
    int rc = SQLITE_ERROR;

    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW)
        json_array_append_new(list,
                              json_pack("{s:I s:o s:o s:o}", "quarter_s",
                                        (json_int_t)sqlite3_column_int64(row, 0),
                                        "total_mj", amount(row, 1), "jobs_mj",
                                        amount(row, 2), "node_mj", amount(row, 3)));
    ledger_done(ledger, row);
    if (rc == SQLITE_DONE)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *read_quarters(struct ledger *ledger, const struct access_rights *rights,
                             const char *cluster, int64_t start_s, int64_t end_s)
{
    char *accounts;
    json_t *list;

    if (rights->sees_all)
        return take_quarters(
            ledger, ledger_query(ledger, OF_CLUSTER, "sii", cluster, start_s, end_s));
    accounts = quota_right_accounts(rights);
    list = take_quarters(ledger, ledger_query(ledger, OF_JOBS, "siiss", cluster,
                                              start_s, end_s, rights->user, accounts));
    free(accounts);
    return list;
}

json_t *power_answer(struct ledger *ledger, const struct access_rights *rights,
                     const char *cluster, int64_t start_s, int64_t end_s,
                     unsigned *status)
{
    json_t *quarters = NULL;
    int simulated = 0;

    *status = 400;
    if (end_s <= start_s || end_s - start_s > POWER_QUARTERS * QUARTER_S)
        return person_error("start and end are seconds since 1970, at most a week "
                            "from each other");
    if (ledger_begin(ledger) == 0) {
        quarters = read_quarters(ledger, rights, cluster, start_s, end_s);
        simulated =
            (int)ledger_number(ledger, 0, "SELECT MAX(simulated) FROM nodes", "");
        ledger_commit(ledger);
    }
    *status = quarters ? 200 : 500;
    if (!quarters)
        return person_error("the ledger cannot be read now");
    return json_pack("{s:s s:o s:b}", "of", rights->sees_all ? "cluster" : "jobs",
                     "quarters", quarters, "simulated", simulated);
}
