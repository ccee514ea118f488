/* tres_test.c - numbers in Slurm's texts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/tres.h"

static void counts(void **state)
{
    static const struct {
        const char *text, *name;
        int64_t count;
    } table[] = {
        {"cpu=4,mem=1500M,node=1,billing=4,gres/gpu=2", "gres/gpu", 2},
        {"cpu=4,gres/gpu:a100=3", "gres/gpu", 0},
        {"cpu=4,gres/gpu=8,gres/gpu:a100=8", "gres/gpu", 8},
        {"xcpu=9,cpu=4", "cpu", 4},
        {"cpu", "cpu", 0},
        {"cpu=-3", "cpu", 0},
        {"", "cpu", 0},
        {NULL, "cpu", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(tres_count(table[i].text, table[i].name), table[i].count);
}

static void energy(void **state)
{
    (void)state;
    assert_int_equal(tres_energy_j("1=8,2=4000,3=25000,4=1"), 25000);
    assert_int_equal(tres_energy_j("3=0,4=1"), 0);
    assert_int_equal(tres_energy_j("1=3,13=7,4=1"), -1);
    assert_int_equal(tres_energy_j("1=8,3=18446744073709551614,4=1"), -1);
    assert_int_equal(tres_energy_j("3"), -1);
    assert_int_equal(tres_energy_j(""), -1);
    assert_int_equal(tres_energy_j(NULL), -1);
}

static void memory(void **state)
{
    (void)state;
    assert_int_equal(tres_memory_mb("cpu=2,mem=1500M,node=1"), 1500);
    assert_int_equal(tres_memory_mb("mem=2G"), 2048);
    assert_int_equal(tres_memory_mb("mem=2"), 0);
    assert_int_equal(tres_memory_mb("gres/mem=2G"), 0);
    assert_int_equal(tres_memory_mb(NULL), 0);
}

static void licences(void **state)
{
    (void)state;
    assert_int_equal(tres_licences("matlab:2,kwota:500", "kwota"), 500);
    assert_int_equal(tres_licences("kwota", "kwota"), 1);
    assert_int_equal(tres_licences("kwota2:7,xkwota:3", "kwota"), 0);
    assert_int_equal(tres_licences("kwota:-5", "kwota"), 0);
    assert_int_equal(tres_licences("", "kwota"), 0);
    assert_int_equal(tres_licences(NULL, "kwota"), 0);
}

static void putting_licences(void **state)
{
    static const struct {
        const char *before;
        int64_t count;
        const char *after;
    } table[] = {
        {"", 5, "kwota:5"},
        {NULL, 5, "kwota:5"},
        {"kwota:9", 5, "kwota:5"},
        {"kwota", 5, "kwota:5"},
        {"matlab:2,kwota:9,kwota,abaqus", 5, "matlab:2,abaqus,kwota:5"},
        {"kwota:9,matlab", 0, "matlab"},
        {"kwota:9", 0, ""},
        {"kwota2:9,xkwota", 1, "kwota2:9,xkwota,kwota:1"},
        {",,a,,", 1, "a,kwota:1"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(tres_put_licence(table[i].before, "kwota", table[i].count,
                                          text, sizeof text),
                         0);
        assert_string_equal(text, table[i].after);
    }
    assert_int_equal(tres_put_licence("a|b", "kwota", 1, text, sizeof text), -1);
    assert_int_equal(tres_put_licence("matlab", "kwota", 100, text, 16), -1);
    assert_int_equal(tres_put_licence("matlab", "kwota", 100, text, 17), 0);
}

static void power_caps(void **state)
{
    static const struct {
        const char *comment;
        int64_t mw;
    } table[] = {
        {"kwota: gpu power cap 250 W", 250000},
        {"kwota: energy budget 2000 Wh; gpu power cap 250.5 W", 250500},
        {"kwota: held: astro has nothing; gpu power cap 90 W, x", 90000},
        {"kwota: gpu power cap 250", 0},
        {"kwota: gpu power cap", 0},
        {"", 0},
        {NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(tres_gpu_power_cap(table[i].comment), table[i].mw);
}

static void what_users_said_is_kept(void **state)
{
    static const struct {
        const char *comment, *kept;
    } table[] = {
        {"", "kwota: held"},
        {"kwota: energy budget 2000 Wh", "kwota: held; energy budget 2000 Wh"},
        {"kwota: gpu power cap 250.5 W", "kwota: held; gpu power cap 250.5 W"},
        {"kwota: waits; energy budget 7 Wh; gpu power cap 90 W",
         "kwota: held; energy budget 7 Wh; gpu power cap 90 W"},
    };
    char text[96], small[40];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(
            tres_keep_words(text, sizeof text, "kwota: held", table[i].comment),
            table[i].kept);
    /* the words give way, not what was said */
    assert_string_equal(tres_keep_words(small, sizeof small, "kwota: held for long",
                                        "kwota: gpu power cap 250 W"),
                        "kwota: held for lo; gpu power cap 250 W");
}

static void gpu_types(void **state)
{
    static const struct {
        const char *tres, *gres, *types;
    } table[] = {
        {"cpu=4,gres/gpu=3,gres/gpu:a100=2,gres/gpu:v100=1", "gpu:x:1", "a100,v100"},
        {"cpu=4,gres/gpu=3", "gpu:a100:2,gpu:v100:1", "a100,v100"},
        {"cpu=4,gres/gpu=3", "gpu:a100:2,gpu:a100:1,gpu:a1000:1", "a100,a1000"},
        {"cpu=4,gres/gpu=3", "gpu:3", ""},
        {"cpu=4", NULL, ""},
        {NULL, "nic:mlx:1,gpu:h100:8(IDX:0-7)", "h100"},
        {NULL, "gres:gpu:h100:8", "h100"},
        {"gres/gpumem:80G=1", NULL, ""},
    };
    char types[32], small[9];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tres_gpu_types(table[i].tres, table[i].gres, types, sizeof types);
        assert_string_equal(types, table[i].types);
    }
    tres_gpu_types("gres/gpu:a100=2,gres/gpu:v100=1", NULL, small, sizeof small);
    assert_string_equal(small, "a100");
}

static void gpu_places(void **state)
{
    static const struct {
        const char *detail, *places;
    } table[] = {
        {"gpu:1(IDX:0)", "0"},
        {"gpu:a100:2(IDX:0-1),gpu:v100:1(IDX:3)", "0-1,3"},
        {"gpu:a100:3(IDX:0,2-3),nic:1(IDX:5)", "0,2-3"},
        {"nic:1(IDX:5),gpu:1(IDX:2)", "2"},
        {"shard:2(IDX:15)", "15"},
        {"gpu:0(IDX:)", ""},
        {"gpu:2", ""},
        {"gpu:2(IDX:0", "0"},
        {"", ""},
        {NULL, ""},
    };
    char places[16], small[6];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tres_gpu_places(table[i].detail, places, sizeof places);
        assert_string_equal(places, table[i].places);
    }
    /* a part of them would be a wrong answer */
    tres_gpu_places("gpu:a:2(IDX:0-1),gpu:b:2(IDX:2-3)", small, sizeof small);
    assert_string_equal(small, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(power_caps),
        cmocka_unit_test(what_users_said_is_kept),
        cmocka_unit_test(gpu_types),
        cmocka_unit_test(gpu_places),
        cmocka_unit_test(energy),
        cmocka_unit_test(memory),
        cmocka_unit_test(licences),
        cmocka_unit_test(putting_licences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
