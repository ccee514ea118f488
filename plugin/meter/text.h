/* text.h - the few forms of text in which counters and cgroups tell numbers
 *
 * Pure and strict: what is not exactly the expected form is no number, and `why` says
 * in words what it was. All numbers are whole, decimal and not negative. `text` needs
 * no NUL within `length`. Fuzzed by tests/fuzz.
 */
#ifndef METER_TEXT_H
#define METER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "123" and at most one newline: powercap, hwmon, cpuacct.usage. -1: no number. */
int text_number(const char *text, size_t length, int64_t *value, const char **why);

/* As above, a minus sign allowed: a power below zero is told apart from no number. */
int text_signed(const char *text, size_t length, int64_t *value, const char **why);

/* "123 J", "123 J 1612345678901 us": Cray's pm_counters; the unit is `unit` ("J", "W").
 * *stamp_us is 0 where there is no time stamp. Older ones have no unit: "123". */
int text_pm_counter(const char *text, size_t length, const char *unit, int64_t *value,
                    int64_t *stamp_us, const char **why);

/* usage_usec of a cgroup v2 cpu.stat, in nanoseconds. */
int text_cpu_stat(const char *text, size_t length, int64_t *ns, const char **why);

/* The busy time of all CPUs, in ticks of USER_HZ, and how many CPUs there are, from
 * /proc/stat. */
int text_proc_stat(const char *text, size_t length, int64_t *ticks, int64_t *cpus,
                   const char **why);

/* What `ipmi-dcmi --get-system-power-statistics` or `ipmitool dcmi power reading`
 * print: the current power in milliwatts and the sampling period, 0 if none is named.
 * -1 if the reading is switched off, all zero or not there. */
int text_dcmi(const char *text, size_t length, int64_t *mw, int64_t *period_ms,
              const char **why);

/* The job that a line of /proc/PID/cgroup names ("…/job_12/step_0/…"); 0: none. */
uint32_t text_cgroup_job(const char *text, size_t length);

/* "0-3,7" or "0,2": a Slurm list of small indices as bits. -1: not such a list, or an
 * index beyond 63. An empty text is no index. */
int text_index_list(const char *text, uint64_t *bits);

#endif
