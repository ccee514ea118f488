/* accounts.h - the account tree and its members, as the ledger keeps them
 *
 * All functions want the ledger's lock held (ledger_begin()).
 */
#ifndef KWOTA_ACCOUNTS_H
#define KWOTA_ACCOUNTS_H

#include "policy/ledger.h"
#include "policy/slurm_tree.h"

#define ACCOUNTS_DEPTH 32

/* An account and those above it, nearest first; the root is not among them. */
struct accounts_chain {
    char name[ACCOUNTS_DEPTH][TREE_NAME];
    const char *list[ACCOUNTS_DEPTH + 1]; /* the same; NULL at the end */
};

/* One that the tree does not have stands alone. */
void accounts_chain(struct ledger *ledger, const char *cluster, const char *account,
                    struct accounts_chain *chain);

/* Makes the ledger's tree of this cluster what slurmdbd has. */
int accounts_replace(struct ledger *ledger, const char *cluster,
                     const struct tree *tree);

#endif
