/* accounting.c - what was used in a time, by whom or what, and what the meters say */
#include "policy/accounting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/accounting_inside.h"
#include "policy/energy.h"
#include "policy/nearest.h"
#include "policy/person.h"
#include "policy/pricing.h"
#include "policy/quarter.h"
#include "policy/quota_right.h"
#include "policy/span.h"

/* As enum by has them. */
static const char *const words[] = {"account",  "user", "partition", "qos",
                                    "gpu-type", "day",  "month",     NULL};

/* A name that is asked about may be near to one of so many. */
#define NAMES 20000

#define SENTENCE 320

/* What one call works on. */
struct call {
    struct ledger *ledger;
    const struct access_rights *rights;
    const struct accounting_wish *wish;
    enum by by;
    struct accounting_filter filter;
    struct window window; /* of whole quarter-hours, up to the end of this month */
    struct window told;   /* the same up to now */
    struct window before; /* to compare with */
    json_t *parents;      /* of accounts */
    struct accounting_rows rows;
    struct accounting_centre centre;
    int64_t previous_mj;
    char currency[TARIFF_CURRENCY]; /* of prices; "": there are none */
    bool simulated;
};

static json_t *list_query(struct ledger *ledger, const char *sql, const char *name)
{
    sqlite3_stmt *stmt = ledger_query(ledger, sql, "s", name);
    json_t *list = json_array();

    while (stmt && json_array_size(list) < NAMES && sqlite3_step(stmt) == SQLITE_ROW)
        json_array_append_new(list,
                              json_string((const char *)sqlite3_column_text(stmt, 0)));
    ledger_done(ledger, stmt);
    return list;
}

/* Of a list of names the one that was probably meant; "" if it is near to none. */
static void guess(const json_t *list, const char *name, char text[96])
{
    const char **names = calloc(json_array_size(list) + 1, sizeof *names);
    const char *nearest;

    text[0] = '\0';
    if (!names)
        return;
    for (size_t i = 0; i < json_array_size(list); i++)
        names[i] = json_string_value(json_array_get(list, i));
    nearest = nearest_word(name, names);
    if (nearest)
        snprintf(text, 96, "; %.60s is meant?", nearest);
    free(names);
}

static json_t *unknown_name(const struct call *c, const char *what, const char *name,
                            const char *all, const char *own)
{
    json_t *list =
        list_query(c->ledger, c->rights->sees_all ? all : own, c->rights->user);
    char near[96], sentence[SENTENCE];

    guess(list, name, near);
    json_decref(list);
    snprintf(sentence, sizeof sentence, "kwota knows no %s \"%.80s\"%s", what, name,
             near);
    return person_error(sentence);
}

static bool account_is_known(struct ledger *ledger, const char *account)
{
    return ledger_number(ledger, 0,
                         "SELECT EXISTS (SELECT 1 FROM accounts WHERE account = ?1)"
                         " OR EXISTS (SELECT 1 FROM rollups WHERE account = ?1)"
                         " OR EXISTS (SELECT 1 FROM runs WHERE account = ?1"
                         "  AND state <> 'settled')",
                         "s", account);
}

static bool user_is_known(struct ledger *ledger, const char *user)
{
    return ledger_number(ledger, 0,
                         "SELECT EXISTS (SELECT 1 FROM members WHERE user = ?1)"
                         " OR EXISTS (SELECT 1 FROM rollups WHERE user = ?1)"
                         " OR EXISTS (SELECT 1 FROM runs WHERE user = ?1"
                         "  AND state <> 'settled')",
                         "s", user);
}

/* NULL: they are known, or not asked for. */
static json_t *check_names(const struct call *c)
{
    const struct accounting_wish *w = c->wish;

    if (w->account && !account_is_known(c->ledger, w->account))
        return unknown_name(c, "account", w->account,
                            "SELECT DISTINCT account FROM accounts WHERE ? <> ''",
                            "SELECT DISTINCT account FROM members WHERE user = ?");
    if (w->user && !user_is_known(c->ledger, w->user))
        return unknown_name(c, "user", w->user,
                            "SELECT DISTINCT user FROM members WHERE ? <> ''",
                            "SELECT ?");
    return NULL;
}

static char *accounts_below(struct ledger *ledger, const char *account)
{
    json_t *list = list_query(ledger, QUOTA_DOWN("SELECT '', ?1"), account);
    char *text = json_dumps(list, JSON_COMPACT);

    json_decref(list);
    return text;
}

static json_t *read_parents(struct ledger *ledger)
{
    sqlite3_stmt *stmt = ledger_query(
        ledger, "SELECT account, parent FROM accounts ORDER BY cluster", "");
    json_t *parents = json_object();

    while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        json_object_set_new(parents, (const char *)sqlite3_column_text(stmt, 0),
                            json_string((const char *)sqlite3_column_text(stmt, 1)));
    ledger_done(ledger, stmt);
    return parents;
}

/* What else must be known before anything is added up. NULL, or an answer. */
static json_t *prepare(struct call *c, unsigned *status)
{
    json_t *answer;

    *status = 500;
    if (ledger_begin(c->ledger) < 0)
        return person_error("the ledger cannot be read now");
    *status = 404;
    answer = check_names(c);
    if (!answer && c->wish->account)
        c->filter.accounts = accounts_below(c->ledger, c->wish->account);
    if (!answer && c->by == BY_ACCOUNT)
        c->parents = read_parents(c->ledger);
    pricing_currency(c->ledger, c->currency);
    c->simulated =
        ledger_number(c->ledger, 0, "SELECT MAX(simulated) FROM nodes", "") != 0;
    ledger_commit_soon(c->ledger);
    return answer;
}

static int64_t next_quarter(int64_t s)
{
    return (s + QUARTER_S - 1) / QUARTER_S * QUARTER_S;
}

/* What quarter-hours do not tell. */
static bool has_whole_days(const struct call *c)
{
    return c->by == BY_QOS || c->by == BY_GPU_TYPE;
}

static void set_windows(struct call *c)
{
    int64_t now_s = next_quarter(c->wish->now_s + 1);
    struct window month, day;

    c->told.from_s = next_quarter(c->wish->start_s > 0 ? c->wish->start_s : 0);
    c->told.until_s = c->wish->end_s < now_s ? next_quarter(c->wish->end_s) : now_s;
    if (c->told.until_s < c->told.from_s)
        c->told.until_s = c->told.from_s;
    c->window = c->told;
    /* Nothing is later: this month as a whole is one piece. */
    if (c->told.until_s == now_s) {
        period_month_of(now_s - 1, &month);
        c->window.until_s = month.until_s;
    }
    span_before(&c->told, &c->before);
    if (has_whole_days(c)) {
        period_day_of(c->before.from_s, &day);
        c->before.from_s = day.from_s;
        period_day_of(c->before.until_s - 1, &day);
        c->before.until_s = day.until_s;
    }
}

static int finish(void *arg)
{
    struct call *c = arg;

    return centre_read(c->ledger, c->by, &c->filter, &c->window,
                       filter_is_open(&c->filter), &c->centre);
}

/* Amounts as JSON. */
static void put(json_t *object, const char *key, int64_t value)
{
    json_object_set_new_nocheck(
        object, key, value == ENERGY_UNKNOWN ? json_null() : json_integer(value));
}

static void put_sums(json_t *object, const struct sums *s)
{
    static const char *const keys[SUMS] = {
        [SUM_CPU] = "cpu_mj",
        [SUM_DRAM] = "dram_mj",
        [SUM_GPU] = "gpu_mj",
        [SUM_OTHER] = "other_mj",
        [SUM_OVERRUN] = "overrun_mj",
        [SUM_CREDIT] = "credit_mj",
        [SUM_ESTIMATED] = "estimated_mj",
        [SUM_ESTIMATED_USED] = "estimated_used_mj",
        [SUM_ESTIMATED_RUNS] = "estimated_runs",
        [SUM_PRICE_U] = "price_u",
        [SUM_CO2_MG] = "co2_mg",
        [SUM_UNPRICED] = "unpriced_mj",
        [SUM_CO2_UNKNOWN] = "co2_unknown_mj",
        [SUM_RUNS] = "runs",
        [SUM_PREVIOUS] = "previous_mj",
    };

    put(object, "charged_mj", sums_charged(s));
    put(object, "used_mj", sums_used(s));
    for (int i = 0; i < SUMS; i++)
        put(object, keys[i],
            i == SUM_PRICE_U  ? energy_known(s->v[i], s->v[SUM_UNPRICED])
            : i == SUM_CO2_MG ? energy_known(s->v[i], s->v[SUM_CO2_UNKNOWN])
                              : s->v[i]);
}

static json_t *row_json(const struct call *c, const struct accounting_row *row)
{
    json_t *json = json_pack("{s:s}", "name", row->name), *below;

    put_sums(json, &row->own);
    if (c->by >= BY_DAY)
        json_object_set_new(json, "previous_mj", json_null());
    if (c->by != BY_ACCOUNT)
        return json;
    put(json, "depth", row->depth);
    /* Most accounts have none below them. */
    if (memcmp(&row->own, &row->below, sizeof row->own) == 0)
        return json;
    below = json_object();
    put_sums(below, &row->below);
    json_object_set_new(json, "below", below);
    return json;
}

static json_t *rows_json(const struct call *c, struct sums *total)
{
    json_t *list = json_array();

    memset(total, 0, sizeof *total);
    for (size_t i = 0; i < c->rows.count; i++) {
        sums_add(total, &c->rows.list[i].own);
        json_array_append_new(list, row_json(c, &c->rows.list[i]));
    }
    total->v[SUM_PREVIOUS] = c->previous_mj;
    return list;
}

/* What the jobs' part of the counters is more than what was found for them: less than a
 * millijoule each time, what was posted later than it was used. */
static json_t *centre_json(struct call *c, int64_t used_mj)
{
    const struct accounting_centre *m = &c->centre;
    json_t *json;

    if (!filter_is_open(&c->filter))
        return json_null();
    json = json_object();
    put(json, "total_mj", m->total_mj);
    put(json, "jobs_mj", m->jobs_mj);
    put(json, "node_mj", m->node_mj);
    put(json, "unattributed_mj", m->unattributed_mj);
    put(json, "difference_mj",
        m->total_mj == ENERGY_UNKNOWN
            ? ENERGY_UNKNOWN
            : m->jobs_mj - used_mj - m->open_mj - m->unattributed_mj);
    put(json, "gap_ms", m->gap_ms);
    json_object_set(json, "kinds", m->kinds);
    json_object_set_new(json, "days", m->days ? json_incref(m->days) : json_null());
    return json;
}

static json_t *window_json(const struct window *window)
{
    return json_pack("{s:I s:I}", "start", (json_int_t)window->from_s, "end",
                     (json_int_t)window->until_s);
}

static void note_left_out(json_t *list, const char *what, int64_t mj)
{
    char kwh[ENERGY_TEXT], text[128];

    snprintf(text, sizeof text,
             "the %s of %s is not known: what is told is of the rest", what,
             energy_kwh_human(kwh, sizeof kwh, mj));
    json_array_append_new(list, json_string(text));
}

/* What a reader must know of the sums. */
static json_t *notes(const struct call *c, const struct sums *total)
{
    json_t *list = json_array();

    if (c->currency[0] && total->v[SUM_UNPRICED] != 0)
        note_left_out(list, "price", total->v[SUM_UNPRICED]);
    if (total->v[SUM_CO2_MG] != 0 && total->v[SUM_CO2_UNKNOWN] != 0)
        note_left_out(list, "CO2", total->v[SUM_CO2_UNKNOWN]);

    if (!span_is_days(&c->window))
        json_array_append_new(
            list, json_string("credits and estimates are kept by day: of days that are "
                              "not whole estimates are missing, and credits are "
                              "counted as overrun"));
    return list;
}

static json_t *answer_json(struct call *c)
{
    struct sums total;
    json_t *rows = rows_json(c, &total), *sums = json_object(), *json;

    put_sums(sums, &total);
    json =
        json_pack("{s:s s:o s:o s:o s:o s:o s:I s:o s:o s:b}", "by", words[c->by],
                  "window", window_json(&c->told), "before", window_json(&c->before),
                  "currency", c->currency[0] ? json_string(c->currency) : json_null(),
                  "rows", rows, "total", sums, "open_mj", (json_int_t)c->centre.open_mj,
                  "centre", centre_json(c, sums_used(&total)), "notes",
                  notes(c, &total), "simulated", (int)c->simulated);
    return json;
}

static json_t *add_up(struct call *c, unsigned *status)
{
    *status = 500;
    if (rows_collect(c->ledger, c->by, &c->filter, &c->window, &c->rows, finish, c) <
            0 ||
        rows_compare(c->ledger, c->by, &c->filter, &c->before, &c->rows,
                     &c->previous_mj) < 0 ||
        rows_order(&c->rows, c->by, c->parents) < 0)
        return person_error("the ledger cannot be read now; kwotad's log says why");
    *status = 200;
    return answer_json(c);
}

static json_t *wrong_by(const char *by)
{
    const char *nearest = nearest_word(by, words);
    char sentence[SENTENCE];

    snprintf(
        sentence, sizeof sentence,
        "a report is by account, user, partition, qos, gpu-type, day or month, not "
        "by \"%.40s\"%s%s%s",
        by, nearest ? "; " : "", nearest ? nearest : "", nearest ? " is meant?" : "");
    return person_error(sentence);
}

static json_t *wrong_window(const struct call *c)
{
    char sentence[SENTENCE], day[PERIOD_DAY];
    struct window first;

    if (c->wish->end_s <= c->wish->start_s)
        return person_error("a report's end must be later than its start");
    if (!has_whole_days(c) || span_is_days(&c->window))
        return NULL;
    period_day_of(c->window.from_s, &first);
    snprintf(
        sentence, sizeof sentence,
        "by %s there are whole days only: from the beginning of a day (%s) to that "
        "of another, or to now",
        words[c->by], period_day_text(first.from_s, day, sizeof day));
    return person_error(sentence);
}

static void free_call(struct call *c)
{
    rows_free(&c->rows);
    json_decref(c->parents);
    json_decref(c->centre.kinds);
    json_decref(c->centre.days);
    free(c->filter.mine);
    free(c->filter.accounts);
}

json_t *accounting_answer(struct ledger *ledger, const struct access_rights *rights,
                          const struct accounting_wish *wish, unsigned *status)
{
    struct call c = {.ledger = ledger, .rights = rights, .wish = wish};
    json_t *answer;
    int by = 0;

    while (words[by] && strcmp(words[by], wish->by) != 0)
        by++;
    *status = 400;
    if (!words[by])
        return wrong_by(wish->by);
    c.by = (enum by)by;
    c.filter.rights = rights;
    c.filter.user = wish->user ? wish->user : "";
    set_windows(&c);
    answer = wrong_window(&c);
    if (answer)
        return answer;
    c.filter.mine = quota_right_accounts(rights);
    answer = prepare(&c, status);
    if (!answer)
        answer = add_up(&c, status);
    free_call(&c);
    return answer;
}
