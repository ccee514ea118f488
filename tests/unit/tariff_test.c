/* tariff_test.c - what a kWh costs, by account and time; charges keep their price */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/decimal.h"
#include "policy/energy.h"
#include "policy/pricing.h"
#include "tests/unit/money_books.h"

#define KWH INT64_C(3600000000)
#define U INT64_C(1000000)

/* 2026-11-04 is a Wednesday. */
#define WEDNESDAY (NOVEMBER + 3 * DAY)
#define HOUR 3600

static void decimals_are_exact(void **state)
{
    static const struct {
        const char *text;
        int places, rc;
        int64_t value;
        const char *shown;
    } table[] = {
        {"0.285", 6, 0, 285000, "0.285"},
        {"1", 6, 0, 1000000, "1"},
        {"0.000001", 6, 0, 1, "0.000001"},
        {"0.0000010", 6, 0, 1, "0.000001"},
        {"380.5", 3, 0, 380500, "380.5"},
        {"007", 0, 0, 7, "7"},
        {"0.0000001", 6, DECIMAL_FINE, 0, NULL},
        {"99999999999999999999", 6, DECIMAL_LARGE, 0, NULL},
        {"9223372036854.775807", 6, 0, INT64_MAX, "9223372036854.775807"},
        {"9223372036854.775808", 6, DECIMAL_LARGE, 0, NULL},
        {"", 6, DECIMAL_NONE, 0, NULL},
        {".5", 6, DECIMAL_NONE, 0, NULL},
        {"5.", 6, DECIMAL_NONE, 0, NULL},
        {"1.2.3", 6, DECIMAL_NONE, 0, NULL},
        {"-1", 6, DECIMAL_NONE, 0, NULL},
        {"1e3", 6, DECIMAL_NONE, 0, NULL},
    };
    char text[DECIMAL_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t value = 0;

        assert_int_equal(decimal_parse(table[i].text, table[i].places, &value),
                         table[i].rc);
        if (table[i].rc)
            continue;
        assert_int_equal(value, table[i].value);
        assert_string_equal(decimal_text(value, table[i].places, 0, text),
                            table[i].shown);
    }
    assert_string_equal(decimal_text(-1230000, 6, 2, text), "-1.23");
    assert_string_equal(decimal_text(1200000, 6, 2, text), "1.20");
    assert_string_equal(decimal_text(-5, 6, 2, text), "-0.000005");
}

#define RULES                                                                          \
    "{\"credits\": {\"NODE_FAIL\": 100, \"PREEMPTED\": 33}, "                          \
    "\"tariff\": {\"currency\": \"EUR\", \"price\": 0.3, \"pue\": 1.5, \"co2_g\": "    \
    "400,"                                                                             \
    " \"rules\": [{\"between\": \"22:00-06:00\", \"price\": \"0.2\"},"                 \
    " {\"account\": \"industry\", \"price\": \"0.5\"},"                                \
    " {\"account\": \"industry\", \"between\": \"17:00-20:00\", \"days\": "            \
    "\"mon-fri\","                                                                     \
    " \"price\": \"0.9\"},"                                                            \
    " {\"account\": \"sub\", \"price\": \"0.45\"}]}}"

static void the_nearest_and_latest_rule_counts(void **state)
{
    static const char *const astro[] = {"astro", NULL},
                             *const firm[] = {"firm", "industry", NULL},
                             *const sub[] = {"sub", "industry", NULL};
    static const struct {
        const char *const *accounts;
        int64_t at_s, price_u;
    } table[] = {
        {astro, WEDNESDAY + 12 * HOUR, 300000},
        {astro, WEDNESDAY + 22 * HOUR, 200000},
        {astro, WEDNESDAY + 22 * HOUR - 900, 300000},
        {astro, WEDNESDAY + 6 * HOUR - 900, 200000},
        {astro, WEDNESDAY + 6 * HOUR, 300000},
        {firm, WEDNESDAY + 12 * HOUR, 500000},
        {firm, WEDNESDAY + 23 * HOUR, 500000},
        {firm, WEDNESDAY + 17 * HOUR, 900000},
        {firm, WEDNESDAY + 17 * HOUR + 3 * DAY, 500000},
        {sub, WEDNESDAY + 17 * HOUR, 450000},
    };
    struct policy *policy = money_policy(RULES);
    const struct tariff *tariff = policy_tariff(policy);

    (void)state;
    assert_string_equal(tariff->currency, "EUR");
    assert_int_equal(tariff->pue, 1500000);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(tariff_price_u(tariff, table[i].accounts, table[i].at_s),
                         table[i].price_u);
    assert_int_equal(tariff_co2_mg(tariff, WEDNESDAY), 400000);
    policy_release(policy);
}

/* What is shown is the same tariff again, and what the ledger keeps. */
static void a_tariff_is_shown_as_it_is_read(void **state)
{
    struct policy *policy = money_policy(RULES);
    json_t *shown = tariff_show(policy_tariff(policy)), *again;
    char *text = json_dumps(shown, JSON_COMPACT);
    struct tariff *tariff = policy_tariff_again(text);

    (void)state;
    assert_non_null(tariff);
    again = tariff_show(tariff);
    assert_true(json_equal(shown, again));
    json_decref(shown);
    json_decref(again);
    free(text);
    tariff_free(tariff);
    assert_null(policy_tariff_again("{}"));
    policy_release(policy);
    policy = money_policy("{\"tariff\": {}}");
    assert_null(policy_tariff(policy));
    policy_release(policy);
}

/* A file that was there when the tariff was kept. */
static void a_lost_file_is_done_without(void **state)
{
    struct tariff *tariff = policy_tariff_again(
        "{\"currency\":\"EUR\",\"price\":\"0.3\",\"rules\":[{\"file\":\"/no/such\"}],"
        "\"co2_g\":\"7\",\"co2_file\":\"/no/such\"}");

    (void)state;
    assert_non_null(tariff);
    assert_int_equal(tariff_price_u(tariff, NULL, WEDNESDAY), 300000);
    assert_int_equal(tariff_co2_mg(tariff, WEDNESDAY), 7000);
    tariff_free(tariff);
}

static void mistakes_are_told(void **state)
{
    static const struct {
        const char *tariff, *complaints;
    } table[] = {
        {"{\"price\": 0.3}", "k:1:12: tariff: it needs a currency, such as \"EUR\"\n"},
        {"{\"currency\": \"EUR\"}", "k:1:12: tariff: it needs a price: what a kWh "
                                    "costs where no rule says else\n"},
        {"{\"currency\": \"EUR\", \"price\": \"0.30 EUR\"}",
         "k:1:41: tariff.price: must be a price of a kWh, such as \"0.285\", not "
         "\"0.30 EUR\"\n"},
        {"{\"currency\": \"EUR\", \"price\": -1}",
         "k:1:41: tariff.price: must be a price of a kWh, such as \"0.285\", not -1\n"},
        {"{\"currency\": \"EUR\", \"price\": 0.1234567}",
         "k:1:41: tariff.price: it may have 6 decimal places at most\n"},
        {"{\"currency\": \"EUR\", \"price\": 12345678}",
         "k:1:41: tariff.price: it may be 1000000 at most\n"},
        {"{\"currency\": \"EUR\", \"price\": 1, \"pue\": 0.9}",
         "k:1:51: tariff.pue: must be a PUE from 1 on, such as \"1.35\", not 0.9\n"},
        {"{\"currency\": \"EUR\", \"prize\": 1, \"price\": 1}",
         "k:1:32: tariff.prize: there is no such key; did you mean \"price\"?\n"},
        {"{\"currency\": \"EUR\", \"price\": 1, \"since\": \"1.1.2027\"}",
         "k:1:53: tariff.since: must be a day, such as \"2027-01-01\", not "
         "\"1.1.2027\"\n"},
        {"{\"currency\": \"EUR\", \"price\": 1, \"rules\": [{\"account\": \"a\"}]}",
         "k:1:54: tariff.rules[0]: it must have either a price or a file\n"},
        {"{\"currency\": \"EUR\", \"price\": 1, \"rules\": [{\"price\": 1,"
         " \"between\": \"17:05-18:00\"}]}",
         "k:1:78: tariff.rules[0].between: must be a time of the day on quarter-hours, "
         "such as \"17:00-20:15\", not \"17:05-18:00\"\n"},
        {"{\"currency\": \"EUR\", \"price\": 1, \"co2_file\": \"c.csv\"}",
         "k:1:56: tariff.co2_file: c.csv:3: it is not later than the line before "
         "it\n"},
        {"{\"currency\": \"EUR\", \"price\": 1, \"co2_file\": \"no.csv\"}",
         "k:1:56: tariff.co2_file: no.csv cannot be read: No such file or directory\n"},
    };
    struct policy_files files;

    (void)state;
    policy_files_make(&files);
    policy_files_write(&files, "c.csv",
                       "time,g\n2026-11-01T01:00Z,5\n2026-11-01T01:00Z,6\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[512], *complaints;

        snprintf(text, sizeof text, "{\"tariff\": %s}", table[i].tariff);
        assert_null(policy_files_read(&files, policy_files_write(&files, "k", text),
                                      &complaints));
        assert_string_equal(complaints, table[i].complaints);
        free(complaints);
    }
    policy_files_remove(&files);
}

static void files_give_quarter_hours(void **state)
{
    static const struct {
        int64_t at_s, price_u, co2_mg;
    } table[] = {
        {NOVEMBER - 900, 300000, -1},     /* before both */
        {NOVEMBER, 100000, 250500},       /* local time is UTC here */
        {NOVEMBER + 900, 110000, 250500}, /* an hour's grams hold an hour */
        {NOVEMBER + 1800, 120000, 250500},
        {NOVEMBER + 2700, 120000, 250500},
        {NOVEMBER + 3600, 120000, 100000},
        {NOVEMBER + 5400, 300000, 100000}, /* the last price held an hour */
        {NOVEMBER + 7200, 300000, -1},
    };
    struct policy_files files;
    struct policy *policy;
    const struct tariff *tariff;
    char *complaints;

    (void)state;
    policy_files_make(&files);
    policy_files_write(&files, "p.csv",
                       "2026-11-01T00:00,0.1\n# a remark\n\n"
                       "2026-11-01T02:15+02:00, 0.11\n1793493000,0.12\n");
    policy_files_write(&files, "c.csv",
                       "time,value\r\n2026-11-01 00:00:00,250.5\r\n"
                       "2026-11-01T01:00Z,100\r\n");
    policy = policy_files_read(
        &files,
        policy_files_write(&files, "k",
                           "{\"tariff\": {\"currency\": \"EUR\", \"price\": 0.3,"
                           " \"rules\": [{\"file\": \"p.csv\"}],"
                           " \"co2_file\": \"c.csv\"}}"),
        &complaints);
    assert_string_equal(complaints, "");
    free(complaints);
    tariff = policy_tariff(policy);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(tariff_price_u(tariff, NULL, table[i].at_s), table[i].price_u);
        assert_int_equal(tariff_co2_mg(tariff, table[i].at_s), table[i].co2_mg);
    }
    policy_release(policy);
    policy_files_remove(&files);
}

#define FLAT(price)                                                                    \
    "{\"credits\": {\"NODE_FAIL\": 100, \"PREEMPTED\": 50},"                           \
    " \"tariff\": {\"currency\": \"EUR\", \"price\": \"" price "\", \"pue\": \"1.5\"," \
    " \"co2_g\": 400}}"

/* The policy is in force from then on. */
static struct policy *enact(struct books *b, const char *text, int64_t now_s)
{
    struct policy *policy = money_policy(text);

    assert_int_equal(pricing_keep(b->ledger, policy, now_s), 0);
    return policy;
}

static void a_charge_has_its_price(void **state)
{
    static const struct {
        const char *state;
        int64_t mj, price_u, credit_u, co2_mg;
    } table[] = {
        {"COMPLETED", KWH, 450000, 0, 400000},
        {"COMPLETED", 4000, 1, 0, 0},  /* 0.5 u: half up */
        {"COMPLETED", 3999, 0, 0, 0},  /* just below */
        {"COMPLETED", 12000, 2, 0, 1}, /* 1.5 u; 1.33 mg */
        {"NODE_FAIL", KWH + 1, 450000, -450000, 400000},
        {"PREEMPTED", KWH, 450000, -225000, 400000},
    };
    struct books *b = *state;
    struct policy *policy = enact(b, FLAT("0.3"), NOVEMBER);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t id = (int64_t)i + 1;

        money_run(b, id, "astro", "u", table[i].state, WEDNESDAY);
        money_use(b, id, WEDNESDAY - 100, "package", table[i].mj);
        money_settle(b, policy, id, WEDNESDAY + 10);
        assert_int_equal(ledger_number(b->ledger, -1,
                                       "SELECT price_u FROM entries WHERE run_id = ?"
                                       " AND kind = 'charge'",
                                       "i", id),
                         table[i].price_u);
        assert_int_equal(ledger_number(b->ledger, -1,
                                       "SELECT co2_mg FROM entries WHERE run_id = ?"
                                       " AND kind = 'charge'",
                                       "i", id),
                         table[i].co2_mg);
        assert_int_equal(ledger_number(b->ledger, 0,
                                       "SELECT price_u FROM entries WHERE run_id = ?"
                                       " AND kind = 'credit'",
                                       "i", id),
                         table[i].credit_u);
    }
    money_agrees(b);
    policy_release(policy);
}

/* Each quarter-hour by the tariff of its time; what was charged stays. */
static void a_change_changes_no_charge(void **state)
{
    struct books *b = *state;
    struct policy *first = enact(b, FLAT("0.3"), NOVEMBER), *second;

    money_run(b, 1, "astro", "u", "COMPLETED", WEDNESDAY + 60);
    money_use(b, 1, WEDNESDAY - 900, "package", KWH);
    money_settle(b, first, 1, WEDNESDAY + 70);
    second = enact(b, FLAT("0.6"), WEDNESDAY + 100);
    assert_int_equal(pricing_keep(b->ledger, second, WEDNESDAY + 5000), 0);
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM tariffs"), 2);
    /* a run on both sides of it; late counts of the first */
    money_run(b, 2, "astro", "u", "COMPLETED", WEDNESDAY + 1000);
    money_use(b, 2, WEDNESDAY - 1, "gpu", KWH);
    money_use(b, 2, WEDNESDAY, "gpu", KWH);
    money_settle(b, second, 2, WEDNESDAY + 1100);
    money_use(b, 1, WEDNESDAY - 900, "dram", KWH);
    money_settle(b, second, 1, WEDNESDAY + 1200);
    assert_int_equal(money_number(b, "SELECT price_u FROM entries WHERE run_id = 1 AND"
                                     " kind = 'charge'"),
                     450000);
    assert_int_equal(money_number(b, "SELECT price_u FROM entries WHERE run_id = 1 AND"
                                     " kind = 'adjustment'"),
                     450000);
    assert_int_equal(money_number(b, "SELECT price_u FROM entries WHERE run_id = 2"),
                     450000 + 900000);
    money_agrees(b);
    policy_release(first);
    policy_release(second);
}

static void without_a_tariff_there_is_no_price(void **state)
{
    struct books *b = *state;
    struct policy *policy = money_policy("{}"), *late, *dollars;

    assert_int_equal(pricing_keep(b->ledger, policy, NOVEMBER), 0);
    assert_int_equal(money_number(b, "SELECT COUNT(*) FROM tariffs"), 0);
    money_run(b, 1, "astro", "u", "COMPLETED", WEDNESDAY);
    money_use(b, 1, WEDNESDAY - 900, "package", KWH);
    money_settle(b, policy, 1, WEDNESDAY + 10);
    /* it begins afterwards */
    late = enact(b, FLAT("0.3"), WEDNESDAY + DAY);
    money_run(b, 2, "astro", "u", "COMPLETED", WEDNESDAY);
    money_use(b, 2, WEDNESDAY - 900, "package", KWH);
    money_settle(b, late, 2, WEDNESDAY + DAY + 10);
    assert_int_equal(
        money_number(b, "SELECT COUNT(*) FROM entries WHERE price_u IS NULL AND"
                        " co2_mg IS NULL"),
        2);
    /* ended again */
    assert_int_equal(pricing_keep(b->ledger, policy, WEDNESDAY + 2 * DAY), 0);
    money_run(b, 3, "astro", "u", "COMPLETED", WEDNESDAY + 3 * DAY);
    money_use(b, 3, WEDNESDAY + 3 * DAY - 900, "package", KWH);
    money_settle(b, policy, 3, WEDNESDAY + 3 * DAY + 10);
    assert_int_equal(
        money_number(b, "SELECT COUNT(*) FROM entries WHERE price_u IS NULL"), 3);
    dollars = money_policy("{\"tariff\": {\"currency\": \"USD\", \"price\": 1}}");
    assert_int_equal(pricing_keep(b->ledger, dollars, WEDNESDAY + 4 * DAY), -2);
    money_agrees(b);
    policy_release(policy);
    policy_release(late);
    policy_release(dollars);
}

/* A planned tariff counts from its day on. */
static void a_tariff_has_its_day(void **state)
{
    struct books *b = *state;
    struct policy *policy = enact(b, FLAT("0.3"), NOVEMBER);
    struct policy *planned = enact(b,
                                   "{\"tariff\": {\"currency\": \"EUR\", \"price\": 2,"
                                   " \"since\": \"2026-11-05\"}}",
                                   NOVEMBER + DAY);

    money_run(b, 1, "astro", "u", "COMPLETED", WEDNESDAY + DAY + 60);
    money_use(b, 1, WEDNESDAY + DAY - 1, "package", KWH);
    money_use(b, 1, WEDNESDAY + DAY, "package", KWH);
    money_settle(b, planned, 1, WEDNESDAY + DAY + 70);
    assert_int_equal(money_number(b, "SELECT price_u FROM entries"), 450000 + 2 * U);
    /* the second has no CO2: of that half it is not known */
    assert_int_equal(money_number(b, "SELECT co2_mg FROM entries"), 400000);
    assert_int_equal(money_number(b, "SELECT co2_unknown_mj FROM entries"), KWH);
    assert_int_equal(money_number(b, "SELECT unpriced_mj FROM entries"), 0);
    money_agrees(b);
    policy_release(policy);
    policy_release(planned);
}

/* A run on both sides of its first tariff, with what the centre bears: what is not
 * known stands beside what is, in its entries and all sums. */
static void what_is_not_known_is_told(void **state)
{
    static const struct {
        const char *state;
        int64_t before_mj, after_mj, lien_mj; /* of use; lien 0: none */
        int64_t price_u, unpriced_mj;         /* after its credit */
    } table[] = {
        {"COMPLETED", 0, KWH, 0, 450000, 0},
        {"COMPLETED", KWH, 0, 0, 0, KWH},
        {"COMPLETED", KWH, KWH, 0, 450000, KWH},
        {"COMPLETED", KWH, KWH, KWH, 225000, KWH / 2}, /* half of it is borne */
        {"NODE_FAIL", KWH, KWH, 0, 0, 0},
        {"PREEMPTED", KWH, KWH, 0, 225000, KWH / 2},
    };
    struct books *b = *state;
    struct policy *policy = enact(b, FLAT("0.3"), WEDNESDAY);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t id = (int64_t)i + 1;

        money_run(b, id, "astro", "u", table[i].state, WEDNESDAY + 900);
        money_use(b, id, WEDNESDAY - 900, "package", table[i].before_mj);
        money_use(b, id, WEDNESDAY, "package", table[i].after_mj);
        assert_int_equal(ledger_do(b->ledger,
                                   "UPDATE runs SET decision = 'held' WHERE id = ?",
                                   "i", id),
                         0);
        if (table[i].lien_mj)
            books_lien(b, id, table[i].lien_mj, WEDNESDAY - 900, WEDNESDAY + 900);
        money_settle(b, policy, id, WEDNESDAY + 910);
        assert_int_equal(ledger_number(b->ledger, 0,
                                       "SELECT SUM(price_u) FROM entries WHERE"
                                       " run_id = ?",
                                       "i", id),
                         table[i].price_u);
        assert_int_equal(ledger_number(b->ledger, -1,
                                       "SELECT SUM(unpriced_mj) FROM entries WHERE"
                                       " run_id = ?",
                                       "i", id),
                         table[i].unpriced_mj);
        assert_int_equal(ledger_number(b->ledger, -1,
                                       "SELECT SUM(co2_unknown_mj) FROM entries WHERE"
                                       " run_id = ?",
                                       "i", id),
                         table[i].unpriced_mj);
    }
    assert_int_equal(
        money_number(b, "SELECT price_u IS NULL AND co2_mg IS NULL FROM entries"
                        " WHERE run_id = 2"),
        1);
    money_agrees(b);
    policy_release(policy);
}

static const char *const kinds[] = {"package", "dram", "gpu", "platform"};

/* Random runs with overruns, credits and late counts under changing tariffs: each sum
 * has the entries' price, and what is wholly the centre's costs nothing. */
static void prices_agree_in_all_sums(void **state)
{
    static const char *const states[] = {"COMPLETED", "NODE_FAIL", "PREEMPTED"};
    struct books *b = *state;
    struct policy *policies[] = {money_policy(FLAT("0.287333")), money_policy(RULES)};
    uint64_t seed = 7;

    ledger_number(b->ledger, 0, "PRAGMA synchronous = OFF", "");
    books_account(b, "c", "sub", "industry");
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    assert_int_equal(pricing_keep(b->ledger, policies[0], NOVEMBER - 2 * DAY), 0);
    assert_int_equal(pricing_keep(b->ledger, policies[1], NOVEMBER - DAY), 0);
    for (int64_t id = 1; id <= 150; id++) {
        int64_t end_s = NOVEMBER + money_random(&seed) % (4 * DAY) - 2 * DAY;
        int64_t length_s = money_random(&seed) % (2 * DAY);

        money_run(b, id, id % 2 ? "sub" : "astro", "u", states[id % 3], end_s);
        for (int64_t s = end_s - length_s; s <= end_s; s += QUARTER_S)
            money_use(b, id, s, kinds[money_random(&seed) % 4],
                      money_random(&seed) % 30000);
        if (id % 4 == 0)
            assert_int_equal(ledger_do(b->ledger,
                                       "UPDATE runs SET decision = 'held' WHERE id = ?",
                                       "i", id),
                             0);
        if (id % 4 == 0)
            books_lien(b, id, id % 8 ? money_random(&seed) % 2000000 : 0,
                       end_s - length_s, end_s);
        money_settle(b, policies[1], id, NOVEMBER + 5 * DAY);
        if (id % 3 == 1) {
            money_use(b, id, end_s - 5000, "gpu", money_random(&seed) % 90000);
            money_settle(b, policies[1], id, NOVEMBER + 6 * DAY);
        }
    }
    money_agrees(b);
    assert_true(money_number(b, "SELECT SUM(price_u) FROM entries") > 1000);
    assert_int_equal(
        money_number(b, "SELECT COUNT(*) FROM entries WHERE kind = 'charge' AND"
                        " (price_u < 0 OR (mj = 0 AND price_u <> 0) OR co2_mg < 0)"),
        0);
    /* all of it given back: nothing is left of the price */
    assert_int_equal(
        money_number(b, "SELECT COUNT(*) FROM (SELECT run_id, SUM(price_u) AS u,"
                        " SUM(co2_mg) AS mg FROM entries GROUP BY run_id) JOIN runs r"
                        " ON r.id = run_id WHERE slurm_state = 'NODE_FAIL' AND"
                        " (u <> 0 OR mg <> 0)"),
        0);
    assert_true(money_number(b, "SELECT SUM(unpriced_mj) FROM entries") > 1000);
    assert_int_equal(
        money_number(b, "SELECT COUNT(*) FROM entries WHERE kind = 'charge' AND"
                        " (unpriced_mj < 0 OR unpriced_mj > mj)"),
        0);
    policy_release(policies[0]);
    policy_release(policies[1]);
}

static void a_price_is_foretold(void **state)
{
    static const char *const astro[] = {"astro", NULL};
    struct policy *policy = money_policy(RULES);
    struct price price;

    (void)state;
    /* an hour at 0.30 and one at 0.20, times 1.5 */
    pricing_foretell(policy_tariff(policy), astro, WEDNESDAY + 21 * HOUR, 2 * HOUR,
                     2 * KWH, &price);
    assert_int_equal(price.price_u, 750000);
    assert_int_equal(price.co2_mg, 800000);
    pricing_foretell(NULL, astro, WEDNESDAY, HOUR, KWH, &price);
    assert_true(price.price_u == ENERGY_UNKNOWN);
    policy_release(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test_setup_teardown(the_nearest_and_latest_rule_counts, books_open,
                                        books_close),
        cmocka_unit_test(a_tariff_is_shown_as_it_is_read),
        cmocka_unit_test(a_lost_file_is_done_without),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test_setup_teardown(files_give_quarter_hours, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_charge_has_its_price, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_change_changes_no_charge, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(without_a_tariff_there_is_no_price, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_tariff_has_its_day, books_open, books_close),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_told, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(prices_agree_in_all_sums, books_open,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_price_is_foretold, books_open, books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
