/* kind.c - energy by what used it, as people read it: cpu, dram, gpu, other */
#include "policy/kind.h"

#include <stdio.h>
#include <string.h>

#include "policy/energy.h"

static const char *const names[KINDS] = {"cpu", "dram", "gpu", "other"};

enum kind kind_of(const char *domain_kind)
{
    static const char *const domains[KINDS] = {"package", "dram", "gpu", NULL};

    for (int k = 0; k < KIND_OTHER; k++)
        if (strcmp(domains[k], domain_kind) == 0)
            return (enum kind)k;
    return KIND_OTHER;
}

const char *kind_name(enum kind kind)
{
    return names[kind];
}

void kinds_clear(struct kinds *kinds)
{
    for (int k = 0; k < KINDS; k++)
        kinds->mj[k] = ENERGY_UNKNOWN;
}

void kinds_add(struct kinds *kinds, enum kind kind, int64_t mj)
{
    kinds->mj[kind] = energy_add(kinds->mj[kind], mj);
}

static json_t *amount(int64_t mj)
{
    return mj == ENERGY_UNKNOWN ? json_null() : json_integer(mj);
}

static void add_kinds(json_t *object, const struct kinds *kinds)
{
    char key[16];

    for (int k = 0; k < KINDS; k++) {
        snprintf(key, sizeof key, "%s_mj", names[k]);
        json_object_set_new(object, key, amount(kinds->mj[k]));
    }
}

json_t *kinds_json(const struct kinds *kinds)
{
    json_t *object = json_object();

    add_kinds(object, kinds);
    return object;
}

json_t *kinds_total_json(const struct kinds *kinds)
{
    json_t *object = json_object();
    int64_t total = ENERGY_UNKNOWN;

    for (int k = 0; k < KINDS; k++)
        total = energy_add(total, kinds->mj[k]);
    json_object_set_new(object, "total_mj", amount(total));
    add_kinds(object, kinds);
    return object;
}
