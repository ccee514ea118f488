/* lien_course.c - liens while their runs go on: raised, moved with the time limit, used
 * up */
#include <stdio.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/lien_inside.h"

/* A lien that runs short is raised for so much more of the run, at its mean power. */
#define RAISE_S 3600

/* A run with its lien, as the ledger has them. */
struct open_lien {
    int64_t mj, from_s, until_s, used_mj;
    int64_t overrun_mj; /* as it was last worked out */
    int64_t most_mj;    /* what its user allowed it; INT64_MAX: no such word */
    bool held;          /* its job is to go: what it uses is the centre's */
    bool limited;       /* no more than the lien is charged */
    bool first;         /* nothing but its start was decided about it */
};

static bool read_lien(struct lien_subject *s, struct open_lien *lien)
{
    sqlite3_stmt *stmt = ledger_query(
        s->ledger,
        "SELECT r.job_text, r.user, r.account, r.partition, r.enforce, l.mj, l.from_s,"
        " l.until_s, r.decision IN ('holding', 'held'), r.decision = 'run',"
        " COALESCE(l.most_mj, 9223372036854775807), r.overrun_mj,"
        " COALESCE((SELECT mj FROM used u WHERE u.run_id = r.id), 0)"
        " FROM liens l JOIN runs r ON r.id = l.run_id"
        " WHERE r.id = ? AND r.state = 'running'",
        "i", s->run_id);
    bool found = stmt && sqlite3_step(stmt) == SQLITE_ROW;

    if (found) {
        char *const to[] = {s->text, s->user, s->account, s->partition};

        for (int i = 0; i < 4; i++)
            snprintf(to[i], 64, "%s", (const char *)sqlite3_column_text(stmt, i));
        s->enforce = lien_enforce_of((const char *)sqlite3_column_text(stmt, 4));
        lien->mj = sqlite3_column_int64(stmt, 5);
        lien->from_s = sqlite3_column_int64(stmt, 6);
        lien->until_s = sqlite3_column_int64(stmt, 7);
        lien->held = sqlite3_column_int(stmt, 8) != 0;
        lien->first = sqlite3_column_int(stmt, 9) != 0;
        lien->most_mj = sqlite3_column_int64(stmt, 10);
        lien->overrun_mj = sqlite3_column_int64(stmt, 11);
        lien->used_mj = sqlite3_column_int64(stmt, 12);
        lien->limited = lien->held || s->enforce == ENFORCE_STRICT;
    }
    ledger_done(s->ledger, stmt);
    return found;
}

/* What has been used beyond a lien that limits the charge is no use of its quota's. */
static int keep_overrun(const struct lien_subject *s, struct open_lien *lien)
{
    int64_t over_mj =
        lien->limited && lien->used_mj > lien->mj ? lien->used_mj - lien->mj : 0;

    if (over_mj == lien->overrun_mj)
        return 0;
    lien->overrun_mj = over_mj;
    return ledger_do(s->ledger, "UPDATE runs SET overrun_mj = ? WHERE id = ?", "ii",
                     over_mj, s->run_id);
}

/* Raises it to `wanted_mj`, or as far as its quotas have it. */
static int raise_lien(const struct lien_subject *s, struct open_lien *lien,
                      int64_t wanted_mj, char why[LIEN_WHY])
{
    /* So much of it counts in its quotas already, once the overrun is told apart. */
    int64_t counted_mj =
        !lien->limited && lien->used_mj > lien->mj ? lien->used_mj : lien->mj;
    int64_t more_mj, room_mj;

    if (wanted_mj > lien->most_mj) {
        wanted_mj = lien->most_mj;
        snprintf(why, LIEN_WHY, "its --energy-budget allows no more");
    }
    more_mj = wanted_mj - counted_mj;
    if (more_mj <= 0)
        return 0;
    if (keep_overrun(s, lien) < 0)
        return -1;
    room_mj = lien_room(s, 0, more_mj, why);
    if (more_mj > room_mj)
        more_mj = room_mj;
    if (more_mj <= 0)
        return 0;
    lien->mj = counted_mj + more_mj;
    if (keep_overrun(s, lien) < 0)
        return -1;
    return ledger_do(s->ledger, "UPDATE liens SET mj = ? WHERE run_id = ?", "ii",
                     lien->mj, s->run_id);
}

/* What the run will have used so much later, at its mean power. */
static int64_t soon_used(const struct lien_subject *s, const struct open_lien *lien,
                         int64_t more_s)
{
    int64_t elapsed_s = s->now_s - lien->from_s;
    __int128 mj = lien->used_mj;

    if (elapsed_s < 1)
        elapsed_s = 1;
    mj += mj * more_s / elapsed_s;
    return mj > INT64_MAX ? INT64_MAX : (int64_t)mj;
}

/* A run that began under strict is ended if its rule still is. */
static int end_run(struct lien_subject *s, const struct open_lien *lien,
                   char why[LIEN_WHY])
{
    enum policy_enforce begun = s->enforce;
    char used[ENERGY_TEXT], short_of[LIEN_WHY];
    bool end;

    snprintf(short_of, sizeof short_of, "%s", why);
    snprintf(why, LIEN_WHY, "it has used the %s that were set aside for it; %.200s",
             energy_kwh_human(used, sizeof used, lien->mj), short_of);
    lien_rule(s);
    end = begun == ENFORCE_STRICT && s->enforce == ENFORCE_STRICT && lien_gated(s) &&
          !s->spare;
    lien_note(s, end ? "kill" : "shadow-kill", why, lien->used_mj);
    ledger_do(s->ledger, "UPDATE runs SET decision = ?, decision_why = ? WHERE id = ?",
              "ssi", end ? "ending" : "spared", why, s->run_id);
    return end ? 1 : 0;
}

int lien_review(struct ledger *ledger, const struct policy *policy, const char *cluster,
                int64_t run_id, int64_t report_ms, int64_t now_s, char why[LIEN_WHY])
{
    struct lien_subject s = {.ledger = ledger,
                             .policy = policy,
                             .cluster = cluster,
                             .run_id = run_id,
                             .now_s = now_s};
    struct open_lien lien;
    int64_t soon_s = 2 * report_ms / 1000 + 1, left_s;

    why[0] = '\0';
    if (!read_lien(&s, &lien) || keep_overrun(&s, &lien) < 0 || lien.held)
        return 0;
    left_s = lien.until_s > now_s ? lien.until_s - now_s : 0;
    if (soon_used(&s, &lien, soon_s) > lien.mj)
        raise_lien(&s, &lien, soon_used(&s, &lien, left_s < RAISE_S ? left_s : RAISE_S),
                   why);
    if (lien.used_mj <= lien.mj || !lien.first || s.enforce == ENFORCE_SOFT)
        return 0;
    return end_run(&s, &lien, why);
}

int lien_limit(struct ledger *ledger, const struct policy *policy, const char *cluster,
               int64_t run_id, const struct lookup_run *run, int64_t now_s)
{
    struct lien_subject s = {.ledger = ledger,
                             .policy = policy,
                             .cluster = cluster,
                             .run_id = run_id,
                             .now_s = now_s};
    struct open_lien lien;
    char why[LIEN_WHY];
    int64_t until_s = run->until_s ? run->until_s : run->start_s + LIEN_NO_LIMIT_S;

    /* Slurm moves the end by the time a job was suspended; that is no new limit. */
    if (!read_lien(&s, &lien) || until_s == lien.until_s)
        return 0;
    if (ledger_do(ledger, "UPDATE liens SET until_s = ? WHERE run_id = ?", "ii",
                  until_s, run_id) < 0)
        return -1;
    if (until_s > lien.until_s && lien.mj > 0 &&
        raise_lien(&s, &lien, lien_of(&s, run), why) < 0)
        return -1;
    return 1;
}
