/* report_page.c - kwota report as one HTML file */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"
#include "policy/kind.h"
#include "tools/chart.h"
#include "tools/page.h"
#include "tools/report_show.h"
#include "tools/unit.h"

/* So many bars at most; the table has all rows. */
#define BARS 20

#define COLUMNS 12

/* A chart by day or month has no more columns. */
#define DAYS_MOST 400

static const json_t *total_of(const json_t *reply)
{
    return json_object_get(reply, "total");
}

static bool has_centre(const json_t *reply)
{
    return json_is_object(json_object_get(reply, "centre"));
}

static int64_t meters_mj(const json_t *reply)
{
    return report_figure(json_object_get(reply, "centre"), "total_mj");
}

/* "1 234 567.890": digits in threes are read at once. The space is a narrow one that no
 * line is broken at. In place, in a cell. */
static char *group(char text[REPORT_CELL])
{
    char number[REPORT_CELL];
    size_t whole, length = 0, digits;

    snprintf(number, sizeof number, "%s", text);
    digits = strspn(number + strspn(number, "-<>="), "0123456789");
    whole = digits + strspn(number, "-<>=");
    for (size_t i = 0; number[i] && length + 5 < REPORT_CELL; i++) {
        size_t left = whole - i;

        if (i < whole && left % 3 == 0 && left < digits)
            length += (size_t)snprintf(text + length, REPORT_CELL - length, "\u202f");
        text[length++] = number[i];
        text[length] = '\0';
    }
    return text;
}

/* "31.2 %" of what the counters counted; "" if that is unknown. */
static const char *share_of_meters(char text[REPORT_CELL], int64_t mj,
                                   const json_t *reply)
{
    int64_t all = meters_mj(reply), tenths;

    if (all <= 0 || mj == ENERGY_UNKNOWN)
        return NULL;
    tenths = (int64_t)(((__int128)mj * 1000 + all / 2) / all);
    snprintf(text, REPORT_CELL, "%" PRId64 ".%" PRId64 " %% of the counters' total",
             tenths / 10, tenths % 10);
    return text;
}

static void figure(FILE *out, const char *name, int64_t mj, const char *note)
{
    char text[UNIT_TEXT];

    page_figure(out, name, unit_text(text, sizeof text, mj), note);
}

/* Cents of millions are no use to anybody. */
static const char *price_figure(char text[REPORT_CELL], const json_t *reply)
{
    const char *currency = json_string_value(json_object_get(reply, "currency"));

    if (report_figure(total_of(reply), "price_u") < 1000000 * INT64_C(1000000))
        return group(report_price(text, total_of(reply), currency));
    report_price(text, total_of(reply), NULL);
    group(text);
    snprintf(strrchr(text, '.'), 24, " %.20s", currency ? currency : "");
    return text;
}

static void write_figures(FILE *out, const json_t *reply,
                          const struct report_columns *columns)
{
    const json_t *total = total_of(reply), *centre = json_object_get(reply, "centre");
    int64_t charged = report_figure(total, "charged_mj");
    int64_t before = report_figure(total, "previous_mj");
    int64_t borne = energy_add(report_figure(total, "overrun_mj"),
                               report_figure(total, "credit_mj"));
    char text[REPORT_CELL], note[REPORT_CELL + 24];

    page_figures(out);
    report_change(text, charged, before);
    snprintf(note, sizeof note, "%s%s", text, text[0] ? " to the period before" : "");
    figure(out, "charged", charged, note);
    if (columns->price)
        page_figure(out, "price", price_figure(text, reply), NULL);
    if (columns->co2)
        page_figure(out, "CO2", group(report_co2(text, total)), NULL);
    if (columns->borne)
        figure(out, "overruns and credits", borne, "borne by the centre");
    if (has_centre(reply)) {
        int64_t own = report_figure(centre, "node_mj");

        figure(out, "nodes' own", own, share_of_meters(text, own, reply));
        figure(out, "all counters", meters_mj(reply), NULL);
    }
    snprintf(text, sizeof text, "%" PRId64, report_figure(total, "runs"));
    page_figure(out, "runs settled", text, NULL);
    page_figures_end(out);
}

/* "1 922.05 EUR, 2.356 kg": what a row, with those below it, costs and causes; NULL:
 * there is no tariff. */
static const char *cost_note(char note[2 * REPORT_CELL], const struct report_line *line,
                             const struct report_columns *columns, const json_t *reply)
{
    const char *currency = json_string_value(json_object_get(reply, "currency"));
    const json_t *below = json_object_get(line->sums, "below");
    const json_t *sums = below ? below : line->sums;
    char price[REPORT_CELL] = "", co2[REPORT_CELL] = "";

    if (columns->price)
        group(report_price(price, sums, currency));
    if (columns->co2)
        group(report_co2(co2, sums));
    snprintf(note, 2 * REPORT_CELL, "%s%s%s%s", price, price[0] && co2[0] ? ", " : "",
             co2, co2[0] ? " CO2" : "");
    return note[0] ? note : NULL;
}

static void write_bars(FILE *out, const json_t *reply, const struct report_wish *wish)
{
    int64_t top = wish->top > 0 && wish->top < BARS ? wish->top : BARS;
    struct report_wish few = {.by = wish->by, .top = top, .metered_mj = ENERGY_UNKNOWN};
    char others[REPORT_CELL + UNIT_TEXT] = "", text[UNIT_TEXT];
    char notes[BARS][2 * REPORT_CELL];
    struct report_columns columns;
    struct chart_bar bars[BARS];
    size_t count, n = 0;
    struct report_line *lines = report_lines(reply, &few, &count);

    report_columns(reply, &columns);
    for (size_t i = 0; i < count; i++) {
        bool tree = lines[i].below_mj != ENERGY_UNKNOWN;

        if (lines[i].part == LINE_OTHERS)
            snprintf(others, sizeof others, "%s: %s", report_name(&lines[i]),
                     unit_text(text, sizeof text, lines[i].charged_mj));
        if (lines[i].part != LINE_ROW || n == BARS)
            continue;
        bars[n] = (struct chart_bar){
            .name = report_name(&lines[i]),
            .note = cost_note(notes[n], &lines[i], &columns, reply),
            .mj = tree ? lines[i].below_mj : lines[i].charged_mj,
            .before_mj = tree ? lines[i].below_previous_mj : lines[i].previous_mj};
        n++;
    }
    chart_bars(out, bars, n);
    if (others[0])
        page_paragraph(out, others);
    free(lines);
}

static void write_by(FILE *out, const json_t *reply, const struct report_wish *wish)
{
    char heading[REPORT_CELL];

    snprintf(heading, sizeof heading, "By %s", wish->by);
    page_section(out, heading);
    if (strcmp(wish->by, "account") == 0)
        page_paragraph(out, "Each account with all accounts below it.");
    write_bars(out, reply, wish);
    page_section_end(out);
}

/* The names of all days (or months) of the time, known or not; their number. */
static size_t name_days(const json_t *reply, bool months, char (**names)[16])
{
    const json_t *window = json_object_get(reply, "window");
    time_t at = (time_t)report_figure(window, "start");
    time_t end = (time_t)report_figure(window, "end");
    size_t count = 0;
    struct tm tm;

    *names = calloc(DAYS_MOST, sizeof **names);
    if (!*names)
        abort();
    localtime_r(&at, &tm);
    while (at < end && count < DAYS_MOST) {
        strftime((*names)[count++], sizeof **names, months ? "%Y-%m" : "%Y-%m-%d", &tm);
        tm.tm_mday = months ? 1 : tm.tm_mday + 1;
        tm.tm_mon += months;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        at = mktime(&tm);
    }
    return count;
}

/* Places of a list's entries by name. */
static json_t *places_of(const json_t *list)
{
    json_t *places = json_object(), *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        json_object_set(places, json_string_value(json_object_get(one, "name")), one);
    }
    return places;
}

/* With counters: jobs and the nodes' own, unknown where none told; else what was
 * charged, of which a day without is nothing. */
static struct chart_column of_day(const json_t *day, bool measured)
{
    int64_t charged = report_figure(day, "charged_mj");

    if (!measured)
        return (struct chart_column){.mj = {day ? charged : 0, 0}};
    return (struct chart_column){
        .mj = {report_figure(day, "jobs_mj"), report_figure(day, "node_mj")}};
}

static void write_days(FILE *out, const json_t *reply)
{
    const json_t *meters = json_object_get(json_object_get(reply, "centre"), "days");
    const char *by = json_string_value(json_object_get(reply, "by"));
    const char *const both[] = {"jobs", "nodes' own"}, *const one[] = {"charged", NULL};
    bool measured = json_array_size(meters) > 0;
    json_t *days = places_of(measured ? meters : json_object_get(reply, "rows"));
    struct chart_column *columns;
    char(*names)[16], heading[REPORT_CELL];
    size_t count = name_days(reply, strcmp(by, "month") == 0, &names);

    columns = calloc(count + 1, sizeof *columns);
    if (!columns)
        abort();
    for (size_t i = 0; i < count; i++) {
        columns[i] = of_day(json_object_get(days, names[i]), measured);
        columns[i].name = names[i];
    }
    snprintf(heading, sizeof heading, "By %s", by);
    page_section(out, heading);
    chart_columns(out, columns, count, measured ? both : one);
    page_section_end(out);
    json_decref(days);
    free(columns);
    free(names);
}

static void write_split(FILE *out, const json_t *reply)
{
    static const char *const names[KINDS] = {"CPU", "DRAM", "GPU", "other"},
                             *const keys[KINDS] = {"cpu_mj", "dram_mj", "gpu_mj",
                                                   "other_mj"};
    const json_t *centre = json_object_get(reply, "centre");
    struct chart_part parts[KINDS + 1];
    size_t n = 0;

    for (int k = 0; k < KINDS; k++)
        parts[n++] =
            (struct chart_part){names[k], report_figure(total_of(reply), keys[k])};
    if (has_centre(reply))
        parts[n++] =
            (struct chart_part){"nodes' own", report_figure(centre, "node_mj")};
    page_section(out, "What used it");
    chart_split(out, parts, n);
    page_section_end(out);
}

/* Texts of one row of the table. */
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

static void energy_cell(struct cells *cells, const struct report_line *line, int64_t mj)
{
    char *text = next(cells);

    /* A column that says nothing of a line is empty; what nobody knows is said. */
    if (mj != ENERGY_UNKNOWN || (line->part >= LINE_CENTRE && cells->count == 2))
        group(energy_kwh(text, REPORT_CELL, mj, cells->digits));
}

static void write_row(FILE *out, const char *const *names,
                      const struct report_line *line,
                      const struct report_columns *columns, int digits)
{
    struct cells cells = {.digits = digits};

    snprintf(next(&cells), REPORT_CELL, "%s", report_name(line));
    energy_cell(&cells, line, line->charged_mj);
    if (columns->tree)
        energy_cell(&cells, line, line->below_mj);
    energy_cell(&cells, line, line->previous_mj);
    report_change(next(&cells), line->charged_mj, line->previous_mj);
    if (columns->borne)
        energy_cell(&cells, line,
                    line->sums ? energy_add(report_figure(line->sums, "overrun_mj"),
                                            report_figure(line->sums, "credit_mj"))
                               : ENERGY_UNKNOWN);
    if (columns->estimated)
        report_estimate(next(&cells), line->sums);
    if (columns->price && line->sums)
        group(report_price(next(&cells), line->sums, NULL));
    else if (columns->price)
        next(&cells);
    if (columns->co2 && line->sums)
        group(report_co2(next(&cells), line->sums));
    else if (columns->co2)
        next(&cells);
    if (line->sums)
        snprintf(next(&cells), REPORT_CELL, "%" PRId64,
                 report_figure(line->sums, "runs"));
    else
        next(&cells);
    page_row(out, names, cells.list, line->depth < 10 ? line->depth : 10,
             line->part == LINE_TOTAL || line->part == LINE_METERS);
}

static void write_table(FILE *out, const json_t *reply, const struct report_wish *wish,
                        const struct report_columns *columns)
{
    const char *currency = json_string_value(json_object_get(reply, "currency"));
    const char *names[COLUMNS + 1];
    struct report_line *lines;
    char price[REPORT_CELL];
    size_t count;
    int n = 0;

    snprintf(price, sizeof price, ">price%s%.20s", currency ? ", " : "",
             currency ? currency : "");

    names[n++] = wish->by;
    names[n++] = ">kWh charged";
    if (columns->tree)
        names[n++] = ">with those below";
    names[n++] = "->period before";
    names[n++] = "->change";
    if (columns->borne)
        names[n++] = "->not charged";
    if (columns->estimated)
        names[n++] = "->measured of estimated";
    if (columns->price)
        names[n++] = price;
    if (columns->co2)
        names[n++] = "->CO2";
    names[n++] = "->runs";
    names[n] = NULL;
    page_section(out, "Figures");
    page_table(out, NULL, names);
    lines = report_lines(reply, wish, &count);
    for (size_t i = 0; i < count; i++)
        write_row(out, names, &lines[i], columns, report_digits(reply));
    page_table_end(out);
    free(lines);
}

static void write_remarks(FILE *out, const json_t *reply,
                          const struct report_wish *wish)
{
    json_t *remarks = report_remarks(reply, wish), *remark;
    size_t i;

    json_array_foreach(remarks, i, remark)
    {
        page_paragraph(out, json_string_value(remark));
    }
    json_decref(remarks);
    page_section_end(out);
}

void report_page(FILE *out, const json_t *reply, const json_t *days,
                 const struct report_wish *wish, const char *made)
{
    char during[REPORT_TIME], before[REPORT_TIME], subtitle[192];
    struct report_columns columns;
    struct page page = {
        .title = "Energy report",
        .subtitle = subtitle,
        .made = made,
        .simulated = json_is_true(json_object_get(reply, "simulated")),
    };

    snprintf(subtitle, sizeof subtitle, "%s, compared with %s",
             report_time(during, json_object_get(reply, "window")),
             report_time(before, json_object_get(reply, "before")));
    report_columns(reply, &columns);
    page_begin(out, &page);
    chart_patterns(out);
    write_figures(out, reply, &columns);
    if (strcmp(wish->by, "day") != 0 && strcmp(wish->by, "month") != 0)
        write_by(out, reply, wish);
    write_days(out, days);
    write_split(out, reply);
    write_table(out, reply, wish, &columns);
    write_remarks(out, reply, wish);
    page_end(out, &page);
}
