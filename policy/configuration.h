/* configuration.h - kwota.json with what it includes: one object, and where each thing
 * in it stands
 *
 * Whoever reads it complains of mistakes as they are found; configuration_tell() then
 * tells all of them, file by file from top to bottom. A configuration belongs to one
 * thread.
 */
#ifndef KWOTA_CONFIGURATION_H
#define KWOTA_CONFIGURATION_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

/* The file itself and those it includes. */
#define CONFIGURATION_FILES 32

/* The file's includes may include others, and so on, so many times. */
#define CONFIGURATION_DEPTH 4

struct configuration;

/* Something in it, which lives as long as the configuration. */
struct config_item {
    struct configuration *conf; /* NULL: it is of none */
    json_t *json;               /* borrowed; NULL: it is not there, or null */
    int file;                   /* where it stands, */
    int place;                  /* … as json_place.h numbers it */
};

enum config_part {
    CONFIG_KEY, /* the mistake is in the name, */
    CONFIG_VALUE,
};

/* What tells whether a file has changed since. */
struct config_stamp {
    dev_t device;
    ino_t inode; /* 0: there is no such file */
    off_t size;
    struct timespec changed;
};

/* Reads a file and all it includes. Never NULL but for want of memory: what cannot be
 * read is a mistake, and the rest is still there to be checked. Keys given twice and
 * top-level keys that nobody knows have been complained of already. */
struct configuration *configuration_read(const char *file);
void configuration_free(struct configuration *conf);

/* What the top level says of a key, in whichever file it stands. */
struct config_item configuration_top(struct configuration *conf, const char *key);

/* Complains: "FILE:LINE:COLUMN: PATH: what is wrong". */
void config_mistake(struct config_item item, enum config_part part, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

int configuration_mistakes(const struct configuration *conf);

/* Writes every mistake, one a line, in order; returns how many. */
int configuration_tell(struct configuration *conf, FILE *to);

/* [{"file","line","column","text"}], in order; line and column are null where the whole
 * file is meant. A new reference. */
json_t *configuration_mistake_list(struct configuration *conf);

/* {"enforce.rules[0]":"kwota.json:12: enforce.rules[0]"} of everything that is given. A
 * new reference. */
json_t *configuration_sources(const struct configuration *conf);

/* The files that were read, or should have been, and how they were then. */
int configuration_file_count(const struct configuration *conf);
const char *configuration_file(const struct configuration *conf, int file,
                               struct config_stamp *stamp);

/* Counts a file that was read beside these among them, so that its change is noticed.
 */
void configuration_watch(struct configuration *conf, const char *name);

/* How a file is now. */
void config_stamp_of(const char *file, struct config_stamp *stamp);

/* For config_item.c: where something stands. */
struct json_places;
const struct json_places *configuration_places(const struct configuration *conf,
                                               int file);

#endif
