/* counter.h - what a source of energy counters offers the meter
 *
 * A counter is a cumulative number of microjoules that starts again from 0 at its
 * range, if it has one. A source is a file of its own under source/: it finds its
 * counters below a root that stands in for "/", and reads one at a time. Sources that
 * only know power are integrated over time, here for files and in their driver's thread
 * for libraries and tools; their counters say so (`integrated`).
 *
 * Not thread-safe: one thread opens, reads and closes counters. No allocation and, for
 * files, one system call a reading.
 */
#ifndef METER_COUNTER_H
#define METER_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define COUNTER_MAX 64 /* found on a node, charged or not */
#define COUNTER_NAME 32
#define COUNTER_REASON 128
#define COUNTER_PATH 256
#define COUNTER_SLICES 8 /* of a GPU that is cut into instances: 7 at most today */

enum counter_kind {
    COUNTER_PACKAGE,
    COUNTER_DRAM,
    COUNTER_GPU,
    COUNTER_PLATFORM, /* the whole node, or all of it that one meter covers */
    COUNTER_CORE,     /* inside a package: shown, never charged */
    COUNTER_KINDS
};

/* In the order in which they are preferred by default. */
enum counter_source {
    SOURCE_POWERCAP,
    SOURCE_NVML,
    SOURCE_RSMI,
    SOURCE_PM_COUNTERS,
    SOURCE_HWMON,
    SOURCE_DCMI,
    SOURCES
};

struct counter;
struct driver;

struct counter {
    char name[COUNTER_NAME]; /* unique on the node: package-0, dram-0 */
    enum counter_kind kind;
    enum counter_source source;
    int64_t range_uj;      /* the counter is always below it; 0: it never wraps */
    int64_t max_power_mw;  /* more than this it never draws: for telling wraps from
                              resets */
    bool integrated;       /* power integrated over time, not an energy counter */
    bool charged;          /* false: `reason` says why */
    uint64_t covers;       /* platform: the counters (bits) inside it */
    uint32_t covers_kinds; /* … as kinds (bits), before the counters are chosen */
    char reason[COUNTER_REASON]; /* why it is not charged or cannot be read */

    /* GPUs: the places in Slurm's global order (SLURM_JOB_GPUS), one for each instance
     * of a GPU that is cut up, and how large each is. */
    int32_t index; /* the first; -1: unknown */
    int32_t slices;
    uint8_t slice_weight[COUNTER_SLICES];
    uint8_t slices_whole; /* the sum of weights that the whole GPU has */
    char uuid[64];

    /* How it is read: from a file … */
    char path[COUNTER_PATH];
    int fd;
    int64_t unit_uj;   /* µJ, or µW where `integrated`, for each unit in the file */
    int64_t session;   /* of what is integrated: since the counter was opened */
    int64_t reopen_ns; /* not before this time */
    int64_t power_uw;  /* integrated: the last reading … */
    int64_t power_ns;  /* … when; 0: none */
    int64_t sum_uj;    /* integrated so far */
    int64_t lost_ms;   /* integrated: time of which the power is unknown, so far */
    int64_t remainder_pj; /* of the integration, below 1 µJ */
    /* … or by a driver's thread */
    struct driver *driver;
    int device;
};

struct counter_reading {
    int64_t uj;
    int64_t lost_ms; /* cumulative: time whose energy is not in uj and never will be */
    int64_t session; /* uj and lost_ms began anew when this changes */
};

/* Which sources are used, from where, and what is preferred. */
struct sources {
    const char *root;
    bool use[SOURCES];
    char library[SOURCES][COUNTER_PATH]; /* nvml, rsmi: a library; dcmi: a tool; "":
                                            looked for in the usual places */
    int prefer[COUNTER_KINDS][SOURCES];  /* most preferred first; -1 ends the list */
    int64_t sample_ms;                   /* between two readings of a power */
    int64_t dcmi_ms;                     /* a BMC is not asked more often */
    int32_t gpus_per_accelerator;        /* Slurm's, on Cray's accelN counters */
    struct {
        char counter[COUNTER_NAME];
        uint32_t kinds; /* bits */
    } overlaps[8];      /* told: what a platform counter covers */
    int overlap_count;
    char told[COUNTER_PATH]; /* the file it was read from; "": defaults */
};

struct counters {
    const struct sources *sources;
    int count;
    struct counter item[COUNTER_MAX];
    struct driver *driver[SOURCES]; /* NULL: none */
    const char *absent[SOURCES];    /* why a source gives no counter; NULL: it does */
    bool sampled;                   /* some file's power has to be sampled */
};

/* "package", "dram", "gpu", "platform", "core"; -1 for another word */
const char *counter_kind_name(enum counter_kind kind);
int counter_kind_of(const char *name);

/* "powercap", "nvml", "rsmi", "pm_counters", "hwmon", "dcmi" */
const char *counter_source_name(enum counter_source source);
int counter_source_of(const char *name);

/* Finds all counters of all sources that are used, opens them, and chooses which are
 * charged. The sources must outlive the counters. */
void counters_open(struct counters *counters, const struct sources *sources);

/* Before a round of readings: drivers begin to read, shared files are read. */
void counters_begin(struct counters *counters, int64_t now_ns);

/* -1 when there is no value to be had: why is in the counter's reason. */
int counters_read(struct counters *counters, int index, int64_t now_ns,
                  struct counter_reading *reading);

/* Reads the power of what is integrated from files; to be called every sample_ms where
 * `sampled`. */
void counters_sample(struct counters *counters, int64_t now_ns);

void counters_close(struct counters *counters);

/* For sources: a new counter with defaults, or NULL when there is no more room. */
struct counter *counters_add(struct counters *counters, enum counter_source source,
                             enum counter_kind kind, const char *name);

/* Opens counter->path; on failure the reason says so and it is tried again later. */
void counter_open_file(struct counter *counter);

/* The counter is shown and not charged. */
void counter_leave_out(struct counter *counter, const char *why);

/* The first line of a file without its newline; "" if it cannot be read. */
void counter_line(const char *path, char *line, int size);

/* The number in a file, or `otherwise`. */
int64_t counter_number(const char *path, int64_t otherwise);

/* Chooses among the counters found which are charged, and what platforms cover. Pure:
 * looks at kinds, sources, `charged` and `fd`/`driver` only. */
void counters_choose(struct counters *counters);

#endif
