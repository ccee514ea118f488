/* plugin_place.c - where Slurm's own plugins are on this host */
#include "tools/plugin_place.h"

#include <glob.h>
#include <stdio.h>

#include "tools/plugin_version.h"

char *plugin_place(char path[PLUGIN_PLACE])
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
                snprintf(path, PLUGIN_PLACE, "%s", found.gl_pathv[n]);
        globfree(&found);
    }
    return path;
}
