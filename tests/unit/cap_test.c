/* cap_test.c - power and times as people write them, whose word counts, what a node may
 * use by itself, and when a run was capped */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/allowance.h"
#include "policy/cap.h"
#include "policy/cap_history.h"
#include "policy/cap_order.h"
#include "policy/daytime.h"
#include "policy/watts.h"
#include "tools/when.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void watts(void **state)
{
    static const struct {
        const char *text;
        int64_t mw; /* -1: none */
        const char *back;
    } table[] = {
        {"250W", 250000, "250"},
        {"250 W", 250000, "250"},
        {"250w", 250000, "250"},
        {"8.5W", 8500, "8.5"},
        {"0.001W", 1, "0.001"},
        {"0.3kW", 300000, "300"},
        {"1.234567 kW", 1234567, "1234.567"},
        {"250", -1, ""},
        {"250mW", -1, ""},
        {"W", -1, ""},
        {"", -1, ""},
        {"-250W", -1, ""},
        {"250.W", -1, ""},
        {".5W", -1, ""},
        {"1.2345W", -1, ""},
        {"250Wh", -1, ""},
        {"2 5W", -1, ""},
        {"99999999999999999999W", -1, ""},
        {"1e3W", -1, ""},
        {"0.0000001kW", -1, ""},
    };
    char text[WATTS_TEXT];
    int64_t mw;

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        int rc = watts_parse(table[i].text, &mw);

        if (rc != (table[i].mw < 0 ? -1 : 0) || (rc == 0 && mw != table[i].mw))
            fail_msg("%s: %d, %lld", table[i].text, rc, (long long)mw);
        if (rc == 0)
            assert_string_equal(watts_text(mw, text), table[i].back);
    }
    assert_int_equal(watts_parse_cap("10W", &mw), 0);
    assert_int_equal(watts_parse_cap("9.999W", &mw), -1);
    assert_int_equal(watts_parse_cap("10kW", &mw), 0);
    assert_int_equal(watts_parse_cap("250kW", &mw), -1);
}

static void times_of_the_day(void **state)
{
    static const struct {
        const char *between, *days;
        int day, minute;
        bool holds;
    } table[] = {
        {"17:00-20:00", NULL, 3, 17 * 60 - 1, false},
        {"17:00-20:00", NULL, 3, 17 * 60, true},
        {"17:00-20:00", NULL, 3, 20 * 60 - 1, true},
        {"17:00-20:00", NULL, 3, 20 * 60, false},
        {"17:00-20:00", "mon-fri", 6, 18 * 60, false},
        {"17:00-20:00", "mon-fri", 5, 18 * 60, true},
        {"17:00-24:00", NULL, 0, 23 * 60 + 59, true},
        {"00:00-24:00", "sun", 0, 0, true},
        {"00:00-24:00", "sun", 1, 0, false},
        {NULL, "sat,sun", 6, 700, true},
        {NULL, "sat,sun", 0, 700, true},
        {NULL, "sat,sun", 1, 700, false},
        {NULL, "fri-mon", 0, 700, true},
        {NULL, "fri-mon", 1, 700, true},
        {NULL, "fri-mon", 4, 700, false},
        {NULL, NULL, 4, 700, true},
        /* over midnight it is the day it began on that counts */
        {"22:00-06:00", "mon-fri", 1, 60, false},
        {"22:00-06:00", "mon-fri", 1, 22 * 60, true},
        {"22:00-06:00", "mon-fri", 6, 60, true},
        {"22:00-06:00", "mon-fri", 6, 22 * 60, false},
        {"22:00-06:00", "sat", 0, 6 * 60 - 1, true},
        {"22:00-06:00", "sat", 0, 6 * 60, false},
    };
    static const char *const none[] = {
        "17-20",       "17:00",       "17:00-17:00",  "24:00-01:00",
        "17:60-18:00", "25:00-26:00", "17:00-20:00 ", "",
        "7:00-08:00"};
    static const char *const no_days[] = {"",        "mo",   "mon-",   "mon,",
                                          "mon fri", "-fri", "monday", "mon-fri-sat"};
    struct daytime daytime;

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        memset(&daytime, 0, sizeof daytime);
        if (table[i].between)
            assert_int_equal(daytime_between(table[i].between, &daytime), 0);
        if (table[i].days)
            assert_int_equal(daytime_days(table[i].days, &daytime), 0);
        if (daytime_has(&daytime, table[i].day, table[i].minute) != table[i].holds)
            fail_msg("%s %s on day %d at %d", table[i].between ? table[i].between : "",
                     table[i].days ? table[i].days : "", table[i].day, table[i].minute);
    }
    for (size_t i = 0; i < COUNT(none); i++)
        assert_int_equal(daytime_between(none[i], &daytime), -1);
    for (size_t i = 0; i < COUNT(no_days); i++)
        assert_int_equal(daytime_days(no_days[i], &daytime), -1);
}

static void times_are_local(void **state)
{
    struct daytime daytime = {.days = 0};

    (void)state;
    assert_int_equal(daytime_between("17:00-20:00", &daytime), 0);
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    assert_true(daytime_holds(&daytime, 1793548800));  /* 2026-11-01 17:00 CET */
    assert_false(daytime_holds(&daytime, 1793548799)); /* … 16:59:59 */
    setenv("TZ", "UTC", 1);
    tzset();
    assert_false(daytime_holds(&daytime, 1793548800)); /* … 16:00 UTC */
}

static void ends_lie_ahead(void **state)
{
    const time_t now = 1793548800; /* 2026-11-01 16:00 UTC */
    int64_t s;

    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_int_equal(when_parse_end("18:00", now, &s), 0);
    assert_int_equal(s, now + 7200);
    assert_int_equal(when_parse_end("16:00", now, &s), 0);
    assert_int_equal(s, now + 86400);
    assert_int_equal(when_parse_end("03:30", now, &s), 0);
    assert_int_equal(s, now + 11 * 3600 + 1800);
    assert_int_equal(when_parse_end("now+2hours", now, &s), 0);
    assert_int_equal(s, now + 7200);
    assert_int_equal(when_parse_end("18:61", now, &s), -1);
    assert_int_equal(when_parse_end("soon", now, &s), -1);
}

/* A cap whose parts all have the same word. */
static struct cap cap_of(int64_t gpu, int64_t package, int64_t cpu, const char *why)
{
    const int64_t most[CAP_PARTS] = {gpu, package, cpu};
    struct cap cap = {.most = {0}};

    cap_lower(&cap, most, why);
    return cap;
}

static void the_lowest_word_counts(void **state)
{
    const struct cap policy = cap_of(300000, 150000, 0, "rule");
    const struct cap orders = cap_of(280000, 0, 50, "order");
    const struct cap equal = cap_of(300000, 0, 0, "order");
    const struct cap steer = cap_of(200000, 0, 60, "steering: 1 kWh left");
    static const struct cap none;
    const struct {
        struct cap_words words;
        int64_t most[CAP_PARTS];
        const char *why;
    } table[] = {
        {{.off = false}, {0, 0, 0}, ""},
        {{.policy = &none, .orders = &none}, {0, 0, 0}, ""},
        {{.policy = &policy}, {300000, 150000, 0}, "rule"},
        {{.policy = &policy, .orders = &orders}, {280000, 150000, 50}, "order; rule"},
        {{.policy = &policy, .orders = &equal}, {300000, 150000, 0}, "rule"},
        {{.policy = &policy, .user_gpu_mw = 400000}, {300000, 150000, 0}, "rule"},
        {{.policy = &policy, .user_gpu_mw = 250000},
         {250000, 150000, 0},
         "its user's --gpu-power-cap; rule"},
        {{.user_gpu_mw = 250000}, {250000, 0, 0}, "its user's --gpu-power-cap"},
        {{.policy = &policy, .user_gpu_mw = 250000, .orders = &orders, .steer = &steer},
         {200000, 150000, 50},
         "steering: 1 kWh left; rule; order"},
        {{.off = true,
          .policy = &policy,
          .user_gpu_mw = 250000,
          .orders = &orders,
          .steer = &steer},
         {0, 0, 0},
         ""},
    };
    char text[CAP_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct cap cap;

        cap_work_out(&table[i].words, &cap);
        assert_memory_equal(cap.most, table[i].most, sizeof cap.most);
        assert_string_equal(cap_why(&cap, text), table[i].why);
        assert_int_equal(cap_is_held(&cap), table[i].why[0] != '\0');
    }
}

static void caps_as_json_and_text(void **state)
{
    const int64_t all[CAP_PARTS] = {250500, 150000, 50}, none[CAP_PARTS] = {0};
    json_t *json = cap_json(all, "w");
    char *dumped = json_dumps(json, JSON_COMPACT), text[CAP_TEXT];

    (void)state;
    assert_string_equal(dumped, "{\"gpu_mw\":250500,\"package_mw\":150000,"
                                "\"cpu_percent\":50,\"why\":\"w\"}");
    free(dumped);
    json_decref(json);
    json = cap_json(none, "");
    assert_true(json_is_null(json));
    json_decref(json);
    assert_string_equal(
        cap_text(all, text),
        "GPUs at most 250.5 W, packages at most 150 W, CPU time at most 50 %");
    assert_string_equal(cap_text(none, text), "");
}

static void orders_are_for_whom_they_name(void **state)
{
    static const char *const accounts[] = {"astro", "physics", NULL};
    static const struct {
        struct cap_order order;
        const char *text;
        bool is_for;
    } table[] = {
        {{.scope = CAP_CLUSTER}, "12", true},
        {{.scope = CAP_PARTITION, .name = "gpu"}, "12", true},
        {{.scope = CAP_PARTITION, .name = "gpu2"}, "12", false},
        {{.scope = CAP_ACCOUNT, .name = "astro"}, "12", true},
        {{.scope = CAP_ACCOUNT, .name = "Physics"}, "12", true},
        {{.scope = CAP_ACCOUNT, .name = "bio"}, "12", false},
        {{.scope = CAP_USER, .name = "alice"}, "12", true},
        {{.scope = CAP_USER, .name = "bob"}, "12", false},
        {{.scope = CAP_JOB, .name = "12"}, "12", true},
        {{.scope = CAP_JOB, .name = "12"}, "12_3", true},
        {{.scope = CAP_JOB, .name = "12"}, "12+1", true},
        {{.scope = CAP_JOB, .name = "12"}, "123", false},
        {{.scope = CAP_JOB, .name = "12_3"}, "12_3", true},
        {{.scope = CAP_JOB, .name = "12_3"}, "12_31", false},
        {{.scope = CAP_JOB, .name = "12_3"}, "12", false},
    };
    struct cap_order orders[2] = {
        {.id = 1, .most = {300000}, .actor = "olga", .why = "hot"},
        {.id = 7, .most = {250000, 0, 40}, .actor = "oleg", .why = "peak"}};
    struct cap_ordered job = {accounts, "gpu", "alice", "12"};
    struct cap cap;

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        job.text = table[i].text;
        assert_int_equal(cap_order_is_for(&table[i].order, &job), table[i].is_for);
    }
    cap_order_cap(orders, 2, &job, &cap);
    assert_int_equal(cap.most[CAP_GPU], 250000);
    assert_string_equal(cap.why[CAP_GPU], "order 7 by oleg: peak");
    orders[1].scope = CAP_USER;
    cap_order_cap(orders, 2, &job, &cap);
    assert_int_equal(cap.most[CAP_GPU], 300000);
    assert_int_equal(cap.most[CAP_CPU], 0);
    assert_string_equal(cap.why[CAP_GPU], "order 1 by olga: hot");
}

static void allowances(void **state)
{
    static const struct {
        struct allowance a;
        int64_t mj;
    } table[] = {
        /* one node has it all */
        {{.lien_mj = 1000000, .used_mj = 0, .node_mj = 0, .nodes = 1}, 1000000},
        {{.lien_mj = 1000000, .used_mj = 400000, .node_mj = 400000, .nodes = 1},
         1000000},
        /* nobody has told yet: evenly */
        {{.lien_mj = 1000000, .used_mj = 0, .node_mj = 0, .nodes = 4}, 250000},
        /* late: nearly in proportion to use */
        {{.lien_mj = 1000000, .used_mj = 800000, .node_mj = 600000, .nodes = 2},
         600000 + INT64_C(200000) * 650001 / 900002},
        {{.lien_mj = 1000000, .used_mj = 800000, .node_mj = 200000, .nodes = 2},
         200000 + INT64_C(200000) * 250001 / 900002},
        /* all is used, or more */
        {{.lien_mj = 1000000, .used_mj = 1000000, .node_mj = 300000, .nodes = 2},
         300000},
        {{.lien_mj = 1000000, .used_mj = 1200000, .node_mj = 300000, .nodes = 2},
         300000},
        {{.lien_mj = 0, .used_mj = 0, .node_mj = 0, .nodes = 3}, 0},
        {{.lien_mj = 5, .used_mj = 0, .node_mj = 0, .nodes = 0}, 5},
        {{.lien_mj = INT64_MAX, .used_mj = 1, .node_mj = 1, .nodes = 1}, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        if (allowance_mj(&table[i].a) != table[i].mj)
            fail_msg("%zu: %lld", i, (long long)allowance_mj(&table[i].a));
}

/* However it is used: all nodes together may use the lien, and next to all of it. */
static void allowances_add_up(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 10000; round++) {
        struct allowance a = {.nodes = 1 + rand() % 20, .lien_mj = rand()};
        int64_t used[20], all = 0;

        for (int n = 0; n < a.nodes; n++)
            a.used_mj += used[n] = rand() % (2 * a.lien_mj / a.nodes + 1);
        for (int n = 0; n < a.nodes; n++) {
            a.node_mj = used[n];
            assert_true(allowance_mj(&a) >= used[n]);
            all += allowance_mj(&a);
        }
        if (a.used_mj >= a.lien_mj)
            assert_int_equal(all, a.used_mj);
        else
            assert_in_range(all, a.lien_mj - a.nodes, a.lien_mj);
    }
}

static struct cap_spell spell(int64_t from_ms, int64_t until_ms, int64_t value,
                              const char *state, const char *device)
{
    struct cap_spell s = {.from_ms = from_ms, .until_ms = until_ms, .value = value};

    snprintf(s.kind, sizeof s.kind, "gpu");
    snprintf(s.state, sizeof s.state, "%s", state);
    snprintf(s.why, sizeof s.why, "rule");
    snprintf(s.devices, sizeof s.devices, "%s", device);
    return s;
}

static void what_is_said_alike_is_one(void **state)
{
    struct cap_spell spells[] = {
        spell(2000, 9000, 250000, "set", "n1 gpu-1"),
        spell(1000, 8000, 250000, "set", "n1 gpu-0"),
        spell(1000, 8000, 250000, "failed", "n1 gpu-2"),
        spell(9000, INT64_MAX, 200000, "set", "n1 gpu-1"),
        spell(20000, 30000, 250000, "set", "n1 gpu-0"),
        spell(8500, 9500, 250000, "set", "n1 gpu-10"),
        spell(9000, INT64_MAX, 200000, "set", "n2 gpu-1"),
    };

    (void)state;
    assert_int_equal(cap_history_merge(spells, 7), 4);
    assert_string_equal(spells[0].devices, "n1 gpu-0, n1 gpu-1, n1 gpu-10");
    assert_int_equal(spells[0].from_ms, 1000);
    assert_int_equal(spells[0].until_ms, 9500);
    assert_string_equal(spells[1].state, "failed");
    assert_string_equal(spells[2].devices, "n1 gpu-1, n2 gpu-1");
    assert_int_equal(spells[2].until_ms, INT64_MAX);
    assert_int_equal(spells[3].from_ms, 20000);
    assert_int_equal(cap_history_merge(spells, 0), 0);
}

static void many_devices_are_cut_short(void **state)
{
    struct cap_spell spells[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        char device[32];

        snprintf(device, sizeof device, "node%03d gpu-0", i);
        spells[i] = spell(1000, 2000, 250000, "set", device);
    }
    assert_int_equal(cap_history_merge(spells, 100), 1);
    assert_non_null(strstr(spells[0].devices, "node000 gpu-0, node001"));
    assert_string_equal(strstr(spells[0].devices, ", …"), ", …");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watts),
        cmocka_unit_test(times_of_the_day),
        cmocka_unit_test(times_are_local),
        cmocka_unit_test(ends_lie_ahead),
        cmocka_unit_test(the_lowest_word_counts),
        cmocka_unit_test(caps_as_json_and_text),
        cmocka_unit_test(orders_are_for_whom_they_name),
        cmocka_unit_test(allowances),
        cmocka_unit_test(allowances_add_up),
        cmocka_unit_test(what_is_said_alike_is_one),
        cmocka_unit_test(many_devices_are_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
