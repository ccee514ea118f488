/* tres.h - numbers in Slurm's texts of resources and licences
 *
 * Pure.
 */
#ifndef KWOTA_TRES_H
#define KWOTA_TRES_H

#include <stdint.h>

/* slurmdbd's own number of the TRES "energy", in joules. */
#define TRES_ENERGY 3

/* The count of one resource in "cpu=4,mem=1500M,node=1,gres/gpu=2"; 0 if it is not
 * there. `name` is all before the '='. */
int64_t tres_count(const char *tres, const char *name);

/* The joules in slurmdbd's own "1=4,2=1500,3=25000,4=1"; -1 if they are not there, or
 * are Slurm's number for unknown ones. */
int64_t tres_energy_j(const char *tres);

/* Its memory in MB; 0 if it is not told. */
int64_t tres_memory_mb(const char *tres);

/* How many of a licence "matlab:2,kwota:500" has; a bare name is one; 0 if it is not
 * there. */
int64_t tres_licences(const char *licences, const char *name);

/* The Wh in an admin_comment that has "energy budget 2000 Wh" anywhere; 0: it has not.
 */
int64_t tres_energy_budget(const char *comment);

/* The mW in one that has "gpu power cap 250.5 W" anywhere; 0: it has not. */
int64_t tres_gpu_power_cap(const char *comment);

/* "; energy budget 2000 Wh; gpu power cap 250.5 W": what a job's user said, as it ends
 * an admin_comment; 0: nothing of that. Returns text. */
char *tres_user_words(char *text, int size, int64_t budget_wh, int64_t gpu_cap_mw);

/* "WORDS; energy budget 2000 Wh; gpu power cap 250.5 W": an admin_comment that keeps
 * what the job's user said in `comment`. Returns text. */
char *tres_keep_words(char *text, int size, const char *words, const char *comment);

/* The types of GPUs, "a100,v100", in "gres/gpu=3,gres/gpu:a100=2,gres/gpu:v100=1"; of
 * TRES that do not name types (they do where AccountingStorageTRES has them), in
 * "gpu:a100:2,gpu:v100:1". "": none is named. Either may be NULL. */
void tres_gpu_types(const char *tres, const char *gres, char *text, int size);

/* Slurm's places of the GPUs, "0-1,3", that "gpu:a100:2(IDX:0-1),gpu:v100:1(IDX:3)" or
 * "shard:2(IDX:3)" names: what a job has on a node. "": none, or they do not fit. */
void tres_gpu_places(const char *detail, char *text, int size);

/* The same list with so many of that licence, whatever it had of it; 0: none. -1: it
 * does not fit into `size`, or has alternatives ("a|b"), which cannot be added to. */
int tres_put_licence(const char *licences, const char *name, int64_t count, char *text,
                     int size);

#endif
