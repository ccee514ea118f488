/* statement_csv.c - a statement as CSV (RFC 4180): a line for each run, and JSON */
#include <inttypes.h>
#include <string.h>

#include "tools/money.h"
#include "tools/statement.h"

void statement_csv_field(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_begin(FILE *out, const json_t *head)
{
    (void)head;
    fputs("month,account,job,user,partition,name,start,end,cpu_mj,dram_mj,gpu_mj,"
          "other_mj,used_mj,borne_mj,charged_mj,charged_kwh,price,currency,co2_kg,"
          "unpriced_mj,co2_unknown_mj\r\n",
          out);
}

static void csv_line(FILE *out, const json_t *head, const struct statement_line *l)
{
    const char *const texts[] = {statement_text(head, "month"),
                                 l->account,
                                 l->job,
                                 l->user,
                                 l->partition,
                                 l->name};
    const char *currency = statement_currency(head);
    char start[STATEMENT_TIME], end[STATEMENT_TIME], kwh[ENERGY_TEXT],
        price[MONEY_TEXT] = "", co2[MONEY_TEXT] = "";

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        statement_csv_field(out, texts[i]);
        fputc(',', out);
    }
    fprintf(out, "%s,%s,", statement_time(l->start_s, start),
            statement_time(l->end_s, end));
    for (int k = 0; k < LINE_KINDS; k++)
        fprintf(out, "%" PRId64 ",", l->mj[k]);
    if (currency && l->costs.price_u != ENERGY_UNKNOWN)
        money_price(l->costs.price_u, price);
    if (currency && l->costs.co2_mg != ENERGY_UNKNOWN)
        money_co2_kg(l->costs.co2_mg, co2);
    fprintf(
        out,
        "%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%s,%s,%s,%" PRId64 ",%" PRId64 "\r\n",
        l->used_mj, l->borne_mj, l->charged_mj,
        energy_kwh(kwh, sizeof kwh, l->charged_mj, 9), price, currency ? currency : "",
        co2, l->costs.unpriced_mj, l->costs.co2_unknown_mj);
}

/* Whoever reads it adds up by himself. */
static void csv_end(FILE *out, const json_t *head, const struct statement_sums *sums)
{
    (void)out;
    (void)head;
    (void)sums;
}

const struct statement_form statement_as_csv = {csv_begin, csv_line, csv_end};

static void json_begin(FILE *out, const json_t *head)
{
    fputs("{\"statement\": ", out);
    json_dumpf(head, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fputs(",\n\"runs\": [\n", out);
}

static void put_costs(json_t *object, const struct statement_costs *costs)
{
    json_object_set_new(
        object, "price_u",
        costs->price_u == ENERGY_UNKNOWN ? json_null() : json_integer(costs->price_u));
    json_object_set_new(object, "co2_mg",
                        costs->co2_mg == ENERGY_UNKNOWN ? json_null()
                                                        : json_integer(costs->co2_mg));
    json_object_set_new(object, "unpriced_mj", json_integer(costs->unpriced_mj));
    json_object_set_new(object, "co2_unknown_mj", json_integer(costs->co2_unknown_mj));
}

static void json_line(FILE *out, const json_t *head, const struct statement_line *l)
{
    json_t *run =
        json_pack("{s:s s:s s:s s:s s:s s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "job_id",
                  l->job, "account", l->account, "user", l->user, "partition",
                  l->partition, "name", l->name, "start", (json_int_t)l->start_s, "end",
                  (json_int_t)l->end_s, "cpu_mj", (json_int_t)l->mj[0], "dram_mj",
                  (json_int_t)l->mj[1], "gpu_mj", (json_int_t)l->mj[2], "other_mj",
                  (json_int_t)l->mj[3], "used_mj", (json_int_t)l->used_mj, "borne_mj",
                  (json_int_t)l->borne_mj, "charged_mj", (json_int_t)l->charged_mj);

    if (statement_currency(head))
        put_costs(run, &l->costs);
    fputs(l->place > 1 ? ",\n" : "", out);
    json_dumpf(run, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(run);
}

static void json_end(FILE *out, const json_t *head, const struct statement_sums *sums)
{
    json_t *json =
        json_pack("{s:I s:I s:I s:I}", "runs", (json_int_t)sums->lines, "used_mj",
                  (json_int_t)sums->used_mj, "borne_mj", (json_int_t)sums->borne_mj,
                  "charged_mj", (json_int_t)sums->charged_mj);

    (void)head;
    put_costs(json, &sums->costs);
    fputs("],\n\"sums\": ", out);
    json_dumpf(json, out, JSON_PRESERVE_ORDER);
    fputs("}\n", out);
    json_decref(json);
}

const struct statement_form statement_as_json = {json_begin, json_line, json_end};
