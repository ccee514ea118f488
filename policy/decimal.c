/* decimal.c - decimal numbers as whole numbers of their smallest part */
#include "policy/decimal.h"

#include <stdio.h>
#include <string.h>

int decimal_parse(const char *text, int places, int64_t *value)
{
    int64_t sum = 0;
    int after = -1, digits = 0;

    for (; *text; text++) {
        if (*text == '.' && after < 0 && digits > 0) {
            after = 0;
            continue;
        }
        if (*text < '0' || *text > '9')
            return DECIMAL_NONE;
        digits++;
        if (after == places && *text != '0')
            return DECIMAL_FINE;
        if (after == places)
            continue;
        after += after >= 0;
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, *text - '0', &sum))
            return DECIMAL_LARGE;
    }
    if (digits == 0 || text[-1] == '.')
        return DECIMAL_NONE;
    for (after = after < 0 ? 0 : after; after < places; after++)
        if (__builtin_mul_overflow(sum, 10, &sum))
            return DECIMAL_LARGE;
    *value = sum;
    return 0;
}

char *decimal_text(int64_t value, int places, int least, char text[DECIMAL_TEXT])
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, part = 1;
    int shown = places;

    for (int i = 0; i < places; i++)
        part *= 10;
    if (places == 0)
        snprintf(text, DECIMAL_TEXT, "%s%llu", value < 0 ? "-" : "",
                 (unsigned long long)size);
    else
        snprintf(text, DECIMAL_TEXT, "%s%llu.%0*llu", value < 0 ? "-" : "",
                 (unsigned long long)(size / part), places,
                 (unsigned long long)(size % part));
    for (char *end = text + strlen(text); shown > least && end[-1] == '0'; shown--)
        *--end = '\0';
    if (places > 0 && shown == 0)
        text[strlen(text) - 1] = '\0';
    return text;
}
