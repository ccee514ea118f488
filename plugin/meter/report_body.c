/* report_body.c - the books as the JSON of a report (API.md, section 2) */
#include "plugin/meter/report.h"

#include <string.h>

#include "plugin/meter/steps.h"

static json_t *domain_json(const struct books_domain *d)
{
    return json_pack("{s:s s:s s:s s:s s:o s:b s:I s:I s:I s:I s:I}", "name", d->name,
                     "kind", counter_kind_name((enum counter_kind)d->kind), "source",
                     d->source, "state", d->reason[0] || !d->read ? "unknown" : "ok",
                     "reason", d->reason[0] ? json_string(d->reason) : json_null(),
                     "integrated", d->integrated, "counter_uj",
                     (json_int_t)d->counter_uj, "total_uj", (json_int_t)d->total_uj,
                     "jobs_uj", (json_int_t)d->jobs_uj, "node_uj",
                     (json_int_t)d->node_uj, "gap_ms", (json_int_t)d->gap_ms);
}

static json_t *reasons_json(const struct books_run *run)
{
    json_t *list = json_array();
    char text[128];

    for (int reason = 0; reason < BOOKS_REASONS; reason++)
        if (run->reasons & 1U << reason) {
            books_reason_text(run, (enum books_reason)reason, text, sizeof text);
            json_array_append_new(list, json_string(text));
        }
    return list;
}

static json_t *known(int64_t uj)
{
    return uj == BOOKS_UNKNOWN ? json_null() : json_integer(uj);
}

static bool has_kind(const struct books *books, int kind)
{
    for (int d = 0; d < books->domain_count; d++)
        if (books->domains[d].kind == kind)
            return true;
    return false;
}

static json_t *step_json(const struct books *books, const struct books_step *step)
{
    json_t *uj = json_object();
    char name[16];

    steps_name(step->step, name, sizeof name);
    for (int k = 0; k < COUNTER_KINDS; k++)
        if (has_kind(books, k))
            json_object_set_new(uj, counter_kind_name((enum counter_kind)k),
                                known(step->uj[k]));
    return json_pack("{s:s s:I s:o s:I s:o}", "step", name, "start_ms",
                     (json_int_t)step->start_ms, "end_ms",
                     step->over ? json_integer(step->end_ms) : json_null(), "cpu_ns",
                     (json_int_t)step->cpu_ns, "uj", uj);
}

static json_t *steps_json(const struct books *books, const struct books_run *run)
{
    json_t *list = json_array();

    for (int s = 0; s < books->step_count; s++)
        if (books->steps[s].token[0] && strcmp(books->steps[s].token, run->token) == 0)
            json_array_append_new(list, step_json(books, &books->steps[s]));
    return list;
}

static json_t *apportioned_json(const struct books *books, const struct books_run *run)
{
    json_t *list = json_array();

    for (int d = 0; d < books->domain_count; d++)
        if (run->apportioned & 1U << d)
            json_array_append_new(list, json_string(books->domains[d].name));
    return list;
}

/* A GPU that the run does not hold is not its business; what else the node has and was
 * not measured is unknown. */
static bool concerns(const struct books *books, const struct books_run *run, int d)
{
    return books->domains[d].kind != COUNTER_GPU || run->uj[d] != BOOKS_UNKNOWN;
}

static json_t *run_json(const struct books *books, const struct books_run *run)
{
    json_t *domains = json_object();

    for (int d = 0; d < books->domain_count; d++)
        if (concerns(books, run, d))
            json_object_set_new(domains, books->domains[d].name, known(run->uj[d]));
    return json_pack("{s:s s:I s:I s:i s:i s:I s:o s:b s:I s:s s:o s:o s:o s:o}",
                     "token", run->token, "job", (json_int_t)run->job, "uid",
                     (json_int_t)run->uid, "node_count", run->node_count, "cpus",
                     run->cpus, "start_ms", (json_int_t)run->start_ms, "end_ms",
                     run->end_ms ? json_integer(run->end_ms) : json_null(), "final",
                     run->final, "cpu_ns", (json_int_t)run->cpu_ns, "quality",
                     run->reasons ? "partial" : "measured", "reasons",
                     reasons_json(run), "apportioned", apportioned_json(books, run),
                     "steps", steps_json(books, run), "domains", domains);
}

json_t *report_body(const struct books *books, const char *node,
                    const char *summary_for)
{
    json_t *domains = json_array(), *runs = json_array();

    for (int d = 0; d < books->domain_count; d++)
        json_array_append_new(domains, domain_json(&books->domains[d]));
    for (int i = 0; i < books->run_count; i++)
        json_array_append_new(runs, run_json(books, &books->runs[i]));
    return json_pack(
        "{s:s s:s s:I s:I s:b s:o s:o s:o}", "node", node, "epoch", books->epoch, "seq",
        (json_int_t)books->seq, "time_ms", (json_int_t)books->tick_at_ms, "simulated",
        books->simulated, "domains", domains, "runs", runs, "summary_for",
        summary_for && summary_for[0] ? json_string(summary_for) : json_null());
}
