/* limits_test.c - how many licences Slurm may give out */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/limits.h"

#define WH ESTIMATE_MJ_PER_WH

static int64_t wh_of(int64_t available_mj, const struct limits_run *runs, int count)
{
    int64_t runs_mj = 0;

    for (int i = 0; i < count; i++)
        runs_mj += limits_of_run(&runs[i]);
    return limits_wh(available_mj, runs_mj);
}

static void table(void **state)
{
    static const struct {
        const char *what;
        int64_t available_mj;
        struct limits_run runs[2];
        int count;
        int64_t wh;
    } cases[] = {
        {"nothing runs", 100 * WH, {{0}}, 0, 100},
        {"a part of a Wh is not given out", 100 * WH - 1, {{0}}, 0, 99},
        /* 1000 Wh, a run with a lien of 500 leaves 500 available. */
        {"just begun", 500 * WH, {{500, 500 * WH, 0, 0, 0}}, 1, 1000},
        {"has used 300: so much less may be out",
         500 * WH,
         {{500, 500 * WH, 300 * WH, 0, 0}},
         1,
         700},
        {"… and 50 since", 500 * WH, {{500, 500 * WH, 300 * WH, 50 * WH, 0}}, 1, 650},
        {"a lien beyond its licence is not Slurm's",
         400 * WH,
         {{500, 600 * WH, 0, 0, 0}},
         1,
         900},
        {"a licence beyond its lien holds its lien",
         500 * WH,
         {{600, 500 * WH, 0, 0, 0}},
         1,
         1000},
        /* 700 used of a lien of 500: 300 available */
        {"more used than its lien",
         300 * WH,
         {{500, 500 * WH, 700 * WH, 0, 0}},
         1,
         100},
        {"two runs",
         200 * WH,
         {{500, 500 * WH, 100 * WH, 0, 0}, {300, 300 * WH, 0, 0, 0}},
         2,
         900},
        /* Of 700 it has taken 300 just now: Slurm has 300 out, 400 are left. */
        {"a lien that is not off yet is not given out twice",
         700 * WH,
         {{300, 300 * WH, 0, 0, 300 * WH}},
         1,
         700},
        {"overdrawn", -5 * WH, {{0}}, 0, 0},
        {"nothing left, two run",
         0,
         {{500, 500 * WH, 499 * WH, WH, 0}, {10, 10 * WH, 10 * WH, 0, 0}},
         2,
         0},
        {"Slurm counts no more licences", INT64_MAX, {{0}}, 0, 2000000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s\n", cases[i].what);
        assert_int_equal(wh_of(cases[i].available_mj, cases[i].runs, cases[i].count),
                         cases[i].wh);
    }
}

static uint64_t random_state = 1;

static int64_t random_below(int64_t most)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (int64_t)((random_state >> 33) % (uint64_t)most);
}

/* Whatever ends when: what Slurm may give out beside what it has given out is never
 * more than what the quota has beside what is used and set aside, and after a run's
 * end, before it is charged, never more either. */
static void nothing_leaks(void **state)
{
    (void)state;
    for (int round = 0; round < 1000000; round++) {
        int64_t quota_mj = random_below(1000 * WH), available_mj = quota_mj, out_wh = 0;
        int64_t used_mj = 0, wh;
        struct limits_run runs[8];
        int count = (int)random_below(9), ends;

        for (int i = 0; i < count; i++) {
            struct limits_run *r = &runs[i];

            r->lien_mj = random_below(200 * WH);
            r->licence_wh = random_below(200);
            r->used_mj = random_below(r->lien_mj + WH);
            r->since_mj = random_below(WH);
            available_mj -= r->lien_mj > r->used_mj ? r->lien_mj : r->used_mj;
            used_mj += r->used_mj;
            out_wh += r->licence_wh;
        }
        wh = wh_of(available_mj, runs, count);
        if (count > 0) {
            ends = (int)random_below(count);
            /* Slurm has its licence back; the quota has what it used no more. */
            if (wh > out_wh - runs[ends].licence_wh) {
                int64_t free_wh = wh - (out_wh - runs[ends].licence_wh);
                int64_t true_mj = available_mj;

                true_mj += runs[ends].lien_mj > runs[ends].used_mj
                               ? runs[ends].lien_mj - runs[ends].used_mj
                               : 0;
                assert_true(free_wh * WH <= true_mj);
            }
        }
        if (wh > out_wh)
            assert_true((wh - out_wh) * WH <= available_mj);
        assert_true(used_mj >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(nothing_leaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
