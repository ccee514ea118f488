/* report_lines.c - kwota report's lines: whose energy, and the centre's part of it */
#include "tools/report_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/energy.h"

/* Beside rows: others, total, and what lines_of_centre() has. */
#define MORE 12

struct lines {
    struct report_line *list;
    size_t count;
};

int64_t report_figure(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

const char *report_name(const struct report_line *line)
{
    if (!line->name)
        return line->text;
    return line->name[0] ? line->name : "(none)";
}

/* An account's figures with those below it; NULL: it is no account. */
static const json_t *below_of(const json_t *row)
{
    const json_t *below = json_object_get(row, "below");

    return below ? below : json_object_get(row, "depth") ? row : NULL;
}

static struct report_line of_row(const json_t *row)
{
    int64_t depth = report_figure(row, "depth");

    return (struct report_line){
        .part = LINE_ROW,
        .name = json_string_value(json_object_get(row, "name")),
        .depth = depth > 0 ? (int)depth : 0,
        .charged_mj = report_figure(row, "charged_mj"),
        .below_mj =
            below_of(row) ? report_figure(below_of(row), "charged_mj") : ENERGY_UNKNOWN,
        .below_previous_mj = report_figure(below_of(row), "previous_mj"),
        .previous_mj = report_figure(row, "previous_mj"),
        .sums = row,
    };
}

/* By which a row is among the first: with what is below it, so that none is shown
 * without those above it. */
static int64_t size_of(const json_t *row)
{
    const json_t *below = below_of(row);

    return report_figure(below ? below : row, "charged_mj");
}

static int falling(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* The size of the last row that is shown. */
static int64_t least_shown(const json_t *rows, int64_t top)
{
    size_t count = json_array_size(rows);
    int64_t *sizes, least = INT64_MIN;

    if (top <= 0 || (size_t)top >= count)
        return INT64_MIN;
    sizes = calloc(count, sizeof *sizes);
    if (!sizes)
        abort();
    for (size_t i = 0; i < count; i++)
        sizes[i] = size_of(json_array_get(rows, i));
    qsort(sizes, count, sizeof *sizes, falling);
    least = sizes[top - 1];
    free(sizes);
    return least;
}

static void add(struct lines *lines, const struct report_line *line)
{
    lines->list[lines->count++] = *line;
}

static void add_rows(struct lines *lines, const json_t *reply, int64_t top)
{
    const json_t *rows = json_object_get(reply, "rows");
    int64_t least = least_shown(rows, top), shown = 0, others = 0;
    struct report_line rest = {
        .part = LINE_OTHERS, .below_mj = ENERGY_UNKNOWN, .previous_mj = ENERGY_UNKNOWN};
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        struct report_line line = of_row(row);

        if (size_of(row) >= least && (top <= 0 || shown < top)) {
            add(lines, &line);
            shown++;
            continue;
        }
        rest.charged_mj = energy_add(rest.charged_mj, line.charged_mj);
        rest.previous_mj = energy_add(rest.previous_mj, line.previous_mj);
        others++;
    }
    if (others == 0)
        return;
    snprintf(rest.text, sizeof rest.text, "(%" PRId64 " other%s)", others,
             others == 1 ? "" : "s");
    add(lines, &rest);
}

static void add_centre(struct lines *lines, int part, const char *name, int64_t mj)
{
    struct report_line line = {.part = part == LINE_METERS ? LINE_METERS : LINE_CENTRE,
                               .name = name,
                               .charged_mj = mj,
                               .below_mj = ENERGY_UNKNOWN,
                               .previous_mj = ENERGY_UNKNOWN};

    add(lines, &line);
}

/* What is zero says nothing, what is unknown does. */
static void add_if(struct lines *lines, const char *name, int64_t mj)
{
    if (mj != 0)
        add_centre(lines, LINE_CENTRE, name, mj);
}

static void lines_of_centre(struct lines *lines, const json_t *reply,
                            const struct report_wish *wish)
{
    const json_t *total = json_object_get(reply, "total");
    const json_t *centre = json_object_get(reply, "centre");
    int64_t meters_mj = report_figure(centre, "total_mj");

    add_if(lines, "overrun, borne by the centre", report_figure(total, "overrun_mj"));
    add_if(lines, "credits, borne by the centre", report_figure(total, "credit_mj"));
    add_if(lines, "not settled yet", report_figure(reply, "open_mj"));
    if (!json_is_object(centre))
        return;
    add_if(lines, "of no known job", report_figure(centre, "unattributed_mj"));
    add_centre(lines, LINE_CENTRE, "nodes' own (idle)",
               report_figure(centre, "node_mj"));
    if (meters_mj != ENERGY_UNKNOWN)
        add_if(lines, "rounding, and posted at another time",
               report_figure(centre, "difference_mj"));
    add_centre(lines, LINE_METERS, "all that the counters counted", meters_mj);
    if (wish->metered_mj == ENERGY_UNKNOWN)
        return;
    add_centre(lines, LINE_METERS, "metered elsewhere", wish->metered_mj);
    add_centre(lines, LINE_METERS, "metered elsewhere, and by no counter",
               meters_mj == ENERGY_UNKNOWN ? ENERGY_UNKNOWN
                                           : wish->metered_mj - meters_mj);
}

struct report_line *report_lines(const json_t *reply, const struct report_wish *wish,
                                 size_t *count)
{
    const json_t *total = json_object_get(reply, "total");
    struct report_line sum = of_row(total);
    struct lines lines = {.count = 0};

    lines.list = calloc(json_array_size(json_object_get(reply, "rows")) + MORE,
                        sizeof *lines.list);
    if (!lines.list)
        abort();
    add_rows(&lines, reply, wish->top);
    sum.part = LINE_TOTAL;
    sum.name = "charged in all";
    add(&lines, &sum);
    lines_of_centre(&lines, reply, wish);
    *count = lines.count;
    return lines.list;
}

int report_digits(const json_t *reply)
{
    int64_t total_mj = report_figure(json_object_get(reply, "total"), "used_mj");

    if (total_mj > 1000000 * ENERGY_MJ_PER_KWH)
        return 1;
    return total_mj > 0 && total_mj < 10 * ENERGY_MJ_PER_KWH ? 6 : 3;
}

void report_columns(const json_t *reply, struct report_columns *columns)
{
    const json_t *total = json_object_get(reply, "total");

    *columns = (struct report_columns){
        .tree = strcmp(json_string_value(json_object_get(reply, "by")), "account") == 0,
        .estimated = report_figure(total, "estimated_runs") > 0,
        .price = json_is_string(json_object_get(reply, "currency")) ||
                 report_figure(total, "price_u") > 0,
        .co2 = report_figure(total, "co2_mg") > 0,
        .borne = report_figure(total, "overrun_mj") != 0 ||
                 report_figure(total, "credit_mj") != 0,
    };
}

char *report_change(char text[REPORT_CELL], int64_t now_mj, int64_t before_mj)
{
    __int128 tenths;

    text[0] = '\0';
    if (before_mj == ENERGY_UNKNOWN || now_mj == ENERGY_UNKNOWN ||
        (before_mj == 0 && now_mj == 0))
        return text;
    if (before_mj <= 0 || now_mj == 0) {
        snprintf(text, REPORT_CELL, "%s", now_mj == 0 ? "gone" : "new");
        return text;
    }
    tenths = ((__int128)now_mj - before_mj) * 1000 / before_mj;
    if (tenths > 99999)
        snprintf(text, REPORT_CELL, "x %" PRId64, now_mj / before_mj);
    else
        snprintf(text, REPORT_CELL, "%c%d.%d %%", tenths < 0 ? '-' : '+',
                 abs((int)tenths) / 10, abs((int)tenths) % 10);
    return text;
}

char *report_estimate(char text[REPORT_CELL], const json_t *sums)
{
    int64_t estimated = report_figure(sums, "estimated_mj");
    int64_t used = report_figure(sums, "estimated_used_mj");

    text[0] = '\0';
    if (estimated > 0 && used >= 0)
        snprintf(text, REPORT_CELL, "%" PRId64 " %%",
                 (int64_t)(((__int128)used * 100 + estimated / 2) / estimated));
    return text;
}

/* What is known of a sum is more, or less, where some of it is not. */
static const char *least(const json_t *sums, const char *key)
{
    int64_t mj = json_integer_value(json_object_get(sums, key));

    return mj == 0 ? "" : mj < 0 ? "<=" : ">=";
}

char *report_price(char text[REPORT_CELL], const json_t *sums, const char *currency)
{
    int64_t price_u = report_figure(sums, "price_u");
    uint64_t cents;

    if (price_u == ENERGY_UNKNOWN)
        return strcpy(text, "-");
    cents = ((uint64_t)(price_u < 0 ? -price_u : price_u) + 5000) / 10000;
    snprintf(text, REPORT_CELL, "%s%s%" PRIu64 ".%02" PRIu64 "%s%s",
             least(sums, "unpriced_mj"), price_u < 0 && cents ? "-" : "", cents / 100,
             cents % 100, currency ? " " : "", currency ? currency : "");
    return text;
}

char *report_co2(char text[REPORT_CELL], const json_t *sums)
{
    int64_t mg = report_figure(sums, "co2_mg");
    uint64_t g = mg < 0 ? 0 : ((uint64_t)mg + 500) / 1000;
    const char *sign = least(sums, "co2_unknown_mj");

    if (mg == ENERGY_UNKNOWN)
        return strcpy(text, "-");
    if (g < 10000000)
        snprintf(text, REPORT_CELL, "%s%" PRIu64 ".%03" PRIu64 " kg", sign, g / 1000,
                 g % 1000);
    else
        snprintf(text, REPORT_CELL, "%s%" PRIu64 ".%" PRIu64 " t", sign, g / 1000000,
                 g / 100000 % 10);
    return text;
}

static char *moment(char *text, size_t size, int64_t s, bool days)
{
    time_t when = (time_t)s;
    struct tm tm;

    localtime_r(&when, &tm);
    strftime(text, size, days ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", &tm);
    return text;
}

static bool is_midnight(int64_t s)
{
    time_t when = (time_t)s;
    struct tm tm;

    localtime_r(&when, &tm);
    return tm.tm_hour == 0 && tm.tm_min == 0;
}

char *report_time(char text[REPORT_TIME], const json_t *window)
{
    int64_t start_s = report_figure(window, "start"), end_s;
    char from[24], to[24];
    bool days;

    end_s = report_figure(window, "end");
    days = is_midnight(start_s) && is_midnight(end_s) && end_s > start_s;
    moment(from, sizeof from, start_s, days);
    moment(to, sizeof to, days ? end_s - 1 : end_s, days);
    if (days && strcmp(from, to) == 0)
        snprintf(text, REPORT_TIME, "%s", from);
    else
        snprintf(text, REPORT_TIME, "%s to %s", from, to);
    return text;
}

static void remark_gaps(json_t *list, const json_t *centre)
{
    int64_t gap_ms = report_figure(centre, "gap_ms");
    char text[192];

    if (json_is_object(centre) && report_figure(centre, "total_mj") == ENERGY_UNKNOWN)
        json_array_append_new(
            list, json_string("No counters were booked in this time: what the nodes "
                              "used for themselves is unknown."));
    if (gap_ms <= 0)
        return;
    snprintf(text, sizeof text,
             "Counters did not say what they counted for %" PRId64 " h %02" PRId64
             " min, added up over them: what was used is more.",
             gap_ms / 3600000, gap_ms / 60000 % 60);
    json_array_append_new(list, json_string(text));
}

/* What power distribution, network and cooling take comes before the counters. */
static void remark_metered(json_t *list, const json_t *centre,
                           const struct report_wish *wish)
{
    int64_t meters_mj = report_figure(centre, "total_mj");
    char text[192];
    int64_t tenths;

    if (wish->metered_mj == ENERGY_UNKNOWN || meters_mj == ENERGY_UNKNOWN ||
        wish->metered_mj <= 0)
        return;
    tenths = (int64_t)((__int128)meters_mj * 1000 / wish->metered_mj);
    snprintf(text, sizeof text,
             "The counters counted %" PRId64 ".%" PRId64 " %% of what %.60s says.",
             tenths / 10, tenths % 10, wish->metered);
    json_array_append_new(list, json_string(text));
}

json_t *report_remarks(const json_t *reply, const struct report_wish *wish)
{
    const json_t *centre = json_object_get(reply, "centre");
    json_t *list = json_array(), *note;
    size_t i;

    remark_gaps(list, centre);
    remark_metered(list, centre, wish);
    json_array_foreach(json_object_get(reply, "notes"), i, note)
    {
        json_array_append(list, note);
    }
    return list;
}
