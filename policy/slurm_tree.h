/* slurm_tree.h - slurmdbd's accounts and members, and the limits kwota keeps on them
 *
 * Every call may take seconds: never from a thread that answers nodes, never under the
 * ledger's lock.
 */
#ifndef KWOTA_SLURM_TREE_H
#define KWOTA_SLURM_TREE_H

#include <stdbool.h>
#include <stdint.h>

#define TREE_NAME 64

/* An association: an account's own (user "") or a user's in it. */
struct tree_place {
    char account[TREE_NAME], user[TREE_NAME], parent[TREE_NAME];
    bool is_default;
    int64_t limit_wh; /* GrpTRES of license/kwota; -1: none */
};

struct tree {
    struct tree_place *places;
    int count;
    char (*operators)[TREE_NAME]; /* operators and administrators */
    int operator_count;
};

/* The cluster's associations. -1: slurmdbd cannot be asked; tree_done() frees. */
int tree_load(const char *cluster, struct tree *tree);
void tree_done(struct tree *tree);

#define TREE_AWAY (-2)

/* Sets GrpTRES=license/kwota of one association, and with it slurmctld's; limit_wh -1
 * takes it away. -1: it could not be done, the reason is in the log; TREE_AWAY:
 * slurmdbd does not answer. */
int tree_limit(const char *cluster, const char *account, const char *user,
               int64_t limit_wh);

#endif
