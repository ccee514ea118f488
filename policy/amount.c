/* amount.c - amounts of energy as people write them */
#include "policy/amount.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* More places than any unit has below it that are not zero: a GWh is 3.6e15 mJ. */
#define MOST_DIGITS 40

#define MJ_PER_WH INT64_C(3600000)

static const struct unit {
    const char *name;
    int64_t mj;
} units[] = {
    {"kWh", MJ_PER_WH * 1000},
    {"Wh", MJ_PER_WH},
    {"MWh", MJ_PER_WH * 1000000},
    {"GWh", MJ_PER_WH * 1000000000},
    {"J", 1000},
    {"kJ", 1000000},
    {"MJ", 1000000000},
    {"GJ", INT64_C(1000000000000)},
};

static const struct unit *unit_of(const char *text)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, text) == 0)
            return &units[i];
    return NULL;
}

/* mWh and mJ are no slips of the pen for MWh and MJ: nobody guesses. */
static int refuse_unit(const char *text, const char *unit, char why[AMOUNT_WHY])
{
    const char *meant = NULL;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (unit[0] != 'm' && strcasecmp(units[i].name, unit) == 0)
            meant = units[i].name;
    if (unit[0] == '\0')
        snprintf(why, AMOUNT_WHY, "\"%.40s\" has no unit; is %.40skWh meant?", text,
                 text);
    else if (meant)
        snprintf(why, AMOUNT_WHY, "\"%.40s\": is the unit %s meant?", text, meant);
    else
        snprintf(why, AMOUNT_WHY,
                 "\"%.40s\": \"%.20s\" is no unit; there are J, kJ, MJ, GJ, Wh, kWh, "
                 "MWh and GWh",
                 text, unit);
    return -1;
}

/* The number's digits without its point, and how many stand behind that. What follows
 * is in *rest; NULL: it is no number. */
static const char *take_number(const char *text, char digits[MOST_DIGITS + 1],
                               int *places)
{
    int count = 0;
    bool point = false;

    *places = 0;
    for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        if (count == MOST_DIGITS)
            return NULL;
        digits[count++] = *text;
        *places += point;
    }
    digits[count] = '\0';
    /* "5." and ".5" are slips as likely as amounts. */
    return count == 0 || text[-1] == '.' || *places == count ? NULL : text;
}

/* digits x unit / 10^places. -1: too large. -2: not whole. */
static int scale(char *digits, int places, int64_t unit, int64_t *mj)
{
    unsigned __int128 value = 0, ten = 1;

    for (size_t n = strlen(digits); places > 0 && digits[n - 1] == '0'; n--, places--)
        digits[n - 1] = '\0';
    if (places > 15)
        return -2;
    for (; *digits; digits++) {
        value = value * 10 + (unsigned)(*digits - '0');
        if (value > (unsigned __int128)AMOUNT_MOST_MJ * UINT64_C(1000000000000000))
            return -1;
    }
    while (places-- > 0)
        ten *= 10;
    if (value / ten > (unsigned __int128)(AMOUNT_MOST_MJ / unit))
        return -1;
    if (value * (unsigned __int128)unit % ten != 0)
        return -2;
    value = value * (unsigned __int128)unit / ten;
    if (value > (unsigned __int128)AMOUNT_MOST_MJ)
        return -1;
    *mj = (int64_t)value;
    return 0;
}

int amount_parse(const char *text, bool may_be_negative, int64_t *mj,
                 char why[AMOUNT_WHY])
{
    char digits[MOST_DIGITS + 1];
    const char *from = text, *rest;
    const struct unit *unit;
    bool negative;
    int places, rc;

    while (isspace((unsigned char)*from))
        from++;
    negative = *from == '-';
    if (*from == '-' || *from == '+')
        from++;
    rest = take_number(from, digits, &places);
    if (!rest) {
        snprintf(why, AMOUNT_WHY,
                 "\"%.40s\" is no amount of energy, such as 1000kWh or 1.5MWh", text);
        return -1;
    }
    while (isspace((unsigned char)*rest))
        rest++;
    if (*rest == ',') {
        snprintf(why, AMOUNT_WHY, "\"%.40s\": the decimal sign is a point", text);
        return -1;
    }
    unit = unit_of(rest);
    if (!unit)
        return refuse_unit(text, rest, why);
    rc = scale(digits, places, unit->mj, mj);
    if (rc == -1)
        snprintf(why, AMOUNT_WHY, "\"%.40s\" is too large: 1000 GWh is the most", text);
    else if (rc == -2)
        snprintf(why, AMOUNT_WHY, "\"%.40s\" is finer than a thousandth of a joule",
                 text);
    else if (negative && *mj != 0 && !may_be_negative) {
        snprintf(why, AMOUNT_WHY, "\"%.40s\" is less than nothing", text);
        rc = -1;
    }
    if (rc == 0 && negative)
        *mj = -*mj;
    return rc < 0 ? -1 : 0;
}

/* value / 1000 with no more places than it needs. */
static void decimal(uint64_t value, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "%" PRIu64 ".%03u", value / 1000,
                                  (unsigned)(value % 1000));

    while (text[len - 1] == '0')
        text[--len] = '\0';
    if (text[len - 1] == '.')
        text[len - 1] = '\0';
}

char *amount_text(int64_t mj, char *text, size_t size)
{
    uint64_t value = mj < 0 ? UINT64_C(0) - (uint64_t)mj : (uint64_t)mj;
    bool in_wh = value % (uint64_t)MJ_PER_WH == 0;
    char number[AMOUNT_TEXT];

    decimal(in_wh ? value / (uint64_t)MJ_PER_WH : value, number, sizeof number);
    snprintf(text, size, "%s%s%s", mj < 0 ? "-" : "", number, in_wh ? "kWh" : "J");
    return text;
}
