/* import_call.c - the call that takes Slurm's past jobs into the history */
#include "policy/import_call.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "policy/estimate.h"
#include "policy/history_past.h"
#include "policy/person.h"
#include "policy/slurm_past.h"
#include "policy/slurm_whole.h"
#include "policy/tres.h"

/* So many are put into the ledger with one hold of its lock. */
#define BATCH 128

/* One import at a time: it is work for slurmdbd. */
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

struct import {
    const struct import_call *call;
    int64_t start_s, end_s;
    bool dry_run, failed;
    struct whole *whole;
    struct history_past_run batch[BATCH];
    int batch_count;
    int64_t runs, measured, fresh;
    int64_t kinds[PAST_KINDS];
};

static json_t *refuse(unsigned *status, unsigned code, const char *why)
{
    *status = code;
    return person_error(why);
}

static int put_one(struct import *import, const struct history_past_run *run)
{
    struct ledger *ledger = import->call->ledger;
    int put;

    if (history_past_known(ledger, import->call->cluster, run)) {
        import->measured++;
        return 0;
    }
    import->kinds[run->by_nameplate ? PAST_BY_NAMEPLATE : PAST_BY_SLURM]++;
    put = import->dry_run ? 0 : history_past_put(ledger, import->call->cluster, run);
    import->fresh += put > 0;
    return put < 0 ? -1 : 0;
}

static int flush(struct import *import)
{
    int rc = 0;

    if (import->batch_count == 0)
        return 0;
    if (ledger_begin(import->call->ledger) < 0)
        return -1;
    for (int i = 0; rc == 0 && i < import->batch_count; i++)
        rc = put_one(import, &import->batch[i]);
    import->batch_count = 0;
    if (rc < 0)
        ledger_rollback(import->call->ledger);
    else
        rc = ledger_commit_soon(import->call->ledger);
    return rc;
}

/* By the nameplate; 0: the policy has none for its partition. */
static int64_t plate_mw(const struct policy *policy, const struct past_run *run)
{
    struct shape shape = {.nodes = run->node_count,
                          .cpus = tres_count(run->allocated, "cpu"),
                          .gpus = tres_count(run->allocated, "gres/gpu")};
    struct nameplate plate;

    return policy_nameplate(policy, run->partition, &plate, NULL)
               ? estimate_mw(&plate, &shape)
               : 0;
}

static bool take(const struct past_run *run, void *arg)
{
    struct import *import = arg;
    enum history_past kind;

    if (run->is_part)
        return true;
    import->runs++;
    kind = history_past_weigh(run, whole_had(import->whole, run),
                              plate_mw(import->call->policy, run),
                              &import->batch[import->batch_count]);
    if (kind != PAST_BY_SLURM && kind != PAST_BY_NAMEPLATE)
        import->kinds[kind]++;
    else if (++import->batch_count == BATCH)
        import->failed = flush(import) < 0;
    return !import->failed;
}

static json_t *answer(const struct import *import)
{
    return json_pack("{s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "runs",
                     (json_int_t)import->runs, "new", (json_int_t)import->fresh,
                     "by_slurm", (json_int_t)import->kinds[PAST_BY_SLURM],
                     "by_nameplate", (json_int_t)import->kinds[PAST_BY_NAMEPLATE],
                     "measured", (json_int_t)import->measured, "not_ended",
                     (json_int_t)import->kinds[PAST_STATE], "too_short",
                     (json_int_t)import->kinds[PAST_SHORT], "no_shape",
                     (json_int_t)import->kinds[PAST_SHAPE], "no_power",
                     (json_int_t)import->kinds[PAST_POWER]);
}

static json_t *run_import(struct import *import, unsigned *status)
{
    import->whole = whole_load();
    if (!import->whole)
        return refuse(status, 503, "slurmctld cannot be asked about its nodes now");
    if (slurm_past_ended(import->call->cluster, import->start_s, import->end_s, take,
                         import) < 0)
        return refuse(status, 503, "slurmdbd cannot be asked about its jobs now");
    if (import->failed || flush(import) < 0)
        return refuse(status, 503, "the ledger cannot be written now");
    *status = 200;
    return answer(import);
}

json_t *import_call(const struct import_call *call, unsigned *status)
{
    const json_t *start = json_object_get(call->body, "start");
    const json_t *end = json_object_get(call->body, "end");
    struct import *import;
    json_t *json;

    if (!call->rights->sees_all)
        return refuse(status, 403, "only operators may import Slurm's past jobs");
    if (!json_is_integer(start) || !json_is_integer(end) ||
        json_integer_value(start) >= json_integer_value(end) ||
        json_integer_value(end) - json_integer_value(start) > IMPORT_MOST_S)
        return refuse(status, 400,
                      "say \"start\" and a later \"end\", in seconds since 1970 and "
                      "at most 31 days apart");
    if (pthread_mutex_trylock(&one) != 0)
        return refuse(status, 409, "another import is under way: try again after it");
    import = calloc(1, sizeof *import);
    if (import) {
        import->call = call;
        import->start_s = json_integer_value(start);
        import->end_s = json_integer_value(end);
        import->dry_run = json_is_true(json_object_get(call->body, "dry_run"));
        json = run_import(import, status);
        whole_free(import->whole);
    } else {
        json = refuse(status, 503, "kwotad is out of memory");
    }
    free(import);
    pthread_mutex_unlock(&one);
    return json;
}
