/* arguments.h - what stands behind spank_kwota.so in plugstack.conf
 *
 * Pure but for memory. A mistake costs its default and is told; it never fails a job.
 */
#ifndef KWOTA_ARGUMENTS_H
#define KWOTA_ARGUMENTS_H

#include <stdbool.h>

#define ARGUMENT_TEXT 256

struct arguments {
    char server[ARGUMENT_TEXT]; /* "ctl1,ctl2:6828" */
    char root[ARGUMENT_TEXT];   /* stands in for /; %n is the node's name */
    char run[ARGUMENT_TEXT];    /* the meter's socket and pid file */
    char spool[ARGUMENT_TEXT];  /* the meter's state */
    char meter[ARGUMENT_TEXT];  /* the program kwota-meter */
    char kwota[ARGUMENT_TEXT];  /* the program kwota */
    char munge[ARGUMENT_TEXT];  /* munged's socket; "" for munge's default */
    char user[ARGUMENT_TEXT];   /* kwotad's user */
    long timeout_ms;            /* the longest a hook waits */
    bool report;                /* print the end-of-job block */
};

/* Reads "key=value" words over the defaults. Calls `complain` with a sentence for each
 * that cannot be used. */
void arguments_read(struct arguments *arguments, int count, char **words,
                    void (*complain)(const char *sentence));

/* Puts the node's name for %n. */
void arguments_for_node(struct arguments *arguments, const char *node);

#endif
