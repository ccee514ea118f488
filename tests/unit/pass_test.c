/* pass_test.c - signed words that let a person in for a while */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/pass.h"

#define NOW INT64_C(1793491200)

static const unsigned char key[PASS_KEY] = "a key that only one kwotad has";
static const unsigned char other_key[PASS_KEY] = "a key of another kwotad";

static void it_opens_until_its_time(void **state)
{
    static const struct {
        int64_t at_s;
        enum pass_state state;
    } table[] = {{NOW - 300, PASS_GOOD},
                 {NOW - 1, PASS_GOOD},
                 {NOW, PASS_EXPIRED},
                 {NOW + 86400, PASS_EXPIRED}};
    struct pass pass = {PASS_LINK, 63001, NOW, 17}, told;
    char text[PASS_TEXT];

    (void)state;
    assert_int_equal(strncmp(pass_write(key, &pass, text), "link.63001.", 11), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(pass_read(key, PASS_LINK, text, table[i].at_s, &told),
                         table[i].state);
        assert_int_equal(told.uid, 63001);
        assert_int_equal(told.serial, 17);
    }
}

static void another_key_or_kind_opens_nothing(void **state)
{
    struct pass pass = {PASS_LINK, 0, NOW, 1}, told = {.uid = 4711};
    char text[PASS_TEXT];

    (void)state;
    pass_write(key, &pass, text);
    assert_int_equal(pass_read(other_key, PASS_LINK, text, 0, &told), PASS_WRONG);
    assert_int_equal(pass_read(key, PASS_SESSION, text, 0, &told), PASS_WRONG);
    assert_int_equal(told.uid, 4711);
}

/* Every sign of it counts. */
static void what_is_altered_opens_nothing(void **state)
{
    struct pass pass = {PASS_SESSION, 63002, NOW, 0}, told;
    char text[PASS_TEXT], altered[PASS_TEXT];

    (void)state;
    pass_write(key, &pass, text);
    for (size_t i = 0; i < strlen(text); i++) {
        strcpy(altered, text);
        altered[i] = (char)(altered[i] == '1' ? '2' : '1');
        assert_int_equal(pass_read(key, PASS_SESSION, altered, 0, &told), PASS_WRONG);
        strcpy(altered, text);
        altered[i] = '\0';
        assert_int_equal(pass_read(key, PASS_SESSION, altered, 0, &told), PASS_WRONG);
    }
}

static void nonsense_opens_nothing(void **state)
{
    static const char *const table[] = {
        NULL,
        "",
        ".",
        "link",
        "link.",
        "link.0",
        "link.0.9999999999.1",
        "link.0.9999999999.1.",
        "link.-1.9999999999.1.00",
        "link.0.99999999999999999999999999.1.00",
        "link. "
        "0.9999999999.1.0000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0",
    };
    struct pass told;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(pass_read(key, PASS_LINK, table[i], 0, &told), PASS_WRONG);
}

static void keys_differ(void **state)
{
    unsigned char one[PASS_KEY], two[PASS_KEY];

    (void)state;
    assert_int_equal(pass_key(one), 0);
    assert_int_equal(pass_key(two), 0);
    assert_memory_not_equal(one, two, PASS_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_until_its_time),
        cmocka_unit_test(another_key_or_kind_opens_nothing),
        cmocka_unit_test(what_is_altered_opens_nothing),
        cmocka_unit_test(nonsense_opens_nothing),
        cmocka_unit_test(keys_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
