/* quote_options.h - a job as sbatch would be told of it: its options on the command
 * line, in its script and in the environment
 *
 * Not thread-safe: getopt is not.
 */
#ifndef KWOTA_QUOTE_OPTIONS_H
#define KWOTA_QUOTE_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define QUOTE_MISTAKE 320
#define QUOTE_IGNORED 512

/* What was said of it; "", 0: nothing. */
struct quote_options {
    char account[64], partition[256], name[128], budget[64], user[64], gpu_cap[64];
    int64_t nodes, ntasks, cpus_per_task, ntasks_per_node, cpus_per_node;
    int64_t sockets_per_node;
    int64_t gpus, gpus_per_node, gpus_per_socket, gpus_per_task;
    int64_t gres_gpus; /* by --gres, of each node */
    int64_t limit_s;   /* -1: not said; 0: none */
    int64_t tasks;     /* of an array; 1: it is none */
    bool exclusive, overcommit;
    bool wrapped, json, help;    /* --wrap, --json, --help */
    char ignored[QUOTE_IGNORED]; /* what may matter and is not taken: "--mem, --foo" */
};

void quote_options_init(struct quote_options *options);

/* Takes the options of a command line; what is said there later counts. argv[0] is not
 * looked at. *script: the first word that is no option; 0: there is none. -1: `mistake`
 * says what is wrong. */
int quote_options_take(struct quote_options *options, int argc, char **argv,
                       int *script, char mistake[QUOTE_MISTAKE]);

/* Takes the #SBATCH lines of a script that is called `name`; the file is read up to its
 * first command. */
int quote_options_script(struct quote_options *options, FILE *script, const char *name,
                         char mistake[QUOTE_MISTAKE]);

/* Takes sbatch's variables of the environment. */
int quote_options_environment(struct quote_options *options,
                              char mistake[QUOTE_MISTAKE]);

/* The body of POST /v1/quote. */
json_t *quote_options_body(const struct quote_options *options);

/* The words of a line as sbatch splits them: quotes and backslashes as in a shell, "#"
 * begins a comment. They are made in `line` itself. -1: a quote is not closed, or there
 * are more than `most`. Pure. */
int quote_words(char *line, char **words, int most);

#endif
