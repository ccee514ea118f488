/* printable_test.c - nothing that a user wrote acts on a terminal */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tools/printable.h"

static void by_hand(void **state)
{
    static const char *const table[][2] = {
        {"", ""},
        {"plain name", "plain name"},
        {"\033[2Jgone\a", "?[2Jgone?"},
        {"two\nlines\tand\x7f", "two?lines?and?"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"\xc3\x9c"
         "bung \xe2\x82\xac \xf0\x9f\x98\x80",
         "\xc3\x9c"
         "bung \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c",
         "a?b?c"},
        {"cut\xc2", "cut\xc2"},
        {"cut\xe2\x80", "cut\xe2\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[64];

        snprintf(text, sizeof text, "%s", table[i][0]);
        printable_text(text);
        assert_string_equal(text, table[i][1]);
    }
}

static void all_texts_of_json(void **state)
{
    json_t *json = json_pack("{s:s s:[s {s:s}] s:i}", "a", "x\033", "b", "y\033", "c",
                             "z\r", "n", 3);
    char *text;

    (void)state;
    printable_json(json);
    text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text, "{\"a\":\"x?\",\"b\":[\"y?\",{\"c\":\"z?\"}],\"n\":3}");
    free(text);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(all_texts_of_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
