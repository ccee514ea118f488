/* map_path.c - where the budget map is */
#include "plugin/map_path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* kwota.json is written by people. */
#define MOST_BYTES (256 * 1024)

/* After the string that begins at `at`; NULL: it does not end. `length` is what is
 * between the quotes, `plain` whether it means what it says. */
static const char *past_string(const char *at, size_t *length, int *plain)
{
    const char *begin = ++at;

    *plain = 1;
    for (; *at && *at != '"'; at++)
        if (*at == '\\') {
            *plain = 0;
            if (!*++at)
                return NULL;
        }
    *length = (size_t)(at - begin);
    return *at ? at + 1 : NULL;
}

static const char *past_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* The value after the key that ends at `at`, if it is a plain text. */
static int take_text(const char *at, char *text, size_t size)
{
    const char *begin;
    size_t length;
    int plain;

    at = past_space(at);
    if (*at != '"')
        return -1;
    begin = at + 1;
    if (!past_string(at, &length, &plain) || !plain || length == 0 || length >= size)
        return -1;
    memcpy(text, begin, length);
    text[length] = '\0';
    return 0;
}

int map_path_json_text(const char *json, const char *key, char *text, size_t size)
{
    int depth = 0;

    while (*json) {
        const char *begin = json + 1;
        size_t length = 0;
        int plain = 0;

        if (*json == '{' || *json == '[')
            depth++;
        else if (*json == '}' || *json == ']')
            depth--;
        if (*json != '"') {
            json++;
            continue;
        }
        json = past_string(json, &length, &plain);
        if (!json)
            return -1;
        json = past_space(json);
        if (depth == 1 && *json == ':' && plain && length == strlen(key) &&
            memcmp(begin, key, length) == 0)
            return take_text(json + 1, text, size);
    }
    return -1;
}

/* The file's text, newly allocated; NULL: it cannot be read. */
static char *text_of(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = fd < 0 ? NULL : malloc(MOST_BYTES + 1);
    size_t used = 0;
    ssize_t n = 0;

    while (text && used < MOST_BYTES &&
           (n = read(fd, text + used, MOST_BYTES - used)) > 0)
        used += (size_t)n;
    if (fd >= 0)
        close(fd);
    if (text)
        text[used] = '\0';
    return text;
}

void map_path_find(const char *file, char *path, size_t size)
{
    const char *said = getenv("KWOTA_BUDGET_MAP");
    char spool[512];
    char *text;

    if (said && *said) {
        snprintf(path, size, "%s", said);
        return;
    }
    text = text_of(file);
    if (text && map_path_json_text(text, "spool", spool, sizeof spool) == 0)
        snprintf(path, size, "%s/budget.map", spool);
    else
        snprintf(path, size, "%s", KWOTA_SPOOLDIR "/budget.map");
    free(text);
}
