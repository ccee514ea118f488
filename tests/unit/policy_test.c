/* policy_test.c - what a policy answers, and which one is in force */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/policy_store.h"
#include "tests/unit/policy_file.h"

static const char full[] =
    "{\"version\": 1,\n"
    " \"enforce\": {\"default\": \"shadow\", \"rules\": [\n"
    "  {\"account\": \"physics\", \"level\": \"soft\"},\n"
    "  {\"partition\": \"gpu\", \"level\": \"off\"},\n"
    "  {\"account\": \"astro\", \"partition\": \"gpu\", \"level\": \"strict\"},\n"
    "  {\"account\": \"physics\", \"partition\": \"gpu\", \"level\": \"shadow\"},\n"
    "  {\"account\": \"bio\", \"level\": \"soft\"},\n"
    "  {\"account\": \"bio\", \"level\": \"strict\"},\n"
    "  {\"account\": \"root\", \"partition\": \"long\", \"level\": \"strict\"}]},\n"
    " \"limits\": {\"at_limit\": {\"rules\": [\n"
    "  {\"account\": \"astro\", \"action\": \"overdraft\"}]},\n"
    "  \"kwotad_away\": \"hold\", \"map_missing\": \"refuse\", \"map_stale_s\": 60,\n"
    "  \"near_percent\": 5, \"confirm_percent\": 20, \"gather\": true,\n"
    "  \"breaker\": {\"kills_per_minute\": 3}, \"hook\": \"/h\",\n"
    "  \"thresholds_percent\": [80, 95], \"overdraft_qos\": \"low\"},\n"
    " \"estimate\": {\"factor_percent\": 120, \"round_wh\": 10,\n"
    "  \"nameplate\": {\"gpu\": {\"node_w\": 400, \"gpu_w\": \"299.5\"},\n"
    "   \"*\": {\"node_w\": 150, \"cpu_w\": 8.125, \"gpu_w\": 0}},\n"
    "  \"history\": {\"runs\": 0}},\n"
    " \"classes\": {\"fast\": [\"gpu\", \"fpga\"], \"cpu\": [\"main\"]},\n"
    " \"credits\": {\"NODE_FAIL\": 100, \"PREEMPTED\": 50},\n"
    " \"keep\": {\"detail_years\": 7, \"nightly\": true},"
    " \"steer\": {\"partitions\": [\"long\", \"gpu\"], \"energy_budget\": true,\n"
    "  \"package\": true, \"cpu\": true, \"part_percent\": 40, \"floor_percent\": 60,\n"
    "  \"cpu_floor_percent\": 30, \"duration_quantile\": 75, \"warn_s\": 120,\n"
    "  \"warn_signal\": \"USR1\", \"then\": \"warn\"},\n"
    " \"caps\": {\"enabled\": true}}";

static struct policy *read_valid(struct policy_files *files, const char *text)
{
    char *complaints;
    struct policy *policy =
        policy_files_read(files, policy_files_write(files, "k", text), &complaints);

    assert_string_equal(complaints, "");
    free(complaints);
    assert_non_null(policy);
    return policy;
}

static void the_most_specific_rule_counts(void **state)
{
    static const struct {
        const char *accounts[5], *partition;
        enum policy_enforce enforce;
        const char *source;
    } table[] = {
        {{NULL}, "main", ENFORCE_SHADOW, "k:2: enforce.default"},
        {{"other", "root"}, "main", ENFORCE_SHADOW, "k:2: enforce.default"},
        {{"other", "root"}, NULL, ENFORCE_SHADOW, "k:2: enforce.default"},
        {{NULL}, "gpu", ENFORCE_OFF, "k:4: enforce.rules[1]"},
        {{"other", "root"}, "gpu", ENFORCE_OFF, "k:4: enforce.rules[1]"},
        /* its own account before the one above */
        {{"astro", "physics", "root"}, "gpu", ENFORCE_STRICT, "k:5: enforce.rules[2]"},
        /* the account above counts where its own has no rule */
        {{"astro", "physics", "root"}, "main", ENFORCE_SOFT, "k:3: enforce.rules[0]"},
        {{"plasma", "physics"}, "gpu", ENFORCE_SHADOW, "k:6: enforce.rules[3]"},
        /* a near account without a partition before a far one with it */
        {{"physics", "root"}, "long", ENFORCE_SOFT, "k:3: enforce.rules[0]"},
        {{"bio", "root"}, "long", ENFORCE_STRICT, "k:8: enforce.rules[5]"},
        {{"bio"}, "gpu", ENFORCE_STRICT, "k:8: enforce.rules[5]"},
        {{"other", "root"}, "long", ENFORCE_STRICT, "k:9: enforce.rules[6]"},
    };
    struct policy_files *files = *state;
    struct policy *policy = read_valid(files, full);
    size_t folder = strlen(files->folder) + 1;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_source source;

        assert_int_equal(
            policy_enforce(policy, table[i].accounts, table[i].partition, &source),
            table[i].enforce);
        assert_string_equal(source.text + folder, table[i].source);
        assert_int_equal(
            policy_enforce(policy, table[i].accounts, table[i].partition, NULL),
            table[i].enforce);
    }
    policy_release(policy);
}

static void at_the_limit(void **state)
{
    static const char *const astro[] = {"astro", "physics", NULL};
    static const char *const physics[] = {"physics", NULL};
    struct policy *policy = read_valid(*state, full);
    struct policy_source source;

    assert_int_equal(policy_at_limit(policy, astro, "main", &source),
                     AT_LIMIT_OVERDRAFT);
    assert_non_null(strstr(source.text, "k:11: limits.at_limit.rules[0]"));
    assert_int_equal(policy_at_limit(policy, physics, "main", &source), AT_LIMIT_WAIT);
    assert_string_equal(source.text, "default");
    assert_string_equal(policy_at_limit_text(AT_LIMIT_WARN), "warn");
    policy_release(policy);
}

static void nameplates(void **state)
{
    struct policy *policy = read_valid(*state, full);
    struct policy_source source;
    struct nameplate plate;

    assert_true(policy_nameplate(policy, "gpu", &plate, &source));
    assert_int_equal(plate.node_mw, 400000);
    assert_int_equal(plate.cpu_mw, 8125); /* from "*" */
    assert_int_equal(plate.gpu_mw, 299500);
    assert_non_null(strstr(source.text, "k:17: estimate.nameplate.gpu"));
    assert_true(policy_nameplate(policy, "other", &plate, &source));
    assert_int_equal(plate.node_mw, 150000);
    assert_int_equal(plate.gpu_mw, 0);
    assert_non_null(strstr(source.text, "k:18: estimate.nameplate.*"));
    policy_release(policy);

    policy = read_valid(*state, "{\"estimate\": {\"nameplate\": {\"gpu\":"
                                " {\"node_w\": 5, \"cpu_w\": 1, \"gpu_w\": 9}}}}");
    assert_true(policy_nameplate(policy, "gpu", &plate, NULL));
    assert_false(policy_nameplate(policy, "main", &plate, &source));
    assert_string_equal(source.text, "default");
    policy_release(policy);
}

static void classes_and_credits(void **state)
{
    struct policy *policy = read_valid(*state, full);

    assert_true(policy_class_has(policy, "", "any"));
    assert_true(policy_class_has(policy, "fast", "gpu"));
    assert_true(policy_class_has(policy, "fast", "fpga"));
    assert_false(policy_class_has(policy, "fast", "main"));
    assert_false(policy_class_has(policy, "fast", "fast"));
    /* A class hides the partition of its name. */
    assert_false(policy_class_has(policy, "cpu", "cpu"));
    assert_true(policy_class_has(policy, "gpu", "gpu"));
    assert_false(policy_class_has(policy, "gpu", "fpga"));
    assert_int_equal(policy_credit_percent(policy, "NODE_FAIL"), 100);
    assert_int_equal(policy_credit_percent(policy, "PREEMPTED"), 50);
    assert_int_equal(policy_credit_percent(policy, "TIMEOUT"), 0);
    assert_int_equal(policy_credit_percent(policy, "no such state"), 0);
    policy_release(policy);
}

static void figures(void **state)
{
    struct policy *policy = read_valid(*state, full);
    const struct policy_figures *f = policy_figures(policy);

    assert_int_equal(f->factor_percent, 120);
    assert_int_equal(f->round_wh, 10);
    assert_true(f->hold_when_away);
    assert_true(f->refuse_without_map);
    assert_true(f->gather);
    assert_int_equal(f->map_stale_s, 60);
    assert_int_equal(f->near_percent, 5);
    assert_int_equal(f->confirm_percent, 20);
    assert_int_equal(f->holds_per_minute, 30);
    assert_int_equal(f->kills_per_minute, 3);
    assert_int_equal(f->threshold_count, 2);
    assert_int_equal(f->thresholds[0], 80);
    assert_int_equal(f->thresholds[1], 95);
    assert_string_equal(f->hook, "/h");
    assert_string_equal(f->overdraft_qos, "low");
    assert_int_equal(f->history_runs, 0);
    assert_int_equal(f->power_quantile, 95);
    policy_release(policy);
}

static void what_is_kept(void **state)
{
    struct policy *policy = read_valid(*state, full);

    assert_int_equal(policy_figures(policy)->keep_years, 7);
    assert_true(policy_figures(policy)->keep_nightly);
    policy_release(policy);
    policy = read_valid(*state, "{}");
    assert_int_equal(policy_figures(policy)->keep_years, 2);
    assert_false(policy_figures(policy)->keep_nightly);
    policy_release(policy);
}

static void steering(void **state)
{
    struct policy *policy = read_valid(*state, full);
    const struct policy_figures *f = policy_figures(policy);
    struct policy_source source;
    struct steer_rules rules;

    assert_true(policy_steers(policy, "gpu", &source));
    assert_non_null(strstr(source.text, "k:22: steer.partitions[1]"));
    assert_true(policy_steers(policy, "long", NULL));
    assert_false(policy_steers(policy, "main", &source));
    assert_non_null(strstr(source.text, "k:22: steer.partitions"));
    assert_true(f->steer_budgets && f->steer_package && f->steer_cpu);
    assert_int_equal(f->steer_part_percent, 40);
    assert_int_equal(f->steer_floor_percent, 60);
    assert_int_equal(f->steer_cpu_floor_percent, 30);
    assert_int_equal(f->steer_duration_quantile, 75);
    assert_int_equal(f->steer_warn_s, 120);
    assert_string_equal(f->steer_warn_signal, "USR1");
    assert_true(f->steer_warn_only);
    rules = policy_steer_rules(policy);
    assert_true(rules.gpu && rules.package && rules.cpu && !rules.end);
    assert_int_equal(rules.part_percent, 40);
    assert_int_equal(rules.floor_percent, 60);
    assert_int_equal(rules.cpu_floor_percent, 30);
    assert_int_equal(rules.warn_s, 120);
    policy_release(policy);

    policy = read_valid(*state, "{}");
    f = policy_figures(policy);
    assert_false(policy_steers(policy, "gpu", &source));
    assert_string_equal(source.text, "default");
    assert_false(f->steer_budgets || f->steer_package || f->steer_cpu);
    assert_int_equal(f->steer_part_percent, 25);
    assert_int_equal(f->steer_floor_percent, 50);
    assert_int_equal(f->steer_cpu_floor_percent, 25);
    assert_int_equal(f->steer_duration_quantile, 50);
    assert_int_equal(f->steer_warn_s, 300);
    assert_null(f->steer_warn_signal);
    assert_false(f->steer_warn_only);
    rules = policy_steer_rules(policy);
    assert_true(rules.gpu && rules.end && !rules.package && !rules.cpu);
    policy_release(policy);
}

static void defaults(void **state)
{
    static const char *const astro[] = {"astro", NULL};
    struct policy *policy = read_valid(*state, "{\"spool\": \"/s\"}");
    const struct policy_figures *f = policy_figures(policy);
    struct policy_source source;
    struct nameplate plate;

    assert_int_equal(policy_enforce(policy, astro, "main", &source), ENFORCE_OFF);
    assert_string_equal(source.text, "default");
    assert_int_equal(policy_at_limit(policy, astro, "main", NULL), AT_LIMIT_WAIT);
    assert_false(policy_nameplate(policy, "main", &plate, NULL));
    assert_int_equal(f->factor_percent, 100);
    assert_int_equal(f->round_wh, 1);
    assert_false(f->hold_when_away);
    assert_false(f->refuse_without_map);
    assert_false(f->gather);
    assert_int_equal(f->map_stale_s, 600);
    assert_int_equal(f->near_percent, 10);
    assert_int_equal(f->confirm_percent, 10);
    assert_int_equal(f->holds_per_minute, 30);
    assert_int_equal(f->kills_per_minute, 10);
    assert_int_equal(f->threshold_count, 0);
    assert_null(f->hook);
    assert_null(f->overdraft_qos);
    assert_int_equal(f->history_runs, 5);
    assert_int_equal(f->power_quantile, 95);
    assert_int_equal(f->duration_quantile, 95);
    policy_release(policy);
}

/* What is shown is a policy itself, and says the same. */
static void shown_and_read_again(void **state)
{
    static const char *const texts[] = {"{}", full};

    for (int i = 0; i < 2; i++) {
        struct policy *policy = read_valid(*state, texts[i]), *again;
        json_t *shown = policy_show(policy), *shown_again;
        char *text = json_dumps(shown, 0);

        again = read_valid(*state, text);
        shown_again = policy_show(again);
        assert_true(json_equal(shown, shown_again));
        assert_string_equal(json_string_value(json_object_get(
                                json_object_get(shown, "enforce"), "default")),
                            i ? "shadow" : "off");
        assert_int_equal(json_integer_value(json_object_get(
                             json_object_get(shown, "limits"), "map_stale_s")),
                         i ? 60 : 600);
        free(text);
        json_decref(shown);
        json_decref(shown_again);
        policy_release(policy);
        policy_release(again);
    }
}

static int64_t round_wh(struct policy_store *store)
{
    struct policy *policy = policy_store_take(store);
    int64_t wh = policy_figures(policy)->round_wh;

    policy_release(policy);
    return wh;
}

static bool has_error(struct policy_store *store)
{
    json_t *state = policy_store_state(store);
    bool has = !json_is_null(json_object_get(state, "error"));

    assert_int_equal(json_is_null(json_object_get(state, "error_s")), !has);
    assert_true(json_integer_value(json_object_get(state, "since_s")) > 0);
    json_decref(state);
    return has;
}

static void an_invalid_file_replaces_nothing(void **state)
{
    struct policy_files *files = *state;
    const char *path = policy_files_write(files, "k", "{\"include\": \"i\"}");
    struct policy_store *store;
    struct policy *first;

    policy_files_write(files, "i", "{\"estimate\": {\"round_wh\": 11}}");
    store = policy_store_open(path);
    assert_non_null(store);
    first = policy_store_take(store);
    assert_int_equal(round_wh(store), 11);
    assert_int_equal(policy_store_poll(store), 0);

    policy_files_write(files, "i", "{\"estimate\": {\"round_wh\": 222}}");
    assert_int_equal(policy_store_poll(store), 1);
    assert_int_equal(policy_store_poll(store), 0);
    assert_int_equal(round_wh(store), 222);
    assert_false(has_error(store));

    policy_files_write(files, "i", "{\"estimate\": {\"round_wh\": -3333}}");
    assert_int_equal(policy_store_poll(store), -1);
    assert_int_equal(policy_store_poll(store), 0); /* told once */
    assert_int_equal(round_wh(store), 222);
    assert_true(has_error(store));
    assert_int_equal(policy_store_reload(store), -1);

    /* Settings count too: kwotad could not be started again with this file. */
    policy_files_write(files, "i", "{\"sweep_s\": 0}");
    assert_int_equal(policy_store_poll(store), -1);
    assert_int_equal(round_wh(store), 222);

    unlink(files->paths[1]);
    assert_int_equal(policy_store_poll(store), -1);
    policy_files_write(files, "i", "{\"estimate\": {\"round_wh\": 44}}");
    assert_int_equal(policy_store_poll(store), 1);
    assert_int_equal(round_wh(store), 44);
    assert_false(has_error(store));

    /* Who still has the first one keeps it. */
    assert_int_equal(policy_figures(first)->round_wh, 11);
    policy_release(first);
    policy_store_close(store);
}

static void no_store_of_an_invalid_file(void **state)
{
    struct policy_files *files = *state;

    assert_null(
        policy_store_open(policy_files_write(files, "k", "{\"enforce\": \"hard\"}")));
    assert_null(policy_store_open(policy_files_write(files, "k", "{\"spool\": 1}")));
}

struct guard {
    int64_t refuses_wh; /* whoever rounds to this */
    int asked;
};

static bool guards(void *of, const struct policy *now, const struct policy *next,
                   char why[POLICY_STORE_WHY])
{
    struct guard *guard = of;

    assert_ptr_not_equal(now, next);
    guard->asked++;
    snprintf(why, POLICY_STORE_WHY, "would stop 37 of 120 jobs");
    return policy_figures(next)->round_wh == guard->refuses_wh;
}

/* What waits for a confirmation; NULL: nothing. To be freed. */
static char *waiting(struct policy_store *store)
{
    json_t *state = policy_store_state(store);
    const char *waits = json_string_value(json_object_get(state, "waits"));
    char *text = waits ? strdup(waits) : NULL;

    assert_int_equal(json_is_null(json_object_get(state, "waits_s")), !waits);
    json_decref(state);
    return text;
}

static void what_stops_many_waits_for_a_confirmation(void **state)
{
    struct policy_files *files = *state;
    const char *path =
        policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": 7}}");
    struct policy_store *store = policy_store_open(path);
    struct guard guard = {7, 0};
    char expected[512], *text;

    assert_non_null(store);
    policy_store_watch_over(store, guards, &guard);
    policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": 11}}");
    assert_int_equal(policy_store_poll(store), 1);
    assert_int_equal(guard.asked, 1);
    assert_null(waiting(store));

    policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": 7 }}");
    assert_int_equal(policy_store_poll(store), -1);
    assert_int_equal(policy_store_poll(store), 0); /* told once */
    assert_int_equal(round_wh(store), 11);
    assert_false(has_error(store));
    text = waiting(store);
    snprintf(
        expected, sizeof expected,
        "the policy of %s would stop 37 of 120 jobs: kwota policy reload --confirm "
        "takes it",
        path);
    assert_string_equal(text, expected);
    free(text);
    assert_int_equal(policy_store_reload(store), -1);
    assert_int_equal(policy_store_confirm(store), 0);
    assert_int_equal(round_wh(store), 7);
    assert_null(waiting(store));

    /* What is wrong is not confirmed, and waits for nothing. */
    policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": -7}}");
    assert_int_equal(policy_store_confirm(store), -1);
    assert_int_equal(round_wh(store), 7);
    assert_true(has_error(store));
    assert_null(waiting(store));

    /* Nor does one that is taken back. */
    guard.refuses_wh = 9;
    policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": 9}}");
    assert_int_equal(policy_store_poll(store), -1);
    policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": 10}}");
    assert_int_equal(policy_store_poll(store), 1);
    assert_null(waiting(store));

    policy_store_watch_over(store, NULL, NULL);
    policy_files_write(files, "k", "{\"estimate\": {\"round_wh\": 9 }}");
    assert_int_equal(policy_store_reload(store), 0);
    assert_int_equal(round_wh(store), 9);
    policy_store_close(store);
}

static int make(void **state)
{
    static struct policy_files files;

    policy_files_make(&files);
    *state = &files;
    return 0;
}

static int remove_all(void **state)
{
    policy_files_remove(*state);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_most_specific_rule_counts),
        TEST(at_the_limit),
        TEST(nameplates),
        TEST(classes_and_credits),
        TEST(figures),
        TEST(what_is_kept),
        TEST(steering),
        TEST(defaults),
        TEST(shown_and_read_again),
        TEST(an_invalid_file_replaces_nothing),
        TEST(no_store_of_an_invalid_file),
        TEST(what_stops_many_waits_for_a_confirmation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
