/* settings.h - kwota.json: how kwotad runs
 *
 * Read once at the start; never changed after, so any thread may read it.
 */
#ifndef KWOTA_SETTINGS_H
#define KWOTA_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_NAMES 8
#define SETTINGS_KINDS 2 /* package, dram */

/* The dashboard's listener. */
struct settings_web {
    bool enabled;
    char *address;
    int64_t port;
    char *url; /* what links begin with; NULL: of address and port */
    int64_t session_s;
};

/* The listener of those who scrape metrics. */
struct settings_metrics {
    bool enabled;
    char *address;
    int64_t port;
    char *token_file;        /* NULL: whoever reaches it may read */
    int64_t accounts, nodes; /* so many have series of their own */
};

struct settings {
    char *address;
    int port;
    char
        *names[SETTINGS_NAMES + 1]; /* what clients call this server; NULL at the end */
    char *socket;
    char *spool;
    char *ledger;       /* mariadb_place.h; NULL: spool's ledger.db is the ledger */
    char *munge_socket; /* NULL: munge's default */
    char *cluster;      /* NULL: Slurm's ClusterName */
    int64_t settle_timeout_s;
    int64_t sweep_s;
    int64_t save_s; /* counts may wait so long for the ledger; -1: by live.h */
    int64_t tick_ms;
    int64_t report_ms;
    bool slurmdbd_summary;   /* slurmdbd is told what settled runs came to */
    bool slurmdbd_energy;    /* … and gets their joules as TRES, where it can */
    int64_t idle_package_mw; /* 0: meters learn it */
    int64_t idle_dram_mw;
    int64_t idle_gpu_mw;
    bool
        share_by_cpus; /* a job's share of a node: its CPUs, not the largest fraction */
    struct settings_web web;
    struct settings_metrics metrics;
};

/* Reads a file, and those it includes, over the defaults. On mistakes prints each as
 * "FILE:LINE:COLUMN: key: what" to stderr and returns -1; the policy's keys are left to
 * policy_read(). settings_free() frees the strings either way. */
int settings_read(struct settings *settings, const char *path);

struct configuration;

/* Complains of what is wrong with the settings' keys, and takes nothing. */
void settings_check(struct configuration *conf);

void settings_free(struct settings *settings);

#endif
