/* plugstack.c - plugstack.conf with what it includes: the line that loads kwota into
 * Slurm */
#include "plugin/plugstack.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Files that include each other end here. */
#define DEPTH 8

#define WORDS 64

static char complaint[512];

/* Of several the first. */
static void complain(const char *sentence)
{
    const char *after = strstr(sentence, ": ");

    if (!complaint[0])
        snprintf(complaint, sizeof complaint, "%s", after ? after + 2 : sentence);
}

/* The words of a line up to a comment, which point into it. */
static int words_of(char *line, char *words[WORDS])
{
    char *rest = line, *word;
    int count = 0;

    line[strcspn(line, "#")] = '\0';
    while ((word = strsep(&rest, " \t\r\n")) && count < WORDS)
        if (*word)
            words[count++] = word;
    return count;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_word(const char *word, const char *one, const char *other)
{
    return strcasecmp(word, one) == 0 || (other && strcasecmp(word, other) == 0);
}

static bool loads_kwota(char **words, int count)
{
    return count >= 2 && is_word(words[0], "required", "optional") &&
           strcmp(name_of(words[1]), PLUGSTACK_PLUGIN) == 0;
}

/* A line that names kwota before its arguments, in whatever spelling. */
static bool means_kwota(char **words, int count)
{
    for (int i = 0; i < count && i < 2; i++)
        if (strcasestr(words[i], "kwot"))
            return true;
    return false;
}

static void set_place(char place[PLUGSTACK_PLACE], const struct conf_file *file,
                      size_t line)
{
    snprintf(place, PLUGSTACK_PLACE, "%.300s:%zu", file->path,
             conf_file_number(file, line));
}

static void take_kwota(struct plugstack *stack, const struct conf_file *file,
                       size_t line, char **words, int count)
{
    if (stack->count++ > 0)
        return;
    stack->required = strcasecmp(words[0], "required") == 0;
    snprintf(stack->plugin, sizeof stack->plugin, "%s", words[1]);
    set_place(stack->place, file, line);
    complaint[0] = '\0';
    arguments_read(&stack->arguments, count - 2, words + 2, complain);
    memcpy(stack->complaint, complaint, sizeof complaint);
}

static int read_file(struct plugstack *stack, const char *path, int depth);

/* Patterns stand for files beside the one that includes them. */
static int include(struct plugstack *stack, const char *from, const char *pattern,
                   int depth)
{
    const char *slash = strrchr(from, '/');
    char path[1024];
    glob_t found;
    int rc = 0;

    snprintf(path, sizeof path, "%.*s%s",
             pattern[0] == '/' || !slash ? 0 : (int)(slash - from + 1), from, pattern);
    if (glob(path, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (read_file(stack, found.gl_pathv[i], depth + 1) < 0)
            rc = -1;
    globfree(&found);
    return rc;
}

/* follow: what is included is read. */
static int read_lines(struct plugstack *stack, size_t number, bool follow, int depth)
{
    int rc = 0;

    for (size_t i = 0; i < stack->files[number].count; i++) {
        const struct conf_file *file = &stack->files[number];
        char *line = strdup(file->lines[i].now ? file->lines[i].now : "");
        char *words[WORDS];
        int count;

        if (!line)
            return -1;
        count = words_of(line, words);
        if (loads_kwota(words, count)) {
            take_kwota(stack, file, i, words, count);
        } else if (count >= 2 && is_word(words[0], "include", NULL)) {
            if (follow && include(stack, file->path, words[1], depth) < 0)
                rc = -1;
        } else if (means_kwota(words, count) && !stack->wrong[0]) {
            snprintf(stack->wrong, sizeof stack->wrong, "%.120s%s%.120s", words[0],
                     count > 1 ? " " : "", count > 1 ? words[1] : "");
            set_place(stack->wrong_place, file, i);
        }
        free(line);
    }
    return rc;
}

static int read_file(struct plugstack *stack, const char *path, int depth)
{
    size_t number = stack->file_count;

    if (depth > DEPTH || number == PLUGSTACK_FILES) {
        snprintf(stack->why, sizeof stack->why, "%.300s: too many files are included",
                 path);
        return -1;
    }
    stack->file_count++;
    if (conf_file_read(&stack->files[number], path, stack->why) < 0)
        return -1;
    return read_lines(stack, number, true, depth);
}

int plugstack_read(struct plugstack *stack, const char *path)
{
    memset(stack, 0, sizeof *stack);
    return read_file(stack, path, 0);
}

void plugstack_take(struct plugstack *stack, const char *path, const char *text)
{
    memset(stack, 0, sizeof *stack);
    stack->file_count = 1;
    conf_file_take(&stack->files[0], path, text);
    read_lines(stack, 0, false, 0);
}

void plugstack_free(struct plugstack *stack)
{
    for (size_t i = 0; i < stack->file_count; i++)
        conf_file_free(&stack->files[i]);
    stack->file_count = 0;
}

void plugstack_add(struct plugstack *stack, const char *line)
{
    conf_file_add(&stack->files[0], line);
}

void plugstack_drop(struct plugstack *stack)
{
    for (size_t f = 0; f < stack->file_count; f++)
        for (size_t i = 0; i < stack->files[f].count; i++) {
            const char *now = stack->files[f].lines[i].now;
            char *line = strdup(now ? now : ""), *words[WORDS];

            if (line && loads_kwota(words, words_of(line, words)))
                conf_file_drop(&stack->files[f], i);
            free(line);
        }
}

bool plugstack_changed(const struct plugstack *stack)
{
    for (size_t i = 0; i < stack->file_count; i++)
        if (conf_file_changed(&stack->files[i]))
            return true;
    return false;
}
