/* meter_text_test.c - texts that are numbers, and texts that only look like it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/meter/text.h"

#define NO INT64_MIN

static void numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t number, signed_number;
    } table[] = {
        {"0\n", 0, 0},
        {"123", 123, 123},
        {"9223372036854775807\n", INT64_MAX, INT64_MAX},
        {"9223372036854775808\n", NO, NO},
        {"-5\n", NO, -5},
        {"--5\n", NO, NO},
        {"-\n", NO, NO},
        {"-9223372036854775807\n", NO, -INT64_MAX},
        {"-9223372036854775808\n", NO, NO},
        {"+5\n", NO, NO},
        {"5,0\n", NO, NO},
        {"5\r\n", NO, NO},
        {"123456789012345678901234567890\n", NO, NO},
        {"", NO, NO},
        {"\n", NO, NO},
        {" 5\n", NO, NO},
        {"5 \n", NO, NO},
        {"5\n\n", NO, NO},
        {"0x10\n", NO, NO},
        {"1e3\n", NO, NO},
        {"\xff\xfe\n", NO, NO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t value = NO;
        const char *why = NULL;
        int rc = text_number(table[i].text, strlen(table[i].text), &value, &why);

        assert_int_equal(rc, table[i].number == NO ? -1 : 0);
        assert_int_equal(value, table[i].number);
        assert_true(rc == 0 || why);
        value = NO;
        rc = text_signed(table[i].text, strlen(table[i].text), &value, &why);
        assert_int_equal(rc, table[i].signed_number == NO ? -1 : 0);
        assert_int_equal(value, table[i].signed_number);
    }
}

static void pm_counters(void **state)
{
    static const struct {
        const char *text, *unit;
        int64_t value, stamp_us;
    } table[] = {
        {"139486823 J 1612345678901234 us\n", "J", 139486823, 1612345678901234},
        {"139486823 J\n", "J", 139486823, 0},
        {"139486823\n", "J", 139486823, 0},
        {"245 W 17 us", "W", 245, 17},
        {"245 W\n", "J", NO, 0},
        {"245 J 17 ms\n", "J", NO, 0},
        {"245 J 17 us 4\n", "J", NO, 0},
        {"-1 J\n", "J", NO, 0},
        {"J\n", "J", NO, 0},
        {"1 J\n2 J\n", "J", NO, 0},
        {"1 J 17\n", "J", NO, 0},
        {"1 J -17 us\n", "J", NO, 0},
        {"1 J 123456789012345678901234567890 us\n", "J", NO, 0},
        {"1.5 J\n", "J", NO, 0},
        {"\xff J\n", "J", NO, 0},
        {"", "J", NO, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t value = NO, stamp_us = 0;
        const char *why = NULL;
        int rc = text_pm_counter(table[i].text, strlen(table[i].text), table[i].unit,
                                 &value, &stamp_us, &why);

        assert_int_equal(rc, table[i].value == NO ? -1 : 0);
        assert_int_equal(value, table[i].value);
        assert_int_equal(stamp_us, table[i].stamp_us);
    }
}

static uint32_t job_of(const char *text)
{
    return text_cgroup_job(text, strlen(text));
}

static void cgroups_and_the_kernel(void **state)
{
    static const char stat[] =
        "cpu  10 2 3 400 50 6 7 80 9 0\ncpu0 5 1 1 2 3 4 5 0 0 0\n"
        "cpu1 5 1 1 2 3 4 5 0 0 0\nintr 12 cpu9\n";
    int64_t value, cpus;
    const char *why;

    (void)state;
    assert_int_equal(text_cpu_stat("usage_usec 12\nuser_usec 9\n", 27, &value, &why),
                     0);
    assert_int_equal(value, 12000);
    assert_int_equal(text_cpu_stat("nr_usage_usec 12\n", 17, &value, &why), -1);
    assert_int_equal(text_cpu_stat("usage_usec x\n", 13, &value, &why), -1);
    assert_int_equal(text_cpu_stat("usage_usec 9223372036854775807", 30, &value, &why),
                     -1);
    /* idle, waiting and stolen time are not busy */
    assert_int_equal(text_proc_stat(stat, sizeof stat - 1, &value, &cpus, &why), 0);
    assert_int_equal(value, 10 + 2 + 3 + 6 + 7);
    assert_int_equal(cpus, 2);
    assert_int_equal(text_proc_stat("cpu  10 2 3\n", 12, &value, &cpus, &why), -1);
    assert_int_equal(job_of("1:cpuacct:/slurm_n1/uid_7/job_12/step_0\n"), 12);
    assert_int_equal(job_of("0::/x/job_12x\n0::/job_0/\n0::/job_34"), 34);
    assert_int_equal(job_of("0::/user.slice\n"), 0);
}

static void management_controllers(void **state)
{
    static const struct {
        const char *text;
        int64_t mw, period_ms;
    } table[] = {
        {"Current Power                        : 164 Watts\n"
         "Statistics reporting time period     : 1000 milliseconds\n"
         "Power Measurement                    : Active\n",
         164000, 1000},
        {"    Instantaneous power reading:                   164 Watts\n"
         "    Sampling period:                          00000005 Seconds.\n"
         "    Power reading state is:                   activated\n",
         164000, 5000},
        {"Current Power : 164 Watts\nPower Measurement : Not Active\n", NO, 0},
        {"    Instantaneous power reading: 164 Watts\n"
         "    Power reading state is: deactivated\n",
         NO, 0},
        {"Current Power : 0 Watts\nPower Measurement : Active\n", NO, 0},
        {"Current Power : 2000000 Watts\n", NO, 0},
        {"Current Power : 164 BTU\n", NO, 0},
        {"Current Power : -4 Watts\n", NO, 0},
        {"command failed\n", NO, 0},
        {"", NO, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t mw = NO, period_ms = 0;
        const char *why = NULL;
        int rc = text_dcmi(table[i].text, strlen(table[i].text), &mw, &period_ms, &why);

        assert_int_equal(rc, table[i].mw == NO ? -1 : 0);
        assert_int_equal(mw, table[i].mw);
        assert_int_equal(period_ms, table[i].period_ms);
        assert_true(rc == 0 || why);
    }
}

/* What lies beyond the length is not looked at. */
static void lengths_are_kept(void **state)
{
    int64_t value, other;
    const char *why;

    (void)state;
    assert_int_equal(text_number("1234", 2, &value, &why), 0);
    assert_int_equal(value, 12);
    assert_int_equal(text_number("12\0", 3, &value, &why), -1);
    assert_int_equal(text_pm_counter("12 J 34 us", 4, "J", &value, &other, &why), 0);
    assert_int_equal(other, 0);
    assert_int_equal(text_pm_counter("12 J 34 us", 9, "J", &value, &other, &why), -1);
    assert_int_equal(text_cpu_stat("usage_usec 12", 11, &value, &why), -1);
    assert_int_equal(text_cgroup_job("/job_12/", 6), 1);
    assert_int_equal(text_dcmi("Current Power : 164 Watts", 24, &value, &other, &why),
                     -1);
}

static void index_lists(void **state)
{
    uint64_t bits;

    (void)state;
    assert_int_equal(text_index_list("", &bits), 0);
    assert_int_equal(bits, 0);
    assert_int_equal(text_index_list("0,2", &bits), 0);
    assert_int_equal(bits, 5);
    assert_int_equal(text_index_list("1-3,63", &bits), 0);
    assert_int_equal(bits, UINT64_C(0x800000000000000e));
    assert_int_equal(text_index_list("64", &bits), -1);
    assert_int_equal(text_index_list("3-1", &bits), -1);
    assert_int_equal(text_index_list("1,", &bits), -1);
    assert_int_equal(text_index_list(",1", &bits), -1);
    assert_int_equal(text_index_list("1-", &bits), -1);
    assert_int_equal(text_index_list("-1", &bits), -1);
    assert_int_equal(text_index_list("99999999999999999999", &bits), -1);
    assert_int_equal(text_index_list("GPU-5", &bits), -1);
    assert_int_equal(text_index_list("1 2", &bits), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(pm_counters),
        cmocka_unit_test(cgroups_and_the_kernel),
        cmocka_unit_test(management_controllers),
        cmocka_unit_test(lengths_are_kept),
        cmocka_unit_test(index_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
