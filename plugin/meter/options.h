/* options.h - what the meter runs with, where its command line leaves it open
 *
 * Each option by itself: what the command line says counts; of kwotad's place then
 * KWOTA_SERVER; then what plugstack.conf says behind spank_kwota.so, as if the plugin
 * had started the meter (plugin/meter_start.c), root= included; then the plugin's own
 * default. One thread.
 */
#ifndef METER_OPTIONS_H
#define METER_OPTIONS_H

#include "plugin/arguments.h"
#include "plugin/meter/meter.h"

#define OPTIONS_PLACE 320
#define OPTIONS_TEXT 1536

struct options_said {
    struct arguments arguments; /* options point into it */
    char source[OPTIONS_PLACE]; /* what says where kwotad is: "--server", KWOTA_SERVER,
                                   "/etc/slurm/plugstack.conf:3"; "": nothing */
    char why[OPTIONS_TEXT];     /* then a sentence with the remedy, else "" */
    char doubt[OPTIONS_TEXT];   /* what of plugstack.conf is not used; "": all is */
};

/* Fills what is NULL or 0 of server, root, run, spool, munge, user and timeout_ms;
 * munge stays NULL for munge's own socket. They last as long as `said`. 0, or -1:
 * nothing says where kwotad is. Memory for the files is given back. */
int options_fill(struct meter_options *options, struct options_said *said);

#endif
