/* conf_file.h - a configuration file as lines that are changed one by one
 *
 * Pure but for conf_file_read(). What a line was is kept beside what it is now, so that
 * a change can be shown, and all that is not changed stays as somebody wrote it. One
 * thread at a time. Whoever makes one frees it.
 */
#ifndef KWOTA_CONF_FILE_H
#define KWOTA_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct conf_line {
    char *was; /* without its newline; NULL: it is new */
    char *now; /* NULL: it is gone */
};

struct conf_file {
    char *path;
    bool there; /* on the disk */
    struct conf_line *lines;
    size_t count;
};

#define CONF_FILE_WHY 512

/* Reads a file; one that is not there has no lines. 0, or -1 with the reason. */
int conf_file_read(struct conf_file *file, const char *path, char why[CONF_FILE_WHY]);

/* The same of a text; NULL: the file is not there. */
void conf_file_take(struct conf_file *file, const char *path, const char *text);

void conf_file_free(struct conf_file *file);

/* Changes a line, takes one away, adds one at the end. */
void conf_file_change(struct conf_file *file, size_t line, const char *text);
void conf_file_drop(struct conf_file *file, size_t line);
void conf_file_add(struct conf_file *file, const char *text);

bool conf_file_changed(const struct conf_file *file);

/* All of it as it is now; to be freed. */
char *conf_file_text(const struct conf_file *file);

/* What is changed, as diff -u prints it. */
void conf_file_diff(const struct conf_file *file, FILE *out);

/* The number of a line as people count, in the file as it was. */
size_t conf_file_number(const struct conf_file *file, size_t line);

#endif
