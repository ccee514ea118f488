/* arguments.c - what stands behind spank_kwota.so in plugstack.conf */
#include "plugin/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_defaults(struct arguments *a)
{
    *a = (struct arguments){.root = "/",
                            .run = KWOTA_RUNDIR,
                            .spool = KWOTA_SPOOLDIR,
                            .meter = KWOTA_SBINDIR "/kwota-meter",
                            .kwota = KWOTA_BINDIR "/kwota",
                            .user = "slurm",
                            .timeout_ms = 2000,
                            .report = true};
}

/* "2s", "1500ms", "2"; slurmd itself loses patience with a prolog after eight seconds.
 */
static bool read_time(const char *text, long *ms)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || value <= 0)
        return false;
    if (strcmp(end, "s") == 0 || *end == '\0')
        value = value > 7 ? -1 : value * 1000;
    else if (strcmp(end, "ms") != 0)
        return false;
    if (value < 10 || value > 7000)
        return false;
    *ms = value;
    return true;
}

static bool read_yes(const char *text, bool *yes)
{
    *yes = strcmp(text, "yes") == 0;
    return *yes || strcmp(text, "no") == 0;
}

static void complain_of(void (*complain)(const char *), const char *word,
                        const char *why)
{
    char sentence[512];

    snprintf(sentence, sizeof sentence, "plugstack.conf: \"%.128s\" is not used: %s",
             word, why);
    complain(sentence);
}

static char *text_of(struct arguments *a, const char *key)
{
    struct {
        const char *key;
        char *text;
    } const table[] = {{"server", a->server}, {"root", a->root},   {"run", a->run},
                       {"spool", a->spool},   {"meter", a->meter}, {"kwota", a->kwota},
                       {"munge", a->munge},   {"user", a->user}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].key, key) == 0)
            return table[i].text;
    return NULL;
}

static void read_word(struct arguments *a, const char *word,
                      void (*complain)(const char *))
{
    const char *equals = strchr(word, '='), *value;
    char key[32], *text;

    if (!equals || equals == word || equals - word >= (long)sizeof key) {
        complain_of(complain, word, "arguments are written key=value");
        return;
    }
    snprintf(key, sizeof key, "%.*s", (int)(equals - word), word);
    value = equals + 1;
    text = text_of(a, key);
    if (text && strlen(value) < ARGUMENT_TEXT && *value)
        strcpy(text, value);
    else if (text)
        complain_of(complain, word, "the value must have 1 to 255 characters");
    else if (strcmp(key, "timeout") == 0 && !read_time(value, &a->timeout_ms))
        complain_of(complain, word, "a time is written 2s or 1500ms, 10ms to 7s");
    else if (strcmp(key, "report") == 0 && !read_yes(value, &a->report))
        complain_of(complain, word, "report is yes or no");
    else if (strcmp(key, "timeout") != 0 && strcmp(key, "report") != 0)
        complain_of(
            complain, word,
            "the arguments are server, root, run, spool, timeout, meter, kwota, munge, "
            "user and report");
}

void arguments_read(struct arguments *arguments, int count, char **words,
                    void (*complain)(const char *sentence))
{
    set_defaults(arguments);
    for (int i = 0; i < count; i++)
        read_word(arguments, words[i], complain);
}

static void put_node(char *text, const char *node)
{
    char before[ARGUMENT_TEXT], *mark = strstr(text, "%n");

    if (!mark)
        return;
    snprintf(before, sizeof before, "%s", text);
    snprintf(text, ARGUMENT_TEXT, "%.*s%s%s", (int)(mark - text), before, node,
             before + (mark - text) + 2);
}

void arguments_for_node(struct arguments *arguments, const char *node)
{
    put_node(arguments->root, node);
    put_node(arguments->run, node);
    put_node(arguments->spool, node);
}
