/* summary_text.c - what slurmdbd is told of a settled run: one line of compact JSON */
#include "policy/summary_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "policy/energy.h"

static const char *const qualities[] = {
    [SUMMARY_MEASURED] = "measured",
    [SUMMARY_APPORTIONED] = "apportioned",
    [SUMMARY_PARTIAL] = "partial",
};

#define QUALITIES (sizeof qualities / sizeof *qualities)

int64_t summary_total_mj(const struct summary *summary)
{
    int64_t total = ENERGY_UNKNOWN;

    for (int k = 0; k < KINDS; k++)
        total = energy_add(total, summary->used.mj[k]);
    return total;
}

static size_t put(char *text, size_t len, const char *key, int64_t value)
{
    int more = snprintf(text + len, SUMMARY_TEXT - len, ",\"%s\":%" PRId64, key, value);

    return len + (size_t)more;
}

static size_t put_used(char *text, size_t len, const struct summary *summary)
{
    int64_t total = summary_total_mj(summary);
    char key[16];

    if (total != ENERGY_UNKNOWN)
        len = put(text, len, "total_mj", total);
    for (int k = 0; k < KINDS; k++) {
        snprintf(key, sizeof key, "%s_mj", kind_name((enum kind)k));
        if (summary->used.mj[k] != ENERGY_UNKNOWN)
            len = put(text, len, key, summary->used.mj[k]);
    }
    return len;
}

/* What is left out is told only where something is. */
static size_t put_cost(char *text, size_t len, const char *key, int64_t sum,
                       const char *left_out, int64_t left_out_mj)
{
    len = put(text, len, key, sum);
    return left_out_mj ? put(text, len, left_out, left_out_mj) : len;
}

/* The longest there can be is 500 bytes. */
char *summary_text(const struct summary *summary, char text[SUMMARY_TEXT])
{
    size_t len = (size_t)snprintf(text, SUMMARY_TEXT, "{\"kwota\":%d", SUMMARY_FORMAT);

    len = put_used(text, len, summary);
    len = put(text, len, "charge_mj", summary->charge_mj);
    len = put(text, len, "overrun_mj", summary->overrun_mj);
    len = put(text, len, "credit_mj", summary->credit_mj);
    len += (size_t)snprintf(
        text + len, SUMMARY_TEXT - len, ",\"quality\":\"%s\",\"simulated\":%s",
        qualities[summary->quality], summary->simulated ? "true" : "false");
    if (summary->priced)
        len = put_cost(text, len, "price_u", summary->price_u, "unpriced_mj",
                       summary->unpriced_mj);
    if (summary->co2_told)
        len = put_cost(text, len, "co2_mg", summary->co2_mg, "co2_unknown_mj",
                       summary->co2_unknown_mj);
    snprintf(text + len, SUMMARY_TEXT - len, "}");
    return text;
}

static json_t *load(const char *comment)
{
    json_t *json = comment ? json_loads(comment, 0, NULL) : NULL;

    if (json && json_is_integer(json_object_get(json, "kwota")))
        return json;
    json_decref(json);
    return NULL;
}

bool summary_is_ours(const char *comment)
{
    json_t *json = load(comment);
    bool ours = json != NULL;

    json_decref(json);
    return ours;
}

static int64_t integer(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static int read_quality(const json_t *json, enum summary_quality *quality)
{
    const char *word = json_string_value(json_object_get(json, "quality"));

    for (size_t q = 0; word && q < QUALITIES; q++)
        if (strcmp(word, qualities[q]) == 0) {
            *quality = (enum summary_quality)q;
            return 0;
        }
    return -1;
}

int summary_read(const char *comment, struct summary *summary)
{
    json_t *json = load(comment), *used;
    char key[16];
    int rc;

    *summary = (struct summary){0};
    kinds_clear(&summary->used);
    if (!json)
        return -1;
    rc = integer(json, "kwota") == SUMMARY_FORMAT
             ? read_quality(json, &summary->quality)
             : -1;
    for (int k = 0; k < KINDS; k++) {
        snprintf(key, sizeof key, "%s_mj", kind_name((enum kind)k));
        used = json_object_get(json, key);
        if (json_is_integer(used))
            summary->used.mj[k] = json_integer_value(used);
    }
    summary->charge_mj = integer(json, "charge_mj");
    summary->overrun_mj = integer(json, "overrun_mj");
    summary->credit_mj = integer(json, "credit_mj");
    summary->simulated = json_is_true(json_object_get(json, "simulated"));
    summary->priced = json_object_get(json, "price_u") != NULL;
    summary->price_u = integer(json, "price_u");
    summary->co2_told = json_object_get(json, "co2_mg") != NULL;
    summary->co2_mg = integer(json, "co2_mg");
    summary->unpriced_mj = integer(json, "unpriced_mj");
    summary->co2_unknown_mj = integer(json, "co2_unknown_mj");
    json_decref(json);
    return rc;
}
