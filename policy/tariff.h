/* tariff.h - what a kilowatt-hour costs, and what it causes, by account and time
 *
 * A tariff is read whole with the policy and never changed after: any thread may ask
 * it. Prices are millionths of its currency for a kWh as the nodes measured it; what is
 * paid is that times the PUE, which is in the price alone: energy and CO2 are the
 * nodes' own.
 */
#ifndef KWOTA_TARIFF_H
#define KWOTA_TARIFF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/daytime.h"
#include "policy/tariff_series.h"

#define TARIFF_PRICE_PLACES 6 /* of prices and the PUE */
#define TARIFF_CO2_PLACES 3   /* of grams */
#define TARIFF_CURRENCY 16

#define TARIFF_ONE INT64_C(1000000) /* a PUE of 1 */
#define TARIFF_MJ_PER_KWH INT64_C(3600000000)

/* The most a kWh may cost (a million), and the largest PUE: far from overflowing. */
#define TARIFF_MOST_U INT64_C(1000000000000)
#define TARIFF_MOST_PUE (10 * TARIFF_ONE)
#define TARIFF_MOST_CO2_MG INT64_C(10000000) /* 10 kg */

/* NULL and zero stand for any. */
struct tariff_rule {
    char *account; /* with all below it */
    struct daytime when;
    char *between, *days, *file; /* as given; file: by its whole path */
    int64_t price_u;
    struct tariff_series *series; /* NULL: price_u */
};

struct tariff {
    char currency[TARIFF_CURRENCY];
    int64_t since_s; /* 0: since it was first seen */
    char *since;     /* as given; NULL: not */
    int64_t pue;     /* of TARIFF_ONE */
    int64_t price_u;
    struct tariff_rule *rules;
    int rule_count;
    int64_t co2_mg; /* -1: unknown */
    char *co2_file;
    struct tariff_series *co2_series;
};

void tariff_free(struct tariff *tariff); /* NULL: nothing */

/* The price of a kWh in this quarter-hour, without the PUE. `accounts`: the job's and
 * those above it, nearest first, NULL at the end. A nearer account's rule beats a
 * farther one's, and that one without an account; of equals the later. A rule with a
 * file counts in the quarter-hours that the file has. */
int64_t tariff_price_u(const struct tariff *tariff, const char *const *accounts,
                       int64_t quarter_s);

/* Milligrams of CO2 per kWh in this quarter-hour; -1: unknown. */
int64_t tariff_co2_mg(const struct tariff *tariff, int64_t quarter_s);

/* As kwota.json has it, files by their whole paths; {} for NULL. A new reference. */
json_t *tariff_show(const struct tariff *tariff);

#endif
