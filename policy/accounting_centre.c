/* accounting_centre.c - what meters say of a time, and what is nobody's or not settled
 */
#include <string.h>

#include "policy/accounting_inside.h"
#include "policy/energy.h"
#include "policy/kind.h"

#define OPEN_IN(from, until)                                                           \
    "(SELECT COALESCE(SUM(q.mj - q.posted_mj), 0) FROM tokens t JOIN run_quarters q"   \
    "  ON q.token = t.token AND q.quarter_s >= " from " AND q.quarter_s < " until      \
    " WHERE t.run_id = u.run_id)"

/* Runs that are not settled. Of most all quarter-hours lie in the window: then their
 * sum, which is kept, does. What is told and not saved yet (live.h) is of a run's last
 * quarter-hours, as quota_balance.c has it. */
#define OPEN                                                                           \
    "SELECT SUM(CASE WHEN u.from_s >= ?1 AND u.until_s < ?2 THEN u.open_mj"            \
    " WHEN u.until_s < ?2 THEN u.open_mj - " OPEN_IN("0", "?1") " ELSE " OPEN_IN(      \
        "?1", "?2") " END) FROM used u"

#define IN_WINDOW " u.until_s >= ?1 AND u.from_s < ?2"

static int64_t read_open(struct ledger *ledger, const struct accounting_filter *f,
                         const struct window *w)
{
    if (filter_is_open(f))
        return ledger_number(ledger, 0, OPEN " WHERE" IN_WINDOW, "ii", w->from_s,
                             w->until_s);
    return ledger_number(
        ledger, 0,
        OPEN " JOIN runs r ON r.id = u.run_id WHERE" IN_WINDOW
             " AND (?3 OR r.user = ?4 OR r.account IN"
             "  (SELECT value FROM json_each(?5)))"
             " AND (?6 = '' OR r.user = ?6)"
             " AND (?7 OR r.account IN (SELECT value FROM json_each(?8)))",
        "iiisssis", w->from_s, w->until_s, (int64_t)f->rights->sees_all,
        f->rights->user, f->mine, f->user, (int64_t)(f->accounts == NULL),
        f->accounts ? f->accounts : "[]");
}

/* Tokens that no run was found for, or that were refused. */
static int64_t read_unattributed(struct ledger *ledger, const struct window *w)
{
    return ledger_number(ledger, 0,
                         "SELECT SUM(q.mj - q.posted_mj) FROM tokens t"
                         " JOIN run_quarters q ON q.token = t.token"
                         " WHERE t.run_id IS NULL AND q.quarter_s >= ?"
                         "  AND q.quarter_s < ?",
                         "ii", w->from_s, w->until_s);
}

/* Booked; and what is not yet, of nodes whose last report lies in the window. */
#define BOOKED " FROM cluster_quarters WHERE quarter_s >= ?1 AND quarter_s < ?2"
#define PENDING(whole, booked)                                                         \
    "SUM(CASE WHEN d." whole " > d." booked " THEN d." whole " / 1000 - d." booked     \
    " / 1000 ELSE 0 END)"
#define NOT_YET                                                                        \
    " FROM nodes n JOIN node_domains d ON d.node = n.node AND d.epoch = n.epoch"       \
    " WHERE n.time_ms >= ?1 * 1000 AND n.time_ms < ?2 * 1000"

/* A kind of domain, as people read it. */
struct meter {
    bool known;
    int64_t total_mj, jobs_mj, gap_ms;
};

static int read_kinds(struct ledger *ledger, const struct window *w,
                      struct meter meters[KINDS])
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT kind, SUM(total_mj), SUM(jobs_mj), SUM(gap_ms)" BOOKED " GROUP BY kind"
        " UNION ALL SELECT d.kind, " PENDING(
            "total_uj",
            "booked_total_uj") ", " PENDING("jobs_uj",
                                            "booked_jobs_uj") ", SUM(d.gap_ms - "
                                                              "d.booked_gap_ms)" NOT_YET
                                                              " GROUP BY "
                                                              "d.kind",
        "ii", w->from_s, w->until_s);
    int rc = SQLITE_NOMEM;

    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct meter *m = &meters[kind_of((const char *)sqlite3_column_text(stmt, 0))];

        m->known = true;
        m->total_mj = energy_add(m->total_mj, sqlite3_column_int64(stmt, 1));
        m->jobs_mj = energy_add(m->jobs_mj, sqlite3_column_int64(stmt, 2));
        m->gap_ms += sqlite3_column_int64(stmt, 3);
    }
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static json_t *meter_json(const char *key, const char *name, const struct meter *m)
{
    return json_pack("{s:s s:I s:I s:I s:I}", key, name, "total_mj",
                     (json_int_t)m->total_mj, "jobs_mj", (json_int_t)m->jobs_mj,
                     "node_mj", (json_int_t)(m->total_mj - m->jobs_mj), "gap_ms",
                     (json_int_t)m->gap_ms);
}

static int add_meters(struct ledger *ledger, const struct window *w,
                      struct accounting_centre *c)
{
    struct meter meters[KINDS] = {0};

    if (read_kinds(ledger, w, meters) < 0)
        return -1;
    c->kinds = json_array();
    for (int k = 0; k < KINDS; k++) {
        if (!meters[k].known)
            continue;
        json_array_append_new(c->kinds,
                              meter_json("kind", kind_name((enum kind)k), &meters[k]));
        c->total_mj = energy_add(c->total_mj, meters[k].total_mj);
        c->jobs_mj = energy_add(c->jobs_mj, meters[k].jobs_mj);
        c->gap_ms += meters[k].gap_ms;
    }
    if (c->total_mj != ENERGY_UNKNOWN)
        c->node_mj = c->total_mj - c->jobs_mj;
    return 0;
}

static void add_day(json_t *days, const char *name, const struct meter *m)
{
    if (m->known)
        json_array_append_new(days, meter_json("name", name, m));
}

/* Quarter-hours come in order of time: a day is over when another begins. */
static int add_days(struct ledger *ledger, enum by by, const struct window *w,
                    struct accounting_centre *c)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger,
        "SELECT quarter_s, SUM(total_mj), SUM(jobs_mj), SUM(gap_ms) FROM ("
        "SELECT quarter_s, total_mj, jobs_mj, gap_ms" BOOKED
        " UNION ALL SELECT n.time_ms / 900000 * 900, " PENDING(
            "total_uj",
            "booked_total_uj") ", " PENDING("jobs_uj",
                                            "booked_jobs_uj") ", SUM(d.gap_"
                                                              "ms - "
                                                              "d.booked_"
                                                              "gap_"
                                                              "ms)" NOT_YET
                                                              " GROUP BY 1) AS q GROUP "
                                                              "BY quarter_s ORDER BY "
                                                              "quarter_s",
        "ii", w->from_s, w->until_s);
    struct window day = {0, 0};
    struct meter sum = {0};
    char name[64] = "", next[64];
    int rc = SQLITE_NOMEM;

    c->days = json_array();
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        by_time_name(by, sqlite3_column_int64(stmt, 0), &day, next);
        if (strcmp(name, next) != 0) {
            add_day(c->days, name, &sum);
            sum = (struct meter){.known = true};
            memcpy(name, next, sizeof name);
        }
        sum.total_mj = energy_add(sum.total_mj, sqlite3_column_int64(stmt, 1));
        sum.jobs_mj = energy_add(sum.jobs_mj, sqlite3_column_int64(stmt, 2));
        sum.gap_ms += sqlite3_column_int64(stmt, 3);
    }
    add_day(c->days, name, &sum);
    ledger_done(ledger, stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

int centre_read(struct ledger *ledger, enum by by,
                const struct accounting_filter *filter, const struct window *window,
                bool meters, struct accounting_centre *centre)
{
    json_decref(centre->kinds);
    json_decref(centre->days);
    *centre = (struct accounting_centre){.total_mj = ENERGY_UNKNOWN,
                                         .jobs_mj = ENERGY_UNKNOWN,
                                         .node_mj = ENERGY_UNKNOWN};
    centre->open_mj = read_open(ledger, filter, window);
    if (!meters)
        return 0;
    centre->unattributed_mj = read_unattributed(ledger, window);
    if (add_meters(ledger, window, centre) < 0)
        return -1;
    return by >= BY_DAY ? add_days(ledger, by, window, centre) : 0;
}
