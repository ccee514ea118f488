/* limits.c - how many licences Slurm may give out */
#include "policy/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"
#include "policy/gather.h"
#include "policy/switches.h"

/* Deeper than any tree of accounts. */
#define DEPTH 32

/* An association with what its running runs add to a limit there. */
struct seat {
    const struct tree_place *place;
    int index;       /* in the tree */
    int64_t runs_mj; /* of an account: of all below it, as Slurm counts them */
};

/* The tree's associations by account and user. */
struct seats {
    struct seat *list;
    int count;
};

static int by_name(const void *a, const void *b)
{
    const struct seat *x = a, *y = b;
    int rc = strcmp(x->place->account, y->place->account);

    return rc ? rc : strcmp(x->place->user, y->place->user);
}

static int seats_make(struct seats *seats, const struct tree *tree)
{
    seats->count = tree->count;
    seats->list = calloc((size_t)tree->count + 1, sizeof *seats->list);
    if (!seats->list)
        return -1;
    for (int i = 0; i < tree->count; i++)
        seats->list[i] = (struct seat){.place = &tree->places[i], .index = i};
    if (tree->count > 1)
        qsort(seats->list, (size_t)tree->count, sizeof *seats->list, by_name);
    return 0;
}

static struct seat *seat_of(const struct seats *seats, const char *account,
                            const char *user)
{
    struct tree_place place;
    struct seat wanted = {.place = &place};

    if (seats->count == 0)
        return NULL;
    snprintf(place.account, sizeof place.account, "%s", account);
    snprintf(place.user, sizeof place.user, "%s", user);
    return bsearch(&wanted, seats->list, (size_t)seats->count, sizeof wanted, by_name);
}

/* An account and those above it, NULL at the end. */
static void chain_of(const struct seats *seats, const char *account,
                     const char *chain[DEPTH + 1])
{
    struct seat *seat = seat_of(seats, account, "");
    int depth = 0;

    while (seat && depth < DEPTH) {
        chain[depth++] = seat->place->account;
        seat = seat->place->parent[0] && strcmp(seat->place->parent, "root") != 0
                   ? seat_of(seats, seat->place->parent, "")
                   : NULL;
    }
    chain[depth] = NULL;
}

/* The limit is worked out, and known to slurmctld, so much later; after kwotad was
 * killed it takes some seconds more. What is too much here only lets the next start
 * wait until the runs before it are charged; what is too little has it held. */
#define LAG_MS 6000

/* When a run has told what. */
struct course {
    int64_t from_s, until_s, last_ms, report_ms, now_s;
};

/* What a run may have used since it last reported, and will have before the limit is
 * Slurm's: at its mean power, or at its lien's if it has not told much yet. */
static int64_t since_of(const struct limits_run *run, const struct course *c)
{
    int64_t elapsed_ms = c->last_ms - c->from_s * 1000;
    int64_t since_ms = c->now_s * 1000 - c->last_ms;
    int64_t whole_ms = (c->until_s - c->from_s) * 1000;
    int64_t mean_mj, even_mj;

    since_ms = (since_ms < c->report_ms ? c->report_ms : since_ms) + LAG_MS;
    elapsed_ms = elapsed_ms < 1000 ? 1000 : elapsed_ms;
    whole_ms = whole_ms < since_ms ? since_ms : whole_ms;
    mean_mj = (int64_t)((__int128)run->used_mj * since_ms / elapsed_ms);
    even_mj = (int64_t)((__int128)run->lien_mj * since_ms / whole_ms);
    return mean_mj > even_mj ? mean_mj : even_mj;
}

static void read_run(sqlite3_stmt *row, int64_t report_ms, int64_t now_s,
                     struct limits_run *run)
{
    struct course course = {.from_s = sqlite3_column_int64(row, 4),
                            .until_s = sqlite3_column_int64(row, 5),
                            .last_ms = sqlite3_column_int64(row, 7),
                            .report_ms = report_ms,
                            .now_s = now_s};
    int64_t overrun_mj = sqlite3_column_int64(row, 8);

    *run = (struct limits_run){.licence_wh = sqlite3_column_int64(row, 2),
                               .lien_mj = sqlite3_column_int64(row, 3),
                               .used_mj = sqlite3_column_int64(row, 6)};
    run->since_mj = since_of(run, &course);
    /* What is available may not have its lien off: it is not to be given out twice. */
    if (sqlite3_column_int(row, 9))
        run->fresh_mj = run->lien_mj;
    /* What it uses beyond a lien that limits its charge is the centre's. */
    run->used_mj -= overrun_mj;
    if (overrun_mj > 0)
        run->since_mj = 0;
}

/* Adds the run where Slurm counts its licences: at its user's association, and at all
 * accounts above. */
static void add_run(const struct seats *seats, const char *user, const char *account,
                    const struct limits_run *run)
{
    const char *chain[DEPTH + 1];
    struct seat *seat = seat_of(seats, account, user);
    int64_t mj = limits_of_run(run);

    if (seat)
        seat->runs_mj = energy_add(seat->runs_mj, mj);
    chain_of(seats, account, chain);
    for (int i = 0; chain[i]; i++) {
        seat = seat_of(seats, chain[i], "");
        if (seat)
            seat->runs_mj = energy_add(seat->runs_mj, mj);
    }
}

static int read_runs(struct ledger *ledger, const char *cluster, int64_t report_ms,
                     int64_t now_s, const struct seats *seats)
{
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT r.user, r.account, l.licence_wh, l.mj, l.from_s, l.until_s, u.mj,"
        " COALESCE(u.last_ms, l.from_s * 1000), r.overrun_mj,"
        " EXISTS (SELECT 1 FROM fresh_liens f WHERE f.run_id = r.id)"
        /* In the order of the runs: the other way round each row is on another page. */
        " FROM runs r INDEXED BY runs_open CROSS JOIN liens l ON l.run_id = r.id"
        " CROSS JOIN used u ON u.run_id = r.id"
        " WHERE r.state <> 'settled' AND r.state = 'running' AND r.cluster = ?"
        " AND r.decision NOT IN ('holding', 'held')",
        "s", cluster);

    if (!row)
        return -1;
    while (sqlite3_step(row) == SQLITE_ROW) {
        struct limits_run run;

        read_run(row, report_ms, now_s, &run);
        add_run(seats, (const char *)sqlite3_column_text(row, 0),
                (const char *)sqlite3_column_text(row, 1), &run);
    }
    ledger_done(ledger, row);
    return 0;
}

/* Whether jobs of this account are gated at all, in any partition. */
static bool is_gated(const struct policy *policy, const char *const *chain)
{
    enum policy_at_limit at_limit = policy_at_limit(policy, chain, NULL, NULL);

    return policy_gates(policy, chain) &&
           (at_limit == AT_LIMIT_WAIT || at_limit == AT_LIMIT_REJECT);
}

static bool has(const char *const *chain, const char *account)
{
    for (; *chain; chain++)
        if (strcmp(*chain, account) == 0)
            return true;
    return false;
}

/* Whether a quota limits this association by itself; Slurm does the tree. A user's
 * quota limits each of the associations that it binds. */
static bool limits_this(const struct quota *quota, const char *cluster,
                        const struct tree_place *place, const char *const *chain)
{
    if (quota->class[0] || (quota->cluster[0] && strcmp(quota->cluster, cluster) != 0))
        return false;
    if (!quota->user[0])
        return !place->user[0] && strcmp(quota->account, place->account) == 0;
    return strcmp(quota->user, place->user) == 0 &&
           (!quota->account[0] || has(chain, quota->account));
}

static void take_smaller(struct limits_place *place, const struct standing *standing,
                         const struct seat *seat)
{
    int64_t wh = limits_wh(gather_available(standing), seat->runs_mj);

    if (place->wh >= 0 && place->wh <= wh)
        return;
    place->wh = wh;
    place->quota_mj = standing->balance.quota_mj;
}

/* Quotas by user, then account: those that may limit an association are together. */
static int by_owner(const void *a, const void *b)
{
    const struct standing *const *x = a, *const *y = b;
    int rc = strcmp((*x)->quota.user, (*y)->quota.user);

    return rc ? rc : strcmp((*x)->quota.account, (*y)->quota.account);
}

struct owned {
    const struct standing **list;
    int count;
};

static int owned_make(struct owned *owned, const struct standings *standings)
{
    owned->list = calloc((size_t)standings->count + 1, sizeof *owned->list);
    owned->count = 0;
    for (int i = 0; owned->list && i < standings->count; i++)
        if (standings->list[i].at_s != 0)
            owned->list[owned->count++] = &standings->list[i];
    if (owned->list && owned->count > 1)
        qsort(owned->list, (size_t)owned->count, sizeof *owned->list, by_owner);
    return owned->list ? 0 : -1;
}

/* The first whose user, and account if one is given, are not before these. */
static int first_of(const struct owned *owned, const char *user, const char *account)
{
    int low = 0, high = owned->count;

    while (low < high) {
        int middle = low + (high - low) / 2;
        const struct quota *quota = &owned->list[middle]->quota;
        int rc = strcmp(quota->user, user);

        if (rc == 0 && account)
            rc = strcmp(quota->account, account);
        if (rc < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void limit_seat(const struct owned *owned, const struct seats *seats,
                       const struct seat *seat, const struct policy *policy,
                       const char *cluster, struct limits_place *to)
{
    const struct tree_place *place = seat->place;
    const char *chain[DEPTH + 1];

    chain_of(seats, place->account, chain);
    if (!is_gated(policy, chain))
        return;
    for (int i = first_of(owned, place->user, place->user[0] ? NULL : place->account);
         i < owned->count; i++) {
        const struct quota *quota = &owned->list[i]->quota;

        if (strcmp(quota->user, place->user) != 0 ||
            (!place->user[0] && strcmp(quota->account, place->account) != 0))
            break;
        if (limits_this(quota, cluster, place, chain))
            take_smaller(to, owned->list[i], seat);
    }
}

int limits_wanted(struct ledger *ledger, const struct policy *policy,
                  const char *cluster, const struct tree *tree,
                  const struct standings *standings, int64_t report_ms, int64_t now_s,
                  struct limits_place **places)
{
    struct switches switches;
    struct seats seats = {NULL, 0};
    struct owned owned = {NULL, 0};
    int rc = seats_make(&seats, tree);

    *places = calloc((size_t)tree->count + 1, sizeof **places);
    if (rc == 0)
        rc = owned_make(&owned, standings);
    if (rc == 0)
        rc = read_runs(ledger, cluster, report_ms, now_s, &seats);
    switches_read(ledger, &switches);
    for (int s = 0; rc == 0 && *places && s < seats.count; s++) {
        const struct seat *seat = &seats.list[s];
        struct limits_place *to = &(*places)[seat->index];

        snprintf(to->account, sizeof to->account, "%s", seat->place->account);
        snprintf(to->user, sizeof to->user, "%s", seat->place->user);
        to->wh = -1;
        if (!switches.frozen && !switches.tripped)
            limit_seat(&owned, &seats, seat, policy, cluster, to);
    }
    free(seats.list);
    free(owned.list);
    if (rc == 0 && *places)
        return 0;
    free(*places);
    *places = NULL;
    return -1;
}
