/* energy_budget.h - what a user writes after --energy-budget= */
#ifndef KWOTA_ENERGY_BUDGET_H
#define KWOTA_ENERGY_BUDGET_H

#include <stdint.h>

/* "2kWh", "1.5 MWh", "500Wh", "7200kJ": into whole watt-hours, rounded down so that no
 * more is taken than was allowed, but at least 1. 0, or -1 if it is no amount of energy
 * above zero, or too much to be counted. A number needs its unit. */
int energy_budget_parse(const char *text, int64_t *wh);

#endif
