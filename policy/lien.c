/* lien.c - energy set aside for runs: whether there is room, and what is taken at the
 * start */
#include "policy/lien.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/accounts.h"
#include "policy/energy.h"
#include "policy/expected.h"
#include "policy/lien_inside.h"
#include "policy/log.h"
#include "policy/quota.h"
#include "policy/switches.h"

/* The most quotas that can bind one job: accounts above it, its user, classes. */
#define MOST_QUOTAS 128

const char *lien_enforce_text(enum policy_enforce enforce)
{
    static const char *const names[] = {"off", "shadow", "soft", "strict"};

    return names[enforce];
}

enum policy_enforce lien_enforce_of(const char *text)
{
    enum policy_enforce e = ENFORCE_OFF;

    while (e < ENFORCE_STRICT && strcmp(lien_enforce_text(e), text) != 0)
        e++;
    return e;
}

void lien_rule(struct lien_subject *s)
{
    struct accounts_chain chain;
    struct switches switches;

    accounts_chain(s->ledger, s->cluster, s->account, &chain);
    s->enforce = policy_enforce(s->policy, chain.list, s->partition, &s->source);
    s->at_limit = policy_at_limit(s->policy, chain.list, s->partition, NULL);
    switches_read(s->ledger, &switches);
    s->spare = switches.frozen || switches.tripped;
    if (s->spare && s->enforce > ENFORCE_SHADOW)
        snprintf(s->source.text, sizeof s->source.text, "%s: %.200s",
                 switches.frozen ? "frozen" : "the breaker", switches.why);
}

bool lien_gated(const struct lien_subject *s)
{
    return s->enforce != ENFORCE_OFF &&
           (s->at_limit == AT_LIMIT_WAIT || s->at_limit == AT_LIMIT_REJECT);
}

int lien_note(const struct lien_subject *s, const char *action, const char *why,
              int64_t mj)
{
    log_line("job %s of %s in %s: %s: %s (%s)", s->text, s->user, s->account, action,
             why, s->source.text);
    return ledger_do(s->ledger,
                     "INSERT INTO decisions (time_s, cluster, job_text, run_id, user,"
                     " account, partition, action, rule, why, mj)"
                     " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                     "ississssssi", s->now_s, s->cluster, s->text, s->run_id, s->user,
                     s->account, s->partition, action, s->source.text, why, mj);
}

/* "account astro has 0.3 kWh left until 2026-12-01, 1.2 kWh are needed" */
static void tell_shortage(const struct quota *quota, const struct balance *balance,
                          int64_t mj, char why[LIEN_WHY])
{
    char name[160], left[ENERGY_TEXT], needed[ENERGY_TEXT], until[32];
    time_t end = (time_t)balance->window.until_s;
    struct tm tm;

    localtime_r(&end, &tm);
    strftime(until, sizeof until, "%Y-%m-%d", &tm);
    snprintf(why, LIEN_WHY, "%s has %s left until %s, %s are needed",
             quota_name(quota, name, sizeof name),
             energy_kwh_human(left, sizeof left,
                              balance->available_mj > 0 ? balance->available_mj : 0),
             until, energy_kwh_human(needed, sizeof needed, mj));
}

/* A run that goes on into the next window takes nothing from it that this one has not:
 * quotas are the same in every window, and what it has used by then counts here. */
int64_t lien_room(const struct lien_subject *s, int64_t but_run, int64_t needed_mj,
                  char why[LIEN_WHY])
{
    static _Thread_local struct quota quotas[MOST_QUOTAS];
    int count = quota_binding(s->ledger, s->policy, s->cluster, s->account, s->user,
                              s->partition, quotas, MOST_QUOTAS);
    int64_t least = INT64_MAX;

    for (int i = 0; i < count; i++) {
        struct balance balance;

        if (quota_balance(s->ledger, s->policy, &quotas[i], s->now_s, but_run,
                          &balance) < 0 ||
            balance.available_mj >= least)
            continue;
        least = balance.available_mj;
        if (needed_mj > least)
            tell_shortage(&quotas[i], &balance, needed_mj, why);
    }
    return least;
}

static struct lien_room *room_of(struct lien_rooms *rooms, int64_t quota_id)
{
    for (int i = 0; i < rooms->count; i++)
        if (rooms->rooms[i].quota_id == quota_id)
            return &rooms->rooms[i];
    return NULL;
}

/* The quota's place in `rooms`, asked if need be; NULL: it cannot be. */
static struct lien_room *ask_room(const struct lien_subject *s,
                                  struct lien_rooms *rooms, const struct quota *quota)
{
    struct lien_room *room = room_of(rooms, quota->id);
    struct balance balance;

    if (room)
        return room;
    if (rooms->count == sizeof rooms->rooms / sizeof rooms->rooms[0] ||
        quota_balance(s->ledger, s->policy, quota, s->now_s, 0, &balance) < 0)
        return NULL;
    room = &rooms->rooms[rooms->count++];
    *room = (struct lien_room){quota->id, balance.available_mj};
    return room;
}

/* Takes `mj` from all that bind it, if all have it; a run that is not decided has no
 * lien that would count twice. */
static bool take_room(const struct lien_subject *s, struct lien_rooms *rooms,
                      int64_t mj)
{
    static _Thread_local struct quota quotas[MOST_QUOTAS];
    struct lien_room *bound[MOST_QUOTAS];
    int count = quota_binding(s->ledger, s->policy, s->cluster, s->account, s->user,
                              s->partition, quotas, MOST_QUOTAS);

    for (int i = 0; i < count; i++) {
        bound[i] = ask_room(s, rooms, &quotas[i]);
        if (!bound[i] || bound[i]->left_mj < mj)
            return false;
    }
    for (int i = 0; i < count; i++)
        bound[i]->left_mj -= mj;
    return count >= 0;
}

bool lien_fits(struct ledger *ledger, const struct policy *policy, const char *cluster,
               const struct lien_claim *claim, int64_t but_run, int64_t now_s,
               char why[LIEN_WHY])
{
    struct lien_subject s = {
        .ledger = ledger, .policy = policy, .cluster = cluster, .now_s = now_s};

    snprintf(s.account, sizeof s.account, "%s", claim->account);
    snprintf(s.user, sizeof s.user, "%s", claim->user);
    snprintf(s.partition, sizeof s.partition, "%s", claim->partition);
    return claim->mj <= lien_room(&s, but_run, claim->mj, why);
}

static void read_subject(struct lien_subject *s, const struct lookup_run *run)
{
    snprintf(s->text, sizeof s->text, "%s", run->text);
    snprintf(s->user, sizeof s->user, "%s", run->user);
    snprintf(s->account, sizeof s->account, "%s", run->account);
    snprintf(s->partition, sizeof s->partition, "%s", run->partition);
    lien_rule(s);
}

/* -1: nobody can tell. */
static int64_t estimate_of(const struct lien_subject *s, const struct lookup_run *run)
{
    const struct expected_job job = {.cluster = s->cluster,
                                     .user = s->user,
                                     .account = s->account,
                                     .name = run->name,
                                     .partition = s->partition,
                                     .asked_nodes = run->asked_nodes,
                                     .asked_cpus = run->asked_cpus,
                                     .asked_gpus = run->asked_gpus,
                                     .gpu_cap_mw = run->gpu_cap_mw,
                                     .shape = {.nodes = run->node_count,
                                               .cpus = run->cpus,
                                               .gpus = run->gpus,
                                               .limit_s = run->limit_s}};
    struct expected expected;

    return expected_mj(s->ledger, s->policy, NULL, &job, &expected);
}

/* The lien for a run of which so much is expected. */
static int64_t lien_for(const struct lien_subject *s, const struct lookup_run *run,
                        int64_t mj)
{
    int64_t held_mj = run->licence_wh * ESTIMATE_MJ_PER_WH;

    if (mj < held_mj)
        mj = held_mj;
    /* Where a run is held to its lien its user may make it smaller. */
    if (s->enforce == ENFORCE_STRICT && run->budget_wh > 0 &&
        mj > run->budget_wh * ESTIMATE_MJ_PER_WH)
        mj = run->budget_wh * ESTIMATE_MJ_PER_WH;
    return mj;
}

int64_t lien_of(const struct lien_subject *s, const struct lookup_run *run)
{
    return lien_for(s, run, estimate_of(s, run));
}

/* What reports set against what it will have used; a run that is held is not asked. */
static int put_estimate(const struct lien_subject *s, int64_t mj)
{
    if (mj < 0)
        return 0;
    return ledger_do(s->ledger, "UPDATE runs SET estimated_mj = ? WHERE id = ?", "ii",
                     mj, s->run_id);
}

static int put_lien(const struct lien_subject *s, const struct lookup_run *run,
                    int64_t mj)
{
    return ledger_do(
        s->ledger,
        "INSERT INTO liens (run_id, mj, licence_wh, from_s, until_s, most_mj)"
        " VALUES (?,?,?,?,?,NULLIF(?,0))"
        " ON CONFLICT DO UPDATE SET mj = excluded.mj, licence_wh = excluded.licence_wh,"
        " until_s = excluded.until_s",
        "iiiiii", s->run_id, mj, run->licence_wh, run->start_s,
        run->until_s ? run->until_s : run->start_s + LIEN_NO_LIMIT_S,
        s->enforce == ENFORCE_STRICT ? run->budget_wh * ESTIMATE_MJ_PER_WH : 0);
}

static int put_decision(const struct lien_subject *s, const struct lookup_run *run,
                        const char *decision, const char *why)
{
    return ledger_do(s->ledger,
                     "UPDATE runs SET enforce = ?, decision = ?, decision_why = ?,"
                     " act_text = ?, batch = ?, requeues = ? WHERE id = ?",
                     "ssssiii", lien_enforce_text(s->enforce), decision, why, run->act,
                     (int64_t)run->batch, (int64_t)run->requeues, s->run_id);
}

static enum lien_verdict decided(struct ledger *ledger, int64_t run_id,
                                 char why[LIEN_WHY], bool *found)
{
    sqlite3_stmt *stmt =
        ledger_query(ledger,
                     "SELECT decision IN ('holding', 'held'), decision_why FROM runs"
                     " WHERE id = ? AND decision IS NOT NULL",
                     "i", run_id);
    enum lien_verdict verdict = LIEN_RUN;

    *found = stmt && sqlite3_step(stmt) == SQLITE_ROW;
    if (*found) {
        verdict = sqlite3_column_int(stmt, 0) ? LIEN_HOLD : LIEN_RUN;
        snprintf(why, LIEN_WHY, "%s", (const char *)sqlite3_column_text(stmt, 1));
    }
    ledger_done(ledger, stmt);
    return verdict;
}

int64_t lien_used(struct ledger *ledger, int64_t run_id)
{
    return ledger_number(ledger, 0, "SELECT mj FROM used WHERE run_id = ?", "i",
                         run_id);
}

/* It runs on, late or spared: what its quotas have is set aside for it, so that a
 * strict one is not charged for more. What it has used counts in them already. */
static enum lien_verdict run_short(struct lien_subject *s, const struct lookup_run *run,
                                   bool late, int64_t mj, const char *why)
{
    char unused[LIEN_WHY];
    int64_t most =
        energy_add(lien_room(s, s->run_id, 0, unused), lien_used(s->ledger, s->run_id));

    lien_note(s, late ? "warn" : "shadow-hold", why, mj);
    put_lien(s, run, most < 0 ? 0 : most < mj ? most : mj);
    put_decision(s, run, "run", why);
    return LIEN_RUN;
}

static enum lien_verdict run_not(struct lien_subject *s, const struct lookup_run *run,
                                 int64_t mj, const char *why)
{
    lien_note(s, "hold", why, mj);
    /* What it uses until it is out is the centre's. */
    put_lien(s, run, 0);
    put_decision(s, run, "holding", why);
    return LIEN_HOLD;
}

enum lien_verdict lien_open(struct ledger *ledger, const struct policy *policy,
                            const char *cluster, int64_t run_id,
                            const struct lookup_run *run, enum lien_moment moment,
                            int64_t now_s, struct lien_rooms *rooms, char why[LIEN_WHY])
{
    struct lien_subject s = {.ledger = ledger,
                             .policy = policy,
                             .cluster = cluster,
                             .run_id = run_id,
                             .now_s = now_s};
    bool known, fits = true;
    enum lien_verdict before;
    int64_t estimate_mj, mj, more_mj;

    why[0] = '\0';
    before = decided(ledger, run_id, why, &known);
    if (known)
        return before;
    read_subject(&s, run);
    estimate_mj = estimate_of(&s, run);
    mj = lien_for(&s, run, estimate_mj);
    more_mj = mj - lien_used(ledger, run_id);
    if (more_mj < 0)
        more_mj = 0;
    if (lien_gated(&s) && !(rooms && take_room(&s, rooms, more_mj))) {
        /* What is done to its quotas now is not in `rooms`. */
        if (rooms)
            rooms->count = 0;
        fits = more_mj <= lien_room(&s, run_id, more_mj, why);
    }
    if (!fits && s.enforce > ENFORCE_SHADOW) {
        if (moment == LIEN_LATE || s.spare) {
            put_estimate(&s, estimate_mj);
            return run_short(&s, run, moment == LIEN_LATE, mj, why);
        }
        return moment == LIEN_EARLY ? LIEN_WAIT : run_not(&s, run, mj, why);
    }
    if (!fits)
        lien_note(&s, "shadow-hold", why, mj);
    put_estimate(&s, estimate_mj);
    if (lien_gated(&s))
        put_lien(&s, run, mj);
    put_decision(&s, run, "run", why);
    return LIEN_RUN;
}
