/* report_text.c - kwota report as a table, and as CSV */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"
#include "tools/csv.h"
#include "tools/report_show.h"
#include "tools/table.h"

/* Columns of the table, as many as there may be. */
#define COLUMNS 12

struct cells {
    char text[COLUMNS][REPORT_CELL];
    const char *list[COLUMNS];
    int count;
    int digits; /* of kWh */
};

static char *next(struct cells *cells)
{
    char *text = cells->text[cells->count];

    text[0] = '\0';
    cells->list[cells->count++] = text;
    return text;
}

static void add_kwh(struct cells *cells, int64_t mj)
{
    energy_kwh(next(cells), REPORT_CELL, mj, cells->digits);
}

static void add_known_kwh(struct cells *cells, int64_t mj)
{
    char *text = next(cells);

    if (mj != ENERGY_UNKNOWN)
        energy_kwh(text, REPORT_CELL, mj, cells->digits);
}

static void add_name(struct cells *cells, const struct report_line *line)
{
    snprintf(next(cells), REPORT_CELL, "%*s%s", 2 * (line->depth < 8 ? line->depth : 8),
             "", report_name(line));
}

static int64_t borne_of(const json_t *sums)
{
    return energy_add(report_figure(sums, "overrun_mj"),
                      report_figure(sums, "credit_mj"));
}

static void table_line(struct table *table, const struct report_line *line,
                       const struct report_columns *c, int digits)
{
    struct cells cells = {.digits = digits};

    add_name(&cells, line);
    add_kwh(&cells, line->charged_mj);
    if (c->tree)
        add_known_kwh(&cells, line->below_mj);
    add_known_kwh(&cells, line->previous_mj);
    report_change(next(&cells), line->charged_mj, line->previous_mj);
    if (c->borne)
        add_known_kwh(&cells, line->sums ? borne_of(line->sums) : ENERGY_UNKNOWN);
    if (c->estimated)
        report_estimate(next(&cells), line->sums);
    if (c->price && line->sums)
        report_price(next(&cells), line->sums, NULL);
    else if (c->price)
        next(&cells);
    if (c->co2 && line->sums)
        report_co2(next(&cells), line->sums);
    else if (c->co2)
        next(&cells);
    if (line->sums)
        snprintf(next(&cells), REPORT_CELL, "%" PRId64,
                 report_figure(line->sums, "runs"));
    else
        next(&cells);
    table_add(table, cells.list);
}

static void heading(char text[REPORT_CELL], const char *word)
{
    size_t n = 0;

    for (; word[n] && n + 1 < REPORT_CELL; n++)
        text[n] = (char)toupper((unsigned char)word[n]);
    text[n] = '\0';
}

static struct table *new_table(const json_t *reply, const struct report_wish *wish,
                               const struct report_columns *c)
{
    const char *currency = json_string_value(json_object_get(reply, "currency"));
    char by[REPORT_CELL], price[REPORT_CELL];
    const char *names[COLUMNS + 1];
    int n = 0;

    heading(by, wish->by);
    snprintf(price, sizeof price, ">PRICE%s%.20s", currency ? " " : "",
             currency ? currency : "");
    names[n++] = by;
    names[n++] = ">KWH";
    if (c->tree)
        names[n++] = ">WITH BELOW";
    names[n++] = ">BEFORE";
    names[n++] = ">CHANGE";
    if (c->borne)
        names[n++] = ">NOT CHARGED";
    if (c->estimated)
        names[n++] = ">OF ESTIMATE";
    if (c->price)
        names[n++] = price;
    if (c->co2)
        names[n++] = ">CO2";
    names[n++] = ">RUNS";
    names[n] = NULL;
    return table_new(names);
}

void report_table(const json_t *reply, const struct report_wish *wish)
{
    char during[REPORT_TIME], before[REPORT_TIME];
    struct report_columns columns;
    struct report_line *lines;
    json_t *remarks, *remark;
    struct table *table;
    size_t count, i;

    report_columns(reply, &columns);
    lines = report_lines(reply, wish, &count);
    printf("Energy charged, %s; before: %s%s\n",
           report_time(during, json_object_get(reply, "window")),
           report_time(before, json_object_get(reply, "before")),
           json_is_true(json_object_get(reply, "simulated")) ? " [simulated]" : "");
    table = new_table(reply, wish, &columns);
    for (i = 0; i < count; i++)
        table_line(table, &lines[i], &columns, report_digits(reply));
    table_print(table);
    remarks = report_remarks(reply, wish);
    json_array_foreach(remarks, i, remark)
    {
        printf("%s\n", json_string_value(remark));
    }
    json_decref(remarks);
    free(lines);
}

/* What a row has of its own; other lines have only their energy. */
static const char *const kept[] = {
    "previous_mj",  "used_mj",           "overrun_mj",     "credit_mj",
    "cpu_mj",       "dram_mj",           "gpu_mj",         "other_mj",
    "estimated_mj", "estimated_used_mj", "estimated_runs", "price_u",
    "co2_mg",       "unpriced_mj",       "co2_unknown_mj", "runs"};

#define KEPT (sizeof kept / sizeof *kept)

static void number(char text[REPORT_CELL], int64_t value)
{
    text[0] = '\0';
    if (value != ENERGY_UNKNOWN)
        snprintf(text, REPORT_CELL, "%" PRId64, value);
}

static void csv_row(FILE *out, const struct report_line *line, const char *currency)
{
    static const char *const parts[] = {"row", "others", "total", "centre", "meters"};
    char depth[16], kwh[REPORT_CELL], mj[3][REPORT_CELL], cells[KEPT][REPORT_CELL];
    const char *texts[7 + KEPT + 1] = {
        parts[line->part], report_name(line), depth, kwh, mj[0], mj[1]};
    size_t n = 6;

    snprintf(depth, sizeof depth, "%d", line->depth);
    energy_kwh(kwh, sizeof kwh, line->charged_mj, 6);
    if (line->charged_mj == ENERGY_UNKNOWN)
        kwh[0] = '\0';
    number(mj[0], line->charged_mj);
    number(mj[1], line->below_mj);
    for (size_t i = 0; i < KEPT; i++) {
        number(cells[i],
               line->sums ? report_figure(line->sums, kept[i]) : ENERGY_UNKNOWN);
        texts[n++] = cells[i];
    }
    texts[n++] = line->sums ? currency : "";
    texts[n] = NULL;
    csv_line(out, texts);
}

void report_csv(FILE *out, const json_t *reply, const struct report_wish *wish)
{
    const char *currency = json_string_value(json_object_get(reply, "currency"));
    const char *names[7 + KEPT + 1] = {"part", "name",       "depth",
                                       "kwh",  "charged_mj", "with_below_mj"};
    struct report_line *lines;
    size_t count, n = 6;

    for (size_t i = 0; i < KEPT; i++)
        names[n++] = kept[i];
    names[n++] = "currency";
    names[n] = NULL;
    csv_line(out, names);
    lines = report_lines(reply, wish, &count);
    for (size_t i = 0; i < count; i++)
        csv_row(out, &lines[i], currency ? currency : "");
    free(lines);
}
