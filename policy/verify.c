/* verify.c - proves the books: entries = roll-ups = settled runs, and what else holds
 */
#include "policy/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "policy/verify_inside.h"

#define SENTENCE 640

static const struct {
    const char *name;
    int (*check)(struct verify *v, int64_t *after);
} steps[] = {
    {"runs", verify_runs},         {"unbound counts", verify_unbound},
    {"quotas", verify_quotas},     {"months", verify_months},
    {"days", verify_days},         {"nodes", verify_nodes},
    {"statements", verify_closed}, {"sums", verify_sums},
};

#define STEPS ((int)(sizeof steps / sizeof *steps))

void verify_breach(struct verify *v, const char *check, const struct verify_run *run,
                   const char *remedy, const char *format, ...)
{
    char sentence[SENTENCE];
    json_t *breach;
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    breach =
        json_pack("{s:s s:s s:s?}", "check", check, "text", sentence, "remedy", remedy);
    if (run) {
        json_object_set_new(breach, "job", json_string(run->text));
        json_object_set_new(breach, "run_id", json_integer(run->id));
    }
    json_array_append_new(v->found->breaches, breach);
}

bool verify_all(const struct verify *v)
{
    return v->range->start_s <= 0 && v->range->end_s == INT64_MAX;
}

const char *verify_day(int64_t time_s, char text[VERIFY_DAY])
{
    time_t when = (time_t)time_s;
    struct tm tm;

    strftime(text, VERIFY_DAY, "%Y-%m-%d", localtime_r(&when, &tm));
    return text;
}

int verify_next(struct ledger *ledger, const struct verify_range *range,
                struct verify_place *place, struct verify_found *found)
{
    struct verify v = {ledger, range, found};
    int rc;

    *found = (struct verify_found){.percent = 100, .breaches = json_array()};
    if (place->step < 0 || place->step >= STEPS)
        return 0;
    found->step = steps[place->step].name;
    if (ledger_begin(ledger) < 0)
        return -1;
    rc = steps[place->step].check(&v, &place->after);
    ledger_rollback(ledger);
    if (rc < 0)
        return -1;
    if (rc == 0) {
        place->step++;
        place->after = 0;
    }
    return place->step < STEPS ? 1 : 0;
}

void verify_done(struct verify_found *found)
{
    json_decref(found->breaches);
    found->breaches = NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void add_to(json_t *object, const char *key, int64_t count)
{
    json_object_set_new(
        object, key,
        json_integer(json_integer_value(json_object_get(object, key)) + count));
}

static void take_found(json_t *answer, const struct verify_found *found)
{
    add_to(json_object_get(answer, "checked"), found->step, found->checked);
    add_to(answer, "waiting", found->waiting);
    json_array_extend(json_object_get(answer, "breaches"), found->breaches);
    json_object_set_new(answer, "step", json_string(found->step));
    json_object_set_new(answer, "percent", json_integer(found->percent));
}

json_t *verify_answer(struct ledger *ledger, const struct verify_range *range,
                      struct verify_place place, int ms)
{
    json_t *answer = json_pack("{s:{} s:[] s:i}", "checked", "breaches", "waiting", 0);
    int64_t until_ms = now_ms() + ms;
    int rc;

    do {
        struct verify_found found;

        rc = verify_next(ledger, range, &place, &found);
        if (rc >= 0 && found.step)
            take_found(answer, &found);
        verify_done(&found);
    } while (rc > 0 && now_ms() < until_ms);
    if (rc < 0) {
        json_decref(answer);
        return NULL;
    }
    json_object_set_new(answer, "next",
                        rc == 0 ? json_null()
                                : json_pack("{s:i s:I}", "step", place.step, "after",
                                            (json_int_t)place.after));
    return answer;
}
