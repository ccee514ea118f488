/* options.c - what the meter runs with, where its command line leaves it open */
#include "plugin/meter/options.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/plugstack.h"
#include "plugin/slurm_conf.h"
#include "plugin/slurm_place.h"

#define REMEDY                                                                         \
    "the line \"optional " PLUGSTACK_PLUGIN " server=HOST:PORT\" there does (kwota "   \
    "setup), or KWOTA_SERVER=HOST:PORT in /etc/default/kwota-meter"

/* Why plugstack.conf does not say where kwotad is. */
static void explain(const struct plugstack *stack, char why[OPTIONS_TEXT])
{
    const char *path = stack->files[0].path;
    char because[1024];

    if (stack->count > 0)
        snprintf(because, sizeof because, "%s has no server=%s%s", stack->place,
                 stack->complaint[0] ? ": " : "", stack->complaint);
    else if (stack->why[0])
        snprintf(because, sizeof because, "%s", stack->why);
    else if (stack->wrong[0])
        snprintf(because, sizeof because, "%s: \"%s\" does not load " PLUGSTACK_PLUGIN,
                 stack->wrong_place, stack->wrong);
    else if (!stack->files[0].there)
        snprintf(because, sizeof because, "there is no %.512s", path);
    else
        snprintf(because, sizeof because, "no line of %.512s loads " PLUGSTACK_PLUGIN,
                 path);
    snprintf(why, OPTIONS_TEXT, "nothing says where kwotad is: %s; " REMEDY, because);
}

static void doubt(const struct plugstack *stack, char text[OPTIONS_TEXT])
{
    if (stack->why[0])
        snprintf(text, OPTIONS_TEXT, "%s", stack->why);
    else if (stack->count > 0 && stack->complaint[0])
        snprintf(text, OPTIONS_TEXT, "%s: %s", stack->place, stack->complaint);
}

static void read_plugstack(struct options_said *said)
{
    struct slurm_conf conf;
    struct plugstack stack;
    char path[SLURM_PLACE];

    /* Without a slurm.conf: what is beside the place where it would be. */
    slurm_conf_read(&conf, slurm_place_conf(path));
    plugstack_read(&stack, slurm_place_plugstack(&conf, path));
    if (stack.count > 0)
        said->arguments = stack.arguments;
    else
        arguments_read(&said->arguments, 0, NULL, NULL);
    if (said->arguments.server[0])
        snprintf(said->source, sizeof said->source, "%s", stack.place);
    else
        explain(&stack, said->why);
    doubt(&stack, said->doubt);
    plugstack_free(&stack);
    slurm_conf_free(&conf);
    /* slurm.conf of a large cluster takes more than the meter ever does. */
    malloc_trim(0);
}

static bool is_given(const char *text)
{
    return text && *text;
}

/* Who is asked first: the command line, then KWOTA_SERVER, then plugstack.conf. */
static void choose_server(struct meter_options *options, struct options_said *said)
{
    const char *environment = getenv("KWOTA_SERVER");

    if (is_given(options->server)) {
        snprintf(said->source, sizeof said->source, "--server");
    } else if (is_given(environment)) {
        options->server = environment;
        snprintf(said->source, sizeof said->source, "KWOTA_SERVER");
    } else {
        options->server = said->arguments.server;
    }
    if (said->source[0])
        said->why[0] = '\0';
}

static void fill(const char **option, const char *text)
{
    if (!*option && *text)
        *option = text;
}

int options_fill(struct meter_options *options, struct options_said *said)
{
    struct arguments *arguments = &said->arguments;

    *said = (struct options_said){.source = ""};
    read_plugstack(said);
    if (options->node)
        arguments_for_node(arguments, options->node);
    choose_server(options, said);
    fill(&options->root, arguments->root);
    fill(&options->run, arguments->run);
    fill(&options->spool, arguments->spool);
    fill(&options->munge, arguments->munge);
    fill(&options->user, arguments->user);
    if (options->timeout_ms == 0)
        options->timeout_ms = arguments->timeout_ms;
    return said->source[0] ? 0 : -1;
}
