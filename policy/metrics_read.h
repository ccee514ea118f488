/* metrics_read.h - the figures that metrics show, gathered from the ledger
 *
 * Of one thread, or under its owner's lock.
 */
#ifndef KWOTA_METRICS_READ_H
#define KWOTA_METRICS_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/charges.h"
#include "policy/kind.h"
#include "policy/settings.h"

/* Counted since ever, by kind. */
struct metrics_energy {
    int64_t jobs_uj[KINDS], node_uj[KINDS];
    bool has[KINDS];
};

struct metrics_node {
    char name[64];
    int64_t last_report_ms;
    struct metrics_energy energy;
};

/* Where an account's budget stands, as it was last worked out. */
struct metrics_quota {
    char account[64], class[64], cluster[64];
    int64_t quota_mj, granted_mj, used_mj, reserved_mj, available_mj;
};

struct metrics_figures {
    struct charges charges; /* of all entries, if is_charged */
    bool is_charged;
    int64_t runs, ended, unsettled_mj, liens, lien_mj;
    int64_t nodes, silent; /* silent: no report for three intervals */
    struct metrics_energy energy;
    struct metrics_node *list; /* the first nodes by name */
    int listed;
    struct metrics_quota *quotas;
    int quota_count;
    int64_t power_mw, measured; /* of running runs; of so many it is known */
    bool simulated;
};

/* Brings all but the power up to date. Takes the ledger's lock for a few milliseconds
 * at a time. -1: the ledger cannot be read now. */
int metrics_read(struct metrics_figures *figures, const struct settings *settings,
                 int64_t now_s);

void metrics_figures_done(struct metrics_figures *figures);

#endif
