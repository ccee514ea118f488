/* access.h - who may see what
 *
 * root, SlurmUser, operators and administrators see everything, coordinators the jobs
 * of their accounts, everyone their own. What slurmdbd says is kept for a while.
 */
#ifndef KWOTA_ACCESS_H
#define KWOTA_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define ACCESS_ACCOUNTS 64

struct access_rights {
    uid_t uid;
    char user[64];
    bool is_node; /* may report: root or SlurmUser */
    bool sees_all;
    char accounts[ACCESS_ACCOUNTS][64]; /* coordinated */
    int account_count;
};

void access_init(uid_t slurm_user);

/* Thread-safe. May ask slurmdbd, unless the person is root or SlurmUser. */
void access_of(uid_t uid, struct access_rights *rights);

bool access_to_run(const struct access_rights *rights, const char *user,
                   const char *account);

#endif
