/* job_options.c - kwota's own options of srun, sbatch and salloc */
#include "config.h"

#include "plugin/slurm_version.h"

#include <slurm/spank.h>
#include <string.h>

#include "plugin/energy_budget.h"
#include "plugin/job_options.h"
#include "policy/watts.h"

/* What --energy-report says, in this process. */
static enum wish report_wish;

static int take_report_option(int value, const char *text, int remote);
static int take_budget_option(int value, const char *text, int remote);
static int take_cap_option(int value, const char *text, int remote);

static struct spank_option report_option = {
    .name = (char *)"energy-report",
    .arginfo = (char *)"yes|no",
    .usage =
        (char *)"print the energy used at the end (srun, salloc: [yes]; sbatch: no "
                "switches it off)",
    .has_arg = 2,
    .val = 0,
    .cb = take_report_option,
};

static int take_report_option(int value, const char *text, int remote)
{
    (void)value;
    (void)remote;
    if (!text || !*text || strcmp(text, "yes") == 0)
        report_wish = WISH_YES;
    else if (strcmp(text, "no") == 0)
        report_wish = WISH_NO;
    else {
        slurm_error("kwota: --energy-report=%s: yes or no", text);
        return -1;
    }
    return 0;
}

/* Slurm itself hands it on: admission finds it in the job's request. */
static struct spank_option budget_option = {
    .name = (char *)"energy-budget",
    .arginfo = (char *)"ENERGY",
    .usage = (char *)"the energy the job may use, such as 2kWh or 500Wh",
    .has_arg = 1,
    .val = 0,
    .cb = take_budget_option,
};

/* Whoever mistypes it learns so before the job is submitted; on the node it is too
 * late. */
static int take_budget_option(int value, const char *text, int remote)
{
    int64_t wh;

    (void)value;
    if (remote || (text && energy_budget_parse(text, &wh) == 0))
        return 0;
    slurm_error("kwota: --energy-budget=%s is no amount of energy; say, for example, "
                "--energy-budget=2kWh",
                text ? text : "");
    return -1;
}

static struct spank_option cap_option = {
    .name = (char *)"gpu-power-cap",
    .arginfo = (char *)"WATTS",
    .usage = (char *)"the power that each of the job's GPUs may draw, such as 250W",
    .has_arg = 1,
    .val = 0,
    .cb = take_cap_option,
};

static int take_cap_option(int value, const char *text, int remote)
{
    int64_t mw;

    (void)value;
    if (remote || (text && watts_parse_cap(text, &mw) == 0))
        return 0;
    slurm_error(
        "kwota: --gpu-power-cap=%s is no power of a GPU, from 10W to 10kW; say, "
        "for example, --gpu-power-cap=250W",
        text ? text : "");
    return -1;
}

void job_options_offer(spank_t sp)
{
    struct spank_option *const options[] = {&report_option, &budget_option,
                                            &cap_option};

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (spank_option_register(sp, options[i]) != ESPANK_SUCCESS)
            slurm_error("kwota: --%s cannot be offered", options[i]->name);
}

enum wish job_options_report(void)
{
    return report_wish;
}
