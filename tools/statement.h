/* statement.h - a statement's parts, and the forms it is written in
 *
 * `head` is a STATEMENT of policy/API.md. A form is written in three pieces: what comes
 * before the runs, each run, and what comes after them.
 */
#ifndef KWOTA_STATEMENT_TOOL_H
#define KWOTA_STATEMENT_TOOL_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/energy.h"
#include "tools/money.h"

enum { LINE_KINDS = 4 };

/* ENERGY_UNKNOWN: nothing is known; else what is, which leaves out so much energy. */
struct statement_costs {
    int64_t price_u, unpriced_mj;
    int64_t co2_mg, co2_unknown_mj;
};

/* What a run used in the month; the texts live as long as its page. */
struct statement_line {
    int64_t place; /* from 1 */
    const char *account, *job, *user, *name, *partition;
    int64_t start_s, end_s;
    int64_t mj[LINE_KINDS]; /* cpu, dram, gpu, other */
    int64_t used_mj, borne_mj, charged_mj;
    struct statement_costs costs;
};

/* All runs'. */
struct statement_sums {
    int64_t lines, used_mj, borne_mj, charged_mj;
    struct statement_costs costs;
};

struct statement_form {
    void (*begin)(FILE *out, const json_t *head);
    void (*line)(FILE *out, const json_t *head, const struct statement_line *line);
    void (*end)(FILE *out, const json_t *head, const struct statement_sums *sums);
};

extern const struct statement_form statement_as_text, statement_as_csv,
    statement_as_html, statement_as_json;

/* Of JSON: 0 and "" where it is not there. */
int64_t statement_number(const json_t *object, const char *key);
const char *statement_text(const json_t *object, const char *key);

/* Of totals, an account's part, and the like. */
struct statement_costs statement_costs(const json_t *object);

/* A sum begins with nothing; when all is added, it says whether anything is known. */
void statement_costs_add(struct statement_costs *sum,
                         const struct statement_costs *more);
void statement_costs_summed(struct statement_costs *sum);

/* NULL: the ledger has no prices. */
const char *statement_currency(const json_t *head);

/* "2026-11-21 17:05"; "" for 0. Returns text. */
#define STATEMENT_TIME 24
char *statement_time(int64_t s, char text[STATEMENT_TIME]);

/* "12.345678" or "12.35 EUR", kilograms, and "380 g"; ">=" before those that leave
 * something out. Return text. */
char *statement_price(const struct statement_costs *costs, char text[MONEY_TEXT]);
char *statement_amount(const struct statement_costs *costs, const char *currency,
                       char text[MONEY_TEXT]);
char *statement_co2_kg(const struct statement_costs *costs, char text[MONEY_TEXT]);
char *statement_co2(const struct statement_costs *costs, char text[MONEY_TEXT]);

/* A field of CSV, quoted if it must be. */
void statement_csv_field(FILE *out, const char *text);

#endif
