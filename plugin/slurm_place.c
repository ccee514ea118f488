/* slurm_place.c - where Slurm's and kwota's files are on this host */
#include "plugin/slurm_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *slurm_place_conf(char path[SLURM_PLACE])
{
    static const char *const places[] = {
        "/etc/slurm/slurm.conf", "/run/slurm/conf/slurm.conf",
        "/usr/local/etc/slurm.conf", "/etc/slurm-llnl/slurm.conf",
        "/opt/slurm/etc/slurm.conf"};
    const char *said = getenv("SLURM_CONF");

    if (said && *said) {
        snprintf(path, SLURM_PLACE, "%s", said);
        return path;
    }
    snprintf(path, SLURM_PLACE, "%s", places[0]);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], F_OK) == 0) {
            snprintf(path, SLURM_PLACE, "%s", places[i]);
            break;
        }
    return path;
}

char *slurm_place_plugstack(const struct slurm_conf *conf, char path[SLURM_PLACE])
{
    const char *said = slurm_conf_value(conf, "PlugStackConfig");
    const char *slash = strrchr(conf->files[0].path, '/');

    if (said)
        snprintf(path, SLURM_PLACE, "%s", said);
    else
        snprintf(path, SLURM_PLACE, "%.*splugstack.conf",
                 slash ? (int)(slash - conf->files[0].path + 1) : 0,
                 conf->files[0].path);
    return path;
}

const char *slurm_place_kwota(void)
{
    const char *said = getenv("KWOTA_CONF");

    return said && *said ? said : KWOTA_SYSCONFDIR "/kwota.json";
}
