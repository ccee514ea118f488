/* account_figures.c - figures by account, for metrics */
#include "policy/account_figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct account_figures *f, const char *name)
{
    struct account_figure *more;

    if (!f->places)
        f->places = json_object();
    /* Doubled whenever it is full: a power of two. */
    if ((f->count & (f->count - 1)) == 0) {
        more = realloc(f->list, (size_t)(f->count ? 2 * f->count : 1) * sizeof *more);
        if (!more)
            return -1;
        f->list = more;
    }
    if (json_object_set_new_nocheck(f->places, name, json_integer(f->count)) < 0)
        return -1;
    f->list[f->count] = (struct account_figure){.rank = -1};
    snprintf(f->list[f->count].name, sizeof f->list->name, "%s", name);
    return f->count++;
}

int account_figures_of(struct account_figures *figures, const char *name)
{
    const json_t *place = json_object_get(figures->places, name);

    return place ? (int)json_integer_value(place) : add(figures, name);
}

void account_figures_begin_month(struct account_figures *figures)
{
    account_figures_done(figures);
}

void account_figures_begin_runs(struct account_figures *figures)
{
    for (int i = 0; i < figures->count; i++)
        figures->list[i].unsettled_mj = figures->list[i].runs = 0;
}

void account_figures_done(struct account_figures *figures)
{
    json_decref(figures->places);
    free(figures->list);
    *figures = (struct account_figures){0};
}

void account_figures_choose(struct account_figures *figures, int64_t most)
{
    int64_t uncharged = figures->ranks;

    for (int i = 0; i < figures->count; i++) {
        struct account_figure *account = &figures->list[i];
        int64_t before = account->rank >= 0 ? account->rank : uncharged++;

        account->named =
            before < most && strcmp(account->name, ACCOUNT_FIGURES_OTHER) != 0;
    }
}
