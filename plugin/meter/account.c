/* account.c - one domain's interval: what its counter moved by goes to runs and node */
#include "plugin/meter/account.h"

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

static void mark_runs(struct books *books, enum books_reason reason)
{
    for (int i = 0; i < books->run_count; i++)
        if (!books->runs[i].final)
            books->runs[i].reasons |= reason;
}

/* Everything up to now counts as seen by this domain. */
static void catch_up(struct books *books, int d, int64_t raw_uj,
                     const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];

    domain->read = true;
    domain->last_raw_uj = raw_uj;
    domain->seen_ns = moment->now_ns;
    if (moment->busy_ns >= 0)
        domain->busy_seen_ns = moment->busy_ns;
    for (int i = 0; i < books->run_count; i++)
        books->runs[i].cpu_seen_ns[d] = books->runs[i].cpu_ns;
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
    if (domain->idle_due_uj > most)
        domain->idle_due_uj = most;
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

static int64_t used_ns(const struct books_run *run, int d, int64_t elapsed_ns,
                       bool by_cpus)
{
    int64_t used = run->cpu_ns - run->cpu_seen_ns[d];

    if (by_cpus)
        return run->cpus * elapsed_ns;
    return used > 0 ? used : 0;
}

static void divide(struct books *books, int d, int64_t delta_uj,
                   const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    struct attribution_share shares[BOOKS_MAX_RUNS];
    int64_t elapsed_ns = moment->now_ns - domain->seen_ns, runs_ns = 0, node_uj,
            idle_uj;
    int which[BOOKS_MAX_RUNS], count = 0;

    for (int i = 0; i < books->run_count; i++) {
        const struct books_run *run = &books->runs[i];

        if (run->final)
            continue;
        shares[count].cpus = run->cpus;
        shares[count].cpu_ns = used_ns(run, d, elapsed_ns, moment->by_cpus);
        runs_ns += shares[count].cpu_ns;
        which[count++] = i;
    }
    idle_uj = idle_part(books, domain, elapsed_ns, delta_uj);
    node_uj = attribution_divide(delta_uj, idle_uj, moment->cpus,
                                 own_part(domain, moment, runs_ns), shares, count);
    domain->total_uj += delta_uj;
    domain->node_uj += node_uj;
    domain->jobs_uj += delta_uj - node_uj;
    for (int i = 0; i < count; i++) {
        struct books_run *run = &books->runs[which[i]];

        run->uj[d] = (run->uj[d] == BOOKS_UNKNOWN ? 0 : run->uj[d]) + shares[i].uj;
    }
}

void account_reading(struct books *books, int d, const struct counter *counter,
                     int64_t raw_uj, const struct account_moment *moment)
{
    struct books_domain *domain = &books->domains[d];
    int64_t elapsed_ns = moment->now_ns - domain->seen_ns, delta_uj;

    domain->reason[0] = '\0';
    if (!domain->read) {
        catch_up(books, d, raw_uj, moment);
        return;
    }
    switch (unwrap_step(domain->last_raw_uj, raw_uj, counter->range_uj,
                        counter->max_power_mw, elapsed_ns, &delta_uj)) {
    case UNWRAP_AMBIGUOUS:
    case UNWRAP_RESET:
        domain->gap_ms += elapsed_ns / 1000000;
        domain->idle_due_uj = domain->own_due_ns = 0;
        domain->window_ns = domain->window_uj = 0;
        mark_runs(books, BOOKS_COUNTER_RESET);
        break;
    case UNWRAP_MOVED:
        if (delta_uj == 0 && elapsed_ns < LATE_NS && !moment->boundary)
            return;
        learn_idle(domain, elapsed_ns, delta_uj);
        divide(books, d, delta_uj, moment);
        break;
    }
    catch_up(books, d, raw_uj, moment);
}

void account_no_reading(struct books *books, int d, const struct counter *counter)
{
    struct books_domain *domain = &books->domains[d];

    /* Nothing is lost yet: the next reading tells what passed since the last. */
    snprintf(domain->reason, sizeof domain->reason, "%s", counter->reason);
    mark_runs(books, BOOKS_COUNTER_UNKNOWN);
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
