/* verify_books.c - whether quotas, the nodes' own energy and the sums over all balance
 */
#include <inttypes.h>
#include <stdio.h>

#include "policy/verify_inside.h"

/* A rule that no row may break: the rows of `sql` are what `format` says, in which each
 * %s is a column. */
struct rule {
    const char *check, *sql, *remedy;
    const char *format[4]; /* text before each column, and after the last */
};

/* Of what was done to one quota. */
#define OF_QUOTA(p)                                                                    \
    " " p ".cluster = q.cluster AND " p ".account = q.account AND " p                  \
    ".user = q.user AND " p ".class = q.class"
#define LAST_POSTING                                                                   \
    "(SELECT MAX(p.id) FROM postings p WHERE" OF_QUOTA(                                \
        "p") " AND p.kind IN ('set','remove'))"

static const struct rule quota_rules[] = {
    {"quota",
     "SELECT q.account, q.user, q.mj FROM quotas q LEFT JOIN postings s"
     " ON s.id = " LAST_POSTING
     " WHERE s.id IS NULL OR s.kind <> 'set' OR s.mj <> q.mj",
     "kwota quota set gives it its posting",
     {"the quota of account '", "', user '", "' of ",
      " mJ is not what was last set by hand"}},
    {"quota",
     "SELECT q.account, q.user, q.mj FROM postings q LEFT JOIN quotas s ON" OF_QUOTA(
         "s") " WHERE q.kind = 'set' AND s.id IS NULL AND q.id = " LAST_POSTING,
     "kwota quota set makes it again, kwota quota log shows the postings",
     {"the quota of account '", "', user '", "' of ",
      " mJ was set and never removed, and is not there"}},
    {"refund",
     "SELECT r.job_text, x.account, x.mj FROM (SELECT run_id, account, user, class,"
     "  cluster, SUM(mj) AS mj FROM postings WHERE kind = 'refund'"
     "  GROUP BY run_id, account, user, class, cluster) x JOIN runs r ON r.id = "
     "x.run_id"
     " WHERE x.mj > (SELECT SUM(mj) FROM entries e WHERE e.run_id = r.id"
     "  AND e.kind <> 'overrun')",
     "kwota adjust takes back what is too much",
     {"of job ", " account '", "' was given back ", " mJ, more than its charge"}},
};

static const struct rule node_rules[] = {
    {"nodes",
     "SELECT node, domain, total_uj - jobs_uj - node_uj FROM node_domains"
     " WHERE jobs_uj + node_uj <> total_uj",
     NULL,
     {"node ", "'s ", ": jobs and node's own are ", " uJ short of the counter"}},
    {"nodes",
     "SELECT node, domain, booked_total_uj - total_uj FROM node_domains"
     " WHERE booked_total_uj > total_uj OR booked_jobs_uj > jobs_uj"
     " OR booked_node_uj > node_uj",
     NULL,
     {"node ", "'s ", ": more is booked than its counter moved by, ", " uJ in all"}},
    {"nodes",
     "SELECT kind, quarter_s, total_mj - jobs_mj - node_mj FROM cluster_quarters"
     " WHERE jobs_mj + node_mj <> total_mj",
     NULL,
     {"the cluster's ", " in the quarter-hour from ", ": jobs and nodes' own are ",
      " mJ short of the total"}},
    {"nodes",
     "SELECT node, kind, total_mj - jobs_mj - node_mj FROM node_days"
     " WHERE jobs_mj + node_mj <> total_mj",
     NULL,
     {"node ", "'s days of ", ": jobs and node's own are ", " mJ short of the total"}},
};

static int apply(struct verify *v, const struct rule *rule)
{
    sqlite3_stmt *row = ledger_query(v->ledger, rule->sql, "");
    int rc = SQLITE_NOMEM;

    while (row && (rc = sqlite3_step(row)) == SQLITE_ROW)
        verify_breach(v, rule->check, NULL, rule->remedy ? rule->remedy : VERIFY_REMEDY,
                      "%s%s%s%s%s%s%s", rule->format[0],
                      (const char *)sqlite3_column_text(row, 0), rule->format[1],
                      (const char *)sqlite3_column_text(row, 1), rule->format[2],
                      (const char *)sqlite3_column_text(row, 2), rule->format[3]);
    ledger_done(v->ledger, row);
    v->found->checked++;
    return rc == SQLITE_DONE ? 0 : -1;
}

static int apply_all(struct verify *v, const struct rule *rules, size_t count,
                     int64_t *after)
{
    size_t at = (size_t)*after;

    if (at >= count)
        return 0;
    if (apply(v, &rules[at]) < 0)
        return -1;
    v->found->percent = (int)((at + 1) * 100 / count);
    return ++*after < (int64_t)count;
}

int verify_quotas(struct verify *v, int64_t *after)
{
    return apply_all(v, quota_rules, sizeof quota_rules / sizeof *quota_rules, after);
}

int verify_nodes(struct verify *v, int64_t *after)
{
    return apply_all(v, node_rules, sizeof node_rules / sizeof *node_rules, after);
}

static int64_t number(struct verify *v, const char *sql)
{
    return ledger_number(v->ledger, 0, sql, "");
}

/* Two ways to the same sum. */
static void must_be_equal(struct verify *v, const char *one, int64_t one_n,
                          const char *other, int64_t other_n)
{
    v->found->checked++;
    if (one_n != other_n)
        verify_breach(v, "sums", NULL, VERIFY_REMEDY,
                      "%s: %" PRId64 "; %s: %" PRId64 "; they must be the same", one,
                      one_n, other, other_n);
}

#define ALL_KINDS "SELECT SUM(cpu_mj + dram_mj + gpu_mj + other_mj) FROM "

static void check_energy(struct verify *v)
{
    int64_t entered = number(v, "SELECT SUM(mj) FROM entries WHERE kind <> 'credit'");
    int64_t rolled = number(v, ALL_KINDS "rollups");
    int64_t measured = number(v, "SELECT SUM(jobs_uj) FROM node_domains") / 1000;

    must_be_equal(v, "mJ in charges, adjustments and overruns", entered,
                  "in the roll-ups by quarter-hour", rolled);
    must_be_equal(v, "mJ in charges, adjustments and overruns", entered,
                  "in the roll-ups by day", number(v, ALL_KINDS "rollup_days"));
    must_be_equal(v, "mJ in charges, adjustments and overruns", entered,
                  "in the roll-ups by month", number(v, ALL_KINDS "rollup_months"));
    must_be_equal(v, "mJ in charges, adjustments and overruns", entered,
                  "in the accounts' months", number(v, ALL_KINDS "account_months"));
    must_be_equal(v, "mJ in charges, adjustments and overruns", entered,
                  "in the runs' months", number(v, ALL_KINDS "run_months"));
    v->found->checked++;
    if (rolled > measured)
        verify_breach(v, "sums", NULL, VERIFY_REMEDY,
                      "%" PRId64 " mJ are in the roll-ups, and the nodes' "
                      "counters gave jobs %" PRId64 " mJ",
                      rolled, measured);
}

static void check_borne(struct verify *v)
{
    must_be_equal(v, "mJ that the centre bears by the entries",
                  number(v, "SELECT SUM(CASE kind WHEN 'credit' THEN -mj ELSE mj END)"
                            " FROM entries WHERE kind IN ('overrun', 'credit')"),
                  "by the roll-ups", number(v, "SELECT SUM(overrun_mj) FROM rollups"));
}

int verify_sums(struct verify *v, int64_t *after)
{
    (void)after;
    if (!verify_all(v))
        return 0;
    check_energy(v);
    check_borne(v);
    must_be_equal(v, "settled runs",
                  number(v, "SELECT COUNT(*) FROM runs WHERE state = 'settled'"),
                  "runs in the roll-ups", number(v, "SELECT SUM(runs) FROM rollups"));
    must_be_equal(
        v, "charges", number(v, "SELECT COUNT(*) FROM entries WHERE kind = 'charge'"),
        "settled runs", number(v, "SELECT COUNT(*) FROM runs WHERE state = 'settled'"));
    must_be_equal(v, "liens", number(v, "SELECT COUNT(*) FROM liens"),
                  "open runs with a lien",
                  number(v, "SELECT COUNT(*) FROM liens l JOIN runs r ON r.id ="
                            " l.run_id WHERE r.state <> 'settled'"));
    return 0;
}
