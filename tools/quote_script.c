/* quote_script.c - the #SBATCH lines of a job's script */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/quote_options.h"

#define MAGIC "#SBATCH"
#define MOST_WORDS 64

/* The next word from *at on, written over what it was read from; NULL: there is none,
 * or its quote is not closed (*at NULL). */
static char *next_word(char **at)
{
    char *from = *at + strspn(*at, " \t\r\n"), *to = from, *word = from, quote = '\0';

    if (*from == '\0' || *from == '#') {
        *at = from + strlen(from);
        return NULL;
    }
    for (; *from && (quote || !isspace((unsigned char)*from)); from++) {
        if (*from == '\\' && quote != '\'' && from[1])
            *to++ = *++from;
        else if (quote ? *from == quote : *from == '\'' || *from == '"')
            quote = quote ? '\0' : *from;
        else
            *to++ = *from;
    }
    *at = quote ? NULL : from + (*from != '\0');
    *to = '\0';
    return quote ? NULL : word;
}

int quote_words(char *line, char **words, int most)
{
    char *word;
    int count = 0;

    while ((word = next_word(&line))) {
        if (count == most)
            return -1;
        words[count++] = word;
    }
    return line ? count : -1;
}

/* A part of a job that has several. */
static bool is_het(const char *word)
{
    return strcmp(word, "hetjob") == 0 || strcmp(word, "packjob") == 0;
}

static int take_line(struct quote_options *o, char *line, char mistake[QUOTE_MISTAKE])
{
    char *words[MOST_WORDS + 2] = {line}, ignored[QUOTE_IGNORED];
    int count = quote_words(line, words + 1, MOST_WORDS), script;

    if (count < 0) {
        snprintf(mistake, QUOTE_MISTAKE, "a quote is not closed");
        return -1;
    }
    if (count > 0 && is_het(words[1])) {
        snprintf(mistake, QUOTE_MISTAKE,
                 "a heterogeneous job is several: quote its parts one by one");
        return -1;
    }
    memcpy(ignored, o->ignored, sizeof ignored);
    if (quote_options_take(o, count + 1, words, &script, mistake) < 0)
        return -1;
    /* What follows an option that nobody knows may be its value. */
    if (script == 0 || strcmp(ignored, o->ignored) != 0)
        return 0;
    snprintf(mistake, QUOTE_MISTAKE, "\"%.80s\" is no option", words[script]);
    return -1;
}

/* sbatch looks no further than to the first command. */
static bool is_command(const char *line)
{
    line += strspn(line, " \t\r\n");
    return *line != '\0' && *line != '#';
}

int quote_options_script(struct quote_options *o, FILE *script, const char *name,
                         char mistake[QUOTE_MISTAKE])
{
    char *line = NULL, what[QUOTE_MISTAKE];
    size_t size = 0;
    int number = 0, rc = 0;

    while (rc == 0 && getline(&line, &size, script) >= 0 && !is_command(line)) {
        size_t length = sizeof MAGIC - 1;

        number++;
        if (strncmp(line, MAGIC, length) != 0 || !isspace((unsigned char)line[length]))
            continue;
        rc = take_line(o, line + length, what);
        if (rc < 0)
            snprintf(mistake, QUOTE_MISTAKE, "%.80s:%d: %.220s", name, number, what);
    }
    free(line);
    return rc;
}
