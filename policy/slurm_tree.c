/* slurm_tree.c - slurmdbd's accounts and members, and the limits kwota keeps on them */
#include "plugin/slurm_version.h"

#include <slurm/slurmdb.h>

#include "policy/slurm_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/tres.h"

static void *connect_dbd(void)
{
    uint16_t flags = 0;

    return slurmdb_connection_get(&flags);
}

/* slurmdbd's number of license/kwota; 0: there is none. -1: it cannot be asked. */
static int64_t tres_number(void *db)
{
    slurmdb_tres_cond_t cond;
    slurmdb_tres_rec_t *tres;
    list_itr_t *it;
    uint32_t id = 0;
    list_t *found;

    slurmdb_init_tres_cond(&cond, false);
    cond.count = NO_VAL;
    found = slurmdb_tres_get(db, &cond);
    if (!found)
        return -1;
    it = slurm_list_iterator_create(found);
    while ((tres = slurm_list_next(it)))
        if (tres->type && tres->name && strcmp(tres->type, "license") == 0 &&
            strcmp(tres->name, "kwota") == 0)
            id = tres->id;
    slurm_list_iterator_destroy(it);
    slurm_list_destroy(found);
    return id;
}

/* "1=4,1001=500": slurmdbd's own texts have numbers for names. */
static int64_t limit_of(const char *grp_tres, uint32_t tres)
{
    char name[16], mark[16];

    snprintf(name, sizeof name, "%u", tres);
    snprintf(mark, sizeof mark, "%u=0", tres);
    if (tres == 0 || !grp_tres)
        return -1;
    if (tres_count(grp_tres, name) > 0)
        return tres_count(grp_tres, name);
    return strstr(grp_tres, mark) ? 0 : -1;
}

static void put_place(struct tree_place *place, const slurmdb_assoc_rec_t *assoc,
                      uint32_t tres)
{
    snprintf(place->account, sizeof place->account, "%s", assoc->acct);
    snprintf(place->user, sizeof place->user, "%s", assoc->user ? assoc->user : "");
    snprintf(place->parent, sizeof place->parent, "%s",
             assoc->parent_acct ? assoc->parent_acct : "");
    place->is_default = assoc->is_def == 1;
    place->limit_wh = limit_of(assoc->grp_tres, tres);
}

static int take_places(list_t *found, uint32_t tres, struct tree *tree)
{
    list_itr_t *it = slurm_list_iterator_create(found);
    int most = slurm_list_count(found);
    slurmdb_assoc_rec_t *assoc;

    tree->places = calloc((size_t)most + 1, sizeof *tree->places);
    while (tree->places && tree->count < most && (assoc = slurm_list_next(it)))
        /* An association for one partition only limits nothing of kwota's. */
        if (assoc->acct && (!assoc->partition || !assoc->partition[0]))
            put_place(&tree->places[tree->count++], assoc, tres);
    slurm_list_iterator_destroy(it);
    return tree->places ? 0 : -1;
}

static void take_operators(void *db, struct tree *tree)
{
    slurmdb_assoc_cond_t assoc = {0};
    slurmdb_user_cond_t cond = {.assoc_cond = &assoc};
    list_t *people = slurmdb_users_get(db, &cond);
    list_itr_t *it = people ? slurm_list_iterator_create(people) : NULL;
    slurmdb_user_rec_t *person;

    if (!people)
        return;
    tree->operators =
        calloc((size_t)slurm_list_count(people) + 1, sizeof *tree->operators);
    while (tree->operators && (person = slurm_list_next(it)))
        if (person->name && person->admin_level >= SLURMDB_ADMIN_OPERATOR)
            snprintf(tree->operators[tree->operator_count++], TREE_NAME, "%s",
                     person->name);
    slurm_list_iterator_destroy(it);
    slurm_list_destroy(people);
}

int tree_load(const char *cluster, struct tree *tree)
{
    slurmdb_assoc_cond_t cond = {0};
    char name[TREE_NAME];
    void *db = connect_dbd();
    int64_t number;
    list_t *found;
    int rc = -1;

    *tree = (struct tree){0};
    if (!db)
        return -1;
    snprintf(name, sizeof name, "%s", cluster);
    cond.cluster_list = slurm_list_create(NULL);
    slurm_list_append(cond.cluster_list, name);
    found = slurmdb_associations_get(db, &cond);
    slurm_list_destroy(cond.cluster_list);
    if (found) {
        number = tres_number(db);
        rc = number < 0 ? -1 : take_places(found, (uint32_t)number, tree);
        slurm_list_destroy(found);
    }
    if (rc == 0)
        take_operators(db, tree);
    else
        tree_done(tree);
    slurmdb_connection_close(&db);
    return rc;
}

void tree_done(struct tree *tree)
{
    free(tree->places);
    free(tree->operators);
    *tree = (struct tree){0};
}

static int modify(void *db, const char *cluster, const char *account, const char *user,
                  const char *tres)
{
    slurmdb_assoc_cond_t cond = {0};
    slurmdb_assoc_rec_t wanted;
    char names[3][TREE_NAME];
    list_t *done;

    snprintf(names[0], TREE_NAME, "%s", cluster);
    snprintf(names[1], TREE_NAME, "%s", account);
    snprintf(names[2], TREE_NAME, "%s", user);
    slurmdb_init_assoc_rec(&wanted, false);
    wanted.grp_tres = (char *)(uintptr_t)tres;
    cond.cluster_list = slurm_list_create(NULL);
    cond.acct_list = slurm_list_create(NULL);
    /* An empty name in the list is what says "the account's own". */
    cond.user_list = slurm_list_create(NULL);
    slurm_list_append(cond.cluster_list, names[0]);
    slurm_list_append(cond.acct_list, names[1]);
    slurm_list_append(cond.user_list, names[2]);
    errno = 0;
    done = slurmdb_associations_modify(db, &cond, &wanted);
    slurm_list_destroy(cond.cluster_list);
    slurm_list_destroy(cond.acct_list);
    slurm_list_destroy(cond.user_list);
    if (!done)
        return -1;
    slurm_list_destroy(done);
    return slurmdb_connection_commit(db, true) == SLURM_SUCCESS ? 0 : -1;
}

int tree_limit(const char *cluster, const char *account, const char *user,
               int64_t limit_wh)
{
    char tres[48];
    void *db = connect_dbd();
    int64_t number = db ? tres_number(db) : -1;
    int rc = number < 0 ? TREE_AWAY : -1;

    if (number == 0)
        log_line("limits of account %s cannot be set: Slurm has no TRES license/kwota: "
                 "see Licenses and AccountingStorageTRES in slurm.conf",
                 account);
    if (number > 0) {
        /* Without a limit: INFINITE64, as 26.05 reads no sign. */
        snprintf(tres, sizeof tres, "%lld=%llu", (long long)number,
                 (unsigned long long)(limit_wh < 0 ? INFINITE64 : (uint64_t)limit_wh));
        rc = modify(db, cluster, account, user, tres);
        if (rc < 0)
            log_line("GrpTRES=license/kwota=%lld of account %s%s%s is not set: %s",
                     (long long)limit_wh, account, user[0] ? ", user " : "", user,
                     slurm_strerror(errno));
    }
    if (db)
        slurmdb_connection_close(&db);
    return rc;
}
