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

/* How many letters must change between two words (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], n = strlen(b);

    if (strlen(a) > LONGEST || n > LONGEST)
        return LONGEST + 1;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = corner + !same(a[i - 1], b[j - 1]);

            corner = row[j];
            row[j] = change;
            if (corner + 1 < row[j])
                row[j] = corner + 1;
            if (row[j - 1] + 1 < row[j])
                row[j] = row[j - 1] + 1;
        }
    }
    return row[n];
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
