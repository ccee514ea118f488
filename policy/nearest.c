/* nearest.c - the known word that a misspelt one was probably meant to be */
#include "policy/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Longer words are near to nothing. */
#define LONGEST 40

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must change between two words; two that have changed places are one
 * change (Damerau's distance, of neighbours). */
static size_t distance(const char *a, const char *b)
{
    size_t d[LONGEST + 1][LONGEST + 1], m = strlen(a), n = strlen(b);

    if (m > LONGEST || n > LONGEST)
        return LONGEST + 1;
    for (size_t i = 0; i <= m; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= n; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++) {
            d[i][j] = least_of(d[i - 1][j - 1] + !same(a[i - 1], b[j - 1]),
                               least_of(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                d[i][j] = least_of(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

/* One of the two begins with the other, which says enough to be known by. */
static bool cut_short(const char *a, const char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

    return n >= 3 && strncasecmp(a, b, n) == 0;
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    size_t length = strlen(word), least = length / 3;

    if (least < 1)
        least = length > 1;
    if (length >= 4 && least < 2)
        least = 2;
    for (const char *const *w = words; *w; w++) {
        size_t d = distance(word, *w);

        if (d > least || (nearest && d == least))
            continue;
        nearest = *w;
        least = d;
    }
    for (const char *const *w = words; *w && !nearest; w++)
        if (cut_short(word, *w))
            nearest = *w;
    return nearest;
}
