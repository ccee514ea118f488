/* program.h - what another program prints, for so long at most */
#ifndef KWOTA_PROGRAM_H
#define KWOTA_PROGRAM_H

/* Runs words[0] (found in PATH) with those words, both its outputs together. Returns
 * its exit status, or -1: it cannot be run, was killed, or did not end in time and was
 * ended. *text is malloc'd, never NULL. */
int program_output(const char *const *words, int seconds, char **text);

#endif
