/* mariadb_text.c - statements for a MariaDB, put together piece by piece */
#include "policy/mariadb_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mariadb_text_free(struct mariadb_text *t)
{
    free(t->text);
    *t = (struct mariadb_text){NULL, 0, 0, false};
}

/* Room for so many more bytes; NULL: there is none. */
static char *more(struct mariadb_text *t, size_t len)
{
    size_t room = t->room ? t->room : 4096;
    char *text;

    while (room - t->len < len)
        room *= 2;
    if (!t->failed && room > t->room) {
        text = realloc(t->text, room);
        t->failed = !text;
        if (text) {
            t->text = text;
            t->room = room;
        }
    }
    return t->failed ? NULL : t->text + t->len;
}

void mariadb_text_append(struct mariadb_text *t, const void *bytes, size_t len)
{
    char *to = more(t, len);

    if (!to)
        return;
    memcpy(to, bytes, len);
    t->len += len;
}

void mariadb_text_add(struct mariadb_text *t, const char *text)
{
    mariadb_text_append(t, text, strlen(text));
}

void mariadb_text_end(struct mariadb_text *t)
{
    char *end = more(t, 1);

    if (end)
        *end = '\0';
}

void mariadb_text_number(struct mariadb_text *t, int64_t number)
{
    char digits[24];

    mariadb_text_append(t, digits,
                        (size_t)snprintf(digits, sizeof digits, "%" PRId64, number));
}

void mariadb_text_name(struct mariadb_text *t, const char *name)
{
    mariadb_text_append(t, "`", 1);
    mariadb_text_add(t, name);
    mariadb_text_append(t, "`", 1);
}

/* How many bytes the letter at `s` has; 0: it is none that goes in as it is. */
static size_t letter(const unsigned char *s, size_t left)
{
    size_t len = s[0] < 0x80                   ? 1
                 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
                 : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                               : 0;

    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    /* U+10FF80 and beyond stand for bytes. */
    return s[0] == 0xF4 && s[1] == 0x8F && s[2] >= 0xBE ? 0 : len;
}

void mariadb_text_quote(struct mariadb_text *t, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    mariadb_text_append(t, "'", 1);
    while (len > 0) {
        size_t n = letter(s, len);

        if (n == 0) {
            const unsigned char stand_in[4] = {0xF4, 0x8F,
                                               (unsigned char)(0xBE | (s[0] >> 6 & 1)),
                                               (unsigned char)(0x80 | (s[0] & 0x3F))};

            mariadb_text_append(t, stand_in, sizeof stand_in);
            n = 1;
        } else if (*s == '\'') {
            mariadb_text_append(t, "''", 2);
        } else {
            mariadb_text_append(t, s, n);
        }
        s += n;
        len -= n;
    }
    mariadb_text_append(t, "'", 1);
}

void mariadb_text_bytes(struct mariadb_text *t, const void *bytes, size_t len)
{
    const char *from = bytes, *end = from + len, *quote;

    mariadb_text_add(t, "_binary'");
    while ((quote = memchr(from, '\'', (size_t)(end - from)))) {
        mariadb_text_append(t, from, (size_t)(quote + 1 - from));
        mariadb_text_append(t, "'", 1);
        from = quote + 1;
    }
    mariadb_text_append(t, from, (size_t)(end - from));
    mariadb_text_append(t, "'", 1);
}

void mariadb_text_hex(struct mariadb_text *t, const void *bytes, size_t len)
{
    const unsigned char *s = bytes;
    char *to = more(t, 2 * len + 3);

    if (!to)
        return;
    *to++ = 'X';
    *to++ = '\'';
    for (size_t i = 0; i < len; i++) {
        *to++ = "0123456789ABCDEF"[s[i] >> 4];
        *to++ = "0123456789ABCDEF"[s[i] & 15];
    }
    *to = '\'';
    t->len += 2 * len + 3;
}

size_t mariadb_text_restore(char *text, size_t len)
{
    unsigned char *from = (unsigned char *)text, *end = from + len, *to = from;

    if (!memchr(text, 0xF4, len))
        return len;
    while (from < end) {
        if (end - from >= 4 && from[0] == 0xF4 && from[1] == 0x8F && from[2] >= 0xBE) {
            *to++ = (unsigned char)(0x80 | (from[2] & 1) << 6 | (from[3] & 0x3F));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    return (size_t)(to - (unsigned char *)text);
}
