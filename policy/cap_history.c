/* cap_history.c - when a run was capped, to what and by whose word, as people are told
 */
#include "policy/cap_history.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/energy.h"

/* Enough to see what went on in a job of thousands of devices. */
#define MOST_ROWS 20000

static int by_beginning(const void *a, const void *b)
{
    const struct cap_spell *x = a, *y = b;

    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    return strcmp(x->devices, y->devices);
}

static bool say_the_same(const struct cap_spell *a, const struct cap_spell *b)
{
    return a->value == b->value && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->state, b->state) == 0 && strcmp(a->why, b->why) == 0;
}

/* Whether a comma list has the device already. */
static bool has(const char *list, const char *device)
{
    size_t length = strlen(device);
    const char *found = list;

    while ((found = strstr(found, device))) {
        if ((found == list || found[-1] == ' ') &&
            (!found[length] || found[length] == ','))
            return true;
        found += length;
    }
    return false;
}

static void add_device(struct cap_spell *spell, const char *device)
{
    static const char more[] = ", …";
    size_t used = strlen(spell->devices);

    if (has(spell->devices, device) || strstr(spell->devices, more))
        return;
    if (used + strlen(device) + sizeof more + 2 < sizeof spell->devices)
        snprintf(spell->devices + used, sizeof spell->devices - used, ", %s", device);
    else
        memcpy(spell->devices + used, more, sizeof more);
}

int cap_history_merge(struct cap_spell *spells, int count)
{
    int kept = 0;

    if (count > 1)
        qsort(spells, (size_t)count, sizeof *spells, by_beginning);
    for (int i = 0; i < count; i++) {
        int same = kept - 1;

        while (same >= 0 && (!say_the_same(&spells[same], &spells[i]) ||
                             spells[same].until_ms < spells[i].from_ms))
            same--;
        if (same < 0) {
            spells[kept++] = spells[i];
            continue;
        }
        add_device(&spells[same], spells[i].devices);
        if (spells[i].until_ms > spells[same].until_ms)
            spells[same].until_ms = spells[i].until_ms;
    }
    return kept;
}

static void put(char *to, size_t size, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    snprintf(to, size, "%s", text ? text : "");
}

/* "gpu" of "gpu-0". */
static void put_kind(struct cap_spell *spell, const char *what)
{
    snprintf(spell->kind, sizeof spell->kind, "%.*s", (int)strcspn(what, "-0123456789"),
             what);
}

static void take(sqlite3_stmt *row, struct cap_spell *spell)
{
    const char *node = (const char *)sqlite3_column_text(row, 0);
    const char *what = (const char *)sqlite3_column_text(row, 1);

    *spell = (struct cap_spell){.from_ms = sqlite3_column_int64(row, 2)};
    spell->value = sqlite3_column_type(row, 3) == SQLITE_NULL
                       ? ENERGY_UNKNOWN
                       : sqlite3_column_int64(row, 3);
    put(spell->state, sizeof spell->state, row, 4);
    put(spell->why, sizeof spell->why, row, 5);
    put_kind(spell, what);
    spell->until_ms = sqlite3_column_type(row, 6) == SQLITE_NULL
                          ? INT64_MAX
                          : sqlite3_column_int64(row, 6);
    snprintf(spell->devices, sizeof spell->devices, "%.100s %.100s", node, what);
}

static int read_spells(struct ledger *ledger, int64_t run_id, struct cap_spell *spells,
                       int most)
{
    /* Each until the next of its device, or the end of its node's part. */
    sqlite3_stmt *row = ledger_query(
        ledger,
        "SELECT t.node, c.what, c.time_ms, c.value, c.state, c.why,"
        " COALESCE(LEAD(c.time_ms) OVER (PARTITION BY c.token, c.what"
        "  ORDER BY c.time_ms), CASE WHEN t.final THEN t.last_ms END)"
        " FROM tokens t JOIN run_caps c ON c.token = t.token WHERE t.run_id = ?"
        " LIMIT ?",
        "ii", run_id, (int64_t)most);
    int count = 0;

    while (row && count < most && sqlite3_step(row) == SQLITE_ROW) {
        take(row, &spells[count]);
        if (strcmp(spells[count].state, "restored") != 0)
            count++;
    }
    ledger_done(ledger, row);
    return count;
}

static json_t *known(bool is_known, int64_t value)
{
    return is_known ? json_integer(value) : json_null();
}

static json_t *spell_json(const struct cap_spell *spell)
{
    bool cpu = strcmp(spell->kind, "cpu") == 0;
    bool told = spell->value != ENERGY_UNKNOWN;

    return json_pack("{s:I s:o s:s s:o s:o s:s s:s s:s}", "from_s",
                     (json_int_t)(spell->from_ms / 1000), "until_s",
                     known(spell->until_ms != INT64_MAX, spell->until_ms / 1000),
                     "what", spell->kind, "mw", known(told && !cpu, spell->value),
                     "percent", known(told && cpu, spell->value), "state", spell->state,
                     "why", spell->why, "devices", spell->devices);
}

json_t *cap_history_json(struct ledger *ledger, int64_t run_id)
{
    json_t *list = json_array();
    struct cap_spell *spells;
    int64_t rows = ledger_number(ledger, 0,
                                 "SELECT COUNT(*) FROM tokens t JOIN run_caps c"
                                 " ON c.token = t.token WHERE t.run_id = ?",
                                 "i", run_id);
    int most = rows < MOST_ROWS ? (int)rows : MOST_ROWS, count;

    if (rows == 0)
        return list;
    spells = calloc((size_t)most, sizeof *spells);
    count = spells ? read_spells(ledger, run_id, spells, most) : 0;
    count = cap_history_merge(spells, count);
    for (int i = 0; i < count; i++)
        json_array_append_new(list, spell_json(&spells[i]));
    free(spells);
    return list;
}

int64_t cap_history_capped_ms(struct ledger *ledger, int64_t run_id)
{
    return ledger_number(
        ledger, 0, "SELECT MAX(capped_ms) FROM tokens WHERE run_id = ?", "i", run_id);
}
