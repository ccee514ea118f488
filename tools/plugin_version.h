/* plugin_version.h - which Slurm a plugin was built for
 *
 * Every plugin of Slurm has a uint32_t `plugin_version`, the version it was compiled
 * with (slurm/slurm_version.h: SLURM_VERSION_NUM). It is read from the file, because a
 * plugin that needs symbols of slurmctld cannot be loaded elsewhere. Thread-safe.
 */
#ifndef KWOTA_PLUGIN_VERSION_H
#define KWOTA_PLUGIN_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_VERSION_WHY 512

/* 0 with the version, or -1 with the reason: no such file, no 64-bit ELF, no such
 * symbol. */
int plugin_version_read(const char *path, uint32_t *version,
                        char why[PLUGIN_VERSION_WHY]);

/* "22.05.8" */
#define PLUGIN_VERSION_TEXT 24
char *plugin_version_text(uint32_t version, char text[PLUGIN_VERSION_TEXT]);

/* Whether Slurm loads it: SPANK plugins must have its major and minor version, all
 * others its micro version, too. */
bool plugin_version_fits(uint32_t plugin, uint32_t slurm, bool spank);

/* The version of Slurm's own plugins in a list of folders with colons; 0: there is none
 * to be seen. */
uint32_t plugin_version_of_slurm(const char *folders);

/* Where a plugin is in a list of folders with colons, or by its own path. false: it is
 * nowhere. */
bool plugin_version_find(const char *folders, const char *name, char *path,
                         size_t size);

#endif
