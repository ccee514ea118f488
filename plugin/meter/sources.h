/* sources.h - the JSON list that says which sources of counters are used
 *
 *     {"version": 1,
 *      "sources": {"powercap": true, "hwmon": false,
 *                  "nvml": {"library": "/opt/nvidia/libnvidia-ml.so.1"},
 *                  "rsmi": {"library": "…"},
 *                  "pm_counters": {"gpus_per_accelerator": 2},
 *                  "dcmi": {"tool": "/usr/sbin/ipmi-dcmi", "every_s": 30}},
 *      "prefer": {"package": ["powercap", "hwmon"], "platform": []},
 *      "overlaps": {"psys": ["package", "dram", "gpu"]},
 *      "sample_ms": 1000}
 *
 * Everything but the version is optional; what is not named keeps its default: every
 * source is looked for, and `probe` shows what was found and chosen.
 */
#ifndef METER_SOURCES_H
#define METER_SOURCES_H

#include <stddef.h>

#include "plugin/meter/counter.h"

#define SOURCES_ERROR 256

/* Every source, the default preferences, counters below `root`. */
void sources_default(struct sources *sources, const char *root);

/* Reads the list over the defaults. -1 with "FILE:LINE: what is wrong" in `error`, and
 * `sources` half changed: not to be used. */
int sources_read(struct sources *sources, const char *path, char error[SOURCES_ERROR]);

/* The same from a text; `error` names the place in it. */
int sources_parse(struct sources *sources, const char *text, size_t length,
                  char error[SOURCES_ERROR]);

#endif
