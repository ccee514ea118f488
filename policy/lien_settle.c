/* lien_settle.c - what may be charged for a run that is over, and its lien's end */
#include <stdio.h>

#include "policy/lien_inside.h"

/* A run that is over. */
struct past_run {
    int64_t start_s, end_s, lien_mj;
    int64_t most_mj; /* what its user allowed it; INT64_MAX: no such word */
    bool settled, undecided, has_lien;
};

/* The cluster's name is as long as the ledger has it: s->cluster points into `name`. */
static bool read_run(struct lien_subject *s, char name[64], struct past_run *run)
{
    sqlite3_stmt *stmt = ledger_query(
        s->ledger,
        "SELECT r.job_text, r.user, r.account, r.partition, r.cluster, r.enforce,"
        " r.start_s, COALESCE(r.end_s, r.start_s), r.state = 'settled',"
        " r.decision IS NULL, COALESCE(l.mj, r.lien_mj),"
        " COALESCE(l.most_mj, r.most_mj, 9223372036854775807) FROM runs r LEFT JOIN "
        "liens l"
        " ON l.run_id = r.id WHERE r.id = ?",
        "i", s->run_id);
    bool found = stmt && sqlite3_step(stmt) == SQLITE_ROW;

    if (found) {
        char *const to[] = {s->text, s->user, s->account, s->partition, name};

        for (int i = 0; i < 5; i++)
            snprintf(to[i], 64, "%s", (const char *)sqlite3_column_text(stmt, i));
        s->cluster = name;
        s->enforce = lien_enforce_of((const char *)sqlite3_column_text(stmt, 5));
        run->start_s = sqlite3_column_int64(stmt, 6);
        run->end_s = sqlite3_column_int64(stmt, 7);
        run->settled = sqlite3_column_int(stmt, 8) != 0;
        run->undecided = sqlite3_column_int(stmt, 9) != 0;
        run->has_lien = sqlite3_column_type(stmt, 10) != SQLITE_NULL;
        run->lien_mj = sqlite3_column_int64(stmt, 10);
        run->most_mj = sqlite3_column_int64(stmt, 11);
    }
    ledger_done(s->ledger, stmt);
    return found;
}

/* kwotad heard of it only when it was over: its quotas bind it all the same. */
static int take_late(struct lien_subject *s, struct past_run *run)
{
    lien_rule(s);
    if (s->enforce != ENFORCE_STRICT || !lien_gated(s))
        return 0;
    run->has_lien = true;
    run->lien_mj = 0;
    if (ledger_do(s->ledger, "UPDATE runs SET enforce = 'strict' WHERE id = ?", "i",
                  s->run_id) < 0)
        return -1;
    return ledger_do(s->ledger,
                     "INSERT INTO liens (run_id, mj, licence_wh, from_s, until_s)"
                     " VALUES (?,0,0,?,?)",
                     "iii", s->run_id, run->start_s, run->end_s);
}

/* As much of more_mj, beyond what it has, as its quotas had left when it ended, and as
 * its user allowed it. */
static int64_t part_of(struct lien_subject *s, const struct past_run *run,
                       int64_t has_mj, int64_t more_mj)
{
    char why[LIEN_WHY];
    int64_t room_mj;

    if (has_mj >= run->most_mj)
        return 0;
    if (more_mj > run->most_mj - has_mj)
        more_mj = run->most_mj - has_mj;
    s->now_s = run->end_s;
    room_mj = lien_room(s, 0, more_mj, why);
    return more_mj < room_mj ? more_mj : room_mj > 0 ? room_mj : 0;
}

static int raise_open(struct lien_subject *s, const struct past_run *run,
                      int64_t used_mj)
{
    int64_t over_mj = used_mj - run->lien_mj;

    if (over_mj <= 0)
        return 0;
    /* Told apart first, so that it does not count in its quotas. */
    if (ledger_do(s->ledger, "UPDATE runs SET overrun_mj = ? WHERE id = ?", "ii",
                  over_mj, s->run_id) < 0)
        return -1;
    return ledger_do(s->ledger, "UPDATE liens SET mj = ? WHERE run_id = ?", "ii",
                     run->lien_mj + part_of(s, run, run->lien_mj, over_mj), s->run_id);
}

/* Its lien is gone, and what it left has been given to others since. */
static int raise_settled(struct lien_subject *s, const struct past_run *run,
                         int64_t used_mj)
{
    int64_t charged_mj = ledger_number(s->ledger, 0,
                                       "SELECT SUM(mj) FROM entries WHERE run_id = ?"
                                       " AND kind IN ('charge', 'adjustment')",
                                       "i", s->run_id);
    int64_t borne_mj = ledger_number(s->ledger, 0,
                                     "SELECT SUM(mj) FROM entries WHERE run_id = ?"
                                     " AND kind = 'overrun'",
                                     "i", s->run_id);
    int64_t more_mj = used_mj - charged_mj - borne_mj;

    if (more_mj <= 0)
        return 0;
    return ledger_do(s->ledger, "UPDATE runs SET lien_mj = ? WHERE id = ?", "ii",
                     charged_mj + part_of(s, run, charged_mj, more_mj), s->run_id);
}

int lien_settle(struct ledger *ledger, const struct policy *policy, int64_t run_id,
                int64_t used_mj)
{
    struct lien_subject s = {.ledger = ledger, .policy = policy, .run_id = run_id};
    struct past_run run;
    char cluster[64];

    if (!policy || !read_run(&s, cluster, &run))
        return 0;
    if (run.undecided && !run.settled && !run.has_lien && take_late(&s, &run) < 0)
        return -1;
    if (s.enforce != ENFORCE_STRICT || !run.has_lien ||
        ledger_number(ledger, 0,
                      "SELECT decision IN ('holding', 'held') FROM runs WHERE id = ?",
                      "i", run_id))
        return 0;
    return run.settled ? raise_settled(&s, &run, used_mj)
                       : raise_open(&s, &run, used_mj);
}

int64_t lien_billable(struct ledger *ledger, int64_t run_id, int64_t used_mj)
{
    int64_t lien_mj =
        ledger_number(ledger, INT64_MAX,
                      "SELECT COALESCE(l.mj, r.lien_mj) FROM runs r LEFT JOIN liens l"
                      " ON l.run_id = r.id WHERE r.id = ? AND (r.enforce = 'strict' OR"
                      "  r.decision IN ('holding', 'held'))",
                      "i", run_id);

    return used_mj < lien_mj ? used_mj : lien_mj;
}

int lien_close(struct ledger *ledger, int64_t run_id)
{
    if (ledger_do(ledger,
                  "UPDATE runs SET (lien_mj, most_mj) ="
                  " (SELECT mj, most_mj FROM liens WHERE run_id = ?1) WHERE id = ?1",
                  "i", run_id) < 0)
        return -1;
    return ledger_do(ledger, "DELETE FROM liens WHERE run_id = ?", "i", run_id);
}
