/* slurm_conf.h - slurm.conf with what it includes: what it says, and how to change it
 *
 * Read as Slurm reads it (src/common/parse_config.c): keys in any case, quoted values,
 * comments, lines that go on after a backslash, Include. Of a key
 * that is given twice the later one counts. What stands behind NodeName, PartitionName
 * and their like belongs to that node or partition. A change is made where the value
 * that counts stands, and nothing else moves. One thread at a time.
 */
#ifndef KWOTA_SLURM_CONF_H
#define KWOTA_SLURM_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/conf_file.h"

#define SLURM_CONF_FILES 64

/* "/etc/slurm/slurm.conf:12" */
#define SLURM_CONF_PLACE 320

struct slurm_pair {
    char *key, *value;
    size_t file;
    size_t line, begin; /* where its value begins, */
    size_t until, end;  /* … and ends */
    size_t first, last; /* the lines of which it is one */
    size_t key_begin;   /* where its key begins, in line key_line */
    size_t key_line;
    size_t record; /* the pair that the line begins with, if it is a NodeName, …; else
                      itself */
};

struct slurm_conf {
    struct conf_file files[SLURM_CONF_FILES];
    size_t file_count;
    struct slurm_pair *pairs;
    size_t pair_count;
    char why[CONF_FILE_WHY]; /* what could not be read; "": all could */
};

/* Reads PATH and what it includes. 0, or -1 if PATH itself cannot be read: conf->why
 * says why. Either way slurm_conf_free() frees it. */
int slurm_conf_read(struct slurm_conf *conf, const char *path);

/* The same of a text, without what it includes. Pure. */
void slurm_conf_take(struct slurm_conf *conf, const char *path, const char *text);

void slurm_conf_free(struct slurm_conf *conf);

/* What counts for a key outside of nodes and partitions; NULL: it is not given. */
const char *slurm_conf_value(const struct slurm_conf *conf, const char *key);

/* The same, and `otherwise` if it is not given. */
const char *slurm_conf_or(const struct slurm_conf *conf, const char *key,
                          const char *otherwise);

/* A key of the node, partition, … whose first pair is number `record`. */
const char *slurm_conf_of(const struct slurm_conf *conf, size_t record,
                          const char *key);

/* Where the value stands, or where it would be added. Returns place. */
const char *slurm_conf_place(const struct slurm_conf *conf, const char *key,
                             char place[SLURM_CONF_PLACE]);

/* Whether a list with commas has a word, in any case; what follows ':' or '=' in the
 * list's word ("kwota:100") does not count. NULL: an empty list. */
bool slurm_list_has(const char *list, const char *word);

/* Sets a key; where it is not given it is added at the end of PATH. */
void slurm_conf_set(struct slurm_conf *conf, const char *key, const char *value);

/* Adds a word to the end of a key's list, or takes it away wherever the key is given;
 * a key whose list is empty then is taken away. */
void slurm_conf_list_add(struct slurm_conf *conf, const char *key, const char *word);
void slurm_conf_list_drop(struct slurm_conf *conf, const char *key, const char *word);

/* Takes a key away, wherever it is given. */
void slurm_conf_drop(struct slurm_conf *conf, const char *key);

bool slurm_conf_changed(const struct slurm_conf *conf);

#endif
