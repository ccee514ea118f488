/* map_path.h - where the budget map is
 *
 * A job_submit plugin has no arguments: the environment's KWOTA_BUDGET_MAP says it,
 * else the "spool" of kwota.json, where kwotad writes it, else kwota's own spool
 * folder.
 */
#ifndef KWOTA_MAP_PATH_H
#define KWOTA_MAP_PATH_H

#include <stddef.h>

/* Writes it to `path`, cut off if it is longer. `file` is kwota.json. */
void map_path_find(const char *file, char *path, size_t size);

/* The text at the top level of a JSON object under `key`, without linking a JSON
 * library into slurmctld: -1 if there is none that is plain (escapes are not), or if
 * what comes before it is no JSON. */
int map_path_json_text(const char *json, const char *key, char *text, size_t size);

#endif
