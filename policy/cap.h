/* cap.h - what a run is held to, and by whose word
 *
 * Pure. A cap has three parts, each of which is held or not; of several words the
 * lowest counts, part by part, so that nobody's word can loosen another's.
 */
#ifndef KWOTA_CAP_H
#define KWOTA_CAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum cap_part {
    CAP_GPU,     /* mW: no GPU of the run draws more */
    CAP_PACKAGE, /* mW: no package of a node that the run has to itself */
    CAP_CPU,     /* percent of its CPUs' time */
    CAP_PARTS
};

#define CAP_WHY 256

struct cap {
    int64_t most[CAP_PARTS];      /* 0: not held */
    char why[CAP_PARTS][CAP_WHY]; /* "kwota.json:12: caps.rules[0]"; of what is held */
};

/* Takes each part of `most` that is lower than the cap's; of equals the first stays. */
void cap_lower(struct cap *cap, const int64_t most[CAP_PARTS], const char *why);

/* The same of another cap, each part with its own word. */
void cap_lower_by(struct cap *cap, const struct cap *other);

bool cap_is_held(const struct cap *cap);

/* All its words, each once, with "; " between them; "" if nothing is held. */
#define CAP_TEXT (CAP_PARTS * (CAP_WHY + 2))
char *cap_why(const struct cap *cap, char text[CAP_TEXT]);

/* "GPUs at most 250 W, CPU time at most 50 %"; "" if nothing is held. */
char *cap_text(const int64_t most[CAP_PARTS], char text[CAP_TEXT]);

/* All that is said about one run. What is 0 or NULL is not said. */
struct cap_words {
    bool off;                 /* capping is off, frozen, or the breaker is out */
    const struct cap *policy; /* its rules */
    int64_t user_gpu_mw;      /* --gpu-power-cap */
    const struct cap *orders; /* operators', all together */
    const struct cap *steer;  /* what makes its energy last */
};

/* What it is held to. */
void cap_work_out(const struct cap_words *words, struct cap *cap);

/* API.md's CAP: null if nothing is held. A new reference. */
json_t *cap_json(const int64_t most[CAP_PARTS], const char *why);

#endif
