/* amount.h - amounts of energy as people write them: "1000kWh", "1.5MWh", "3600000J"
 *
 * Pure, exact: nothing is rounded, nothing is floating point.
 */
#ifndef KWOTA_AMOUNT_H
#define KWOTA_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No amount is larger: 1 TWh, so that any two can be added. */
#define AMOUNT_MOST_MJ INT64_C(3600000000000000000)

#define AMOUNT_WHY 160

/* Reads an amount: a decimal number and its unit, J, kJ, MJ, GJ, Wh, kWh, MWh or GWh,
 * with spaces between them or not. May be below zero only if `may_be_negative`. -1 with
 * the reason in `why`: what is wrong with it and what was probably meant. */
int amount_parse(const char *text, bool may_be_negative, int64_t *mj,
                 char why[AMOUNT_WHY]);

/* The same the other way round, exactly: "1000kWh", "0.25kWh", "4.21J". Returns text;
 * AMOUNT_TEXT bytes suffice. */
#define AMOUNT_TEXT 40
char *amount_text(int64_t mj, char *text, size_t size);

#endif
