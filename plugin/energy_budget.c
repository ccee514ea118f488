/* energy_budget.c - what a user writes after --energy-budget= */
#include "plugin/energy_budget.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define UJ_PER_J INT64_C(1000000)
#define UJ_PER_WH (3600 * UJ_PER_J)

/* A unit's microjoules, by which a decimal of nine places stays exact enough. */
static int64_t unit_uj(const char *unit)
{
    static const struct {
        const char *name;
        int64_t uj;
    } units[] = {
        {"J", UJ_PER_J},
        {"kJ", UJ_PER_J * 1000},
        {"MJ", UJ_PER_J * 1000000},
        {"GJ", UJ_PER_J * 1000000000},
        {"Wh", UJ_PER_WH},
        {"kWh", UJ_PER_WH * 1000},
        {"MWh", UJ_PER_WH * 1000000},
        {"GWh", UJ_PER_WH * 1000000000},
    };

    /* A small m would be thousandths: nobody means them, and a million times less is
     * not to be guessed. */
    if (unit[0] == 'm')
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(unit, units[i].name) == 0)
            return units[i].uj;
    return 0;
}

/* Reads digits into `value`; how many there were. More than 18 are too many. */
static int digits(const char **text, int64_t *value)
{
    int n = 0;

    *value = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        if (++n <= 18)
            *value = *value * 10 + (**text - '0');
    return n;
}

int energy_budget_parse(const char *text, int64_t *wh)
{
    int64_t whole = 0, part = 0, scale = 1, unit;
    __int128 uj;
    int n, places = 0;

    *wh = 0;
    n = digits(&text, &whole);
    if (*text == '.') {
        text++;
        places = digits(&text, &part);
        if (places == 0)
            return -1;
    }
    if (n == 0 || n > 18 || places > 18)
        return -1;
    while (places-- > 0)
        scale *= 10;
    text += strspn(text, " ");
    unit = unit_uj(text);
    uj = (__int128)whole * unit + (__int128)part * unit / scale;
    if (uj <= 0 || uj / UJ_PER_WH > INT64_MAX)
        return -1;
    *wh = uj < UJ_PER_WH ? 1 : (int64_t)(uj / UJ_PER_WH);
    return 0;
}
