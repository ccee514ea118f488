/* conf_file.c - a configuration file as lines that are changed one by one */
#include "plugin/conf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Lines that are shown around a change. */
#define CONTEXT 2

/* No slurm.conf is as long; what is, is something else. */
#define MOST_BYTES (64L << 20)

static void *must(void *memory)
{
    if (!memory) {
        fputs("kwota: there is no memory left\n", stderr);
        abort();
    }
    return memory;
}

static struct conf_line *append(struct conf_file *file)
{
    /* Room for twice as many whenever the count reaches a power of two. */
    if ((file->count & (file->count - 1)) == 0)
        file->lines = must(realloc(file->lines, 2 * (file->count ? file->count : 1) *
                                                    sizeof *file->lines));
    file->lines[file->count] = (struct conf_line){NULL, NULL};
    return &file->lines[file->count++];
}

void conf_file_take(struct conf_file *file, const char *path, const char *text)
{
    *file = (struct conf_file){.path = must(strdup(path)), .there = text != NULL};
    for (const char *at = text; at && *at;) {
        size_t len = strcspn(at, "\n");
        struct conf_line *line = append(file);

        line->was = must(strndup(at, len));
        line->now = must(strdup(line->was));
        at += len + (at[len] == '\n');
    }
}

/* All that is to be read, to be freed; NULL: it cannot be, errno says why. */
static char *whole(FILE *in)
{
    char *text = NULL;
    size_t room = 0, len = 0;

    do {
        if (len + 4096 > room)
            text = must(realloc(text, room = 2 * room + 8192));
        len += fread(text + len, 1, room - len - 1, in);
    } while (!feof(in) && !ferror(in) && len < (size_t)MOST_BYTES);
    text[len] = '\0';
    if (!ferror(in) && strlen(text) == len && len < (size_t)MOST_BYTES)
        return text;
    if (!ferror(in))
        errno = EILSEQ;
    free(text);
    return NULL;
}

int conf_file_read(struct conf_file *file, const char *path, char why[CONF_FILE_WHY])
{
    FILE *in = fopen(path, "re");
    char *text = in ? whole(in) : NULL;
    int error = errno;

    if (in)
        fclose(in);
    conf_file_take(file, path, text);
    file->there = in != NULL;
    free(text);
    if (text || (!in && error == ENOENT))
        return 0;
    snprintf(why, CONF_FILE_WHY, "%.400s cannot be read: %s", path, strerror(error));
    return -1;
}

void conf_file_free(struct conf_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->lines[i].was);
        free(file->lines[i].now);
    }
    free(file->lines);
    free(file->path);
    *file = (struct conf_file){0};
}

void conf_file_change(struct conf_file *file, size_t line, const char *text)
{
    char *now = must(strdup(text));

    free(file->lines[line].now);
    file->lines[line].now = now;
}

void conf_file_drop(struct conf_file *file, size_t line)
{
    free(file->lines[line].now);
    file->lines[line].now = NULL;
}

void conf_file_add(struct conf_file *file, const char *text)
{
    append(file)->now = must(strdup(text));
}

static bool is_changed(const struct conf_line *line)
{
    if (!line->was || !line->now)
        return line->was != line->now;
    return strcmp(line->was, line->now) != 0;
}

bool conf_file_changed(const struct conf_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        if (is_changed(&file->lines[i]))
            return true;
    return false;
}

char *conf_file_text(const struct conf_file *file)
{
    size_t size = 1;
    char *text, *at;

    for (size_t i = 0; i < file->count; i++)
        size += file->lines[i].now ? strlen(file->lines[i].now) + 1 : 0;
    at = text = must(malloc(size));
    for (size_t i = 0; i < file->count; i++)
        if (file->lines[i].now) {
            at = stpcpy(at, file->lines[i].now);
            *at++ = '\n';
        }
    *at = '\0';
    return text;
}

size_t conf_file_number(const struct conf_file *file, size_t line)
{
    size_t number = 0;

    for (size_t i = 0; i <= line && i < file->count; i++)
        number += file->lines[i].was != NULL;
    return number;
}

/* Of the lines from `from` to before `to`: how many there were, or there are now. */
static size_t counted(const struct conf_file *file, size_t from, size_t to, bool now)
{
    size_t count = 0;

    for (size_t i = from; i < to; i++)
        count += (now ? file->lines[i].now : file->lines[i].was) != NULL;
    return count;
}

/* Lines that follow each other and are changed: all that goes before all that comes. */
static size_t print_change(const struct conf_file *file, size_t from, FILE *out)
{
    size_t to = from;

    while (to < file->count && is_changed(&file->lines[to]))
        to++;
    for (size_t i = from; i < to; i++)
        if (file->lines[i].was)
            fprintf(out, "-%s\n", file->lines[i].was);
    for (size_t i = from; i < to; i++)
        if (file->lines[i].now)
            fprintf(out, "+%s\n", file->lines[i].now);
    return to;
}

static void print_hunk(const struct conf_file *file, size_t from, size_t to, FILE *out)
{
    size_t was = counted(file, from, to, false), now = counted(file, from, to, true);

    fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", counted(file, 0, from, false) + (was > 0),
            was, counted(file, 0, from, true) + (now > 0), now);
    for (size_t i = from; i < to;) {
        if (is_changed(&file->lines[i])) {
            i = print_change(file, i, out);
        } else {
            /* What was added and taken away again is nowhere. */
            if (file->lines[i].now)
                fprintf(out, " %s\n", file->lines[i].now);
            i++;
        }
    }
}

void conf_file_diff(const struct conf_file *file, FILE *out)
{
    size_t at = 0;

    if (!conf_file_changed(file))
        return;
    fprintf(out, "--- %s\n+++ %s\n", file->there ? file->path : "/dev/null",
            file->path);
    while (at < file->count) {
        size_t from, to;

        while (at < file->count && !is_changed(&file->lines[at]))
            at++;
        if (at == file->count)
            return;
        from = at > CONTEXT ? at - CONTEXT : 0;
        /* Changes whose surroundings meet are one. */
        for (to = at; at < file->count && at <= to + 2 * CONTEXT + 1; at++)
            if (is_changed(&file->lines[at]))
                to = at;
        at = to + 1 + CONTEXT < file->count ? to + 1 + CONTEXT : file->count;
        print_hunk(file, from, at, out);
    }
}
