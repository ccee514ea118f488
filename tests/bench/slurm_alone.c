/* slurm_alone.c - simulated Slurm for tests/bench/kwotad: what policy/slurm_*.h say,
 * from the jobs that kwotad-load plays
 *
 * Answers at once; what libslurm and slurmctld cost is not in the figures.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/slurm_act.h"
#include "policy/slurm_comment.h"
#include "policy/slurm_lookup.h"
#include "policy/slurm_past.h"
#include "policy/slurm_queue.h"
#include "policy/slurm_tree.h"
#include "policy/slurm_whole.h"
#include "tests/bench/played.h"

/* What every job asks for. */
#define CPUS 16
#define LIMIT_S 86400
#define LICENCE_WH 1000

static const struct played *played;

void lookup_init(void)
{
    const char *path = getenv("KWOTA_PLAYED");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 ||
        (played = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) ==
            MAP_FAILED) {
        fprintf(stderr, "kwotad-alone: KWOTA_PLAYED names no file of kwotad-load's\n");
        exit(2);
    }
    close(fd);
    fprintf(stderr, "kwotad-alone: SIMULATED SLURM, for benchmarks only\n");
}

void lookup_cluster(char *name, size_t size, uid_t *slurm_user)
{
    snprintf(name, size, "simulated");
    *slurm_user = geteuid();
}

int64_t lookup_kill_wait_s(void)
{
    return LOOKUP_KILL_WAIT_S;
}

static void describe(uint32_t id, struct lookup_run *run)
{
    const struct played_job *job = &played->jobs[id - 1];
    uint32_t uid = played_uid(played, id);

    memset(run, 0, sizeof *run);
    run->job_id = id;
    snprintf(run->text, sizeof run->text, "%u", id);
    memcpy(run->act, run->text, sizeof run->act);
    run->submit_s = run->start_s = job->start_s;
    run->end_s = job->end_s;
    run->uid = uid;
    snprintf(run->user, sizeof run->user, "%u", uid);
    snprintf(run->account, sizeof run->account, "a%u", played_account(played, uid));
    snprintf(run->partition, sizeof run->partition, "main");
    snprintf(run->name, sizeof run->name, "played");
    snprintf(run->state, sizeof run->state, job->end_s ? "COMPLETED" : "RUNNING");
    run->node_count = 1;
    run->over = job->end_s != 0;
    run->started = true;
    snprintf(run->nodes, sizeof run->nodes, "bench%05u", played_node(played, id));
    run->cpus = CPUS;
    run->limit_s = LIMIT_S;
    run->until_s = run->over ? 0 : job->start_s + LIMIT_S;
    run->licence_wh = LICENCE_WH;
    run->batch = run->requeues = true;
    if (run->over)
        return;
    run->shares = calloc(1, sizeof *run->shares);
    run->share_count = 1;
    memcpy(run->shares->node, run->nodes, sizeof run->shares->node);
    run->shares->cpus = CPUS;
    run->shares->memory_mb = 64000;
}

static int find(uint32_t id, struct lookup_run *run)
{
    if (id == 0 || id > played_jobs(played) || !played->jobs[id - 1].start_s)
        return 0;
    describe(id, run);
    return 1;
}

int lookup_job(uint32_t job, int64_t at_s, struct lookup_run *run)
{
    (void)at_s;
    return find(job, run);
}

int lookup_submitted(uint32_t job, int64_t submit_s, struct lookup_run *run)
{
    (void)submit_s;
    return find(job, run);
}

void lookup_done(struct lookup_run *run)
{
    free(run->shares);
    run->shares = NULL;
    run->share_count = 0;
}

bool lookup_has_node(const struct lookup_run *run, const char *node)
{
    return strcmp(run->nodes, node) == 0;
}

int lookup_node(const char *node, struct lookup_node *found)
{
    (void)node;
    *found = (struct lookup_node){.cpus = 64, .memory_mb = 256000};
    return 1;
}

int lookup_person(const char *user, bool *sees_all,
                  void (*coordinates)(const char *account, void *arg), void *arg)
{
    (void)user;
    (void)coordinates;
    (void)arg;
    *sees_all = false;
    return 0;
}

/* All that runs, as slurmctld would give it; nothing waits. */
int queue_load(struct queue *queue)
{
    uint32_t all = played_jobs(played);

    queue->count = 0;
    queue->jobs = calloc(played->nodes * played->slots + 1, sizeof *queue->jobs);
    for (uint32_t id = 1; queue->jobs && id <= all; id++) {
        const struct played_job *from = &played->jobs[id - 1];
        struct queue_job *job;

        if (!from->start_s || from->end_s ||
            queue->count == (int)(played->nodes * played->slots))
            continue;
        job = &queue->jobs[queue->count++];
        job->job_id = id;
        job->running = true;
        job->licences = strdup("");
        job->admin_comment = strdup("");
        job->start_s = job->submit_s = from->start_s;
    }
    return queue->jobs ? 0 : -1;
}

void queue_done(struct queue *queue)
{
    for (int i = 0; i < queue->count; i++) {
        free(queue->jobs[i].licences);
        free(queue->jobs[i].admin_comment);
    }
    free(queue->jobs);
}

int queue_partitions(struct queue_partition **partitions, int *count)
{
    *partitions = calloc(1, sizeof **partitions);
    **partitions = (struct queue_partition){.name = "main",
                                            .is_default = true,
                                            .default_s = LIMIT_S,
                                            .max_s = LIMIT_S,
                                            .node_cpus = 64};
    *count = 1;
    return 0;
}

int tree_load(const char *cluster, struct tree *tree)
{
    struct tree_place *place;

    (void)cluster;
    memset(tree, 0, sizeof *tree);
    tree->count = (int)(played->accounts + played->users);
    place = tree->places = calloc((size_t)tree->count, sizeof *tree->places);
    for (uint32_t a = 0; a < played->accounts; a++, place++) {
        snprintf(place->account, TREE_NAME, "a%u", a);
        if (played->fan && a >= played->fan)
            snprintf(place->parent, TREE_NAME, "a%u", a / played->fan - 1);
        else
            snprintf(place->parent, TREE_NAME, "root");
        place->limit_wh = -1;
    }
    for (uint32_t u = 0; u < played->users; u++, place++) {
        snprintf(place->account, TREE_NAME, "a%u",
                 played_account(played, PLAYED_FIRST_UID + u));
        snprintf(place->user, TREE_NAME, "%u", PLAYED_FIRST_UID + u);
        place->is_default = true;
        place->limit_wh = -1;
    }
    return 0;
}

void tree_done(struct tree *tree)
{
    free(tree->places);
    free(tree->operators);
    memset(tree, 0, sizeof *tree);
}

int tree_limit(const char *cluster, const char *account, const char *user,
               int64_t limit_wh)
{
    (void)cluster;
    (void)account;
    (void)user;
    (void)limit_wh;
    return 0;
}

static int refuse(const char *what, const char *job, char why[ACT_WHY])
{
    snprintf(why, ACT_WHY, "simulated Slurm does not %s job %s", what, job);
    return -1;
}

int act_requeue_hold(const char *job, bool requeues, const char *comment,
                     char why[ACT_WHY])
{
    (void)requeues;
    (void)comment;
    return refuse("hold", job, why);
}

int act_release(const char *job, const char *comment, char why[ACT_WHY])
{
    (void)comment;
    return refuse("release", job, why);
}

int act_end(const char *job, uint32_t job_id, const char *sentence, char why[ACT_WHY])
{
    (void)job_id;
    (void)sentence;
    return refuse("end", job, why);
}

int act_notify(uint32_t job_id, const char *sentence, char why[ACT_WHY])
{
    (void)job_id;
    return act_comment("", sentence, why);
}

int act_signal(const char *job, const char *name, bool batch, char why[ACT_WHY])
{
    (void)batch;
    return act_comment(job, name, why);
}

int act_licences(const char *job, const char *licences, char why[ACT_WHY])
{
    (void)licences;
    return refuse("change", job, why);
}

int act_qos(const char *job, const char *qos, char why[ACT_WHY])
{
    (void)qos;
    return refuse("move", job, why);
}

int act_comment(const char *job, const char *comment, char why[ACT_WHY])
{
    (void)comment;
    return refuse("comment on", job, why);
}

bool comment_takes_energy(void)
{
    return false;
}

int comment_write(const char *cluster, struct comment_run *runs, int count)
{
    (void)cluster;
    for (int i = 0; i < count; i++)
        runs[i].state = COMMENT_WRITTEN;
    return 0;
}

/* No job was before the bench. */
int slurm_past_runs(const char *cluster, int64_t from_s, int64_t until_s,
                    past_take take, void *arg)
{
    (void)cluster;
    (void)from_s;
    (void)until_s;
    (void)take;
    (void)arg;
    return 0;
}

int slurm_past_ended(const char *cluster, int64_t from_s, int64_t until_s,
                     past_take take, void *arg)
{
    return slurm_past_runs(cluster, from_s, until_s, take, arg);
}

struct whole *whole_load(void)
{
    return NULL;
}

void whole_free(struct whole *whole)
{
    (void)whole;
}

bool whole_had(const struct whole *whole, const struct past_run *run)
{
    (void)whole;
    (void)run;
    return false;
}
