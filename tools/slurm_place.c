/* slurm_place.c - where Slurm's and kwota's files are on this host */
#include "tools/slurm_place.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/plugin_version.h"

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

char *slurm_place_plugins(char path[SLURM_PLACE])
{
    static const char *const places[] = {
        KWOTA_PLUGINDIR,          "/usr/lib/*/slurm-wlm", "/usr/lib64/slurm",
        "/usr/lib/slurm",         "/usr/lib/*/slurm",     "/usr/local/lib/slurm",
        "/usr/local/lib64/slurm", "/opt/slurm/lib/slurm"};

    path[0] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places && !path[0]; i++) {
        glob_t found;

        if (glob(places[i], 0, NULL, &found) != 0)
            continue;
        for (size_t n = 0; n < found.gl_pathc && !path[0]; n++)
            if (plugin_version_of_slurm(found.gl_pathv[n]) != 0)
                snprintf(path, SLURM_PLACE, "%s", found.gl_pathv[n]);
        globfree(&found);
    }
    return path;
}

const char *slurm_place_kwota(void)
{
    const char *said = getenv("KWOTA_CONF");

    return said && *said ? said : KWOTA_SYSCONFDIR "/kwota.json";
}
