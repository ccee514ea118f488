/* json_place_test.c - lines and columns of keys and values */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/json_place.h"

static const char text[] =
    "\n"
    "{\n"
    "    \"a\": 1, \"b\" : {\"c\": [10, {\"d\": null}, \"x,]\"]},\n"
    "\t\"\xc3\xa4\": \"\xe2\x82\xac\", \"e\": true,\n"
    "  \"q\\\"\\u0041\": -1.5e3,\"list\":[[],[\n"
    "7]]\n"
    "}\n";

/* A path from the whole: keys, and elements as "#1". */
static int find(const struct json_places *places, const char *const *steps)
{
    int value = 0;

    for (; *steps && value != JSON_PLACE_NONE; steps++)
        value = (*steps)[0] == '#'
                    ? json_places_element(places, value, (size_t)atoi(*steps + 1))
                    : json_places_key(places, value, *steps);
    return value;
}

static void places_of_a_text(void **state)
{
    static const struct {
        const char *steps[6];
        struct json_place key, value;
        const char *path;
    } table[] = {
        {{NULL}, {2, 1}, {2, 1}, ""},
        {{"a"}, {3, 5}, {3, 10}, "a"},
        {{"b"}, {3, 13}, {3, 19}, "b"},
        {{"b", "c"}, {3, 20}, {3, 25}, "b.c"},
        {{"b", "c", "#0"}, {3, 26}, {3, 26}, "b.c[0]"},
        {{"b", "c", "#1"}, {3, 30}, {3, 30}, "b.c[1]"},
        {{"b", "c", "#1", "d"}, {3, 31}, {3, 36}, "b.c[1].d"},
        {{"b", "c", "#2"}, {3, 43}, {3, 43}, "b.c[2]"},
        /* two bytes, then three, are one column each */
        {{"\xc3\xa4"}, {4, 2}, {4, 7}, "\xc3\xa4"},
        {{"e"}, {4, 12}, {4, 17}, "e"},
        {{"q\"A"}, {5, 3}, {5, 16}, "q\"A"},
        {{"list", "#1", "#0"}, {6, 1}, {6, 1}, "list[1][0]"},
    };
    struct json_places *places = json_places_new(text);
    char path[64];

    (void)state;
    assert_non_null(places);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int value = find(places, table[i].steps);
        struct json_place key, at;

        assert_true(value >= 0);
        key = json_places_of_key(places, value);
        at = json_places_of_value(places, value);
        assert_int_equal(key.line, table[i].key.line);
        assert_int_equal(key.column, table[i].key.column);
        assert_int_equal(at.line, table[i].value.line);
        assert_int_equal(at.column, table[i].value.column);
        assert_string_equal(json_places_path(places, value, path, sizeof path),
                            table[i].path);
    }
    json_places_free(places);
}

static void what_is_not_there(void **state)
{
    static const char *const nowhere[][4] = {
        {"c"}, {"b", "a"}, {"b", "c", "#3"}, {"b", "c", "x"}, {"list", "#0", "#0"},
    };
    struct json_places *places = json_places_new(text);

    (void)state;
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        assert_int_equal(find(places, nowhere[i]), JSON_PLACE_NONE);
    json_places_free(places);
}

/* The last counts, as in jansson, and knows the one before it. */
static void keys_given_twice(void **state)
{
    struct json_places *places =
        json_places_new("{\"a\":{\"a\":1},\n \"b\":2,\n \"\\u0061\":3}");
    int last = json_places_key(places, 0, "a"), twice = 0;
    int first = json_places_earlier(places, last);

    (void)state;
    assert_int_equal(json_places_of_key(places, last).line, 3);
    assert_int_equal(json_places_of_key(places, last).column, 2);
    assert_true(first >= 0);
    assert_int_equal(json_places_of_key(places, first).line, 1);
    for (int i = 0; i < json_places_count(places); i++)
        twice += json_places_earlier(places, i) != JSON_PLACE_NONE;
    assert_int_equal(twice, 1);
    json_places_free(places);
}

static void a_path_is_cut_to_its_room(void **state)
{
    struct json_places *places = json_places_new("{\"abcdef\":{\"ghijkl\":[1]}}");
    char path[9];

    (void)state;
    json_places_path(places, json_places_count(places) - 1, path, sizeof path);
    assert_string_equal(path, "abcdef.g");
    json_places_free(places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_a_text),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(keys_given_twice),
        cmocka_unit_test(a_path_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
