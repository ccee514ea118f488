/* access.c - who may see what */
#include "policy/access.h"

#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/slurm_lookup.h"

/* A change in slurmdbd shows after so many seconds at most. */
#define KEEP_S 30
#define KEPT 256

struct kept {
    struct access_rights rights;
    time_t until;
};

static uid_t slurm_user;
static struct kept kept[KEPT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards kept */
/* One conversation with slurmdbd at a time; never held by whom it would not ask for. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

void access_init(uid_t user)
{
    slurm_user = user;
}

static void add_account(const char *account, void *arg)
{
    struct access_rights *rights = arg;

    if (rights->account_count < ACCESS_ACCOUNTS)
        snprintf(rights->accounts[rights->account_count++], sizeof rights->accounts[0],
                 "%s", account);
}

static bool is_kept(uid_t uid, struct access_rights *rights)
{
    const struct kept *slot = &kept[uid % KEPT];
    bool found;

    pthread_mutex_lock(&lock);
    found = slot->until > time(NULL) && slot->rights.uid == uid;
    if (found)
        *rights = slot->rights;
    pthread_mutex_unlock(&lock);
    return found;
}

static void keep(const struct access_rights *rights)
{
    pthread_mutex_lock(&lock);
    kept[rights->uid % KEPT] = (struct kept){*rights, time(NULL) + KEEP_S};
    pthread_mutex_unlock(&lock);
}

void access_of(uid_t uid, struct access_rights *rights)
{
    struct passwd person, *found = NULL;
    char buffer[4096];

    if (is_kept(uid, rights))
        return;
    memset(rights, 0, sizeof *rights);
    rights->uid = uid;
    getpwuid_r(uid, &person, buffer, sizeof buffer, &found);
    if (found)
        snprintf(rights->user, sizeof rights->user, "%s", person.pw_name);
    else
        snprintf(rights->user, sizeof rights->user, "%u", uid);
    rights->is_node = rights->sees_all = uid == 0 || uid == slurm_user;
    if (rights->sees_all) {
        keep(rights);
        return;
    }
    pthread_mutex_lock(&asking);
    if (!is_kept(uid, rights) &&
        lookup_person(rights->user, &rights->sees_all, add_account, rights) == 0)
        keep(rights);
    pthread_mutex_unlock(&asking);
}

bool access_to_run(const struct access_rights *rights, const char *user,
                   const char *account)
{
    if (rights->sees_all || strcmp(rights->user, user) == 0)
        return true;
    for (int i = 0; i < rights->account_count; i++)
        if (strcmp(rights->accounts[i], account) == 0)
            return true;
    return false;
}
