/* slurm_place.h - where Slurm's and kwota's files are on this host */
#ifndef KWOTA_SLURM_PLACE_H
#define KWOTA_SLURM_PLACE_H

#include "plugin/slurm_conf.h"

#define SLURM_PLACE 1024

/* slurm.conf: SLURM_CONF, else the first that is there of those that Slurm's packages
 * use (also what slurmd keeps where there is no slurm.conf on the node), else
 * /etc/slurm/slurm.conf. Returns path. */
char *slurm_place_conf(char path[SLURM_PLACE]);

/* plugstack.conf: PlugStackConfig, else beside slurm.conf, also where there is none.
 * Returns path. */
char *slurm_place_plugstack(const struct slurm_conf *conf, char path[SLURM_PLACE]);

/* kwota.json: KWOTA_CONF, or the one kwota was built for. */
const char *slurm_place_kwota(void);

#endif
