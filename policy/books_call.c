/* books_call.c - the calls that look after the books: GET /v1/verify, POST /v1/prune */
#include "policy/books_call.h"

#include "policy/clock.h"
#include "policy/person.h"
#include "policy/prune.h"
#include "policy/verify.h"
#include "policy/verify_slurm.h"

/* So long a call works: whoever waits sees it move. */
#define PIECE_MS 400

/* Of a piece of pruning: others want the ledger. */
#define PRUNE_MS 200

/* What is younger keeps its detail: late counts and disputes come within weeks. */
#define LEAST_S (90 * INT64_C(86400))

static json_t *refused(unsigned *status)
{
    *status = 403;
    return person_error("operators look after the books; users see what is theirs with "
                        "kwota job and kwota usage");
}

json_t *books_call_verify(const struct books_call *call, unsigned *status)
{
    const struct verify_range range = {call->start_s, call->end_s};
    struct ledger *reader;
    char why[LEDGER_READ_WHY];
    json_t *answer;

    if (!call->rights->sees_all)
        return refused(status);
    *status = 500;
    reader = ledger_reader(call->ledger, why);
    if (!reader)
        return person_error(why);
    if (call->step == VERIFY_SLURM_STEP)
        answer = verify_slurm(reader, call->cluster, &range, call->after, clock_now_s(),
                              PIECE_MS);
    else
        answer = verify_answer(reader, &range,
                               (struct verify_place){(int)call->step, call->after},
                               PIECE_MS);
    ledger_close(reader);
    if (!answer)
        return person_error("the ledger cannot be read now; kwotad's log says why");
    if (call->slurmdbd && call->step < VERIFY_SLURM_STEP &&
        json_is_null(json_object_get(answer, "next")))
        json_object_set_new(
            answer, "next",
            json_pack("{s:i s:i}", "step", VERIFY_SLURM_STEP, "after", 0));
    *status = 200;
    return answer;
}

static json_t *counted(const struct prune_count *count, int64_t before_s, bool dry_run)
{
    return json_pack("{s:b s:I s:I s:I s:I s:I}", "dry_run", (int)dry_run, "before_s",
                     (json_int_t)before_s, "runs", (json_int_t)count->runs, "rows",
                     (json_int_t)count->rows, "decisions", (json_int_t)count->decisions,
                     "kept", (json_int_t)count->kept);
}

static json_t *look(const struct books_call *call, int64_t before_s, unsigned *status)
{
    char why[LEDGER_READ_WHY];
    struct ledger *reader = ledger_reader(call->ledger, why);
    struct prune_count count;
    int rc;

    if (!reader)
        return person_error(why);
    rc = ledger_begin(reader);
    if (rc == 0) {
        rc = prune_look(reader, before_s, &count);
        ledger_rollback(reader);
    }
    ledger_close(reader);
    if (rc < 0)
        return person_error("the ledger cannot be read now; kwotad's log says why");
    *status = 200;
    return counted(&count, before_s, true);
}

static json_t *prune(const struct books_call *call, int64_t before_s,
                     struct prune_place place, unsigned *status)
{
    struct prune_count count = {0};
    json_t *answer;
    int rc =
        prune_some(call->ledger, before_s, clock_now_s(), PRUNE_MS, &place, &count);

    if (rc < 0)
        return person_error("the ledger cannot be written now; kwotad's log says why");
    *status = 200;
    answer = counted(&count, before_s, false);
    json_object_set_new(answer, "next",
                        rc == 0
                            ? json_null()
                            : json_pack("{s:I s:I}", "end_s", (json_int_t)place.end_s,
                                        "run_id", (json_int_t)place.run_id));
    return answer;
}

json_t *books_call_prune(const struct books_call *call, unsigned *status)
{
    json_int_t before_s = 0, end_s = 0, run_id = 0;
    int64_t now_s = clock_now_s();
    int dry_run = 0;

    if (!call->rights->sees_all)
        return refused(status);
    *status = 400;
    if (json_unpack((json_t *)(uintptr_t)call->body, "{s?b s?I s?{s:I s:I}}", "dry_run",
                    &dry_run, "before_s", &before_s, "after", "end_s", &end_s, "run_id",
                    &run_id) < 0)
        return person_error("prune takes dry_run, before_s and after");
    if (before_s == 0)
        before_s = prune_before_s(now_s, policy_figures(call->policy)->keep_years);
    if (before_s > now_s - LEAST_S)
        return person_error("what is younger than 90 days keeps its detail");
    *status = 500;
    return dry_run ? look(call, before_s, status)
                   : prune(call, before_s, (struct prune_place){end_s, run_id}, status);
}
