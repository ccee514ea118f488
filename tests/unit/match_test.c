/* match_test.c - whose token it is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/match.h"

static void by_hand(void **state)
{
    static const struct {
        const char *what;
        int64_t submit_s, start_s, end_s, restart;
        bool newest, hearsay;
        int64_t at_s;
        enum match match;
    } table[] = {
        {"while it runs", 100, 110, 0, 0, true, false, 111, MATCH_SURE},
        {"node's clock behind, first run", 100, 101, 0, 0, true, false, 95, MATCH_SURE},
        {"the same, later run", 100, 101, 0, 1, true, false, 95, MATCH_LIKELY},
        {"the same, slurmdbd", 100, 101, 0, 0, false, true, 95, MATCH_LIKELY},
        {"long before", 100, 101, 0, 0, true, false, 70, MATCH_NO},
        {"forgotten start, started again", 100, 500, 0, 0, true, false, 110,
         MATCH_SURE},
        {"the same, restarted run", 100, 500, 0, 3, true, false, 110, MATCH_SURE},
        {"at its end", 100, 110, 200, 0, false, true, 201, MATCH_SURE},
        {"shortly after its end", 100, 110, 200, 0, false, true, 210, MATCH_LIKELY},
        {"the same, the newest", 100, 110, 200, 0, true, false, 210, MATCH_SURE},
        {"long after its end", 100, 110, 200, 0, true, false, 231, MATCH_NO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct lookup_run run = {.submit_s = table[i].submit_s,
                                 .start_s = table[i].start_s,
                                 .end_s = table[i].end_s,
                                 .over = table[i].end_s != 0,
                                 .started = true,
                                 .restart = table[i].restart,
                                 .hearsay = table[i].hearsay};

        if (match_run(&run, table[i].at_s, table[i].newest) != table[i].match)
            fail_msg("%s", table[i].what);
        run.started = false;
        assert_int_equal(match_run(&run, table[i].at_s, table[i].newest), MATCH_NO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
