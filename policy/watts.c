/* watts.c - power as people write it: "250W", "0.3kW" */
#include "policy/watts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Far from overflowing, in mW too. */
#define DIGITS 9

/* Reads digits and counts them. */
static int digits(const char **text, int64_t *value)
{
    int n = 0;

    for (; **text >= '0' && **text <= '9' && n <= DIGITS; (*text)++, n++)
        *value = *value * 10 + (**text - '0');
    return n;
}

int watts_parse(const char *text, int64_t *mw)
{
    int64_t value = 0;
    int whole = digits(&text, &value), places = 0, most;

    *mw = 0;
    if (whole == 0 || whole > DIGITS)
        return -1;
    if (*text == '.') {
        text++;
        places = digits(&text, &value);
        if (places == 0)
            return -1;
    }
    text += strspn(text, " ");
    if (strcasecmp(text, "W") == 0)
        most = 3;
    else if (strcasecmp(text, "kW") == 0)
        most = 6;
    else
        return -1;
    if (places > most)
        return -1;
    for (; places < most; places++)
        value *= 10;
    *mw = value;
    return 0;
}

int watts_parse_cap(const char *text, int64_t *mw)
{
    if (watts_parse(text, mw) < 0)
        return -1;
    return *mw >= WATTS_LEAST_MW && *mw <= WATTS_MOST_MW ? 0 : -1;
}

char *watts_text(int64_t mw, char text[WATTS_TEXT])
{
    int len = snprintf(text, WATTS_TEXT, "%lld.%03lld", (long long)mw / 1000,
                       (long long)mw % 1000);

    while (text[len - 1] == '0')
        text[--len] = '\0';
    if (text[len - 1] == '.')
        text[--len] = '\0';
    return text;
}
