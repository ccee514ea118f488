/* quota_balance.c - where a quota stands, from the ledger's roll-ups, open runs, liens
 * and postings */
#include <string.h>

#include "policy/balance.h"
#include "policy/energy.h"
#include "policy/quota.h"
#include "policy/span.h"

/* Windows are followed back no further: what they bring was used up long before. */
#define WINDOWS_BACK 24

/* The account ?1 with those below it, as of each cluster; flat where the tree is not
 * known. ?2 is the quota's cluster, "" for all. */
#define BELOW                                                                          \
    "WITH RECURSIVE below(cluster, account) AS (SELECT '', ?1 UNION"                   \
    "  SELECT a.cluster, a.account FROM accounts a JOIN below b"                       \
    "  ON a.parent = b.account AND (b.cluster = '' OR a.cluster = b.cluster)"          \
    "  WHERE (?2 = '' OR a.cluster = ?2) AND a.account <> ?1) "

#define OF_ACCOUNT(table)                                                              \
    " FROM below b CROSS JOIN " table " r ON r.account = b.account"                    \
    "  AND (b.cluster = '' OR r.cluster = b.cluster)"                                  \
    "  AND (?2 = '' OR r.cluster = ?2) AND (?3 = '' OR r.user = ?3) "

#define OF_USER(table) " FROM " table " r "

#define AND_OF_USER " AND r.user = ?3 AND (?2 = '' OR r.cluster = ?2) AND ?1 = '' "

#define SETTLED(borne)                                                                 \
    "SELECT r.partition,"                                                              \
    " SUM(r.cpu_mj + r.dram_mj + r.gpu_mj + r.other_mj - " borne ")"

#define SETTLED_IN(time) " WHERE r." time " >= ?4 AND r." time " < ?5 "

#define SETTLED_OF_ACCOUNT(table, time, borne)                                         \
    BELOW SETTLED(borne) OF_ACCOUNT(table) SETTLED_IN(time) "GROUP BY r.partition"

#define SETTLED_OF_USER(table, time, borne)                                            \
    SETTLED(borne) OF_USER(table) SETTLED_IN(time) AND_OF_USER "GROUP BY r.partition"

#define BORNE "r.overrun_mj - r.credit_mj"

/* Whole days and months are few rows where quarter-hours are very many; a user's are
 * not. A quarter-hour's overrun is all that the centre bears. */
static const char *const settled[][2] = {
    [SPAN_QUARTERS] = {SETTLED_OF_ACCOUNT("rollups", "quarter_s", "r.overrun_mj"),
                       SETTLED_OF_USER("rollups", "quarter_s", "r.overrun_mj")},
    [SPAN_DAYS] = {SETTLED_OF_ACCOUNT("rollup_days", "day_s", BORNE),
                   SETTLED_OF_USER("rollups", "quarter_s", "r.overrun_mj")},
    [SPAN_MONTHS] = {SETTLED_OF_ACCOUNT("rollup_months", "month_s", BORNE),
                     SETTLED_OF_USER("rollup_months", "month_s", BORNE)}};

/* What a run has used from one time to another, looked up. */
#define USED_IN(from, until)                                                           \
    "(SELECT COALESCE(SUM(q.mj - q.posted_mj), 0) FROM tokens t JOIN run_quarters q "  \
    "USING (token)"                                                                    \
    " WHERE t.run_id = r.id AND q.quarter_s >= " from " AND q.quarter_s < " until ")"

#define BEFORE USED_IN("0", "?4")
#define WITHIN USED_IN("?4", "?5")

/* An open run's use before the window, in it, and altogether: beyond what the roll-ups
 * have; few runs reach beyond a window. What is told and not saved yet (live.h) is of
 * its last quarter-hours. Then its lien, if that can touch the window: a run outlives
 * its time limit by what it takes to end it. */
#define OPEN                                                                           \
    "SELECT r.partition, r.overrun_mj,"                                                \
    " CASE WHEN u.until_s < ?4 THEN u.open_mj WHEN u.from_s < ?4 THEN"                 \
    "  " BEFORE " ELSE 0 END,"                                                         \
    " CASE WHEN u.from_s >= ?4 AND u.until_s < ?5 THEN u.open_mj"                      \
    "  WHEN u.until_s >= ?4 AND u.until_s < ?5 THEN u.open_mj - " BEFORE               \
    "  WHEN u.until_s >= ?4 AND u.from_s < ?5 THEN " WITHIN " ELSE 0 END,"             \
    " u.open_mj, u.mj,"                                                                \
    " CASE WHEN r.id <> ?6 AND l.from_s < ?5 AND"                                      \
    "  (l.until_s > ?4 OR r.state = 'running') THEN l.mj END"

#define OPEN_IN                                                                        \
    " JOIN used u ON u.run_id = r.id"                                                  \
    " LEFT JOIN liens l ON l.run_id = r.id"                                            \
    " WHERE r.state <> 'settled' "

/* What a window is asked of. */
struct place {
    struct ledger *ledger;
    const struct policy *policy;
    const struct quota *quota;
    struct window window;
    int64_t but_run;
};

static const char *text(sqlite3_stmt *stmt, int column)
{
    const char *value = (const char *)sqlite3_column_text(stmt, column);

    return value ? value : "";
}

static int add_settled_of(const struct place *p, enum span_unit unit, int64_t from_s,
                          int64_t until_s, struct balance_terms *terms)
{
    const struct quota *q = p->quota;
    sqlite3_stmt *stmt;
    int rc = SQLITE_NOMEM;

    if (from_s >= until_s)
        return 0;
    stmt = ledger_query(p->ledger, settled[unit][!q->account[0]], "sssii", q->account,
                        q->cluster, q->user, from_s, until_s);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (quota_class_has(p->policy, q->class, text(stmt, 0)))
            terms->settled_mj =
                energy_add(terms->settled_mj, sqlite3_column_int64(stmt, 1));
    ledger_done(p->ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int add_settled(const struct place *p, struct balance_terms *terms)
{
    const struct window *w = &p->window;
    struct window days, months;

    span_cut(w, &days, &months);
    return add_settled_of(p, SPAN_QUARTERS, w->from_s, days.from_s, terms) < 0 ||
                   add_settled_of(p, SPAN_DAYS, days.from_s, months.from_s, terms) <
                       0 ||
                   add_settled_of(p, SPAN_MONTHS, months.from_s, months.until_s,
                                  terms) < 0 ||
                   add_settled_of(p, SPAN_DAYS, months.until_s, days.until_s, terms) <
                       0 ||
                   add_settled_of(p, SPAN_QUARTERS, days.until_s, w->until_s, terms) < 0
               ? -1
               : 0;
}

static void add_run(sqlite3_stmt *stmt, struct balance_terms *terms)
{
    int64_t charged =
        balance_charged(sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3),
                        sqlite3_column_int64(stmt, 4), sqlite3_column_int64(stmt, 1));
    int64_t used = sqlite3_column_int64(stmt, 5), lien = sqlite3_column_int64(stmt, 6);

    terms->open_mj = energy_add(terms->open_mj, charged);
    if (lien > used)
        terms->reserved_mj = energy_add(terms->reserved_mj, lien - used);
}

static int add_open(const struct place *p, struct balance_terms *terms)
{
    const struct quota *q = p->quota;
    sqlite3_stmt *stmt =
        ledger_query(p->ledger,
                     q->account[0] ? BELOW OPEN OF_ACCOUNT("runs") OPEN_IN
                                   : OPEN OF_USER("runs") OPEN_IN AND_OF_USER,
                     "sssiii", q->account, q->cluster, q->user, p->window.from_s,
                     p->window.until_s, p->but_run);
    int rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (quota_class_has(p->policy, p->quota->class, text(stmt, 0)))
            add_run(stmt, terms);
    ledger_done(p->ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int64_t granted(const struct place *p)
{
    const struct quota *q = p->quota;

    return ledger_number(
        p->ledger, 0,
        "SELECT SUM(mj) FROM postings WHERE account = ? AND user = ? AND time_s >= ?"
        " AND time_s < ? AND cluster = ? AND class = ?"
        " AND kind IN ('grant','adjust','refund','transfer','credit')",
        "ssiiss", q->account, q->user, p->window.from_s, p->window.until_s, q->cluster,
        q->class);
}

/* A raised quota raises no window that is over. */
static int64_t in_force(const struct place *p)
{
    const struct quota *q = p->quota;

    return ledger_number(
        p->ledger, q->mj,
        "SELECT mj FROM postings WHERE account = ? AND user = ? AND time_s < ?"
        " AND cluster = ? AND class = ? AND kind = 'set'"
        " ORDER BY time_s DESC, id DESC LIMIT 1",
        "ssiss", q->account, q->user, p->window.until_s, q->cluster, q->class);
}

static int take_terms(const struct place *p, struct balance_terms *terms)
{
    memset(terms, 0, sizeof *terms);
    terms->mj = in_force(p);
    terms->granted_mj = granted(p);
    return add_settled(p, terms) < 0 || add_open(p, terms) < 0 ? -1 : 0;
}

int quota_used(struct ledger *ledger, const struct policy *policy,
               const struct quota *quota, const struct window *window, int64_t *used_mj)
{
    const struct place place = {ledger, policy, quota, *window, 0};
    struct balance_terms terms = {0};

    if (add_settled(&place, &terms) < 0 || add_open(&place, &terms) < 0)
        return -1;
    *used_mj = energy_add(terms.settled_mj, terms.open_mj);
    return 0;
}

/* Goes to the window `steps` before the present one; false: there is none, or the quota
 * did not exist then. */
static bool go_back(const struct place *present, int steps, struct place *past)
{
    const struct quota *q = present->quota;

    *past = *present;
    return period_step(&q->period, &present->window, -steps, &past->window) == 0 &&
           past->window.until_s > q->since_s;
}

/* Looks back as far as it must: each window before can change what comes from it. */
static int take_brought(const struct place *present, struct balance_brought *brought)
{
    const struct quota *q = present->quota;
    struct balance_terms terms[WINDOWS_BACK];
    struct place past, before;
    int count = 0;

    memset(brought, 0, sizeof *brought);
    if (q->carry_percent == 0 && q->borrow_percent == 0)
        return 0;
    while (count < WINDOWS_BACK && go_back(present, count + 1, &past)) {
        int64_t next_mj = count ? terms[count - 1].mj : q->mj;

        if (take_terms(&past, &terms[count++]) < 0)
            return -1;
        if (go_back(present, count + 1, &before) &&
            balance_is_sure(q, &terms[count - 1], in_force(&before), next_mj,
                            brought)) {
            count--;
            break;
        }
        memset(brought, 0, sizeof *brought);
    }
    while (count-- > 0) {
        struct balance_brought in = *brought;

        balance_bring(q, &terms[count], count ? terms[count - 1].mj : q->mj, &in,
                      brought);
    }
    return 0;
}

int quota_balance(struct ledger *ledger, const struct policy *policy,
                  const struct quota *quota, int64_t now_s, int64_t but_run,
                  struct balance *balance)
{
    struct place place = {ledger, policy, quota, {0, 0}, but_run};
    struct balance_brought brought;
    struct balance_terms terms;

    memset(balance, 0, sizeof *balance);
    period_window(&quota->period, now_s, &place.window);
    if (take_terms(&place, &terms) < 0 || take_brought(&place, &brought) < 0)
        return -1;
    terms.mj = quota->mj;
    balance->window = place.window;
    balance_make(quota, &terms, &brought, balance);
    if ((now_s < place.window.from_s || now_s >= place.window.until_s) &&
        balance->available_mj > 0)
        balance->available_mj = 0;
    return 0;
}
