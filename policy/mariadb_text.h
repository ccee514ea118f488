/* mariadb_text.h - statements for a MariaDB, put together piece by piece
 *
 * Slurm lets any bytes into a job's name, MariaDB only UTF-8 into a text. What is not
 * UTF-8 goes in byte by byte as a letter of its own from the last private ones of
 * Unicode (U+10FF80 for 0x80, … U+10FFFF for 0xFF), and so does a text that has such
 * letters itself: it comes back as it was.
 */
#ifndef KWOTA_MARIADB_TEXT_H
#define KWOTA_MARIADB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mariadb_text {
    char *text; /* without a NUL at its end */
    size_t len, room;
    bool failed; /* memory is out: all that follows is nothing */
};

void mariadb_text_free(struct mariadb_text *t);

void mariadb_text_add(struct mariadb_text *t, const char *text);
void mariadb_text_append(struct mariadb_text *t, const void *bytes, size_t len);
void mariadb_text_number(struct mariadb_text *t, int64_t number);

/* Puts a NUL after it, which is no part of it. */
void mariadb_text_end(struct mariadb_text *t);

/* A name between backticks: partition is one of MariaDB's own words. */
void mariadb_text_name(struct mariadb_text *t, const char *name);

/* A text between quotes, bytes between quotes, bytes as X'…'. */
void mariadb_text_quote(struct mariadb_text *t, const char *text, size_t len);
void mariadb_text_bytes(struct mariadb_text *t, const void *bytes, size_t len);
void mariadb_text_hex(struct mariadb_text *t, const void *bytes, size_t len);

/* Makes what came back what it was, in place; returns its new length. */
size_t mariadb_text_restore(char *text, size_t len);

#endif
