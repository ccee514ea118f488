/* file.h - a power limit that is a file below /sys, in microwatts */
#ifndef METER_LIMIT_FILE_H
#define METER_LIMIT_FILE_H

#include "plugin/meter/limit.h"

#define LIMIT_PATH 512

/* The limit in the file; what is no whole number is LIMIT_FAILED. */
enum limit_error limit_file_read(const char *path, int64_t *mw, char why[LIMIT_WHY]);

enum limit_error limit_file_write(const char *path, int64_t mw, char why[LIMIT_WHY]);

/* The number in the file in mW; 0 if it holds none. */
int64_t limit_file_mw(const char *path);

/* Nobody may write it, or not this process: why, in words; "" if it can be written. */
void limit_file_check(const char *path, char why[LIMIT_WHY]);

#endif
