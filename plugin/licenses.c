/* licenses.c - the lien among the licences of a job's request */
#include "plugin/licenses.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ",;|"

/* Room for ",kwota:" and any number. */
#define LIEN_BYTES 32

/* Whether the item at `item` is ours: "kwota", "kwota:5", "kwota=5". "kwota@other" is a
 * licence of another server. */
static bool is_lien(const char *item)
{
    size_t length = sizeof LICENSES_LIEN - 1;

    item += strspn(item, " \t");
    return strncmp(item, LICENSES_LIEN, length) == 0 &&
           (!item[length] || strchr(SEPARATORS ":= \t", item[length]));
}

bool licenses_have_lien(const char *list)
{
    while (list) {
        if (is_lien(list))
            return true;
        list = strpbrk(list, SEPARATORS);
        if (list)
            list++;
    }
    return false;
}

/* Copies what is not ours to `to`, which has room for all of it; returns its length. An
 * item's separator is the one before it, so that the first that stays has none. */
static size_t copy_without_lien(const char *list, char *to)
{
    size_t used = 0;
    char separator = '\0';

    while (list) {
        size_t length = strcspn(list, SEPARATORS);

        if (length > 0 && !is_lien(list)) {
            if (used > 0)
                to[used++] = separator;
            memcpy(to + used, list, length);
            used += length;
        }
        separator = list[length];
        list = separator ? list + length + 1 : NULL;
    }
    to[used] = '\0';
    return used;
}

char *licenses_without_lien(const char *list)
{
    char *rest = malloc((list ? strlen(list) : 0) + 1);

    if (rest)
        copy_without_lien(list, rest);
    return rest;
}

bool licenses_have_choice(const char *list)
{
    char *rest = licenses_without_lien(list);
    bool choice = !rest || strchr(rest, '|');

    free(rest);
    return choice;
}

char *licenses_with_lien(const char *list, int64_t wh)
{
    char *all = malloc((list ? strlen(list) : 0) + LIEN_BYTES);
    size_t used;

    if (!all)
        return NULL;
    used = copy_without_lien(list, all);
    snprintf(all + used, LIEN_BYTES, "%s" LICENSES_LIEN ":%" PRId64, used ? "," : "",
             wh);
    return all;
}
