/* books.c - all that a meter must not forget: its domains, its runs, their energy */
#include "plugin/meter/books.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void books_token(char token[BOOKS_TOKEN])
{
    unsigned char random[16];

    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort(); /* cannot happen for 16 bytes once the kernel is up */
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(token + 2 * i, 3, "%02x", random[i]);
}

void books_init(struct books *books)
{
    memset(books, 0, sizeof *books);
    books_token(books->epoch);
    books->tick_ms = 10000;
    books->report_ms = 60000;
}

struct books_domain *books_domain(struct books *books, const struct counter *counter)
{
    struct books_domain *domain;

    for (int i = 0; i < books->domain_count; i++)
        if (strcmp(books->domains[i].name, counter->name) == 0)
            return &books->domains[i];
    if (books->domain_count == COUNTER_MAX)
        return NULL;
    domain = &books->domains[books->domain_count++];
    memset(domain, 0, sizeof *domain);
    snprintf(domain->name, sizeof domain->name, "%s", counter->name);
    snprintf(domain->source, sizeof domain->source, "%s", counter->source);
    domain->kind = (int32_t)counter->kind;
    return domain;
}

struct books_run *books_running(struct books *books, uint32_t job)
{
    for (int i = 0; i < books->run_count; i++)
        if (books->runs[i].job == job && !books->runs[i].final)
            return &books->runs[i];
    return NULL;
}

struct books_run *books_start(struct books *books, uint32_t job, int64_t now_ms)
{
    struct books_run *run;

    if (books->run_count == BOOKS_MAX_RUNS)
        return NULL;
    run = &books->runs[books->run_count++];
    memset(run, 0, sizeof *run);
    books_token(run->token);
    run->job = job;
    run->start_ms = now_ms;
    for (int d = 0; d < COUNTER_MAX; d++)
        run->uj[d] = BOOKS_UNKNOWN;
    return run;
}

void books_end(struct books_run *run, int64_t now_ms)
{
    run->final = true;
    run->end_ms = now_ms;
}

void books_forget(struct books *books, const char *token)
{
    for (int i = 0; i < books->run_count; i++) {
        if (!books->runs[i].final || strcmp(books->runs[i].token, token) != 0)
            continue;
        books->run_count--;
        memmove(&books->runs[i], &books->runs[i + 1],
                (size_t)(books->run_count - i) * sizeof books->runs[0]);
        return;
    }
}

const char *books_reason_text(enum books_reason reason)
{
    switch (reason) {
    case BOOKS_COUNTER_UNKNOWN:
        return "a counter could not be read for a while";
    case BOOKS_COUNTER_RESET:
        return "a counter started anew or may have wrapped twice";
    case BOOKS_REBOOT:
        return "the node rebooted during the run";
    case BOOKS_NO_CPU_TIME:
        return "no CPU time from a cgroup: divided by allocated CPUs";
    case BOOKS_NO_CPUS:
        return "the job's CPUs on this node are unknown: counted as one";
    case BOOKS_NO_END:
        return "the end of the run was not reported to the meter";
    }
    return "unknown reason";
}
