/* sentence.c - what admission says to the user whose job it refuses, or lets pass */
#include "plugin/sentence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/request.h"
#include "policy/watts.h"

/* Longer than any job runs, and far from overflowing. */
#define LONGEST_MIN (INT64_C(100) * 365 * 24 * 60)

#define PHRASE 160

/* Digits in groups of three. */
static char *grouped(char *text, size_t size, int64_t value)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value > 0 ? value : 0);
    size_t used = 0;

    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ' ';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

char *sentence_kwh(char text[SENTENCE_AMOUNT], int64_t wh)
{
    char whole[32], part[8] = "";
    int length;

    if (wh < 0)
        wh = 0;
    if (wh % 1000 != 0) {
        length = snprintf(part, sizeof part, ".%03d", (int)(wh % 1000));
        while (part[length - 1] == '0')
            part[--length] = '\0';
    }
    snprintf(text, SENTENCE_AMOUNT, "%s%s kWh", grouped(whole, sizeof whole, wh / 1000),
             part);
    return text;
}

int64_t sentence_fitting_min(const struct need *need, int64_t wh)
{
    int64_t low = 0, high = need->shape.limit_s / 60;

    if (high > LONGEST_MIN)
        high = LONGEST_MIN;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        int64_t mj = estimate_mj(need->mw, middle * 60, need->factor_percent);

        if (estimate_wh(mj, need->round_wh) <= wh)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Caps are told so roughly. */
#define TEN_W INT64_C(10000)

int64_t sentence_fitting_gpu_mw(const struct need *need, int64_t wh)
{
    int64_t gpus = need->shape.gpus, least = need->gpu_mw / 2;
    int64_t most = (need->gpu_mw - 1) / TEN_W * TEN_W;

    if (gpus <= 0 || need->gpu_mw <= 0 || need->shape.limit_s == REQUEST_NO_LIMIT ||
        need->mw == INT64_MAX)
        return 0;
    for (int64_t mw = most; mw >= least && mw >= WATTS_LEAST_MW; mw -= TEN_W) {
        int64_t power = need->mw - gpus * (need->gpu_mw - mw);
        int64_t mj = estimate_mj(power, need->shape.limit_s, need->factor_percent);

        if (estimate_wh(mj, need->round_wh) <= wh)
            return mw;
    }
    return 0;
}

static void put_watts(char *text, size_t size, int64_t mw)
{
    int64_t tenths = mw / 100 + (mw % 100 >= 50);

    if (tenths % 10 == 0)
        snprintf(text, size, "%" PRId64 " W", tenths / 10);
    else
        snprintf(text, size, "%" PRId64 ".%d W", tenths / 10, (int)(tenths % 10));
}

static void put_duration(char *text, size_t size, int64_t s)
{
    if (s == REQUEST_NO_LIMIT)
        snprintf(text, size, "no time limit");
    else if (s % 60 != 0)
        snprintf(text, size, "%" PRId64 " s", s);
    else if (s % 3600 == 0)
        snprintf(text, size, "%" PRId64 " h", s / 3600);
    else if (s < 3600)
        snprintf(text, size, "%" PRId64 " min", s / 60);
    else
        snprintf(text, size, "%" PRId64 " h %d min", s / 3600, (int)(s % 3600 / 60));
}

/* "48 nodes x 850 W x 29 h": how the amount came about. */
static void put_reason(char text[PHRASE], const struct need *need)
{
    char watts[32], duration[48], factor[32] = "", nodes[32] = "";
    int64_t count = need->shape.nodes > 0 ? need->shape.nodes : 1;

    if (need->budget_wh > 0) {
        snprintf(text, PHRASE, "its --energy-budget");
        return;
    }
    if (count > 1)
        snprintf(nodes, sizeof nodes, "%" PRId64 " nodes x ", count);
    put_watts(watts, sizeof watts, need->mw / count);
    put_duration(duration, sizeof duration, need->shape.limit_s);
    if (need->factor_percent != 100)
        snprintf(factor, sizeof factor, " x %" PRId64 " %%", need->factor_percent);
    snprintf(text, PHRASE, "%s%s x %s%s", nodes, watts, duration, factor);
}

static void put_budget_that_fits(char text[PHRASE], int64_t wh)
{
    if (wh >= 1)
        snprintf(text, PHRASE, "--energy-budget=%" PRId64 "Wh would fit.", wh);
    else
        snprintf(text, PHRASE, "Nothing is left.");
}

/* What the user can do. */
static void put_what_fits(char text[PHRASE], const struct need *need, int64_t wh)
{
    int64_t minutes = sentence_fitting_min(need, wh);
    int64_t gpu_mw = sentence_fitting_gpu_mw(need, wh);
    char cap[48] = "", watts[WATTS_TEXT];

    if (gpu_mw > 0)
        snprintf(cap, sizeof cap, "--gpu-power-cap=%sW", watts_text(gpu_mw, watts));
    if (need->budget_wh > 0)
        put_budget_that_fits(text, wh);
    else if (minutes >= 1)
        snprintf(text, PHRASE, "--time=%02" PRId64 ":%02d:00%s%s would fit.",
                 minutes / 60, (int)(minutes % 60), cap[0] ? " or " : "", cap);
    else if (cap[0])
        snprintf(text, PHRASE, "%s would fit.", cap);
    else
        snprintf(text, PHRASE, "No time limit would fit: ask for %s.",
                 need->shape.nodes > 1 ? "fewer nodes" : "fewer CPUs or GPUs");
}

/* " until 2026-12-01", or nothing. */
static void put_until(char *text, size_t size, int64_t until_s)
{
    time_t when = (time_t)until_s;
    struct tm tm;

    text[0] = '\0';
    if (until_s <= 0 || !localtime_r(&when, &tm))
        return;
    strftime(text, size,
             tm.tm_hour || tm.tm_min ? " until %Y-%m-%d %H:%M" : " until %Y-%m-%d",
             &tm);
}

void sentence_never(char text[SENTENCE_TEXT], const struct need *need,
                    const struct bound *bound)
{
    char amount[SENTENCE_AMOUNT], most[SENTENCE_AMOUNT], reason[PHRASE], fits[PHRASE];

    put_reason(reason, need);
    put_what_fits(fits, need, bound->wh);
    sentence_kwh(most, bound->wh);
    snprintf(text, SENTENCE_TEXT,
             "kwota: %.64s can never run this job: it could use %s (%s), more than the "
             "whole quota (%.160s). %s",
             bound->owner, sentence_kwh(amount, need->wh), reason,
             bound->quota && bound->quota[0] ? bound->quota : most, fits);
}

void sentence_not_now(char text[SENTENCE_TEXT], const struct need *need,
                      const struct bound *bound)
{
    char amount[SENTENCE_AMOUNT], left[SENTENCE_AMOUNT], reason[PHRASE], fits[PHRASE];
    char until[40];

    put_reason(reason, need);
    put_what_fits(fits, need, bound->wh);
    put_until(until, sizeof until, bound->until_s);
    snprintf(text, SENTENCE_TEXT,
             "kwota: %.64s cannot run this job now: %s are needed (%s), %s are left%s. "
             "%s",
             bound->owner, sentence_kwh(amount, need->wh), reason,
             sentence_kwh(left, bound->wh), until, fits);
}

void sentence_over(char text[SENTENCE_TEXT], const struct need *need,
                   const struct bound *bound, bool overdraft)
{
    char amount[SENTENCE_AMOUNT], left[SENTENCE_AMOUNT], reason[PHRASE], until[40];

    put_reason(reason, need);
    put_until(until, sizeof until, bound->until_s);
    snprintf(text, SENTENCE_TEXT,
             "kwota: %s: this job could use %s (%s), %.64s has %s left%s",
             overdraft ? "overdraft" : "warning", sentence_kwh(amount, need->wh),
             reason, bound->owner, sentence_kwh(left, bound->wh), until);
}
