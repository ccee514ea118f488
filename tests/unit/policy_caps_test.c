/* policy_caps_test.c - which of kwota.json's caps hold a job */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>

#include "tests/unit/policy_file.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* 2026-11-04, a Wednesday, 12:00 UTC. */
#define NOON INT64_C(1793793600)
#define EVENING (NOON + 6 * 3600)

static const char text[] =
    "{\"version\": 1, \"caps\": {\"enabled\": true, \"rules\": [\n"
    " {\"partition\": \"gpu\", \"gpu\": \"400W\"},\n"
    " {\"account\": \"physics\", \"gpu\": \"300W\", \"package\": \"150W\"},\n"
    " {\"account\": \"astro\", \"gpu\": \"350 W\"},\n"
    " {\"account\": \"astro\", \"between\": \"17:00-20:00\", \"days\": \"mon-fri\","
    " \"gpu\": \"250W\"},\n"
    " {\"qos\": \"cheap\", \"gpu\": \"0.2kW\"},\n"
    " {\"user\": \"bob\", \"cpu_percent\": 50},\n"
    " {\"gpu_type\": \"a100\", \"gpu\": \"320W\"},\n"
    " {\"used_percent\": 80, \"gpu\": \"220W\"},\n"
    " {\"used_percent\": 95, \"account\": \"astro\", \"gpu\": \"120W\"}]}}";

struct scene {
    struct policy_files files;
    struct policy *policy;
};

static struct policy *read_valid(struct policy_files *files, const char *json)
{
    char *complaints;
    struct policy *policy =
        policy_files_read(files, policy_files_write(files, "k", json), &complaints);

    assert_string_equal(complaints, "");
    free(complaints);
    return policy;
}

static int setup(void **state)
{
    static struct scene scene;

    setenv("TZ", "UTC", 1);
    tzset();
    policy_files_make(&scene.files);
    scene.policy = read_valid(&scene.files, text);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    policy_release(scene->policy);
    policy_files_remove(&scene->files);
    return 0;
}

static void rules_that_match(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *accounts[4], *partition, *qos, *user, *gpu_types;
        int64_t used_percent, now_s, most[CAP_PARTS];
        const char *why;
    } table[] = {
        {{"bio", "root"}, "main", "", "eve", "", 0, NOON, {0, 0, 0}, ""},
        {{NULL}, "gpu", "", "eve", "", 0, NOON, {400000}, "k:2: caps.rules[0]"},
        {{"physics"},
         "main",
         "",
         "eve",
         "",
         0,
         NOON,
         {300000, 150000},
         "k:3: caps.rules[1]"},
        /* the nearest account's word, even if it is a higher one … */
        {{"astro", "physics"},
         "main",
         "",
         "eve",
         "",
         0,
         NOON,
         {350000, 150000},
         "k:4: caps.rules[2]; k:3: caps.rules[1]"},
        {{"exo", "astro", "physics"},
         "gpu",
         "",
         "eve",
         "",
         0,
         NOON,
         {350000, 150000},
         "k:4: caps.rules[2]; k:3: caps.rules[1]"},
        /* … of its own words the lowest, at its time */
        {{"astro", "physics"},
         "main",
         "",
         "eve",
         "",
         0,
         EVENING,
         {250000, 150000},
         "k:5: caps.rules[3]; k:3: caps.rules[1]"},
        {{"astro", "physics"},
         "main",
         "",
         "eve",
         "",
         0,
         EVENING + 3 * 86400,
         {350000, 150000},
         "k:4: caps.rules[2]; k:3: caps.rules[1]"},
        /* what names no account counts for all */
        {{"astro"},
         "main",
         "cheap",
         "eve",
         "",
         0,
         NOON,
         {200000},
         "k:6: caps.rules[4]"},
        {{"bio"}, "main", "", "bob", "", 0, NOON, {0, 0, 50}, "k:7: caps.rules[5]"},
        {{"bio"}, "gpu", "", "eve", "a100", 0, NOON, {320000}, "k:8: caps.rules[6]"},
        {{"bio"},
         "gpu",
         "",
         "eve",
         "v100,a100",
         0,
         NOON,
         {320000},
         "k:8: caps.rules[6]"},
        {{"bio"}, "gpu", "", "eve", "a1000", 0, NOON, {400000}, "k:2: caps.rules[0]"},
        {{"bio"}, "gpu", "", "eve", "", 79, NOON, {400000}, "k:2: caps.rules[0]"},
        {{"bio"}, "gpu", "", "eve", "", 80, NOON, {220000}, "k:9: caps.rules[7]"},
        {{"bio"}, "gpu", "", "eve", "", 99, NOON, {220000}, "k:9: caps.rules[7]"},
        {{"astro"}, "gpu", "", "eve", "", 95, NOON, {120000}, "k:10: caps.rules[8]"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct policy_job job = {.accounts = table[i].accounts,
                                       .partition = table[i].partition,
                                       .qos = table[i].qos,
                                       .user = table[i].user,
                                       .gpu_types = table[i].gpu_types,
                                       .used_percent = table[i].used_percent,
                                       .now_s = table[i].now_s};
        char why[CAP_TEXT], *at;
        struct cap cap;

        policy_cap(scene->policy, &job, &cap);
        cap_why(&cap, why);
        while ((at = strstr(why, scene->files.folder)))
            memmove(at, at + strlen(scene->files.folder) + 1,
                    strlen(at + strlen(scene->files.folder)));
        if (memcmp(cap.most, table[i].most, sizeof cap.most) != 0 ||
            strcmp(why, table[i].why) != 0)
            fail_msg("%zu: %lld %lld %lld, %s", i, (long long)cap.most[0],
                     (long long)cap.most[1], (long long)cap.most[2], why);
    }
}

/* Only what nothing but the partition decides is certain beforehand. */
static void what_is_certain(void **state)
{
    struct scene *scene = *state;
    struct policy_files files;
    struct policy *policy;

    assert_int_equal(policy_cap_certain_mw(scene->policy, "gpu"), 400000);
    assert_int_equal(policy_cap_certain_mw(scene->policy, "main"), 0);
    policy_files_make(&files);
    policy =
        read_valid(&files, "{\"version\": 1, \"caps\": {\"enabled\": true, \"rules\": ["
                           "{\"gpu\": \"300W\"}, {\"partition\": \"gpu\", \"gpu\": "
                           "\"250W\"}, {\"partition\": \"fat\", \"gpu\": \"500W\"},"
                           "{\"cpu_percent\": 50}]}}");
    assert_int_equal(policy_cap_certain_mw(policy, "gpu"), 250000);
    assert_int_equal(policy_cap_certain_mw(policy, "fat"), 300000);
    policy_release(policy);
    policy = read_valid(
        &files, "{\"version\": 1, \"caps\": {\"rules\": [{\"gpu\": \"300W\"}]}}");
    assert_int_equal(policy_cap_certain_mw(policy, "gpu"), 0);
    policy_release(policy);
    policy_files_remove(&files);
}

static void rules_are_told(void **state)
{
    struct scene *scene = *state;
    static const char *const accounts[] = {"astro", "physics", NULL};
    const struct policy_job job = {
        .accounts = accounts, .partition = "main", .user = "eve", .now_s = NOON};
    static const char *const expected[] = {
        "GPUs at most 300 W, packages at most 150 W",
        "GPUs at most 350 W",
        "GPUs at most 250 W, 17:00-20:00 mon-fri",
        "GPUs at most 220 W, from 80 % of a quota used on",
        "GPUs at most 120 W, from 95 % of a quota used on",
    };
    json_t *rules = policy_cap_rules(scene->policy, &job);

    assert_int_equal(json_array_size(rules), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(rules, i), "value")),
            expected[i]);
    json_decref(rules);
}

static void what_changes_by_itself_is_seen(void **state)
{
    struct scene *scene = *state;
    const struct policy *p = scene->policy;

    assert_true(policy_cap_clock(p, NOON) == policy_cap_clock(p, NOON + 3600));
    assert_true(policy_cap_clock(p, NOON) != policy_cap_clock(p, EVENING));
    assert_true(policy_cap_clock(p, EVENING) == policy_cap_clock(p, EVENING + 60));
    assert_int_equal(policy_cap_step(p, 79), 0);
    assert_int_equal(policy_cap_step(p, 80), 1);
    assert_int_equal(policy_cap_step(p, 94), 1);
    assert_int_equal(policy_cap_step(p, 100), 2);
}

/* What is shown is a policy that shows the same; and it ships off. */
static void shown_as_given(void **state)
{
    struct scene *scene = *state;
    json_t *shown = policy_show(scene->policy);
    char *all = json_dumps(shown, 0);
    struct policy *again = read_valid(&scene->files, all);
    struct policy *empty = read_valid(&scene->files, "{}");
    json_t *same = policy_show(again), *none = policy_show(empty);
    char *caps = json_dumps(json_object_get(none, "caps"), JSON_COMPACT);

    assert_true(json_equal(shown, same));
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(shown, "caps"), "rules")), 9);
    assert_true(policy_capping(scene->policy));
    assert_false(policy_capping(empty));
    assert_string_equal(caps, "{\"enabled\":false,\"rules\":[]}");
    free(caps);
    free(all);
    json_decref(shown);
    json_decref(same);
    json_decref(none);
    policy_release(again);
    policy_release(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_match),
        cmocka_unit_test(what_is_certain),
        cmocka_unit_test(rules_are_told),
        cmocka_unit_test(what_changes_by_itself_is_seen),
        cmocka_unit_test(shown_as_given),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
