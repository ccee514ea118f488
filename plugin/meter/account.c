/* account.c - one domain's interval: what its counter moved by goes to runs and node */
#include "plugin/meter/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugin/meter/attribution.h"
#include "plugin/meter/unwrap.h"

#define NS_PER_S INT64_C(1000000000)

/* A counter may show late what was used: idle energy and CPU time that it has not shown
 * yet are kept for the next interval, at most this long. */
#define LATE_NS NS_PER_S

/* Idle power is learned as the lowest mean over windows of this length: long enough
 * that a counter updated ten times a second errs by less than half a percent. */
#define WINDOW_NS (30 * NS_PER_S)

/* No package, memory or GPU in use draws nothing for so long. */
#define STUCK_NS (10 * NS_PER_S)

/* A run whose cgroup has not been found so long after its start has none. */
#define CGROUP_NS (30 * NS_PER_S)

/* A platform meter that lags behind the parts it covers may owe this much (60 s of
 * 1 kW); what it owes beyond is forgotten, so that it can catch up one day. */
#define MOST_OWED_UJ INT64_C(60000000000)

static uint64_t places_of(const struct counter *counter)
{
    if (counter->index < 0 || counter->index + counter->slices > 64 ||
        counter->slices < 1)
        return 0;
    return (counter->slices == 64 ? ~UINT64_C(0) : (UINT64_C(1) << counter->slices) - 1)
           << counter->index;
}

static int64_t covered_uj(const struct books *books, const struct books_domain *domain)
{
    int64_t covered = 0;

    for (int c = 0; c < books->domain_count; c++)
        if (domain->covers & 1U << c)
            covered += books->domains[c].total_uj;
    return covered;
}

void account_cover(struct books *books, int d, uint32_t domains)
{
    if (books->domains[d].covers == domains)
        return;
    books->domains[d].covers = domains;
    books->domains[d].covered_uj = covered_uj(books, &books->domains[d]);
}

/* Everything up to now counts as seen by this domain. */
static void catch_up(struct books *books, int d, const struct counter_reading *reading,
                     const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];

    if (!domain->read || reading->uj != domain->last_raw_uj)
        domain->moved_ns = moment->now_ns;
    domain->read = true;
    domain->mixed = false;
    domain->last_raw_uj = reading->uj;
    domain->session = reading->session;
    domain->lost_ms = reading->lost_ms;
    domain->covered_uj = covered_uj(books, domain);
    domain->seen_ns = moment->now_ns;
    if (moment->busy_ns >= 0)
        domain->busy_seen_ns = moment->busy_ns;
    /* A GPU is not divided by CPU time. */
    for (int i = 0; domain->kind != COUNTER_GPU && i < books->run_count; i++)
        books->runs[i].cpu_seen_ns[d] = books->runs[i].cpu_ns;
}

/* What the domain used in this time is, or may be, unknown. */
static void gap(struct books *books, int d, enum books_reason reason, int64_t from_ns,
                int64_t until_ns)
{
    struct books_domain *domain = &books->domains[d];
    int64_t from = from_ns > domain->gap_until_ns ? from_ns : domain->gap_until_ns;

    if (until_ns > from) {
        domain->gap_ms += (until_ns - from) / 1000000;
        domain->gap_until_ns = until_ns;
    }
    for (int i = 0; i < books->run_count; i++) {
        struct books_run *run = &books->runs[i];

        /* A GPU is its holders' concern. */
        if (!run->final && (domain->kind != COUNTER_GPU || (run->gpus & domain->gpus)))
            books_flag(run, reason, from_ns, until_ns);
    }
}

/* An interval whose energy cannot be told. */
static void lose(struct books *books, int d, enum books_reason reason,
                 const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];

    gap(books, d, reason, domain->seen_ns, moment->now_ns);
    domain->idle_due_uj = domain->own_due_ns = 0;
    domain->window_ns = domain->window_uj = 0;
}

static void learn_idle(struct books_domain *domain, int64_t elapsed_ns,
                       int64_t delta_uj)
{
    int64_t mean_mw;

    domain->window_ns += elapsed_ns;
    domain->window_uj += delta_uj;
    if (domain->window_ns < WINDOW_NS)
        return;
    mean_mw = (int64_t)((__int128)domain->window_uj * 1000000 / domain->window_ns);
    if (domain->idle_low_mw == 0 || mean_mw < domain->idle_low_mw)
        domain->idle_low_mw = mean_mw;
    domain->window_ns = domain->window_uj = 0;
}

/* How much of delta_uj is idle energy, of this interval or of one before that the
 * counter shows only now. */
static int64_t idle_part(const struct books *books, struct books_domain *domain,
                         int64_t elapsed_ns, int64_t delta_uj)
{
    int64_t idle_mw = books->idle_mw[domain->kind], idle, most;

    if (idle_mw == 0)
        idle_mw = domain->idle_low_mw;
    domain->idle_due_uj += (int64_t)((__int128)idle_mw * elapsed_ns / 1000000);
    idle = delta_uj < domain->idle_due_uj ? delta_uj : domain->idle_due_uj;
    domain->idle_due_uj -= idle;
    most = (int64_t)((__int128)idle_mw * LATE_NS / 1000000);
    /* What owes more is not late, it stood still: that energy never comes. */
    if (domain->idle_due_uj > most)
        domain->idle_due_uj = 0;
    return idle;
}

/* CPU time in the interval that belongs to no run. The node's busy time is counted in
 * coarse steps and late, the runs' exactly: what it lacks now it has too much later. */
static int64_t own_part(struct books_domain *domain,
                        const struct account_moment *moment, int64_t runs_ns)
{
    int64_t least = -moment->cpus * LATE_NS, own;

    if (moment->busy_ns < 0)
        return 0;
    domain->own_due_ns += moment->busy_ns - domain->busy_seen_ns - runs_ns;
    if (domain->own_due_ns < least)
        domain->own_due_ns = least;
    own = domain->own_due_ns > 0 ? domain->own_due_ns : 0;
    domain->own_due_ns -= own;
    return own;
}

/* The runs that share a domain, while it is being divided. */
struct sharing {
    struct attribution_part parts[BOOKS_MAX_RUNS];
    int which[BOOKS_MAX_RUNS];
    int count;
    int64_t used; /* by all of them */
};

static void give(struct books *books, int d, const struct sharing *s, int64_t delta_uj,
                 int64_t node_uj)
{
    struct books_domain *domain = &books->domains[d];

    domain->total_uj += delta_uj;
    domain->node_uj += node_uj;
    domain->jobs_uj += delta_uj - node_uj;
    for (int i = 0; i < s->count; i++) {
        struct books_run *run = &books->runs[s->which[i]];

        run->uj[d] = (run->uj[d] == BOOKS_UNKNOWN ? 0 : run->uj[d]) + s->parts[i].uj;
    }
}

static void mark_apportioned(struct books *books, int d, const struct sharing *s)
{
    for (int i = 0; i < s->count; i++)
        books->runs[s->which[i]].apportioned |= 1U << d;
}

static int64_t used_ns(struct books_run *run, int d, int64_t elapsed_ns,
                       const struct account_moment *moment)
{
    int64_t used = run->cpu_ns - run->cpu_seen_ns[d];

    if (!run->cpu_known &&
        (moment->by_cpus || moment->now_ns - run->start_ns > CGROUP_NS))
        run->by_cpus = true;
    if (run->by_cpus)
        return (run->cpus > 0 ? run->cpus : 1) * elapsed_ns;
    return used > 0 ? used : 0;
}

static void collect(struct books *books, int d, int64_t elapsed_ns,
                    const struct account_moment *moment, struct sharing *s)
{
    s->count = 0;
    s->used = 0;
    for (int i = 0; i < books->run_count; i++) {
        struct books_run *run = &books->runs[i];
        struct attribution_part *part = &s->parts[s->count];

        if (run->final)
            continue;
        part->share = run->share;
        part->used = used_ns(run, d, elapsed_ns, moment);
        part->uj = 0;
        s->used += part->used;
        s->which[s->count++] = i;
    }
}

/* A package's or a memory's interval. */
static void divide(struct books *books, int d, int64_t delta_uj,
                   const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    struct sharing s;
    int64_t elapsed_ns = moment->now_ns - domain->seen_ns, node_uj = 0, idle_uj, own_ns;

    collect(books, d, elapsed_ns, moment, &s);
    idle_uj = idle_part(books, domain, elapsed_ns, delta_uj);
    own_ns = own_part(domain, moment, s.used);
    if (s.count == 1 && s.parts[0].share >= BOOKS_WHOLE) {
        /* Who has the node to himself has its own part too. */
        s.parts[0].uj = delta_uj;
    } else {
        node_uj = attribution_divide(delta_uj, idle_uj, BOOKS_WHOLE, own_ns, s.parts,
                                     s.count);
        mark_apportioned(books, d, &s);
    }
    give(books, d, &s, delta_uj, node_uj);
}

int account_holders(const struct books *books, const struct counter *counter)
{
    uint64_t places = places_of(counter);
    int holders = 0;

    for (int i = 0; i < books->run_count; i++)
        if (!books->runs[i].final && (books->runs[i].gpus & places))
            holders++;
    return holders;
}

static int64_t weight_held(const struct counter *counter, uint64_t gpus)
{
    int64_t weight = 0;

    for (int s = 0; s < counter->slices && s < COUNTER_SLICES; s++)
        if (gpus & UINT64_C(1) << (counter->index + s))
            weight += counter->slice_weight[s];
    return weight;
}

static int64_t use_of(const struct account_moment *moment, uint32_t job)
{
    for (int u = 0; u < moment->user_count; u++)
        if (moment->users[u].job == job)
            return moment->users[u].weight;
    return 0;
}

/* A GPU's interval: to its holder; between holders the idle part by what each holds,
 * the rest by what the driver says each used, or by what each holds again. */
static void divide_gpu(struct books *books, int d, const struct counter *counter,
                       int64_t delta_uj, const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    uint64_t places = places_of(counter);
    struct sharing s;
    int64_t held = 0, idle_uj, node_uj, whole, own = 0;

    s.count = 0;
    s.used = 0;
    for (int i = 0; i < books->run_count; i++) {
        const struct books_run *run = &books->runs[i];
        struct attribution_part *part = &s.parts[s.count];

        if (run->final || !(run->gpus & places))
            continue;
        part->share = weight_held(counter, run->gpus);
        part->used = use_of(moment, run->job);
        part->uj = 0;
        held += part->share;
        s.used += part->used;
        s.which[s.count++] = i;
    }
    /* Holders of a GPU that is not cut up share it among themselves alone; a slice that
     * nobody holds is the node's. */
    whole = counter->slices == 1 ? held : counter->slices_whole;
    if (s.used == 0) {
        for (int i = 0; i < s.count; i++)
            s.parts[i].used = s.parts[i].share;
        own = whole > held ? whole - held : 0;
    }
    idle_uj = idle_part(books, domain, moment->now_ns - domain->seen_ns, delta_uj);
    node_uj = attribution_divide(delta_uj, idle_uj, whole, own, s.parts, s.count);
    if (s.count > 1 || whole > held)
        mark_apportioned(books, d, &s);
    give(books, d, &s, delta_uj, node_uj);
}

/* What a platform shows beyond the parts it covers: fans, losses, network; by share. */
static void divide_rest(struct books *books, int d, int64_t delta_uj,
                        const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    int64_t covered = covered_uj(books, domain), rest, node_uj = 0;
    struct sharing s;

    domain->rest_due_uj += delta_uj - (covered - domain->covered_uj);
    domain->covered_uj = covered;
    if (domain->rest_due_uj < -MOST_OWED_UJ)
        domain->rest_due_uj = -MOST_OWED_UJ;
    rest = domain->rest_due_uj > 0 ? domain->rest_due_uj : 0;
    domain->rest_due_uj -= rest;
    collect(books, d, moment->now_ns - domain->seen_ns, moment, &s);
    if (domain->mixed)
        s.count = 0;
    if (s.count == 1 && s.parts[0].share >= BOOKS_WHOLE) {
        s.parts[0].uj = rest;
    } else {
        node_uj = attribution_divide(rest, rest, BOOKS_WHOLE, 0, s.parts, s.count);
        mark_apportioned(books, d, &s);
    }
    give(books, d, &s, rest, node_uj);
}

static void divide_any(struct books *books, int d, const struct counter *counter,
                       int64_t delta_uj, const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];

    domain->counter_uj += delta_uj;
    if (domain->kind == COUNTER_PLATFORM) {
        divide_rest(books, d, delta_uj, moment);
    } else if (domain->mixed) {
        /* Whose it was is not known any more: nobody pays for another. */
        domain->total_uj += delta_uj;
        domain->node_uj += delta_uj;
        domain->idle_due_uj = domain->own_due_ns = 0;
    } else if (domain->kind == COUNTER_GPU) {
        learn_idle(domain, moment->now_ns - domain->seen_ns, delta_uj);
        divide_gpu(books, d, counter, delta_uj, moment);
    } else {
        learn_idle(domain, moment->now_ns - domain->seen_ns, delta_uj);
        divide(books, d, delta_uj, moment);
    }
}

static bool others_moved(const struct books *books, int d)
{
    for (int o = 0; o < books->domain_count; o++)
        if (o != d && books->domains[o].read &&
            books->domains[o].moved_ns - books->domains[d].moved_ns >= STUCK_NS / 2)
            return true;
    return false;
}

static bool is_stuck(const struct books *books, int d,
                     const struct account_moment *moment)
{
    const struct books_domain *domain = &books->domains[d];

    return !domain->integrated && domain->kind != COUNTER_PLATFORM &&
           moment->now_ns - domain->moved_ns >= STUCK_NS && others_moved(books, d);
}

/* Nothing moved. That is how a counter that is updated late looks, and one that is
 * dead. */
static void stand_still(struct books *books, int d, const struct counter *counter,
                        const struct counter_reading *reading,
                        const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    int64_t still_ns = moment->now_ns - domain->moved_ns;
    bool stuck = is_stuck(books, d, moment);

    if (stuck) {
        gap(books, d, BOOKS_COUNTER_STUCK, domain->moved_ns, moment->now_ns);
        snprintf(domain->reason, sizeof domain->reason,
                 "it has stood still for %" PRId64 " s while others moved",
                 still_ns / NS_PER_S);
    }
    if (!moment->boundary)
        return;
    if (stuck) {
        domain->mixed = true;
        return;
    }
    divide_any(books, d, counter, 0, moment);
    catch_up(books, d, reading, moment);
}

static void move(struct books *books, int d, const struct counter *counter,
                 const struct counter_reading *reading,
                 const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    const struct unwrap_counter limits = {counter->range_uj, counter->max_power_mw};
    int64_t elapsed_ns = moment->now_ns - domain->moved_ns;
    /* One that showed the same value at every look has not gone round between them,
     * unless it was dead for outside: then it may have. */
    int64_t unseen_ns =
        is_stuck(books, d, moment) ? elapsed_ns : moment->now_ns - domain->read_ns;
    int64_t delta_uj;

    switch (unwrap_step(&limits, domain->last_raw_uj, reading->uj, unseen_ns,
                        elapsed_ns, &delta_uj)) {
    case UNWRAP_AMBIGUOUS:
        lose(books, d, BOOKS_TWO_WRAPS, moment);
        break;
    case UNWRAP_RESET:
        lose(books, d, BOOKS_COUNTER_RESET, moment);
        break;
    case UNWRAP_MOVED:
        divide_any(books, d, counter, delta_uj, moment);
        break;
    }
    catch_up(books, d, reading, moment);
}

void account_reading(struct books *books, int d, const struct counter *counter,
                     const struct counter_reading *reading,
                     const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    int64_t lost_ms = reading->lost_ms - domain->lost_ms;

    domain->gpus = places_of(counter);
    domain->reason[0] = '\0';
    if (!domain->read || reading->session != domain->session) {
        if (domain->read)
            lose(books, d, domain->integrated ? BOOKS_METER_DOWN : BOOKS_COUNTER_RESET,
                 moment);
        catch_up(books, d, reading, moment);
        domain->read_ns = moment->now_ns;
        return;
    }
    if (lost_ms > 0)
        gap(books, d, BOOKS_NO_SAMPLES, moment->now_ns - lost_ms * 1000000,
            moment->now_ns);
    if (reading->uj == domain->last_raw_uj)
        stand_still(books, d, counter, reading, moment);
    else
        move(books, d, counter, reading, moment);
    domain->read_ns = moment->now_ns;
}

void account_no_reading(struct books *books, int d, const struct counter *counter,
                        const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];

    domain->gpus = places_of(counter);
    /* Nothing is lost yet: the next reading tells what passed since the last. */
    snprintf(domain->reason, sizeof domain->reason, "%s", counter->reason);
    gap(books, d, BOOKS_COUNTER_UNKNOWN,
        domain->read ? domain->seen_ns : books->tick_ns, moment->now_ns);
    if (moment->boundary)
        domain->mixed = true;
}

void account_asleep(struct books *books, int64_t from_ns, int64_t now_ns)
{
    for (int d = 0; d < books->domain_count; d++) {
        struct books_domain *domain = &books->domains[d];

        if (!domain->read)
            continue;
        gap(books, d, BOOKS_NODE_ASLEEP, from_ns, now_ns);
        domain->read = false;
        domain->idle_due_uj = domain->own_due_ns = 0;
        domain->window_ns = domain->window_uj = 0;
    }
}

bool account_balanced(const struct books *books)
{
    for (int d = 0; d < books->domain_count; d++) {
        const struct books_domain *domain = &books->domains[d];

        if (domain->jobs_uj + domain->node_uj != domain->total_uj)
            return false;
    }
    return true;
}
