/* setup_plan.h - what kwota needs in slurm.conf, plugstack.conf and kwota.json
 *
 * Pure: files in memory and facts go in, changed files and sentences come out. What a
 * site has said is added to and never overwritten; where it says something that kwota
 * cannot be beside, a conflict names it with the remedy.
 */
#ifndef KWOTA_SETUP_PLAN_H
#define KWOTA_SETUP_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/plugstack.h"
#include "plugin/slurm_conf.h"

/* One unit of the licence is one watt-hour; Slurm counts licences in 32 bits. */
#define SETUP_LICENCES "2000000000"

/* What is known of this host; texts are borrowed. */
struct setup_facts {
    const char *slurm_dirs; /* Slurm's plugin folders where slurm.conf names none */
    const char *kwota_dir; /* where kwota's plugins are, if it is none of Slurm's; NULL:
                              it is, or they are nowhere */
    bool has_jobcomp;      /* jobcomp_kwota.so is there */
    const char *jobcomp_script; /* what jobcomp/script can run instead; NULL: nothing */
    const char *server;         /* kwotad, as its clients are told: "ctl1,ctl2:6828" */
    const char *spool;          /* kwotad's */
    const char *spank;          /* more arguments for spank_kwota.so; "": none */
    bool slurm_energy;          /* kwota answers for Slurm's own energy figures */
};

enum setup_kind {
    SETUP_CONFLICT, /* to be solved by hand; exit status 1 */
    SETUP_STEP,     /* to be done afterwards */
    SETUP_REMAINS,  /* what --remove leaves */
};

#define SETUP_NOTES 24

struct setup {
    struct slurm_conf *conf;
    struct plugstack *plugstack;
    struct conf_file *kwota; /* kwota.json */
    struct {
        enum setup_kind kind;
        char *text;
    } notes[SETUP_NOTES];
    int count;
};

/* Changes the files so that Slurm runs kwota, and notes what is left to do. */
void setup_plan(struct setup *setup, const struct setup_facts *facts);

/* The other way round. */
void setup_undo(struct setup *setup, const struct setup_facts *facts);

/* Whether any file is changed. */
bool setup_changed(const struct setup *setup);

/* Frees the notes. */
void setup_done(struct setup *setup);

/* Whether slurmctld is to load job_submit_kwota.so. */
bool setup_submits(const struct slurm_conf *conf);

/* "ctl1,ctl2:6828" of slurm.conf's SlurmctldHost, "localhost:6828" without any. */
#define SETUP_SERVER 256
char *setup_server(const struct slurm_conf *conf, char server[SETUP_SERVER]);

/* munged's socket as AuthInfo names it; "": munge's own. */
#define SETUP_MUNGE 256
char *setup_munge(const struct slurm_conf *conf, char path[SETUP_MUNGE]);

#endif
