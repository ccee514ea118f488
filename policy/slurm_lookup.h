/* slurm_lookup.h - asking Slurm about jobs and people: the one file that knows libslurm
 *
 * Every call may take seconds when slurmctld or slurmdbd is slow or away: never from a
 * thread that answers nodes, never under the ledger's lock. One thread at a time.
 */
#ifndef KWOTA_SLURM_LOOKUP_H
#define KWOTA_SLURM_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One run of a job, as slurmctld or slurmdbd knows it. */
struct lookup_run {
    uint32_t job_id;
    char text[64];                    /* as Slurm prints it: 12, 12_3, 15+1 */
    int64_t submit_s, start_s, end_s; /* end_s: 0 while it runs */
    int64_t restart;
    uint32_t uid;
    char user[64], account[64], partition[64], name[128], state[32];
    int64_t node_count;
    bool over;    /* it has ended */
    bool started; /* it ever had nodes */
    char nodes[4096];
};

/* libslurm's configuration (SLURM_CONF or its default place). */
void lookup_init(void);

/* The cluster's name, "" if there is none; SlurmUser's uid. */
void lookup_cluster(char *name, size_t size, uid_t *slurm_user);

/* The run of `job` that was under way at `at_s`; with at_s 0 its newest. 1: found; 0:
 * Slurm knows none; -1: Slurm cannot be asked now. */
int lookup_job(uint32_t job, int64_t at_s, struct lookup_run *run);

/* The run of `job` submitted at submit_s. As above. */
int lookup_submitted(uint32_t job, int64_t submit_s, struct lookup_run *run);

bool lookup_has_node(const struct lookup_run *run, const char *node);

/* The CPUs of a node as Slurm counts them; 0 if unknown. */
int64_t lookup_node_cpus(const char *node);

/* What slurmdbd says of a person: whether they see everything (operator,
 * administrator); calls `coordinates` for each account they coordinate. -1: slurmdbd
 * cannot be asked. */
int lookup_person(const char *user, bool *sees_all,
                  void (*coordinates)(const char *account, void *arg), void *arg);

#endif
