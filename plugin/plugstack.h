/* plugstack.h - plugstack.conf with what it includes: the line that loads kwota into
 * Slurm
 *
 * Read as Slurm reads it (src/common/plugstack.c): "required|optional PLUGIN
 * ARGUMENT…", include with patterns, comments. One thread at a time.
 */
#ifndef KWOTA_PLUGSTACK_H
#define KWOTA_PLUGSTACK_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/arguments.h"
#include "plugin/conf_file.h"

#define PLUGSTACK_PLUGIN "spank_kwota.so"

#define PLUGSTACK_FILES 32

/* "/etc/slurm/plugstack.conf:3" */
#define PLUGSTACK_PLACE 320

struct plugstack {
    struct conf_file files[PLUGSTACK_FILES];
    size_t file_count;
    char why[CONF_FILE_WHY]; /* what could not be read; "": all could */

    int count; /* lines that load kwota; the first counts */
    bool required;
    char plugin[256]; /* as it stands there */
    struct arguments arguments;
    char place[PLUGSTACK_PLACE];
    char complaint[512]; /* of its arguments; "": none */

    /* The first line that means kwota and does not load it; "": none. */
    char wrong[256], wrong_place[PLUGSTACK_PLACE];
};

/* Reads PATH and what it includes; a file that is not there is empty. -1: it cannot be
 * read. Either way plugstack_free() frees it. */
int plugstack_read(struct plugstack *stack, const char *path);

/* The same of a text, without what it includes; NULL: there is no file. Pure. */
void plugstack_take(struct plugstack *stack, const char *path, const char *text);

void plugstack_free(struct plugstack *stack);

/* Adds a line at the end of PATH. */
void plugstack_add(struct plugstack *stack, const char *line);

/* Takes away every line that loads kwota. */
void plugstack_drop(struct plugstack *stack);

bool plugstack_changed(const struct plugstack *stack);

#endif
