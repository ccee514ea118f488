/* probe.h - kwota-meter probe: every counter found, and why one cannot be used */
#ifndef METER_PROBE_H
#define METER_PROBE_H

#include <stdbool.h>

/* Prints to stdout; returns the exit status. */
int probe(const char *root, bool json);

#endif
