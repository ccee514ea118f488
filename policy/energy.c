/* energy.c - amounts of energy as integers, and as people read them */
#include "policy/energy.h"

#include <inttypes.h>
#include <stdio.h>

int64_t energy_add(int64_t a, int64_t b)
{
    int64_t sum;

    if (a == ENERGY_UNKNOWN)
        return b;
    if (b == ENERGY_UNKNOWN)
        return a;
    if (__builtin_add_overflow(a, b, &sum))
        return a > 0 ? INT64_MAX : INT64_MIN + 1;
    return sum;
}

/* |v| without overflow for INT64_MIN. */
static uint64_t magnitude(int64_t v)
{
    return v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v;
}

static uint64_t power_of_ten(int digits)
{
    uint64_t p = 1;

    while (digits-- > 0)
        p *= 10;
    return p;
}

/* Writes value/unit as a decimal with `digits` places, rounded half away from zero. */
static char *decimal(char *buf, size_t size, int64_t value, uint64_t unit, int digits)
{
    uint64_t scale = power_of_ten(digits);
    unsigned __int128 scaled = (unsigned __int128)magnitude(value) * scale;
    unsigned __int128 rounded = (scaled + unit / 2) / unit;
    uint64_t whole = (uint64_t)(rounded / scale);
    uint64_t part = (uint64_t)(rounded % scale);
    const char *sign = value < 0 && rounded > 0 ? "-" : "";

    if (digits == 0)
        snprintf(buf, size, "%s%" PRIu64, sign, whole);
    else
        snprintf(buf, size, "%s%" PRIu64 ".%0*" PRIu64, sign, whole, digits, part);
    return buf;
}

char *energy_kwh(char *buf, size_t size, int64_t mj, int digits)
{
    if (mj == ENERGY_UNKNOWN) {
        snprintf(buf, size, "unknown");
        return buf;
    }
    if (digits < 0)
        digits = 0;
    if (digits > 9)
        digits = 9;
    return decimal(buf, size, mj, (uint64_t)ENERGY_MJ_PER_KWH, digits);
}

char *energy_kwh_human(char *buf, size_t size, int64_t mj)
{
    char number[ENERGY_TEXT];
    uint64_t left = magnitude(mj);
    int digits = 0;

    if (mj == ENERGY_UNKNOWN)
        return energy_kwh(buf, size, mj, 0);
    /* Three figures: one place more for each factor of ten below 100 kWh. */
    for (uint64_t limit = (uint64_t)ENERGY_MJ_PER_KWH * 100;
         digits < 7 && left < limit && limit > 10; limit /= 10)
        digits++;
    if (left == 0)
        digits = 0;
    snprintf(buf, size, "%s kWh", energy_kwh(number, sizeof number, mj, digits));
    return buf;
}

char *energy_joules(char *buf, size_t size, int64_t mj)
{
    char number[ENERGY_TEXT];

    if (mj == ENERGY_UNKNOWN) {
        snprintf(buf, size, "unknown");
        return buf;
    }
    decimal(number, sizeof number, mj, 1000, magnitude(mj) < 10000 ? 3 : 0);
    snprintf(buf, size, "%s J", number);
    return buf;
}

int64_t energy_mean_mw(int64_t mj, int64_t ms)
{
    __int128 mw;

    if (mj == ENERGY_UNKNOWN || ms <= 0)
        return ENERGY_UNKNOWN;
    mw = ((__int128)mj * 1000 + (mj < 0 ? -ms / 2 : ms / 2)) / ms;
    if (mw > INT64_MAX)
        return INT64_MAX;
    if (mw < -(__int128)INT64_MAX)
        return -INT64_MAX;
    return (int64_t)mw;
}

char *energy_watts(char *buf, size_t size, int64_t mw)
{
    char number[ENERGY_TEXT];

    if (mw == ENERGY_UNKNOWN) {
        snprintf(buf, size, "unknown");
        return buf;
    }
    snprintf(buf, size, "%s W", decimal(number, sizeof number, mw, 1000, 1));
    return buf;
}

int64_t energy_known(int64_t sum, int64_t left_out_mj)
{
    return sum == 0 && left_out_mj != 0 ? ENERGY_UNKNOWN : sum;
}
