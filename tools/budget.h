/* budget.h - budgets as a table, for kwota alone and for what changes them */
#ifndef KWOTA_BUDGET_H
#define KWOTA_BUDGET_H

#include <jansson.h>

/* Prints an array of budgets (API.md). */
void budget_print(const json_t *budgets);

#endif
