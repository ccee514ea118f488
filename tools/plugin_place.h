/* plugin_place.h - where Slurm's own plugins are on this host */
#ifndef KWOTA_PLUGIN_PLACE_H
#define KWOTA_PLUGIN_PLACE_H

#define PLUGIN_PLACE 1024

/* The folder of Slurm's own plugins, for when slurm.conf has no PluginDir; "": it is
 * not found. Returns path. */
char *plugin_place(char path[PLUGIN_PLACE]);

#endif
