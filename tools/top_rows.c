/* top_rows.c - the rows of kwota top: sorted, chosen, as texts */
#include "tools/top_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"

static const struct {
    const char *title;
    bool number;
} columns[TOP_COLUMNS] = {
    [TOP_JOB] = {"JOBID", true},        [TOP_USER] = {"USER", false},
    [TOP_ACCOUNT] = {"ACCOUNT", false}, [TOP_PARTITION] = {"PARTITION", false},
    [TOP_NODES] = {"NODES", true},      [TOP_TIME] = {"TIME", true},
    [TOP_POWER] = {"POWER", true},      [TOP_USED] = {"USED", true},
    [TOP_LEFT] = {"LEFT", true},        [TOP_CAP] = {"CAP", true},
    [TOP_NAME] = {"NAME", false},
};

const char *top_title(enum top_column column)
{
    return columns[column].title;
}

bool top_is_number(enum top_column column)
{
    return columns[column].number;
}

static int64_t known(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

char *top_watts(int64_t mw, char text[TOP_TEXT])
{
    static const char *const units[] = {"mW", "W", "kW", "MW", "GW"};
    int unit = 0;
    int64_t scale = 1;

    if (mw == ENERGY_UNKNOWN) {
        snprintf(text, TOP_TEXT, "?");
        return text;
    }
    /* 999.5 is shown as 1.00 of the next unit. */
    while (unit < 4 && (mw + scale / 2) / scale >= 1000) {
        unit++;
        scale *= 1000;
    }
    if (mw + scale / 20 >= 100 * scale || scale == 1)
        snprintf(text, TOP_TEXT, "%" PRId64 " %s", (mw + scale / 2) / scale,
                 units[unit]);
    else if (mw + scale / 200 >= 10 * scale)
        snprintf(text, TOP_TEXT, "%" PRId64 ".%" PRId64 " %s",
                 (mw + scale / 20) / scale, (mw + scale / 20) % scale * 10 / scale,
                 units[unit]);
    else
        snprintf(text, TOP_TEXT, "%" PRId64 ".%02" PRId64 " %s",
                 (mw + scale / 200) / scale, (mw + scale / 200) % scale * 100 / scale,
                 units[unit]);
    return text;
}

char *top_time(int64_t s, char text[TOP_TEXT])
{
    int64_t days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;

    if (days > 0)
        snprintf(text, TOP_TEXT, "%" PRId64 "-%02" PRId64 ":%02" PRId64 ":%02" PRId64,
                 days, hours, minutes, s % 60);
    else if (hours > 0)
        snprintf(text, TOP_TEXT, "%" PRId64 ":%02" PRId64 ":%02" PRId64, hours, minutes,
                 s % 60);
    else
        snprintf(text, TOP_TEXT, "%" PRId64 ":%02" PRId64, minutes, s % 60);
    return text;
}

static void energy_text(int64_t mj, char text[TOP_TEXT])
{
    if (mj == ENERGY_UNKNOWN)
        snprintf(text, TOP_TEXT, "?");
    else
        energy_kwh_human(text, TOP_TEXT, mj);
}

static void copy(const json_t *run, const char *key, char text[TOP_TEXT])
{
    const char *value = json_string_value(json_object_get(run, key));

    snprintf(text, TOP_TEXT, "%s", value ? value : "");
}

/* "300 W", "50 % CPU", or both; "-" for none. */
static void write_cap(const json_t *cap, char text[TOP_TEXT])
{
    int64_t gpu_mw = known(cap, "gpu_mw"), percent = known(cap, "cpu_percent");
    char watts[TOP_TEXT];
    int len = 0;

    snprintf(text, TOP_TEXT, "-");
    if (gpu_mw != ENERGY_UNKNOWN)
        len = snprintf(text, TOP_TEXT, "%.20s", top_watts(gpu_mw, watts));
    if (percent != ENERGY_UNKNOWN)
        snprintf(text + len, TOP_TEXT - (size_t)len, "%s%" PRId64 " %% CPU",
                 len ? ", " : "", percent);
}

static void write_power(const json_t *run, struct top_row *row)
{
    char watts[TOP_TEXT];
    bool part = integer(run, "nodes_known") < integer(run, "node_count") &&
                row->mw != ENERGY_UNKNOWN;

    /* Some of its nodes have not told theirs. */
    snprintf(row->text[TOP_POWER], TOP_TEXT, "%s%.20s", part ? ">" : "",
             top_watts(row->mw, watts));
}

static void fill(const json_t *run, int64_t now_s, struct top_row *row)
{
    int64_t lien_mj = known(run, "lien_mj");

    row->mw = known(run, "mw");
    row->used_mj = known(run, "used_mj");
    row->elapsed_s = now_s > integer(run, "start") ? now_s - integer(run, "start") : 0;
    row->left_mj = lien_mj == ENERGY_UNKNOWN        ? ENERGY_UNKNOWN
                   : row->used_mj == ENERGY_UNKNOWN ? lien_mj
                                                    : lien_mj - row->used_mj;
    copy(run, "job_id", row->text[TOP_JOB]);
    copy(run, "user", row->text[TOP_USER]);
    copy(run, "account", row->text[TOP_ACCOUNT]);
    copy(run, "partition", row->text[TOP_PARTITION]);
    copy(run, "name", row->text[TOP_NAME]);
    snprintf(row->text[TOP_NODES], TOP_TEXT, "%" PRId64, integer(run, "node_count"));
    top_time(row->elapsed_s, row->text[TOP_TIME]);
    write_power(run, row);
    energy_text(row->used_mj, row->text[TOP_USED]);
    if (lien_mj == ENERGY_UNKNOWN)
        snprintf(row->text[TOP_LEFT], TOP_TEXT, "-");
    else
        energy_text(row->left_mj, row->text[TOP_LEFT]);
    write_cap(json_object_get(run, "cap"), row->text[TOP_CAP]);
}

struct top_row *top_rows(const json_t *reply, int *count)
{
    const json_t *runs = json_object_get(reply, "runs");
    struct top_row *rows = calloc(json_array_size(runs) + 1, sizeof *rows);
    int64_t now_s = integer(reply, "time_ms") / 1000;
    size_t i;
    json_t *run;

    *count = 0;
    if (!rows)
        return NULL;
    json_array_foreach(runs, i, run)
    {
        fill(run, now_s, &rows[(*count)++]);
    }
    return rows;
}

/* What is compared: more comes first. */
static int64_t figure(const struct top_row *row, enum top_order order)
{
    switch (order) {
    case TOP_BY_USED:
        return row->used_mj;
    case TOP_BY_LEFT:
        return row->left_mj == ENERGY_UNKNOWN ? ENERGY_UNKNOWN : -row->left_mj;
    case TOP_BY_TIME:
        return row->elapsed_s;
    default:
        return row->mw;
    }
}

struct sorting {
    enum top_order order;
    bool reverse;
};

static int compare(const void *a, const void *b, void *arg)
{
    const struct sorting *sorting = arg;
    int64_t x = figure(a, sorting->order), y = figure(b, sorting->order);

    if (x == y)
        return strcmp(((const struct top_row *)a)->text[TOP_JOB],
                      ((const struct top_row *)b)->text[TOP_JOB]);
    if (x == ENERGY_UNKNOWN || y == ENERGY_UNKNOWN)
        return x == ENERGY_UNKNOWN ? 1 : -1;
    return (x > y) == sorting->reverse ? 1 : -1;
}

void top_sort(struct top_row *rows, int count, enum top_order order, bool reverse)
{
    struct sorting sorting = {order, reverse};

    if (count > 1)
        qsort_r(rows, (size_t)count, sizeof *rows, compare, &sorting);
}

void top_summary(const json_t *reply, char text[TOP_SUMMARY])
{
    int64_t count = integer(reply, "count"), measured = integer(reply, "measured");
    char watts[TOP_TEXT];

    if (count == 0)
        snprintf(text, TOP_SUMMARY, "no job runs");
    else if (measured == 0)
        snprintf(text, TOP_SUMMARY, "%" PRId64 " running job%s, power unknown", count,
                 count == 1 ? "" : "s");
    else
        snprintf(text, TOP_SUMMARY, "%" PRId64 " running job%s, %s%.20s%s", count,
                 count == 1 ? "" : "s", measured < count ? "more than " : "",
                 top_watts(known(reply, "mw"), watts),
                 json_is_true(json_object_get(reply, "simulated")) ? " [simulated]"
                                                                   : "");
}
