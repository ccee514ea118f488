/* accounting_order.c - the order of a report's rows; accounts as a tree, with sums */
#include <stdlib.h>
#include <string.h>

#include "policy/accounting_inside.h"

/* Slurm's trees are not that deep; one that bites its tail ends here. */
#define DEEPEST 32

static int by_use(const void *a, const void *b)
{
    const struct accounting_row *x = a, *y = b;
    int64_t mine = sums_charged(&x->below), theirs = sums_charged(&y->below);

    if (mine != theirs)
        return mine > theirs ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct accounting_row *)a)->name,
                  ((const struct accounting_row *)b)->name);
}

/* NULL: it is on top. The root is not shown as anybody's parent. */
static const char *parent_of(const json_t *parents, const char *account)
{
    const char *parent = json_string_value(json_object_get(parents, account));

    return parent && parent[0] && strcmp(parent, "root") != 0 &&
                   strcmp(parent, account) != 0
               ? parent
               : NULL;
}

/* Those above accounts that have used something are rows too. */
static int add_ancestors(struct accounting_rows *rows, const json_t *parents)
{
    for (size_t i = 0; i < rows->count; i++) {
        const char *parent = parent_of(parents, rows->list[i].name);

        if (parent && !rows_get(rows, parent))
            return -1;
    }
    return 0;
}

/* Gives what each has used to all above it. */
static void add_below(struct accounting_rows *rows, const json_t *parents)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct accounting_row *row = &rows->list[i];
        const char *name = row->name;

        row->depth = 0;
        sums_add(&row->below, &row->own);
        for (int d = 0; d < DEEPEST && (name = parent_of(parents, name)); d++) {
            sums_add(&rows_get(rows, name)->below, &row->own);
            row->depth++;
        }
    }
}

/* A row and what is below it, from a list in order of use. */
struct tree {
    const struct accounting_row *from;
    struct accounting_row *to;
    size_t count, placed;
    size_t *first, *next; /* child and sibling of each, 1 + its place; 0: none */
    bool *done;
};

static void place(struct tree *t, size_t i, int depth)
{
    if (t->done[i] || depth > DEEPEST)
        return;
    t->done[i] = true;
    t->to[t->placed] = t->from[i];
    t->to[t->placed++].depth = depth;
    for (size_t c = t->first[i]; c; c = t->next[c - 1])
        place(t, c - 1, depth + 1);
}

static void link_up(struct tree *t, const json_t *parents, const json_t *places)
{
    /* From the last on, so that the first child is the largest. */
    for (size_t i = t->count; i-- > 0;) {
        const char *parent = parent_of(parents, t->from[i].name);
        const json_t *at = parent ? json_object_get(places, parent) : NULL;

        if (!at)
            continue;
        t->next[i] = t->first[json_integer_value(at)];
        t->first[json_integer_value(at)] = i + 1;
    }
}

static void renumber(struct accounting_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        json_object_set_new_nocheck(rows->places, rows->list[i].name,
                                    json_integer((json_int_t)i));
}

static int order_tree(struct accounting_rows *rows, const json_t *parents)
{
    struct tree t = {.from = rows->list, .count = rows->count};
    int rc = -1;

    t.to = calloc(rows->count, sizeof *t.to);
    t.first = calloc(rows->count, sizeof *t.first);
    t.next = calloc(rows->count, sizeof *t.next);
    t.done = calloc(rows->count, sizeof *t.done);
    if (t.to && t.first && t.next && t.done) {
        link_up(&t, parents, rows->places);
        for (size_t i = 0; i < t.count; i++)
            if (!parent_of(parents, t.from[i].name))
                place(&t, i, 0);
        for (size_t i = 0; i < t.count; i++) /* of a tree without a top */
            place(&t, i, 0);
        memcpy(rows->list, t.to, t.placed * sizeof *t.to);
        rc = 0;
    }
    free(t.to);
    free(t.first);
    free(t.next);
    free(t.done);
    renumber(rows);
    return rc;
}

int rows_order(struct accounting_rows *rows, enum by by, const json_t *parents)
{
    if (by == BY_ACCOUNT && add_ancestors(rows, parents) < 0)
        return -1;
    if (by == BY_ACCOUNT)
        add_below(rows, parents);
    else
        for (size_t i = 0; i < rows->count; i++)
            rows->list[i].below = rows->list[i].own;
    if (rows->count > 0)
        qsort(rows->list, rows->count, sizeof *rows->list,
              by >= BY_DAY ? by_name : by_use);
    renumber(rows);
    return by == BY_ACCOUNT && rows->count > 0 ? order_tree(rows, parents) : 0;
}
