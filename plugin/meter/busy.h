/* busy.h - how busy the whole node is, as /proc/stat says
 *
 * Source: proc(5); the unit is USER_HZ, sysconf(_SC_CLK_TCK).
 */
#ifndef METER_BUSY_H
#define METER_BUSY_H

#include <stdint.h>

struct busy {
    int fd;
    long hz;
};

/* Opens ROOT/proc/stat; without it every reading is unknown. */
void busy_open(struct busy *busy, const char *root);

/* CPU time spent by anything on the node since its boot, in nanoseconds (idle and
 * waiting for I/O left out), and the number of CPUs. -1 if unknown. */
int64_t busy_read(const struct busy *busy, int64_t *cpus);

void busy_close(struct busy *busy);

#endif
