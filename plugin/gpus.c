/* gpus.c - how many GPUs a request for generic resources names */
#include "plugin/gpus.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* More than any cluster has; a request beyond it says nothing. */
#define MOST INT64_C(1000000000)

/* The item [from, until) without "gres:" or "gres/". */
static const char *without_prefix(const char *from, const char *until)
{
    if (until - from >= 5 &&
        (strncmp(from, "gres:", 5) == 0 || strncmp(from, "gres/", 5) == 0))
        return from + 5;
    return from;
}

static bool ends_name(const char *at, const char *until)
{
    return at == until || *at == ':' || *at == '=';
}

/* The item's kind if it is one of GPUs: what comes after the kind's name, else NULL. */
static const char *after_kind(const char *from, const char *until, bool *part)
{
    static const struct {
        const char *name;
        bool part;
    } kinds[] = {{"gpu", false}, {"shard", true}, {"mps", true}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t length = strlen(kinds[i].name);

        if ((size_t)(until - from) >= length &&
            strncmp(from, kinds[i].name, length) == 0 &&
            ends_name(from + length, until)) {
            *part = kinds[i].part;
            return from + length;
        }
    }
    return NULL;
}

/* Digits only, or with Slurm's k for 1024. */
static int64_t count_of(const char *from, const char *until)
{
    int64_t count = 0;

    if (from == until)
        return GPUS_UNKNOWN;
    for (; from < until && *from >= '0' && *from <= '9'; from++)
        if ((count = count * 10 + (*from - '0')) > MOST)
            return GPUS_UNKNOWN;
    if (from < until && (*from == 'k' || *from == 'K')) {
        count *= 1024;
        from++;
    }
    return from == until ? count : GPUS_UNKNOWN;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ":2", "=2", ":a100:2", ":a100=2", ":a100" (one), "" (one). */
static int64_t count_after_kind(const char *from, const char *until)
{
    const char *last = from;

    if (from == until)
        return 1;
    for (const char *c = from + 1; c < until; c++)
        if (*c == ':' || *c == '=')
            last = c;
    /* One word after the kind that is no number is a type. */
    if (last == from && *last == ':' && last + 1 < until && !is_digit(last[1]))
        return 1;
    return count_of(last + 1, until);
}

static int64_t gpus_of_item(const char *from, const char *until)
{
    bool part = false;
    int64_t count;

    from = without_prefix(from, until);
    from = after_kind(from, until, &part);
    if (!from)
        return 0;
    count = count_after_kind(from, until);
    return part && count > 1 ? 1 : count;
}

int64_t gpus_requested(const char *tres)
{
    int64_t sum = 0;

    if (!tres)
        return 0;
    for (;;) {
        size_t length = strcspn(tres, ",;");
        int64_t count = gpus_of_item(tres, tres + length);

        if (count == GPUS_UNKNOWN)
            return GPUS_UNKNOWN;
        sum += count;
        if (!tres[length])
            return sum;
        tres += length + 1;
    }
}
