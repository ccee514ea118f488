/* balance_test.c - what one window brings to the next, and what is left */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/balance.h"

static void brought(void **state)
{
    static const struct {
        int64_t carry, borrow, mj, granted, settled, open, next;
        struct balance_brought in, out;
    } table[] = {
        /* nothing carried, nothing borrowed */
        {0, 0, 100, 0, 40, 0, 100, {0, 0}, {0, 0}},
        {0, 0, 100, 0, 140, 0, 100, {0, 0}, {0, 0}},
        /* what is left, up to a part of the quota */
        {20, 0, 100, 0, 40, 0, 100, {0, 0}, {20, 0}},
        {20, 0, 100, 0, 90, 0, 100, {0, 0}, {10, 0}},
        {20, 0, 100, 0, 80, 15, 100, {0, 0}, {5, 0}},
        {20, 0, 100, 0, 100, 0, 100, {0, 0}, {0, 0}},
        {20, 0, 100, 0, 130, 0, 100, {0, 0}, {0, 0}},
        /* of the next quota */
        {20, 0, 100, 0, 0, 0, 200, {0, 0}, {40, 0}},
        /* grants count, and so do those taken back */
        {50, 0, 100, 30, 100, 0, 100, {0, 0}, {30, 0}},
        {50, 0, 100, -30, 60, 0, 100, {0, 0}, {10, 0}},
        {50, 0, 100, -130, 0, 0, 100, {0, 0}, {0, 0}},
        /* what was brought is used first and is not carried again */
        {20, 0, 100, 0, 0, 0, 100, {20, 0}, {20, 0}},
        {20, 0, 100, 0, 110, 0, 100, {20, 0}, {10, 0}},
        {20, 0, 100, 0, 20, 0, 30, {20, 0}, {6, 0}},
        /* what was borrowed is owed, no more than might be */
        {0, 10, 100, 0, 105, 0, 100, {0, 0}, {0, 5}},
        {0, 10, 100, 0, 100, 8, 100, {0, 0}, {0, 8}},
        {0, 10, 100, 0, 300, 0, 100, {0, 0}, {0, 10}},
        {0, 10, 100, 0, 100, 0, 100, {0, 10}, {0, 10}},
        {0, 10, 100, 0, 85, 0, 100, {0, 10}, {0, 0}},
        {50, 10, 100, 0, 85, 0, 100, {0, 10}, {5, 0}},
        {20, 10, 100, 0, 125, 0, 100, {20, 0}, {0, 5}},
        {0, 10, 100, 50, 155, 0, 100, {0, 0}, {0, 5}},
        /* the ends of the integers */
        {100,
         100,
         INT64_MAX,
         INT64_MAX,
         0,
         0,
         INT64_MAX,
         {INT64_MAX, 0},
         {INT64_MAX, 0}},
        {100, 100, 0, 0, INT64_MAX, INT64_MAX, INT64_MAX, {0, 0}, {0, 0}},
        {100,
         100,
         INT64_MAX,
         INT64_MIN,
         INT64_MAX,
         INT64_MAX,
         0,
         {0, INT64_MAX},
         {0, INT64_MAX}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct quota quota = {.carry_percent = table[i].carry,
                                    .borrow_percent = table[i].borrow};
        const struct balance_terms terms = {.mj = table[i].mj,
                                            .granted_mj = table[i].granted,
                                            .settled_mj = table[i].settled,
                                            .open_mj = table[i].open};
        struct balance_brought out;

        balance_bring(&quota, &terms, table[i].next, &table[i].in, &out);
        if (out.carried_mj != table[i].out.carried_mj ||
            out.owed_mj != table[i].out.owed_mj)
            fail_msg("row %zu: carried %lld, owed %lld", i, (long long)out.carried_mj,
                     (long long)out.owed_mj);
    }
}

/* Sure means: the same from whatever could have been brought. */
static void sure_is_sure(void **state)
{
    int sure = 0, unsure = 0;

    (void)state;
    for (int64_t used = 0; used <= 160; used++) {
        const struct quota quota = {.carry_percent = 20, .borrow_percent = 10};
        const struct balance_terms terms = {.mj = 100, .settled_mj = used};
        struct balance_brought out, other;

        if (!balance_is_sure(&quota, &terms, 100, 100, &out)) {
            unsure++;
            continue;
        }
        sure++;
        for (int64_t carried = 0; carried <= 20; carried++)
            for (int64_t owed = 0; owed <= 10; owed++) {
                const struct balance_brought in = {carried, owed};

                balance_bring(&quota, &terms, 100, &in, &other);
                assert_int_equal(other.carried_mj, out.carried_mj);
                assert_int_equal(other.owed_mj, out.owed_mj);
            }
    }
    /* Up to 70 the cap is carried whatever was owed; from 130 all is owed. */
    assert_int_equal(sure, 71 + 31);
    assert_int_equal(unsure, 59);
}

static void made(void **state)
{
    const struct quota quota = {.borrow_percent = 10};
    const struct balance_terms terms = {.mj = 1000,
                                        .granted_mj = 50,
                                        .settled_mj = 300,
                                        .open_mj = 200,
                                        .reserved_mj = 100};
    const struct balance_brought in = {70, 30};
    struct balance b;

    (void)state;
    balance_make(&quota, &terms, &in, &b);
    assert_int_equal(b.quota_mj, 1000 + 70 + 100 + 50 - 30);
    assert_int_equal(b.borrowed_mj, 100);
    assert_int_equal(b.used_mj, 500);
    assert_int_equal(b.open_mj, 200);
    assert_int_equal(b.available_mj, 1190 - 500 - 100);
}

static void percents(void **state)
{
    (void)state;
    assert_int_equal(balance_percent(199, 50), 99);
    assert_int_equal(balance_percent(0, 100), 0);
    assert_true(balance_percent(INT64_MAX, 100) == INT64_MAX);
    assert_true(balance_percent(INT64_MAX, 1000) == INT64_MAX);
}

/* The overrun is what was used last. */
static void charged(void **state)
{
    static const struct {
        int64_t before, in, all, overrun, charged;
    } table[] = {
        {0, 100, 100, 0, 100}, {0, 100, 100, 30, 70}, {50, 50, 100, 30, 20},
        {50, 50, 100, 60, 0},  {0, 50, 100, 30, 50},  {0, 50, 100, 60, 40},
        {0, 100, 100, 200, 0}, {20, 30, 100, 40, 30}, {0, 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(balance_charged(table[i].before, table[i].in, table[i].all,
                                         table[i].overrun),
                         table[i].charged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brought), cmocka_unit_test(sure_is_sure),
        cmocka_unit_test(made),    cmocka_unit_test(percents),
        cmocka_unit_test(charged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
