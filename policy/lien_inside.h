/* lien_inside.h - what the files that make up lien.h share, and steering with them */
#ifndef KWOTA_LIEN_INSIDE_H
#define KWOTA_LIEN_INSIDE_H

#include "policy/lien.h"

/* What is decided about, and by which rule. */
struct lien_subject {
    struct ledger *ledger;
    const struct policy *policy;
    const char *cluster;
    int64_t run_id, now_s;
    char text[64], user[64], account[64], partition[64];
    enum policy_enforce enforce;
    enum policy_at_limit at_limit;
    bool spare; /* frozen or tripped: nothing is done to its job */
    struct policy_source source;
};

/* The rule for it as it is now, and whether it is spared. */
void lien_rule(struct lien_subject *s);

/* Whether by its rule it has a lien at all. */
bool lien_gated(const struct lien_subject *s);

/* Writes a decision down. */
int lien_note(const struct lien_subject *s, const char *action, const char *why,
              int64_t mj);

/* The least that any quota which binds it has left; INT64_MAX if none does. If that is
 * less than needed_mj, `why` says whose. */
int64_t lien_room(const struct lien_subject *s, int64_t but_run, int64_t needed_mj,
                  char why[LIEN_WHY]);

/* What the run is expected to use; what Slurm holds for it already counts at least. */
int64_t lien_of(const struct lien_subject *s, const struct lookup_run *run);

/* What it has used by its last reports. */
int64_t lien_used(struct ledger *ledger, int64_t run_id);

enum policy_enforce lien_enforce_of(const char *text);

#endif
