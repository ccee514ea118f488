/* acct_gather_energy_kwota.c - Slurm's own energy figures, from the node's meter
 *
 * slurmstepd asks for what its step has used on this node (the extern step for the
 * whole job, so that sacct's and sreport's job figures are the job's own on shared
 * nodes), slurmd for the node. Who asks, and where the meter's socket is, the SPANK
 * plugin has put into the process's environment (meter_place.h). Whoever cannot be
 * answered gets NO_VAL64: unknown is never zero.
 */
#include "plugin/slurm_version.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/meter_client.h"
#include "plugin/meter_place.h"

/* Slurm waits for the answer at every poll and at a step's end. */
#define PATIENCE_MS 1000

const char plugin_name[] = "kwota's attributed energy";
const char plugin_type[] = "acct_gather_energy/kwota";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

extern int init(void);
extern KWOTA_FINI fini(void);
extern int acct_gather_energy_p_update_node_energy(void);
extern int acct_gather_energy_p_get_data(enum acct_energy_type type, void *data);
extern int acct_gather_energy_p_set_data(enum acct_energy_type type, void *data);
extern void acct_gather_energy_p_conf_options(void *options, int *count);
extern void acct_gather_energy_p_conf_set(int context_id, void *table);
extern void acct_gather_energy_p_conf_values(void *data);

/* As last asked. */
static struct {
    acct_gather_energy_t energy;
    int64_t first_uj, first_ms, uj, ms; /* ms 0: never answered */
} last = {.energy = {.consumed_energy = NO_VAL64,
                     .current_watts = NO_VAL,
                     .ave_watts = NO_VAL}};

int init(void)
{
    return SLURM_SUCCESS;
}

KWOTA_FINI fini(void)
{
    KWOTA_FINI_RETURN;
}

static uint32_t watts(int64_t uj, int64_t ms)
{
    int64_t w = ms > 0 && uj >= 0 ? uj / ms / 1000 : -1;

    return w >= 0 && w < NO_VAL ? (uint32_t)w : NO_VAL;
}

static void take(int64_t uj, int64_t now_ms)
{
    acct_gather_energy_t *e = &last.energy;

    if (!last.ms) {
        last.first_uj = uj;
        last.first_ms = now_ms;
        /* One look tells no power, and unknown is never zero. */
        e->current_watts = e->ave_watts = NO_VAL;
    } else if (now_ms > last.ms) {
        e->current_watts = watts(uj - last.uj, now_ms - last.ms);
        e->ave_watts = watts(uj - last.first_uj, now_ms - last.first_ms);
    }
    e->previous_consumed_energy =
        e->consumed_energy == NO_VAL64 ? 0 : e->consumed_energy;
    e->base_consumed_energy = 0;
    e->consumed_energy = (uint64_t)(uj / 1000000);
    e->poll_time = time(NULL);
    last.uj = uj;
    last.ms = now_ms;
}

static void ask(void)
{
    struct meter_place place;
    json_t *question, *answer = NULL;
    const json_t *uj;

    meter_place_find(&place);
    if (!place.run[0])
        return;
    question = json_pack("{s:s s:I s:I}", "op", "energy", "job", (json_int_t)place.job,
                         "step", (json_int_t)place.step);
    meter_client_ask(place.run, place.node, question,
                     meter_client_now_ms() + PATIENCE_MS, &answer);
    uj = json_object_get(answer, "uj");
    if (json_is_integer(uj) && json_integer_value(uj) >= 0)
        take(json_integer_value(uj), meter_client_now_ms());
    json_decref(question);
    json_decref(answer);
}

int acct_gather_energy_p_update_node_energy(void)
{
    ask();
    return SLURM_SUCCESS;
}

int acct_gather_energy_p_get_data(enum acct_energy_type type, void *data)
{
    switch (type) {
    case ENERGY_DATA_JOULES_TASK:
    case ENERGY_DATA_NODE_ENERGY_UP:
        ask();
        *(acct_gather_energy_t *)data = last.energy;
        return SLURM_SUCCESS;
    case ENERGY_DATA_STRUCT:
    case ENERGY_DATA_NODE_ENERGY:
        *(acct_gather_energy_t *)data = last.energy;
        return SLURM_SUCCESS;
    case ENERGY_DATA_LAST_POLL:
        *(time_t *)data = last.energy.poll_time;
        return SLURM_SUCCESS;
    case ENERGY_DATA_SENSOR_CNT:
        *(uint16_t *)data = 1;
        return SLURM_SUCCESS;
    default:
        return SLURM_ERROR;
    }
}

int acct_gather_energy_p_set_data(enum acct_energy_type type, void *data)
{
    (void)type;
    (void)data;
    return SLURM_SUCCESS;
}

void acct_gather_energy_p_conf_options(void *options, int *count)
{
    (void)options;
    (void)count;
}

void acct_gather_energy_p_conf_set(int context_id, void *table)
{
    (void)context_id;
    (void)table;
}

void acct_gather_energy_p_conf_values(void *data)
{
    (void)data;
}
