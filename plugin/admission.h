/* admission.h - whether a job is let in, and with which lien
 *
 * Pure: what it says depends on the request, the map and the time alone. It takes no
 * lock and does no I/O. Any number of threads may ask at once.
 */
#ifndef KWOTA_ADMISSION_H
#define KWOTA_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/request.h"
#include "plugin/sentence.h"

/* What is known of the budgets. */
struct admission_site {
    const struct budget_map *map; /* NULL: none is usable */
    int64_t now_s;
    bool refuse_missing; /* no job is let in without a map */
};

struct admission {
    bool refused;
    char sentence[SENTENCE_TEXT]; /* why; or what a user whose job passes should know,
                                     else "" */
    int64_t lien_wh;              /* 0: none */
    int64_t
        budget_wh; /* what its user allows it at most (strict only); 0: no such word */
    int64_t gpu_cap_mw; /* what it allows each of its GPUs at most; 0: no such word */
    char *licenses; /* what the job's licences become; NULL: what they are. The caller's
                   to free() */
};

/* A job is refused only if it could never run (its lien is larger than a whole quota),
 * if its account's policy rejects what does not fit now, if its own --energy-budget or
 * --gpu-power-cap is none, if its licences are alternatives to which no lien can be
 * added, or if there are no budgets to go by and the site wants none to pass then.
 * Everything unknown (the account, the partition, its nameplate) passes without a lien:
 * Slurm or kwotad judge it. A lien that the user wrote is taken out in every case. */
void admission_decide(const struct admission_site *site, const struct request *request,
                      struct admission *admission);

/* Whether this user may change a job's licences, of which one may be its lien. */
bool admission_may_edit(const struct budget_map *map, uid_t uid, uid_t slurm_user);

#endif
