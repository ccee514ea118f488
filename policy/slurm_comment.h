/* slurm_comment.h - kwota's word in slurmdbd's records of settled runs
 *
 * Each call may take seconds: never from a thread that answers nodes, never under the
 * ledger's lock.
 */
#ifndef KWOTA_SLURM_COMMENT_H
#define KWOTA_SLURM_COMMENT_H

#include <stdbool.h>
#include <stdint.h>

enum comment_state {
    COMMENT_LATER, /* slurmdbd has no such run, or not its end */
    COMMENT_SENT,  /* it took joules, too; slurmctld's word of a run's last step brings
                      the run's TRES anew and may come after ours: look again */
    COMMENT_AGAIN, /* the same, of joules that it should have had by now */
    COMMENT_WRITTEN, /* it has it, or had it before */
    COMMENT_FOREIGN, /* somebody else's system_comment is there: it was left as it is */
};

struct comment_run {
    uint32_t job_id;
    int64_t submit_s;
    const char *text; /* summary_text() */
    int64_t energy_j; /* for its TRES, where that is wanted; -1: leave what is there */
    enum comment_state state; /* the answer */
};

/* Whether this Slurm takes a job's joules from outside: 25.11 and newer. */
bool comment_takes_energy(void);

/* -1: slurmdbd cannot be asked, or did not keep it: all are to be told again. */
int comment_write(const char *cluster, struct comment_run *runs, int count);

#endif
