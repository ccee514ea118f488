/* unit.c - the unit an amount of energy is best read in: Wh, kWh, MWh, GWh, TWh */
#include "tools/unit.h"

#include <inttypes.h>
#include <stdio.h>

#include "policy/energy.h"

static const struct unit units[] = {{"Wh", ENERGY_MJ_PER_KWH / 1000},
                                    {"kWh", ENERGY_MJ_PER_KWH},
                                    {"MWh", ENERGY_MJ_PER_KWH * 1000},
                                    {"GWh", ENERGY_MJ_PER_KWH * 1000000},
                                    {"TWh", ENERGY_MJ_PER_KWH * 1000000000}};

const struct unit *unit_of(int64_t most_mj)
{
    size_t i = sizeof units / sizeof *units - 1;

    if (most_mj == ENERGY_UNKNOWN)
        return &units[0];
    if (most_mj < 0)
        most_mj = -most_mj;
    while (i > 0 && most_mj < units[i].mj)
        i--;
    return &units[i];
}

char *unit_number(char *text, size_t size, int64_t mj, const struct unit *unit)
{
    uint64_t left = mj < 0 ? UINT64_C(0) - (uint64_t)mj : (uint64_t)mj, scale, rounded;
    uint64_t one = (uint64_t)unit->mj;
    int digits;

    if (mj == ENERGY_UNKNOWN) {
        snprintf(text, size, "unknown");
        return text;
    }
    digits = left == 0 || left / one >= 100 ? 0 : left / one >= 10 ? 1 : 2;
    scale = digits == 0 ? 1 : digits == 1 ? 10 : 100;
    rounded = (uint64_t)(((unsigned __int128)left * scale + one / 2) / one);
    if (digits == 0)
        snprintf(text, size, "%s%" PRIu64, mj < 0 && rounded ? "-" : "", rounded);
    else
        snprintf(text, size, "%s%" PRIu64 ".%0*" PRIu64, mj < 0 && rounded ? "-" : "",
                 rounded / scale, digits, rounded % scale);
    return text;
}

char *unit_text(char *text, size_t size, int64_t mj)
{
    const struct unit *unit = unit_of(mj);
    char number[UNIT_TEXT];

    unit_number(number, sizeof number, mj, unit);
    if (mj == ENERGY_UNKNOWN)
        snprintf(text, size, "%s", number);
    else
        snprintf(text, size, "%s %s", number, unit->name);
    return text;
}
