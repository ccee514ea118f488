/* quote_call_test.c - what a job is quoted, from a ledger, a policy and a budget map */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget_map.h"
#include "policy/quote_call.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/quota_books.h"

#define KWH INT64_C(3600000000)

static const struct access_rights alice = {.uid = 1001, .user = "alice"};
static const struct access_rights bob = {.uid = 1002, .user = "bob"};
static const struct access_rights oper = {.uid = 1, .user = "oper", .sees_all = true};

/* What slurmctld told. */
static const struct queue_partition partitions[] = {
    {.name = "main",
     .is_default = true,
     .default_s = 3600,
     .max_s = 86400,
     .node_cpus = 64},
    {.name = "gpu", .whole_nodes = true, .node_cpus = 32, .node_gpus = 4},
    {.name = "attic", .default_s = 3600, .node_cpus = 4},
};
static bool told;

int steward_partition(struct steward *steward, const char *name,
                      struct queue_partition *found)
{
    (void)steward;
    for (size_t i = 0; told && i < sizeof partitions / sizeof *partitions; i++)
        if (name[0] ? strcmp(partitions[i].name, name) == 0
                    : partitions[i].is_default) {
            *found = partitions[i];
            return 1;
        }
    return told ? 0 : -1;
}

struct world {
    struct books *b;
    struct policy_files files;
    struct policy *policy;
    char map[128];
    json_t *answer; /* of the last call */
};

static struct world world;
static char clock_file[128];

/* A node of main draws 100 W and 1 W a CPU, one of gpu 50 W and 200 W a GPU; astro is
 * strict, bio soft and rejects, arts only warns, all else is off. */
static const char policy_text[] =
    "{\"estimate\": {\"round_wh\": 10, \"nameplate\": {"
    " \"main\": {\"node_w\": 100, \"cpu_w\": 1, \"gpu_w\": 0},"
    " \"gpu\": {\"node_w\": 50, \"cpu_w\": 0, \"gpu_w\": 200}}},"
    " \"enforce\": {\"default\": \"off\", \"rules\": ["
    "  {\"account\": \"astro\", \"level\": \"strict\"},"
    "  {\"account\": \"bio\", \"level\": \"soft\"},"
    "  {\"account\": \"arts\", \"level\": \"soft\"}]},"
    " \"limits\": {\"at_limit\": {\"default\": \"wait\", \"rules\": ["
    "  {\"account\": \"bio\", \"action\": \"reject\"},"
    "  {\"account\": \"arts\", \"action\": \"warn\"}]}},"
    " \"caps\": {\"enabled\": true}}";

static void write_map(const char *path)
{
    static const struct map_partition map_partitions[] = {
        {"main", {100000, 1000, 0}, true, true, false, 3600, 86400, 64, 0}};
    static const struct map_account accounts[] = {
        {"astro", ENFORCE_STRICT, AT_LIMIT_WAIT, 1000, 1000, 0, "account astro, 1 kWh"},
        {"bio", ENFORCE_SOFT, AT_LIMIT_REJECT, 5000, 100, 0, "account bio, 5 kWh"}};
    static const struct map_user users[] = {{1001, "alice", "astro", -1, "", false},
                                            {1002, "bob", "bio", -1, "", false}};
    const struct map_tables tables = {.written_s = time(NULL),
                                      .stale_s = 600,
                                      .factor_percent = 100,
                                      .round_wh = 10,
                                      .partitions = map_partitions,
                                      .partition_count = 1,
                                      .accounts = accounts,
                                      .account_count = 2,
                                      .users = users,
                                      .user_count = 2};
    char why[BUDGET_MAP_WHY];

    if (budget_map_write(path, &tables, why) < 0)
        fail_msg("%s", why);
}

static void set_clock(const char *dir)
{
    FILE *file;

    snprintf(clock_file, sizeof clock_file, "%s/clock", dir);
    file = fopen(clock_file, "w");
    fprintf(file, "%lld\n", (long long)(NOW - time(NULL)));
    fclose(file);
    setenv("KWOTA_TEST_CLOCK", clock_file, 1);
}

static int open_world(void **state)
{
    struct world *w = &world;
    char *complaints;
    void *books;

    memset(w, 0, sizeof *w);
    if (books_open(&books) < 0)
        return -1;
    w->b = books;
    told = true;
    set_clock(w->b->temporary.dir);
    policy_files_make(&w->files);
    w->policy = policy_files_read(
        &w->files, policy_files_write(&w->files, "k", policy_text), &complaints);
    if (!w->policy)
        print_error("%s\n", complaints);
    free(complaints);
    snprintf(w->map, sizeof w->map, "%s/budget.map", w->files.folder);
    write_map(w->map);
    books_account(w->b, "c", "root", "");
    books_account(w->b, "c", "astro", "root");
    books_account(w->b, "c", "bio", "root");
    books_account(w->b, "c", "arts", "root");
    books_member(w->b, "astro", "alice");
    books_do(w->b, "INSERT INTO members VALUES ('c','arts','alice',0)");
    books_member(w->b, "bio", "bob");
    *state = w;
    return w->policy ? 0 : -1;
}

static int close_world(void **state)
{
    struct world *w = *state;
    void *books = w->b;

    json_decref(w->answer);
    unsetenv("KWOTA_TEST_CLOCK");
    unlink(clock_file);
    unlink(w->map);
    policy_release(w->policy);
    policy_files_remove(&w->files);
    return books_close(&books);
}

/* The body has ' for ". */
static json_t *ask(struct world *w, const struct access_rights *rights,
                   const char *body, unsigned expected)
{
    char text[512];
    json_t *json;
    unsigned status = 0;

    snprintf(text, sizeof text, "%s", body);
    for (char *quote = text; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    json_decref(w->answer);
    w->answer = quote_call(&(struct quote_call){.ledger = w->b->ledger,
                                                .policy = w->policy,
                                                .cluster = "c",
                                                .rights = rights,
                                                .map = w->map,
                                                .body = json},
                           &status);
    json_decref(json);
    if (status != expected) {
        char *told_text = json_dumps(w->answer, 0);

        fail_msg("%s: %u %s", body, status, told_text);
    }
    return w->answer;
}

/* A key of the last answer; -1: it is null. */
static int64_t number(struct world *w, const char *key)
{
    const json_t *value = json_object_get(w->answer, key);

    assert_non_null(value);
    if (json_is_boolean(value))
        return json_is_true(value);
    return json_is_null(value) ? -1 : json_integer_value(value);
}

static const char *text(struct world *w, const char *key)
{
    const json_t *value = json_object_get(w->answer, key);

    assert_non_null(value);
    return json_is_null(value) ? "-" : json_string_value(value);
}

static void shapes_and_estimates(void **state)
{
    static const struct {
        const char *body, *partition;
        int64_t nodes, cpus, gpus, limit_s, mw, wh;
    } table[] = {
        {"{}", "main", 1, 1, 0, 3600, 101000, 110},
        {"{'nodes':2,'ntasks':8}", "main", 2, 8, 0, 3600, 208000, 210},
        {"{'ntasks':128}", "main", 2, 128, 0, 3600, 328000, 330},
        {"{'ntasks':3,'cpus_per_task':4,'limit_s':61}", "main", 1, 12, 0, 120, 112000,
         10},
        {"{'nodes':2,'whole_nodes':true}", "main", 2, 128, 0, 3600, 328000, 330},
        {"{'limit_s':0}", "main", 1, 1, 0, 86400, 101000, 2430},
        {"{'partition':'gpu','gpus':6,'limit_s':3600}", "gpu", 2, 64, 8, 3600, 1700000,
         1700},
        {"{'partition':'gpu','nodes':2,'gpus_per_node':1,'limit_s':7200}", "gpu", 2, 64,
         8, 7200, 1700000, 3400},
        {"{'partition':'main,gpu','limit_s':3600}", "gpu", 1, 32, 4, 3600, 850000, 850},
        {"{'partition':'gpu,main','limit_s':3600}", "gpu", 1, 32, 4, 3600, 850000, 850},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ask(w, &alice, table[i].body, 200);
        if (number(w, "nodes") != table[i].nodes ||
            number(w, "cpus") != table[i].cpus || number(w, "gpus") != table[i].gpus ||
            number(w, "limit_s") != table[i].limit_s ||
            number(w, "mw") != table[i].mw || number(w, "lien_wh") != table[i].wh ||
            strcmp(text(w, "partition"), table[i].partition) != 0) {
            char *told_text = json_dumps(w->answer, 0);

            fail_msg("%s: %s", table[i].body, told_text);
        }
        assert_int_equal(number(w, "estimate_mj"), table[i].mw * number(w, "limit_s"));
    }
}

static void who_may_ask_for_what(void **state)
{
    static const struct {
        const struct access_rights *rights;
        const char *body;
        unsigned status;
        const char *user, *account;
    } table[] = {
        {&alice, "{}", 200, "alice", "astro"},
        {&alice, "{'user':'alice','account':'Arts'}", 200, "alice", "arts"},
        {&alice, "{'user':'bob'}", 403, "", ""},
        {&alice, "{'account':'bio'}", 403, "", ""},
        {&bob, "{}", 200, "bob", "bio"},
        {&oper, "{'user':'bob'}", 200, "bob", "bio"},
        {&oper, "{'user':'bob','account':'astro'}", 200, "bob", "astro"},
        {&alice, "{'partition':'nowhere'}", 400, "", ""},
        {&alice, "{'nodes':-1}", 400, "", ""},
        {&alice, "{'nodes':'2'}", 400, "", ""},
        {&alice, "{'nodes':1000000001}", 400, "", ""},
        {&alice, "{'user':7}", 400, "", ""},
        {&alice, "{'energy_budget':'much'}", 400, "", ""},
        {&alice, "{'gpu_power_cap':'much'}", 400, "", ""},
        {&alice, "{'gpu_power_cap':'250kW'}", 400, "", ""},
        {&alice, "[]", 400, "", ""},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ask(w, table[i].rights, table[i].body, table[i].status);
        if (table[i].status != 200) {
            assert_true(strlen(text(w, "error")) > 10);
            continue;
        }
        assert_string_equal(text(w, "user"), table[i].user);
        assert_string_equal(text(w, "account"), table[i].account);
    }
    told = false;
    ask(w, &alice, "{}", 503);
}

static void what_fits(void **state)
{
    struct world *w = *state;

    books_quota(w->b, "astro", "", "", KWH);
    ask(w, &alice, "{'tasks':7,'nodes':2}", 200); /* 210 Wh each */
    assert_int_equal(number(w, "starts_now"), 1);
    assert_string_equal(text(w, "why"), "-");
    assert_int_equal(number(w, "fits_tasks"), 4);
    assert_int_equal(number(w, "total_mj"), 7 * number(w, "estimate_mj"));
    assert_int_equal(number(w, "fits_limit_s"), -1);
    assert_string_equal(text(w, "enforce"), "strict");
    assert_string_equal(text(w, "at_limit"), "wait");
    assert_int_equal(json_array_size(json_object_get(w->answer, "budgets")), 1);
    ask(w, &alice, "{'tasks':3,'nodes':2}", 200);
    assert_int_equal(number(w, "fits_tasks"), 3);
    books_rollup(w->b, NOVEMBER, "c", "astro", "alice", "main", KWH * 8 / 10, 0);
    ask(w, &alice, "{'nodes':2}", 200);
    assert_int_equal(number(w, "starts_now"), 0);
    assert_int_equal(number(w, "admitted"), 1);
    assert_string_equal(text(w, "why"), "account astro has 0.200 kWh left until "
                                        "2026-12-01, 0.210 kWh are needed");
    assert_int_equal(number(w, "fits_tasks"), 0);
    assert_int_equal(number(w, "fits_limit_s"), 59 * 60);
    ask(w, &alice, "{'nodes':2,'energy_budget':'0.2kWh'}", 200);
    assert_int_equal(number(w, "starts_now"), 1);
    assert_int_equal(number(w, "lien_wh"), 200);
    assert_int_equal(number(w, "budget_wh"), 200);
    assert_int_equal(number(w, "fits_tasks"), 1);
}

static void capped_gpus_draw_less(void **state)
{
    struct world *w = *state;

    ask(w, &alice, "{'partition':'gpu','limit_s':3600}", 200);
    assert_int_equal(number(w, "mw"), 850000);
    ask(w, &alice, "{'partition':'gpu','limit_s':3600,'gpu_power_cap':'150W'}", 200);
    assert_int_equal(number(w, "mw"), 650000);
    assert_int_equal(number(w, "lien_wh"), 650);
    ask(w, &alice, "{'partition':'gpu','limit_s':3600,'gpu_power_cap':'250W'}", 200);
    assert_int_equal(number(w, "mw"), 850000);
}

/* slurmctld's plugin decides by its map, by the nameplate alone. */
static void what_admission_will_say(void **state)
{
    struct world *w = *state;

    ask(w, &alice, "{'nodes':10}", 200); /* 1010 Wh of 1000 */
    assert_int_equal(number(w, "admitted"), 0);
    assert_int_equal(number(w, "starts_now"), 0);
    assert_int_equal(number(w, "fits_tasks"), 0);
    assert_non_null(strstr(text(w, "refusal"), "account astro can never run this job"));
    ask(w, &alice, "{'nodes':9}", 200);
    assert_int_equal(number(w, "admitted"), 1);
    assert_string_equal(text(w, "refusal"), "-");
    ask(w, &bob, "{}", 200); /* 110 Wh of 100 */
    assert_non_null(strstr(text(w, "refusal"), "account bio cannot run this job now"));
    ask(w, &oper, "{'user':'bob'}", 200);
    assert_int_equal(number(w, "admitted"), 0);
    unlink(w->map);
    ask(w, &bob, "{}", 200);
    assert_int_equal(number(w, "admitted"), 1);
}

static void who_needs_no_lien(void **state)
{
    struct world *w = *state;

    books_quota(w->b, "arts", "", "", 1);
    books_quota(w->b, "astro", "", "", 1);
    ask(w, &alice, "{'account':'arts'}", 200);
    assert_int_equal(number(w, "lien_wh"), 0);
    assert_int_equal(number(w, "starts_now"), 1);
    assert_int_equal(number(w, "estimate_mj"), 101000 * 3600);
    assert_string_equal(text(w, "at_limit"), "warn");
    ask(w, &alice, "{}", 200);
    assert_int_equal(number(w, "starts_now"), 0);
    books_do(w->b, "INSERT INTO switches VALUES ('freeze','on',1,'root','test')");
    ask(w, &alice, "{}", 200);
    assert_string_equal(text(w, "enforce"), "shadow");
    assert_int_equal(number(w, "lien_wh"), 0);
    assert_int_equal(number(w, "starts_now"), 1);
}

static void unknown_is_not_zero(void **state)
{
    struct world *w = *state;

    ask(w, &alice, "{'partition':'attic'}", 200);
    assert_int_equal(number(w, "estimate_mj"), -1);
    assert_int_equal(number(w, "mw"), -1);
    assert_int_equal(number(w, "total_mj"), -1);
    assert_string_equal(text(w, "source"), "-");
    assert_true(json_is_null(json_object_get(w->answer, "cost")));
}

/* History counts by what was asked for: whole nodes have more CPUs than that. */
static void history_counts(void **state)
{
    struct world *w = *state;

    for (int64_t id = 1; id <= 5; id++) {
        books_run(w->b, id, "c", "astro", "alice", "gpu", "settled");
        assert_int_equal(
            ledger_do(w->b->ledger,
                      "INSERT INTO history VALUES ('c','alice','astro','train','gpu',2,"
                      "8,2,?1,?1,300000,1800,7200,0,0)",
                      "i", id),
            0);
    }
    books_quota(w->b, "astro", "", "", KWH);
    ask(w, &alice,
        "{'name':'train','partition':'gpu','nodes':2,'ntasks':8,'gpus_per_node':1,"
        "'limit_s':7200,'tasks':9}",
        200);
    assert_int_equal(number(w, "runs"), 5);
    assert_int_equal(number(w, "mw"), 300000);
    assert_int_equal(number(w, "expected_s"), 1800);
    assert_int_equal(number(w, "limit_s"), 7200);
    assert_int_equal(number(w, "lien_wh"), 150);
    assert_int_equal(number(w, "cpus"), 64);
    assert_int_equal(number(w, "fits_tasks"), 6);
    assert_string_equal(
        text(w, "source"),
        "history: 5 runs, 95 % drew at most 300 W, 95 % took at most 30 min");
    ask(w, &alice,
        "{'name':'other','partition':'gpu','nodes':2,'ntasks':8,'gpus_per_node':1,"
        "'limit_s':7200}",
        200);
    assert_int_equal(number(w, "runs"), 0);
    assert_string_equal(text(w, "source"), "nameplate of partition gpu");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(shapes_and_estimates),
        TEST(who_may_ask_for_what),
        TEST(what_fits),
        TEST(capped_gpus_draw_less),
        TEST(what_admission_will_say),
        TEST(who_needs_no_lien),
        TEST(unknown_is_not_zero),
        TEST(history_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
