/* books.c - all that a meter must not forget: its domains, its runs, their energy */
#include "plugin/meter/books.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NS_PER_S INT64_C(1000000000)

void books_token(char token[BOOKS_TOKEN])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[16];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort(); /* cannot happen for 16 bytes once the kernel is up */
    for (size_t i = 0; i < sizeof random; i++) {
        token[2 * i] = digits[random[i] >> 4];
        token[2 * i + 1] = digits[random[i] & 15];
    }
    token[2 * sizeof random] = '\0';
}

void books_init(struct books *books)
{
    memset(books, 0, sizeof *books);
    books_token(books->epoch);
    books->tick_ms = 10000;
    books->report_ms = 60000;
}

void books_copy(struct books *to, const struct books *from)
{
    memcpy(to, from, offsetof(struct books, steps));
    memcpy(to->steps, from->steps, (size_t)from->step_count * sizeof from->steps[0]);
    memcpy(to->runs, from->runs, (size_t)from->run_count * sizeof from->runs[0]);
}

struct books_domain *books_domain(struct books *books, const struct counter *counter)
{
    struct books_domain *domain;

    for (int i = 0; i < books->domain_count; i++)
        if (strcmp(books->domains[i].name, counter->name) == 0)
            return &books->domains[i];
    if (books->domain_count == BOOKS_DOMAINS)
        return NULL;
    domain = &books->domains[books->domain_count++];
    memset(domain, 0, sizeof *domain);
    snprintf(domain->name, sizeof domain->name, "%s", counter->name);
    snprintf(domain->source, sizeof domain->source, "%s",
             counter_source_name(counter->source));
    domain->kind = (int32_t)counter->kind;
    domain->integrated = counter->integrated;
    return domain;
}

struct books_run *books_running(struct books *books, uint32_t job)
{
    for (int i = 0; i < books->run_count; i++)
        if (books->runs[i].job == job && !books->runs[i].final)
            return &books->runs[i];
    return NULL;
}

struct books_run *books_start(struct books *books, uint32_t job, int64_t now_ms,
                              int64_t now_ns)
{
    struct books_run *run;

    if (books->run_count == BOOKS_MAX_RUNS)
        return NULL;
    run = &books->runs[books->run_count++];
    memset(run, 0, sizeof *run);
    books_token(run->token);
    run->job = job;
    run->start_ms = now_ms;
    run->start_ns = now_ns;
    for (int d = 0; d < BOOKS_DOMAINS; d++)
        run->uj[d] = BOOKS_UNKNOWN;
    return run;
}

void books_end(struct books_run *run, int64_t now_ms)
{
    run->final = true;
    run->end_ms = now_ms;
}

static void forget_steps(struct books *books, const char *token)
{
    for (int s = 0; s < books->step_count; s++)
        if (strcmp(books->steps[s].token, token) == 0)
            memset(&books->steps[s], 0, sizeof books->steps[s]);
}

void books_forget(struct books *books, const char *token)
{
    for (int i = 0; i < books->run_count; i++) {
        if (!books->runs[i].final || strcmp(books->runs[i].token, token) != 0)
            continue;
        forget_steps(books, token);
        books->run_count--;
        memmove(&books->runs[i], &books->runs[i + 1],
                (size_t)(books->run_count - i) * sizeof books->runs[0]);
        return;
    }
}

void books_flag(struct books_run *run, enum books_reason reason, int64_t from_ns,
                int64_t until_ns)
{
    if (from_ns < run->start_ns)
        from_ns = run->start_ns;
    if (from_ns < run->flagged_until_ns[reason])
        from_ns = run->flagged_until_ns[reason];
    run->reasons |= 1U << reason;
    if (until_ns <= from_ns)
        return;
    run->flagged_ns[reason] += until_ns - from_ns;
    run->flagged_until_ns[reason] = until_ns;
}

void books_flag_all(struct books *books, enum books_reason reason, int64_t from_ns,
                    int64_t until_ns)
{
    for (int i = 0; i < books->run_count; i++)
        if (!books->runs[i].final)
            books_flag(&books->runs[i], reason, from_ns, until_ns);
}

void books_reason_text(const struct books_run *run, enum books_reason reason,
                       char *text, int size)
{
    static const char *const sentences[BOOKS_REASONS] = {
        [BOOKS_COUNTER_UNKNOWN] = "a counter could not be read",
        [BOOKS_COUNTER_RESET] = "a counter started anew",
        [BOOKS_TWO_WRAPS] = "a counter may have wrapped twice",
        [BOOKS_COUNTER_STUCK] = "a counter stood still",
        [BOOKS_NO_SAMPLES] = "power was not sampled",
        [BOOKS_METER_DOWN] = "the meter did not run",
        [BOOKS_NODE_ASLEEP] = "the node was suspended",
        [BOOKS_REBOOT] = "the node rebooted during the run",
        [BOOKS_NO_CPU_TIME] = "no CPU time from a cgroup: divided by allocated CPUs",
        [BOOKS_NO_CPUS] = "the job's CPUs on this node are unknown: counted as one",
        [BOOKS_NO_START] = "its start was not told: measured from its first step",
        [BOOKS_NO_END] = "the end of the run was not reported to the meter"};
    /* Upwards: the uncertain time is never shorter than what is said. */
    int64_t ds = (run->flagged_ns[reason] + NS_PER_S / 10 - 1) / (NS_PER_S / 10);

    if (ds > 0)
        snprintf(text, (size_t)size, "%s for %" PRId64 ".%" PRId64 " s",
                 sentences[reason], ds / 10, ds % 10);
    else
        snprintf(text, (size_t)size, "%s", sentences[reason]);
}

struct books_step *books_step(struct books *books, const struct books_run *run,
                              uint32_t step, int64_t now_ms)
{
    struct books_step *place = NULL;

    for (int s = 0; s < books->step_count; s++) {
        struct books_step *one = &books->steps[s];

        if (one->token[0] && one->step == step && strcmp(one->token, run->token) == 0)
            return one;
        if (!one->token[0] && !place)
            place = one;
    }
    if (!place && books->step_count < BOOKS_STEPS)
        place = &books->steps[books->step_count++];
    if (!place)
        return NULL;
    memset(place, 0, sizeof *place);
    memcpy(place->token, run->token, BOOKS_TOKEN);
    place->step = step;
    place->start_ms = now_ms;
    for (int k = 0; k < COUNTER_KINDS; k++)
        place->uj[k] = BOOKS_UNKNOWN;
    return place;
}

static bool is_run_of(const struct books *books, int run, const struct books_step *step)
{
    return run >= 0 && run < books->run_count &&
           memcmp(books->runs[run].token, step->token, BOOKS_TOKEN) == 0;
}

int books_run_of(const struct books *books, struct books_step *step)
{
    if (is_run_of(books, step->run, step))
        return step->run;
    for (int i = 0; i < books->run_count; i++)
        if (is_run_of(books, i, step))
            return step->run = i;
    return -1;
}

static int64_t fraction(int64_t part, int64_t whole)
{
    if (whole <= 0 || part <= 0)
        return 0;
    return part >= whole ? BOOKS_WHOLE : part * BOOKS_WHOLE / whole;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t books_share(const struct books *books, const struct books_run *run,
                    int64_t node_cpus)
{
    int64_t share = run->suspended ? 0 : fraction(run->cpus, node_cpus);

    if (books->share_by_cpus)
        return share;
    share = larger(share, fraction(run->memory_mb, books->memory_mb));
    return larger(share, fraction(__builtin_popcountll(run->gpus), books->gpus));
}
