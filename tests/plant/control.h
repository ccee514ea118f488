/* control.h - one line asked of a running plant, one answer
 *
 * A stream socket that everyone on the machine may use: it is a test's tool.
 */
#ifndef PLANT_CONTROL_H
#define PLANT_CONTROL_H

#include <stddef.h>

#define CONTROL_LINE 256

/* Listens; -1 and errno on failure. */
int control_listen(const char *path);

/* Takes one waiting connection and its line (without the newline). Returns its
 * descriptor, to answer on and close, or -1. Waits for a slow peer no longer than 0.2
 * s. */
int control_accept(int listener, char line[CONTROL_LINE]);

/* Sends a line and copies the answer to stdout. 0, or -1 when the plant did not take
 * it; waits no longer than 1 s. */
int control_ask(const char *path, const char *line);

#endif
