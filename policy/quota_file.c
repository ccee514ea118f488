/* quota_file.c - all quotas as a file that a centre keeps in version control */
#include "policy/quota_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/quota_entry.h"

#define FILE_VERSION 1

struct list {
    struct quota *quotas;
    int count;
};

static int compare(const void *a, const void *b)
{
    const struct quota *x = a, *y = b;
    int rc = strcmp(x->account, y->account);

    if (rc == 0)
        rc = strcmp(x->user, y->user);
    if (rc == 0)
        rc = strcmp(x->class, y->class);
    return rc ? rc : strcmp(x->cluster, y->cluster);
}

static void sort(struct list *list)
{
    if (list->count)
        qsort(list->quotas, (size_t)list->count, sizeof *list->quotas, compare);
}

/* While a file is read an entry's id is its number in it. */
static void find_twins(const struct list *list, json_t *mistakes)
{
    for (int i = 1; i < list->count; i++) {
        const struct quota *a = &list->quotas[i - 1], *b = &list->quotas[i];
        char where[40], name[320];

        if (compare(a, b) != 0)
            continue;
        snprintf(where, sizeof where, "quotas[%lld]",
                 (long long)(a->id > b->id ? a->id : b->id));
        quota_entry_mistake(mistakes, where, NULL, "%s has one already, quotas[%lld]",
                            quota_name(a, name, sizeof name),
                            (long long)(a->id > b->id ? b->id : a->id));
    }
}

static void check_file(const json_t *file, json_t *mistakes)
{
    const char *key;
    json_t *value;

    if (!json_is_object(file)) {
        quota_entry_mistake(mistakes, "", NULL,
                            "the file is an object: {\"version\":1,\"quotas\":[…]}");
        return;
    }
    json_object_foreach((json_t *)file, key, value)
    {
        if (strcmp(key, "version") != 0 && strcmp(key, "quotas") != 0)
            quota_entry_mistake(mistakes, "", key,
                                "there is no such key; there are version and quotas");
    }
    if (json_integer_value(json_object_get(file, "version")) != FILE_VERSION)
        quota_entry_mistake(mistakes, "", "version", "it must be %d", FILE_VERSION);
    if (!json_is_array(json_object_get(file, "quotas")))
        quota_entry_mistake(mistakes, "", "quotas", "a list of quotas is meant");
}

/* All of the file, sorted; mistakes all at once. */
static int read_file(const json_t *file, struct list *list, json_t *mistakes)
{
    const json_t *entries = json_object_get(file, "quotas");
    size_t i, n = json_array_size(entries);
    json_t *entry;

    check_file(file, mistakes);
    list->count = 0;
    list->quotas = calloc(n ? n : 1, sizeof *list->quotas);
    if (!list->quotas)
        return -1;
    json_array_foreach(entries, i, entry)
    {
        struct quota *quota = &list->quotas[list->count];
        char where[40];

        snprintf(where, sizeof where, "quotas[%zu]", i);
        if (quota_entry_key(entry, where, quota, mistakes) < 0)
            continue;
        quota->id = (int64_t)i;
        quota_entry_terms(entry, where, true, quota, mistakes);
        list->count++;
    }
    sort(list);
    find_twins(list, mistakes);
    return json_array_size(mistakes) ? -1 : 0;
}

/* One step of the walk along both lists: what is in the ledger, what is in the file;
 * NULL: not there. */
static int take_pair(struct ledger *ledger, const struct quota *before,
                     struct quota *after, const struct quota_by *by, json_t *difference,
                     struct quota_refusal *refusal)
{
    json_t *kept = json_object_get(difference, "unchanged");

    if (!after) {
        json_array_append_new(json_object_get(difference, "removed"),
                              quota_entry(before));
        return quota_drop(ledger, before, by, refusal);
    }
    if (before && quota_same(before, after)) {
        json_integer_set(kept, json_integer_value(kept) + 1);
        return 0;
    }
    if (before)
        json_array_append_new(json_object_get(difference, "changed"),
                              json_pack("{s:o s:o}", "before", quota_entry(before),
                                        "after", quota_entry(after)));
    else
        json_array_append_new(json_object_get(difference, "added"), quota_entry(after));
    return quota_put(ledger, before, after, by, refusal);
}

static int walk(struct ledger *ledger, const struct list *old, const struct list *new,
                const struct quota_by *by, json_t *difference,
                struct quota_refusal *refusal)
{
    int i = 0, j = 0;

    while (i < old->count || j < new->count) {
        int order = i == old->count   ? 1
                    : j == new->count ? -1
                                      : compare(&old->quotas[i], &new->quotas[j]);

        if (take_pair(ledger, order <= 0 ? &old->quotas[i] : NULL,
                      order >= 0 ? &new->quotas[j] : NULL, by, difference, refusal) < 0)
            return -1;
        i += order <= 0;
        j += order >= 0;
    }
    return 0;
}

int quota_file_apply(struct ledger *ledger, const json_t *file,
                     const struct quota_by *by, json_t *mistakes, json_t **difference,
                     struct quota_refusal *refusal)
{
    struct list old = {NULL, 0}, new = {NULL, 0};
    int rc;

    *difference = NULL;
    if (read_file(file, &new, mistakes) < 0) {
        free(new.quotas);
        return quota_refuse(refusal, 400, "the file has %zu mistake%s: nothing is done",
                            json_array_size(mistakes),
                            json_array_size(mistakes) == 1 ? "" : "s");
    }
    if (quota_all(ledger, &old.quotas, &old.count) < 0) {
        free(new.quotas);
        return quota_refuse(refusal, 500, "the ledger cannot be read now");
    }
    sort(&old);
    *difference = json_pack("{s:[] s:[] s:[] s:i}", "added", "changed", "removed",
                            "unchanged", 0);
    rc = walk(ledger, &old, &new, by, *difference, refusal);
    free(old.quotas);
    free(new.quotas);
    if (rc < 0) {
        json_decref(*difference);
        *difference = NULL;
    }
    return rc;
}

json_t *quota_file_export(struct ledger *ledger)
{
    struct quota *quotas;
    json_t *entries;
    int count;

    if (quota_all(ledger, &quotas, &count) < 0)
        return NULL;
    entries = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(entries, quota_entry(&quotas[i]));
    free(quotas);
    return json_pack("{s:i s:o}", "version", FILE_VERSION, "quotas", entries);
}
