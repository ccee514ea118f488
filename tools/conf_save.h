/* conf_save.h - a changed configuration file onto the disk, whole or not at all
 *
 * What was there is kept beside it. The new one is written to the disk under another
 * name, gets the old one's owner and mode, and takes its place in one step; a link is
 * followed and stays.
 */
#ifndef KWOTA_CONF_SAVE_H
#define KWOTA_CONF_SAVE_H

#include <sys/types.h>

#include "plugin/conf_file.h"

#define CONF_SAVE_BACKUP 1024

/* Writes a file that is changed; a new one, and its folder, will be `owner`'s. 0 with
 * the backup's name ("": there was nothing), or -1 with the reason: nothing is changed
 * then, not even when somebody else changed the file since it was read. */
int conf_save(const struct conf_file *file, uid_t owner, gid_t group,
              char backup[CONF_SAVE_BACKUP], char why[CONF_FILE_WHY]);

#endif
