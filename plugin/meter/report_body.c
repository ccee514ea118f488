/* report_body.c - the books as the JSON of a report (API.md, section 2) */
#include "plugin/meter/report.h"

#include <string.h>

static json_t *domain_json(const struct books_domain *d)
{
    return json_pack("{s:s s:s s:s s:s s:o s:I s:I s:I s:I}", "name", d->name, "kind",
                     counter_kind_name((enum counter_kind)d->kind), "source", d->source,
                     "state", d->reason[0] || !d->read ? "unknown" : "ok", "reason",
                     d->reason[0] ? json_string(d->reason) : json_null(), "total_uj",
                     (json_int_t)d->total_uj, "jobs_uj", (json_int_t)d->jobs_uj,
                     "node_uj", (json_int_t)d->node_uj, "gap_ms",
                     (json_int_t)d->gap_ms);
}

static json_t *reasons_json(uint32_t reasons)
{
    json_t *list = json_array();

    for (uint32_t bit = 1; bit <= BOOKS_NO_END; bit <<= 1)
        if (reasons & bit)
            json_array_append_new(
                list, json_string(books_reason_text((enum books_reason)bit)));
    return list;
}

static json_t *run_json(const struct books *books, const struct books_run *run)
{
    json_t *domains = json_object();

    for (int d = 0; d < books->domain_count; d++)
        json_object_set_new(domains, books->domains[d].name,
                            run->uj[d] == BOOKS_UNKNOWN ? json_null()
                                                        : json_integer(run->uj[d]));
    return json_pack("{s:s s:I s:I s:i s:i s:I s:o s:b s:I s:s s:o s:o}", "token",
                     run->token, "job", (json_int_t)run->job, "uid",
                     (json_int_t)run->uid, "node_count", run->node_count, "cpus",
                     run->cpus, "start_ms", (json_int_t)run->start_ms, "end_ms",
                     run->end_ms ? json_integer(run->end_ms) : json_null(), "final",
                     run->final, "cpu_ns", (json_int_t)run->cpu_ns, "quality",
                     run->reasons ? "partial" : "measured", "reasons",
                     reasons_json(run->reasons), "domains", domains);
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
        (json_int_t)books->seq, "time_ms", (json_int_t)meter_now_ms(), "simulated",
        books->simulated, "domains", domains, "runs", runs, "summary_for",
        summary_for && summary_for[0] ? json_string(summary_for) : json_null());
}
