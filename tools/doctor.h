/* doctor.h - what is wrong with an installation, and the line to change
 *
 * The checks are pure: facts about a host go in, findings come out, in the order in
 * which they are to be mended. Whoever gathers the facts is doctor_probe.h.
 */
#ifndef KWOTA_DOCTOR_H
#define KWOTA_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plugin/plugstack.h"
#include "plugin/slurm_conf.h"

enum doctor_role {
    DOCTOR_CONTROLLER = 1,
    DOCTOR_NODE = 2,
    DOCTOR_LOGIN = 4,
};

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor_finding {
    enum doctor_level level;
    const char *check; /* static */
    char *text;
    char *remedy; /* the line to change or to type; NULL: none */
};

#define DOCTOR_FINDINGS 64

struct doctor_report {
    struct doctor_finding findings[DOCTOR_FINDINGS];
    int count;
};

/* Adds one; texts are copied. An empty remedy is none. */
void doctor_say(struct doctor_report *report, enum doctor_level level,
                const char *check, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void doctor_report_free(struct doctor_report *report);

#define DOCTOR_TEXT 512

struct doctor_plugin {
    char path[DOCTOR_TEXT]; /* "": it is in no plugin folder */
    uint32_t version;       /* 0: unknown, and `why` */
    char why[DOCTOR_TEXT];
};

enum doctor_plugins {
    DOCTOR_SPANK,
    DOCTOR_JOB_SUBMIT,
    DOCTOR_JOBCOMP,
    DOCTOR_ENERGY,
    DOCTOR_PLUGINS
};

/* A file or folder that must be SlurmUser's. */
struct doctor_file {
    const char *what;
    char path[DOCTOR_TEXT];
    bool there, needed,
        readable_only;     /* readable_only: it need not be SlurmUser's own */
    char why[DOCTOR_TEXT]; /* it cannot be seen */
    uid_t owner;
    mode_t mode;
};

#define DOCTOR_FILES 6

enum doctor_reach {
    DOCTOR_REACHED,
    DOCTOR_REFUSED,    /* nobody listens there */
    DOCTOR_SILENT,     /* no answer at all: a firewall, a host that is off */
    DOCTOR_UNRESOLVED, /* no such name */
    DOCTOR_UNREACHED,  /* anything else */
};

/* One of kwotad's hosts. */
struct doctor_server {
    char name[300]; /* "ctl1:6828" */
    enum doctor_reach reach;
    char why[DOCTOR_TEXT];
};

#define DOCTOR_SERVERS 8

/* What kwota needs of a slurmctld that runs: doctor_running.c has the words. */
#define DOCTOR_RUNNING 8

struct doctor_facts {
    unsigned roles;
    bool root;        /* who asks is root: only then the node's facts are there */
    char host[64];    /* its short name */
    char node[64];    /* its name in Slurm */
    size_t node_pair; /* its NodeName in conf, if `node` is not empty */
    struct slurm_conf *conf;
    struct plugstack *stack;
    struct slurm_conf *cgroup; /* cgroup.conf */

    char plugin_dirs[1024];      /* where Slurm looks */
    char kwota_dir[DOCTOR_TEXT]; /* where kwota was installed */
    uint32_t slurm_version;      /* of its own plugins; 0: unknown */
    struct doctor_plugin plugins[DOCTOR_PLUGINS];

    char munge[DOCTOR_TEXT]; /* why MUNGE does not work; "": it does */
    char munge_socket[DOCTOR_TEXT];

    /* kwota.json */
    char kwota_path[DOCTOR_TEXT], kwota_mistake[DOCTOR_TEXT];
    char kwota_server[256], kwota_spool[DOCTOR_TEXT], kwota_user[64];
    int kwota_mistakes;
    bool kwota_there;
    bool kwota_energy; /* "slurmdbd": {"energy": true} */

    struct doctor_server servers[DOCTOR_SERVERS];
    int server_count;
    char asked_why[1280]; /* why kwotad's answer does not count; "": it does */
    char version[64], own_version[64];
    bool timed; /* skew_ms is known */
    int64_t skew_ms;
    bool healthy; /* kwotad told of itself: */
    char ledger[DOCTOR_TEXT], slurmdbd[DOCTOR_TEXT], policy[DOCTOR_TEXT];

    /* what slurmctld runs with */
    bool running_known;
    char running_why[DOCTOR_TEXT]; /* it did not tell; "": it did, or was not asked */
    bool runs_with[DOCTOR_RUNNING];

    bool tres_asked; /* sacctmgr was asked on the controller */
    char tres_why[DOCTOR_TEXT];
    bool tres_there;
    char qos[DOCTOR_TEXT]; /* QOS that undermine limits; "": none */

    char slurm_user[64];
    bool slurm_uid_known;
    uid_t slurm_uid;
    struct doctor_file files[DOCTOR_FILES];
    int file_count;

    /* the node */
    bool meter_runs;
    char meter_why[DOCTOR_TEXT];
    bool meter_untold; /* neither plugstack.conf nor its unit's file says where kwotad
                          is */
    bool probed;       /* kwota-meter probe has answered */
    char probe_why[DOCTOR_TEXT];
    int charged, unknown, denied, gpus;
    char denied_reason[DOCTOR_TEXT];
    int gpus_of_slurm;         /* in slurm.conf; -1: it does not say how many */
    bool cgroup_v1, cgroup_v2; /* v1: cpuacct is mounted */
    bool steps;                /* jobs run here now … */
    bool job_groups;           /* … and some have a cgroup where the meter looks */
};

/* Fills the report. */
void doctor_check(const struct doctor_facts *facts, struct doctor_report *report);

/* … its parts. */
void doctor_check_conf(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_check_stack(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_check_running(const struct doctor_facts *facts,
                          struct doctor_report *report);
void doctor_check_kwotad(const struct doctor_facts *facts,
                         struct doctor_report *report);
void doctor_check_node(const struct doctor_facts *facts, struct doctor_report *report);

/* Takes what `scontrol show config` prints. */
void doctor_take_running(struct doctor_facts *facts, const char *text);

/* Whether kwota's plugins are all in a folder where Slurm does not look. */
bool doctor_plugins_away(const struct doctor_facts *facts);

/* The roles of a host by slurm.conf, and the name of the node that it is: into facts.
 * Wants conf and host. */
void doctor_role(struct doctor_facts *facts, const char *node);

#endif
