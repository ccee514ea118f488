/* pricing.c - what a run's energy costs and causes, by the tariffs that were in force
 * when it was used */
#include "policy/pricing.h"

#include <stdlib.h>
#include <string.h>

#include "policy/accounts.h"
#include "policy/energy.h"
#include "policy/log.h"
#include "policy/quarter.h"

/* Costs are kept as millijoules x millionths per kWh x millionths of PUE, */
typedef __int128 exact;

/* … of which so many are a millionth of the currency; of CO2, mJ x mg per kWh. */
static const exact price_unit = (exact)TARIFF_MJ_PER_KWH * TARIFF_ONE;
static const exact co2_unit = TARIFF_MJ_PER_KWH;

/* The tariff of one quarter-hour after another. */
struct course {
    struct ledger *ledger;
    int64_t run_id;
    const struct tariff
        *present;        /* the policy's, which the ledger has by this number, */
    int64_t present_id;  /* … 0: it has not */
    struct tariff *past; /* one read from the ledger, */
    int64_t past_id;
    struct accounts_chain chain;
    bool has_chain;
    bool none; /* no tariff was ever kept */
};

static exact floor_of(exact n, exact d)
{
    exact q = n / d;

    return q - (n % d < 0);
}

static int64_t half_up(exact n, exact unit)
{
    return (int64_t)floor_of(2 * n + unit, 2 * unit);
}

/* whole x part / all, where part is no more than all. */
static exact share(exact whole, int64_t part, int64_t all)
{
    return whole / all * part + whole % all * part / all;
}

static char *text_of(const struct tariff *tariff)
{
    json_t *json = tariff_show(tariff);
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    return text;
}

/* The last tariff kept; 0: none. *same: it is this one. */
static int64_t last_kept(struct ledger *ledger, const char *text, bool *same)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger, "SELECT id, text FROM tariffs ORDER BY id DESC LIMIT 1", "");
    int64_t id = 0;

    *same = false;
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        id = sqlite3_column_int64(stmt, 0);
        *same = strcmp((const char *)sqlite3_column_text(stmt, 1), text) == 0;
    }
    ledger_done(ledger, stmt);
    return id;
}

void pricing_currency(struct ledger *ledger, char currency[TARIFF_CURRENCY])
{
    sqlite3_stmt *stmt = ledger_query(
        ledger, "SELECT currency FROM tariffs WHERE currency <> '' ORDER BY id LIMIT 1",
        "");

    currency[0] = '\0';
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(currency, TARIFF_CURRENCY, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
    ledger_done(ledger, stmt);
}

static int keep(struct ledger *ledger, const struct tariff *tariff, const char *text,
                int64_t now_s)
{
    char currency[TARIFF_CURRENCY];
    int64_t since_s = tariff && tariff->since_s ? tariff->since_s : now_s;

    pricing_currency(ledger, currency);
    if (tariff && currency[0] && strcmp(currency, tariff->currency) != 0)
        return -2;
    return ledger_do(ledger,
                     "INSERT INTO tariffs (since_s, currency, text, time_s)"
                     " VALUES (?,?,?,?)",
                     "issi", since_s / QUARTER_S * QUARTER_S,
                     tariff ? tariff->currency : "", text, now_s);
}

int pricing_keep(struct ledger *ledger, const struct policy *policy, int64_t now_s)
{
    const struct tariff *tariff = policy ? policy_tariff(policy) : NULL;
    char *text = text_of(tariff);
    int rc = text ? 0 : -1;
    bool same;

    /* Where there never was one, none is not kept. */
    if (text && (last_kept(ledger, text, &same) || tariff) && !same)
        rc = keep(ledger, tariff, text, now_s);
    free(text);
    return rc;
}

static void begin(struct course *course, const struct policy *policy)
{
    char *text;
    bool same;

    course->present = policy ? policy_tariff(policy) : NULL;
    if (!course->present)
        return;
    text = text_of(course->present);
    course->present_id = text ? last_kept(course->ledger, text, &same) : 0;
    if (!text || !same)
        course->present_id = 0;
    free(text);
}

static void read_past(struct course *course, int64_t id)
{
    sqlite3_stmt *stmt;

    if (course->past_id == id)
        return;
    tariff_free(course->past);
    course->past = NULL;
    course->past_id = id;
    stmt =
        ledger_query(course->ledger, "SELECT text FROM tariffs WHERE id = ?", "i", id);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        course->past = policy_tariff_again((const char *)sqlite3_column_text(stmt, 0));
    ledger_done(course->ledger, stmt);
}

/* NULL: there was none. */
static const struct tariff *tariff_at(struct course *course, int64_t quarter_s)
{
    int64_t id = course->none
                     ? 0
                     : ledger_number(course->ledger, 0,
                                     "SELECT id FROM tariffs WHERE since_s <= ?"
                                     " ORDER BY id DESC LIMIT 1",
                                     "i", quarter_s);

    if (id == 0)
        return NULL;
    if (id == course->present_id)
        return course->present;
    read_past(course, id);
    return course->past;
}

static const char *const *accounts_of(struct course *course)
{
    sqlite3_stmt *stmt;

    if (course->has_chain || course->none)
        return course->chain.list;
    course->has_chain = true;
    stmt =
        ledger_query(course->ledger, "SELECT cluster, account FROM runs WHERE id = ?",
                     "i", course->run_id);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        accounts_chain(course->ledger, (const char *)sqlite3_column_text(stmt, 0),
                       (const char *)sqlite3_column_text(stmt, 1), &course->chain);
    ledger_done(course->ledger, stmt);
    return course->chain.list;
}

/* What was added up so far, exactly, and how much of it was given to rows. */
struct sums {
    exact price, co2;
    int64_t unpriced_mj, co2_unknown_mj;
    struct price given;
    bool priced, co2_told;
};

static int64_t used_mj(const struct posting_row *row)
{
    return row->figures[FIGURE_CPU_MJ] + row->figures[FIGURE_DRAM_MJ] +
           row->figures[FIGURE_GPU_MJ] + row->figures[FIGURE_OTHER_MJ];
}

static void add_use(const struct tariff *tariff, const char *const *accounts,
                    int64_t quarter_s, int64_t mj, struct sums *sums)
{
    int64_t co2_mg = tariff ? tariff_co2_mg(tariff, quarter_s) : -1;

    if (tariff) {
        sums->priced = true;
        sums->price +=
            (exact)mj * tariff_price_u(tariff, accounts, quarter_s) * tariff->pue;
    } else {
        sums->unpriced_mj += mj;
    }
    if (co2_mg >= 0) {
        sums->co2_told = true;
        sums->co2 += (exact)mj * co2_mg;
    } else {
        sums->co2_unknown_mj += mj;
    }
}

/* A row gets what all up to it come to, rounded, but for what the rows before it got:
 * nothing is lost by rounding. */
static void give(struct posting_row *row, struct sums *sums)
{
    struct price all = {half_up(sums->price, price_unit), half_up(sums->co2, co2_unit),
                        sums->unpriced_mj, sums->co2_unknown_mj};

    row->figures[FIGURE_PRICE_U] += all.price_u - sums->given.price_u;
    row->figures[FIGURE_CO2_MG] += all.co2_mg - sums->given.co2_mg;
    row->figures[FIGURE_UNPRICED_MJ] += all.unpriced_mj - sums->given.unpriced_mj;
    row->figures[FIGURE_CO2_UNKNOWN_MJ] +=
        all.co2_unknown_mj - sums->given.co2_unknown_mj;
    sums->given = all;
}

/* What is borne is taken off where the run ended. */
static void bear(struct sums *sums, const struct sums *total, int64_t borne_mj,
                 int64_t all_mj)
{
    sums->price -= share(total->price, borne_mj, all_mj);
    sums->co2 -= share(total->co2, borne_mj, all_mj);
    sums->unpriced_mj -= (int64_t)share(total->unpriced_mj, borne_mj, all_mj);
    sums->co2_unknown_mj -= (int64_t)share(total->co2_unknown_mj, borne_mj, all_mj);
}

static void give_rows(struct course *course, struct posting *posting,
                      const struct sums *total, int64_t borne_mj)
{
    struct sums sums = {0};

    for (size_t i = 0; i < posting->count; i++) {
        struct posting_row *row = &posting->rows[i];
        const struct tariff *tariff = tariff_at(course, row->quarter_s);

        add_use(tariff, accounts_of(course), row->quarter_s, used_mj(row), &sums);
        if (i == posting->end)
            bear(&sums, total, borne_mj, posting->mj ? posting->mj : 1);
        give(row, &sums);
    }
}

static void add_up(const struct posting *posting, struct price *price)
{
    for (size_t i = 0; i < posting->count; i++) {
        const int64_t *figures = posting->rows[i].figures;

        price->price_u += figures[FIGURE_PRICE_U];
        price->co2_mg += figures[FIGURE_CO2_MG];
        price->unpriced_mj += figures[FIGURE_UNPRICED_MJ];
        price->co2_unknown_mj += figures[FIGURE_CO2_UNKNOWN_MJ];
    }
}

int pricing_use(struct ledger *ledger, const struct policy *policy,
                struct posting *posting, int64_t borne_mj, struct price *price)
{
    struct course course = {.ledger = ledger, .run_id = posting->run_id};
    struct sums sums = {0};

    course.none = ledger_number(ledger, 0, "SELECT MAX(id) FROM tariffs", "") == 0;
    if (!course.none)
        begin(&course, policy);
    for (size_t i = 0; i < posting->count; i++) {
        int64_t quarter_s = posting->rows[i].quarter_s;

        add_use(tariff_at(&course, quarter_s), accounts_of(&course), quarter_s,
                used_mj(&posting->rows[i]), &sums);
    }
    give_rows(&course, posting, &sums, borne_mj);
    *price = (struct price){0};
    add_up(posting, price);
    price->price_u =
        sums.priced ? energy_known(price->price_u, price->unpriced_mj) : ENERGY_UNKNOWN;
    price->co2_mg = sums.co2_told ? energy_known(price->co2_mg, price->co2_unknown_mj)
                                  : ENERGY_UNKNOWN;
    tariff_free(course.past);
    return 0;
}

/* Of a sum over a run's entries of these kinds; ENERGY_UNKNOWN: none has it. */
static int64_t entered(struct ledger *ledger, int64_t run_id, const char *sql)
{
    return ledger_number(ledger, ENERGY_UNKNOWN, sql, "i", run_id);
}

static int64_t part_off(int64_t whole, int64_t off, int64_t charged_mj,
                        int64_t credit_mj)
{
    if (whole == ENERGY_UNKNOWN)
        return ENERGY_UNKNOWN;
    if (charged_mj == 0)
        return 0;
    if (off == ENERGY_UNKNOWN)
        off = 0;
    return -half_up((exact)whole * credit_mj, charged_mj) - off;
}

#define ENTERED(column, kinds)                                                         \
    "SELECT SUM(" column ") FROM entries WHERE run_id = ? AND kind IN (" kinds ")"     \
    " HAVING COUNT(" column ") > 0"

#define OFF(column)                                                                    \
    part_off(entered(ledger, run_id, ENTERED(column, "'charge','adjustment'")),        \
             entered(ledger, run_id, ENTERED(column, "'credit'")), charged_mj,         \
             credit_mj)

void pricing_credit(struct ledger *ledger, int64_t run_id, int64_t charged_mj,
                    int64_t credit_mj, struct price *price)
{
    price->price_u = OFF("price_u");
    price->co2_mg = OFF("co2_mg");
    price->unpriced_mj = OFF("unpriced_mj");
    price->co2_unknown_mj = OFF("co2_unknown_mj");
}

struct forecast {
    const struct tariff *tariff;
    const char *const *accounts;
    struct sums sums;
};

static void foretell_quarter(int64_t quarter_s, int64_t mj, void *arg)
{
    struct forecast *f = arg;

    add_use(f->tariff, f->accounts, quarter_s, mj, &f->sums);
}

void pricing_foretell(const struct tariff *tariff, const char *const *accounts,
                      int64_t now_s, int64_t seconds, int64_t mj, struct price *price)
{
    struct forecast f = {.tariff = tariff, .accounts = accounts};

    *price = (struct price){.price_u = ENERGY_UNKNOWN, .co2_mg = ENERGY_UNKNOWN};
    if (!tariff || mj < 0)
        return;
    quarter_split(mj, now_s * 1000, (now_s + seconds) * 1000, foretell_quarter, &f);
    price->price_u = half_up(f.sums.price, price_unit);
    if (f.sums.co2_unknown_mj == 0)
        price->co2_mg = half_up(f.sums.co2, co2_unit);
}
