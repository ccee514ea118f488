/* slurm_place.h - where Slurm's and kwota's files are on this host */
#ifndef KWOTA_SLURM_PLACE_H
#define KWOTA_SLURM_PLACE_H

#include <stddef.h>

#define SLURM_PLACE 1024

/* slurm.conf: SLURM_CONF, else the first that is there of those that Slurm's packages
 * use (also what slurmd keeps where there is no slurm.conf on the node), else
 * /etc/slurm/slurm.conf. Returns path. */
char *slurm_place_conf(char path[SLURM_PLACE]);

/* The folder of Slurm's own plugins, for when slurm.conf has no PluginDir; "": it is
 * not found. Returns path. */
char *slurm_place_plugins(char path[SLURM_PLACE]);

/* kwota.json: KWOTA_CONF, or the one kwota was built for. */
const char *slurm_place_kwota(void);

#endif
