/* lien.c - energy set aside for runs: taken at the start, raised, given back */
#include "policy/lien.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/accounts.h"
#include "policy/energy.h"
#include "policy/log.h"
#include "policy/quota.h"
#include "policy/switches.h"

/* The most quotas that can bind one job: accounts above it, its user, classes. */
#define MOST_QUOTAS 128

/* A lien that runs short is raised for so much more of the run, at its mean power. */
#define RAISE_S 3600

/* What is decided about, and by which rule. */
struct subject {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    int64_t run_id, now_s;
    char text[64], user[64], account[64], partition[64];
    enum policy_enforce enforce;
    enum policy_at_limit at_limit;
    struct policy_source source;
};

const char *lien_enforce_text(enum policy_enforce enforce)
{
    static const char *const names[] = {"off", "shadow", "soft", "strict"};

    return names[enforce];
}

static enum policy_enforce enforce_of(const char *text)
{
    enum policy_enforce e = ENFORCE_OFF;

    while (e < ENFORCE_STRICT && strcmp(lien_enforce_text(e), text) != 0)
        e++;
    return e;
}

/* The rule for it, under what is switched off. */
static void find_rule(struct subject *s)
{
    struct accounts_chain chain;
    struct switches switches;

    accounts_chain(s->ledger, s->cluster, s->account, &chain);
    s->enforce = policy_enforce(s->policy, chain.list, s->partition, &s->source);
    s->at_limit = policy_at_limit(s->policy, chain.list, s->partition, NULL);
    switches_read(s->ledger, &switches);
    if ((switches.frozen || switches.tripped) && s->enforce > ENFORCE_SHADOW) {
        s->enforce = ENFORCE_SHADOW;
        snprintf(s->source.text, sizeof s->source.text, "%s: %.200s",
                 switches.frozen ? "frozen" : "the breaker", switches.why);
    }
}

static int note(const struct subject *s, const char *action, const char *why,
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

/* The least that any quota which binds the job has left; INT64_MAX if none does. */
static int64_t least_available(struct ledger *ledger, const struct policy *policy,
                               const char *cluster, const char *account,
                               const char *user, const char *partition, int64_t but_run,
                               int64_t now_s, struct quota *tightest,
                               struct balance *its)
{
    static _Thread_local struct quota quotas[MOST_QUOTAS];
    int count = quota_binding(ledger, policy, cluster, account, user, partition, quotas,
                              MOST_QUOTAS);
    int64_t least = INT64_MAX;

    for (int i = 0; i < count; i++) {
        struct balance balance;

        if (quota_balance(ledger, policy, &quotas[i], now_s, but_run, &balance) < 0 ||
            balance.available_mj >= least)
            continue;
        least = balance.available_mj;
        *tightest = quotas[i];
        *its = balance;
    }
    return least;
}

bool lien_fits(struct ledger *ledger, const struct policy *policy, const char *cluster,
               const char *account, const char *user, const char *partition, int64_t mj,
               int64_t but_run, int64_t now_s, char why[LIEN_WHY])
{
    struct quota tightest;
    struct balance its;
    int64_t least = least_available(ledger, policy, cluster, account, user, partition,
                                    but_run, now_s, &tightest, &its);

    if (mj <= least)
        return true;
    tell_shortage(&tightest, &its, mj, why);
    return false;
}

static void read_subject(struct subject *s, const struct lookup_run *run)
{
    snprintf(s->text, sizeof s->text, "%s", run->text);
    snprintf(s->user, sizeof s->user, "%s", run->user);
    snprintf(s->account, sizeof s->account, "%s", run->account);
    snprintf(s->partition, sizeof s->partition, "%s", run->partition);
    find_rule(s);
}

/* What the run is expected to use; what Slurm holds for it already counts at least. */
static int64_t lien_of(const struct subject *s, const struct lookup_run *run)
{
    struct nameplate plate;
    struct shape shape = {.nodes = run->node_count,
                          .cpus = run->cpus,
                          .gpus = run->gpus,
                          .limit_s = run->limit_s ? run->limit_s : LIEN_NO_LIMIT_S};
    int64_t held_mj = run->licence_wh * ESTIMATE_MJ_PER_WH, mj = 0;

    if (policy_nameplate(s->policy, s->partition, &plate, NULL))
        mj = estimate_mj(estimate_mw(&plate, &shape), shape.limit_s,
                         policy_figures(s->policy)->factor_percent);
    return mj > held_mj ? mj : held_mj;
}

static int put_lien(const struct subject *s, const struct lookup_run *run, int64_t mj)
{
    return ledger_do(
        s->ledger,
        "INSERT INTO liens (run_id, mj, licence_wh, from_s, until_s) VALUES (?,?,?,?,?)"
        " ON CONFLICT DO UPDATE SET mj = excluded.mj, licence_wh = excluded.licence_wh,"
        " until_s = excluded.until_s",
        "iiiii", s->run_id, mj, run->licence_wh, run->start_s,
        run->until_s ? run->until_s : run->start_s + LIEN_NO_LIMIT_S);
}

static int put_decision(const struct subject *s, const struct lookup_run *run,
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
                     "SELECT decision, decision_why FROM runs WHERE id = ? AND decision"
                     " IS NOT NULL",
                     "i", run_id);
    enum lien_verdict verdict = LIEN_RUN;

    *found = stmt && sqlite3_step(stmt) == SQLITE_ROW;
    if (*found) {
        verdict = strcmp((const char *)sqlite3_column_text(stmt, 0), "holding") == 0
                      ? LIEN_HOLD
                      : LIEN_RUN;
        snprintf(why, LIEN_WHY, "%s", (const char *)sqlite3_column_text(stmt, 1));
    }
    ledger_done(ledger, stmt);
    return verdict;
}

/* It runs already: what its quotas have is set aside for it. */
static enum lien_verdict run_late(struct subject *s, const struct lookup_run *run,
                                  int64_t mj, const char *why)
{
    struct quota tightest;
    struct balance its;
    int64_t least =
        least_available(s->ledger, s->policy, s->cluster, s->account, s->user,
                        s->partition, s->run_id, s->now_s, &tightest, &its);

    note(s, "warn", why, mj);
    put_lien(s, run, least < 0 ? 0 : least < mj ? least : mj);
    put_decision(s, run, "run", why);
    return LIEN_RUN;
}

enum lien_verdict lien_open(struct ledger *ledger, const struct policy *policy,
                            const char *cluster, int64_t run_id,
                            const struct lookup_run *run, bool late, int64_t now_s,
                            char why[LIEN_WHY])
{
    struct subject s = {.ledger = ledger,
                        .policy = policy,
                        .cluster = cluster,
                        .run_id = run_id,
                        .now_s = now_s};
    bool known, gated, fits;
    enum lien_verdict before;
    int64_t mj;

    why[0] = '\0';
    before = decided(ledger, run_id, why, &known);
    if (known)
        return before;
    read_subject(&s, run);
    mj = s.enforce == ENFORCE_OFF ? 0 : lien_of(&s, run);
    gated = s.enforce != ENFORCE_OFF &&
            (s.at_limit == AT_LIMIT_WAIT || s.at_limit == AT_LIMIT_REJECT);
    fits = !gated || lien_fits(ledger, policy, cluster, s.account, s.user, s.partition,
                               mj, run_id, now_s, why);
    if (!fits && s.enforce > ENFORCE_SHADOW && late)
        return run_late(&s, run, mj, why);
    if (!fits && s.enforce > ENFORCE_SHADOW) {
        note(&s, "hold", why, mj);
        /* What it uses until it is out is the centre's. */
        put_lien(&s, run, 0);
        put_decision(&s, run, "holding", why);
        return LIEN_HOLD;
    }
    if (!fits)
        note(&s, "shadow-hold", why, mj);
    if (gated)
        put_lien(&s, run, mj);
    put_decision(&s, run, "run", why);
    return LIEN_RUN;
}

/* A run with its lien, as the ledger has them. */
struct open_lien {
    int64_t mj, licence_wh, from_s, until_s, used_mj;
    int64_t overrun_mj; /* as it was last worked out */
};

static bool read_lien(struct subject *s, struct open_lien *lien)
{
    sqlite3_stmt *stmt = ledger_query(
        s->ledger,
        "SELECT r.job_text, r.user, r.account, r.partition, r.enforce, l.mj,"
        " l.licence_wh, l.from_s, l.until_s, r.overrun_mj, COALESCE((SELECT mj FROM "
        "used"
        " u WHERE u.run_id = r.id), 0) FROM liens l JOIN runs r ON r.id = l.run_id"
        " WHERE r.id = ? AND r.state = 'running'",
        "i", s->run_id);
    bool found = stmt && sqlite3_step(stmt) == SQLITE_ROW;

    if (found) {
        char *const to[] = {s->text, s->user, s->account, s->partition};

        for (int i = 0; i < 4; i++)
            snprintf(to[i], 64, "%s", (const char *)sqlite3_column_text(stmt, i));
        s->enforce = enforce_of((const char *)sqlite3_column_text(stmt, 4));
        lien->mj = sqlite3_column_int64(stmt, 5);
        lien->licence_wh = sqlite3_column_int64(stmt, 6);
        lien->from_s = sqlite3_column_int64(stmt, 7);
        lien->until_s = sqlite3_column_int64(stmt, 8);
        lien->overrun_mj = sqlite3_column_int64(stmt, 9);
        lien->used_mj = sqlite3_column_int64(stmt, 10);
    }
    ledger_done(s->ledger, stmt);
    return found;
}

/* Raises it to `wanted_mj`, or as far as its quotas have it. */
static int raise_lien(struct subject *s, struct open_lien *lien, int64_t wanted_mj,
                      char why[LIEN_WHY])
{
    struct quota tightest;
    struct balance its;
    int64_t least, more_mj = wanted_mj - lien->mj;

    if (more_mj <= 0)
        return 0;
    /* With its own lien counted: what is left is what it can be raised by. */
    least = least_available(s->ledger, s->policy, s->cluster, s->account, s->user,
                            s->partition, 0, s->now_s, &tightest, &its);
    if (more_mj > least) {
        tell_shortage(&tightest, &its, more_mj, why);
        more_mj = least > 0 ? least : 0;
    }
    if (more_mj == 0)
        return 0;
    lien->mj += more_mj;
    return ledger_do(s->ledger, "UPDATE liens SET mj = ? WHERE run_id = ?", "ii",
                     lien->mj, s->run_id);
}

/* What the run will have used when its nodes have reported twice more, at its mean
 * power. */
static int64_t soon_used(const struct subject *s, const struct open_lien *lien,
                         int64_t more_s)
{
    int64_t elapsed_s = s->now_s - lien->from_s;
    __int128 mj = lien->used_mj;

    if (elapsed_s < 1)
        elapsed_s = 1;
    mj += mj * more_s / elapsed_s;
    return mj > INT64_MAX ? INT64_MAX : (int64_t)mj;
}

/* What a strict run has used beyond its lien is no use of its quota's. */
static int keep_overrun(const struct subject *s, const struct open_lien *lien)
{
    int64_t over_mj = s->enforce == ENFORCE_STRICT && lien->used_mj > lien->mj
                          ? lien->used_mj - lien->mj
                          : 0;

    if (over_mj == lien->overrun_mj)
        return 0;
    return ledger_do(s->ledger, "UPDATE runs SET overrun_mj = ? WHERE id = ?", "ii",
                     over_mj, s->run_id);
}

static int end_run(struct subject *s, const struct open_lien *lien, char why[LIEN_WHY])
{
    char used[ENERGY_TEXT], short_of[LIEN_WHY];
    struct switches switches;
    bool spare;

    snprintf(short_of, sizeof short_of, "%s", why);
    snprintf(why, LIEN_WHY, "it has used the %s that were set aside for it; %.200s",
             energy_kwh_human(used, sizeof used, lien->mj), short_of);
    switches_read(s->ledger, &switches);
    spare = switches.frozen || switches.tripped;
    snprintf(s->source.text, sizeof s->source.text, "%s",
             spare ? "frozen or tripped" : "enforce: strict");
    note(s, spare ? "shadow-kill" : "kill", why, lien->used_mj);
    ledger_do(s->ledger, "UPDATE runs SET decision = ?, decision_why = ? WHERE id = ?",
              "ssi", spare ? "spared" : "ending", why, s->run_id);
    return spare ? 0 : 1;
}

int lien_review(struct ledger *ledger, const struct policy *policy, const char *cluster,
                int64_t run_id, int64_t report_ms, int64_t now_s, char why[LIEN_WHY])
{
    struct subject s = {.ledger = ledger,
                        .policy = policy,
                        .cluster = cluster,
                        .run_id = run_id,
                        .now_s = now_s};
    struct open_lien lien;
    int64_t soon_s = 2 * report_ms / 1000 + 1, left_s;
    bool first;

    why[0] = '\0';
    if (!read_lien(&s, &lien))
        return 0;
    left_s = lien.until_s > now_s ? lien.until_s - now_s : 0;
    if (soon_used(&s, &lien, soon_s) > lien.mj)
        raise_lien(&s, &lien, soon_used(&s, &lien, left_s < RAISE_S ? left_s : RAISE_S),
                   why);
    keep_overrun(&s, &lien);
    if (s.enforce != ENFORCE_STRICT || lien.used_mj <= lien.mj)
        return 0;
    first = ledger_number(ledger, 0, "SELECT decision = 'run' FROM runs WHERE id = ?",
                          "i", run_id);
    return first ? end_run(&s, &lien, why) : 0;
}

int lien_limit(struct ledger *ledger, const struct policy *policy, const char *cluster,
               int64_t run_id, const struct lookup_run *run, int64_t now_s)
{
    struct subject s = {.ledger = ledger,
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
    return until_s > lien.until_s && lien.mj > 0
               ? raise_lien(&s, &lien, lien_of(&s, run), why)
               : 0;
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
                  "UPDATE runs SET lien_mj = (SELECT mj FROM liens WHERE run_id = ?1)"
                  " WHERE id = ?1",
                  "i", run_id) < 0)
        return -1;
    return ledger_do(ledger, "DELETE FROM liens WHERE run_id = ?", "i", run_id);
}
