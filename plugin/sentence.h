/* sentence.h - what admission says to the user whose job it refuses, or lets pass */
#ifndef KWOTA_SENTENCE_H
#define KWOTA_SENTENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/estimate.h"

#define SENTENCE_TEXT 640

/* A job and the energy that it may need. */
struct need {
    int64_t wh;
    int64_t mw;         /* its power */
    int64_t gpu_mw;     /* … in it, of each GPU; 0: GPUs cannot be capped */
    struct shape shape; /* limit_s: REQUEST_NO_LIMIT if it has none */
    int64_t factor_percent, round_wh;
    int64_t budget_wh; /* its own --energy-budget, where that is what wh is; else 0 */
};

/* What it is measured against. */
struct bound {
    const char *owner; /* "account astro", "user alice" */
    const char *quota; /* "account astro, 1 000 kWh a month"; "": not told */
    int64_t wh;
    int64_t until_s; /* 0: not told */
};

/* Each writes one paragraph that begins with "kwota: ". */
void sentence_never(char text[SENTENCE_TEXT], const struct need *need,
                    const struct bound *bound);
void sentence_not_now(char text[SENTENCE_TEXT], const struct need *need,
                      const struct bound *bound);
void sentence_over(char text[SENTENCE_TEXT], const struct need *need,
                   const struct bound *bound, bool overdraft);

/* "1 200 kWh", "0.25 kWh": exact, with a space between thousands. */
#define SENTENCE_AMOUNT 48
char *sentence_kwh(char text[SENTENCE_AMOUNT], int64_t wh);

/* The longest time limit, in whole minutes, with which it needs no more than `wh`. */
int64_t sentence_fitting_min(const struct need *need, int64_t wh);

/* The highest --gpu-power-cap, in tens of watts, with which it needs no more; 0: there
 * is none down to half of what its GPUs may draw, which is about what devices take. */
int64_t sentence_fitting_gpu_mw(const struct need *need, int64_t wh);

#endif
