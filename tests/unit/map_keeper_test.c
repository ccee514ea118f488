/* map_keeper_test.c - the newest map is found, kept, and never pulled from under a
 * reader
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin/map_keeper.h"
#include "plugin/map_path.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static char dir[64], path[96], clock_file[96];
static atomic_int good_told, bad_told;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last_told[1024]; /* guarded by lock */

static void tell(bool good, const char *sentence)
{
    pthread_mutex_lock(&lock);
    snprintf(last_told, sizeof last_told, "%s", sentence);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(good ? &good_told : &bad_told, 1);
}

static bool told_last(const char *part)
{
    bool there;

    pthread_mutex_lock(&lock);
    there = strstr(last_told, part) != NULL;
    pthread_mutex_unlock(&lock);
    return there;
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/kwota-unit-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/budget.map", dir);
    snprintf(clock_file, sizeof clock_file, "%s/clock", dir);
    setenv("KWOTA_TEST_CLOCK", clock_file, 1);
    return 0;
}

static int remove_dir(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static int begin(void **state)
{
    (void)state;
    unlink(path);
    unlink(clock_file);
    atomic_store(&good_told, 0);
    atomic_store(&bad_told, 0);
    return 0;
}

/* A map whose one account has this much left. */
static void write_map(int64_t left_wh)
{
    struct map_account account = {
        .name = "astro", .most_wh = left_wh, .left_wh = left_wh};
    struct map_tables tables = {.written_s = time(NULL),
                                .stale_s = 60,
                                .factor_percent = 100,
                                .round_wh = 1,
                                .accounts = &account,
                                .account_count = 1};
    char why[BUDGET_MAP_WHY];

    if (budget_map_write(path, &tables, why) < 0)
        fail_msg("%s", why);
}

static void put_text(const char *file, const char *text)
{
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* What is left by the map that is current; -1: there is none. */
static int64_t left(void)
{
    struct map_lease lease;
    struct map_account account;
    int64_t wh = -1;

    map_keeper_take(&lease);
    if (lease.map && budget_map_account(lease.map, "astro", &account))
        wh = account.left_wh == account.most_wh ? account.left_wh : -2;
    map_keeper_give(&lease);
    return wh;
}

/* Waits up to thirty seconds. */
#define EVENTUALLY(condition)                                                          \
    do {                                                                               \
        for (int tries = 0; tries < 3000 && !(condition); tries++)                     \
            usleep(10000);                                                             \
        if (!(condition))                                                              \
            fail_msg("not within thirty seconds: %s", #condition);                     \
    } while (0)

static void a_map_is_there_at_once(void **state)
{
    (void)state;
    write_map(100);
    map_keeper_open(path, tell);
    assert_int_equal(left(), 100);
    assert_int_equal(good_told, 1);
    assert_int_equal(bad_told, 0);
    map_keeper_close();
}

static void changes_are_followed(void **state)
{
    (void)state;
    write_map(100);
    map_keeper_open(path, tell);
    for (int64_t wh = 101; wh < 104; wh++) {
        write_map(wh);
        EVENTUALLY(left() == wh);
    }
    assert_int_equal(good_told, 1);
    map_keeper_close();
}

static void trouble_is_told_once(void **state)
{
    (void)state;
    map_keeper_open(path, tell);
    assert_int_equal(left(), -1);
    assert_int_equal(bad_told, 1);
    assert_true(told_last("without a budget map"));
    usleep(2200000);
    assert_int_equal(bad_told, 1);
    write_map(7);
    EVENTUALLY(left() == 7);
    EVENTUALLY(good_told == 1);
    /* Damaged: what was read before stays. */
    put_text(path, "nonsense");
    EVENTUALLY(bad_told == 2);
    assert_true(told_last("stays in use"));
    assert_int_equal(left(), 7);
    write_map(8);
    EVENTUALLY(left() == 8);
    EVENTUALLY(good_told == 2);
    unlink(path);
    EVENTUALLY(bad_told == 3);
    assert_int_equal(left(), 8);
    map_keeper_close();
}

static void age_is_told_by_the_test_clock(void **state)
{
    struct map_lease lease;

    (void)state;
    write_map(7);
    map_keeper_open(path, tell);
    put_text(clock_file, "3600\n");
    EVENTUALLY(bad_told == 1);
    assert_true(told_last("is stale"));
    map_keeper_take(&lease);
    assert_true(budget_map_stale(lease.map, lease.now_s));
    map_keeper_give(&lease);
    put_text(clock_file, "0\n");
    EVENTUALLY(good_told == 2);
    map_keeper_close();
}

static void a_leased_map_outlives_its_successors(void **state)
{
    struct map_lease lease;
    struct map_account account;

    (void)state;
    write_map(1);
    map_keeper_open(path, tell);
    map_keeper_take(&lease);
    write_map(2);
    EVENTUALLY(left() == 2);
    /* The third would take the place of the first. */
    write_map(3);
    usleep(2200000);
    assert_int_equal(left(), 2);
    assert_true(budget_map_account(lease.map, "astro", &account));
    assert_int_equal(account.left_wh, 1);
    map_keeper_give(&lease);
    EVENTUALLY(left() == 3);
    map_keeper_close();
}

static atomic_bool enough;

static void *ask_on(void *arg)
{
    long *asked = arg;

    for (*asked = 0; !atomic_load(&enough); (*asked)++)
        if (left() < 1)
            abort();
    return NULL;
}

static void readers_never_wait_and_never_see_half(void **state)
{
    pthread_t threads[4];
    long asked[4];

    (void)state;
    atomic_store(&enough, false);
    write_map(1);
    map_keeper_open(path, tell);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ask_on, &asked[i]);
    for (int64_t wh = 2; wh < 6; wh++) {
        write_map(wh);
        EVENTUALLY(left() == wh);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(asked[i] > 1000);
    }
    map_keeper_close();
}

static void a_forked_process_keeps_its_own(void **state)
{
    pid_t child;
    int status = -1;

    (void)state;
    write_map(1);
    map_keeper_open(path, tell);
    child = fork();
    if (child == 0) {
        int64_t now = left();

        for (int tries = 0; tries < 3000 && now != 2; tries++) {
            usleep(10000);
            now = left();
        }
        map_keeper_close();
        _exit(now == 2 ? 0 : 1);
    }
    write_map(2);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    EVENTUALLY(left() == 2);
    map_keeper_close();
}

static void it_opens_and_closes_again(void **state)
{
    (void)state;
    write_map(5);
    for (int i = 0; i < 20; i++) {
        map_keeper_open(path, tell);
        assert_int_equal(left(), 5);
        map_keeper_close();
    }
    assert_int_equal(left(), -1);
}

static void the_path_is_found_in_json(void **state)
{
    static const struct {
        const char *json, *text; /* NULL: there is none */
    } cases[] = {
        {"{\"spool\": \"/var/kwota\"}", "/var/kwota"},
        {"{\"a\":1,\"spool\":\"/x\",\"spool\":\"/y\"}", "/x"},
        {" {\n\"cluster\" : \"c\",\n \"spool\" :\n\t\"/x y\" }", "/x y"},
        {"{\"listen\":{\"spool\":\"/no\"},\"spool\":\"/yes\"}", "/yes"},
        {"{\"listen\":{\"spool\":\"/no\"}}", NULL},
        {"[\"spool\",\"/no\"]", NULL},
        {"{\"a\":\"spool\",\"b\":\"/no\"}", NULL},
        {"{\"a\":\"\\\"spool\\\":\\\"/no\\\"\",\"spool\":\"/yes\"}", "/yes"},
        {"{\"a\":\"}}{\",\"spool\":\"/yes\"}", "/yes"},
        {"{\"spool\":null}", NULL},
        {"{\"spool\":3}", NULL},
        {"{\"spool\":\"\"}", NULL},
        {"{\"spool\":\"/a\\u0041\"}", NULL},
        {"{\"spool\":\"/cut", NULL},
        {"{\"spool\"", NULL},
        {"{\"spool\":", NULL},
        {"{\"spo", NULL},
        {"{\"a\\", NULL},
        {"", NULL},
        {"{\"spool\":\"/0123456789012345678901234567890\"}", NULL}, /* too long */
    };
    char text[32];

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        int rc = map_path_json_text(cases[i].json, "spool", text, sizeof text);

        if (rc != (cases[i].text ? 0 : -1) || (rc == 0 && strcmp(text, cases[i].text)))
            fail_msg("%s: %d %s", cases[i].json, rc, rc ? "" : text);
    }
}

static void the_environment_comes_before_the_file(void **state)
{
    char file[96], found[128];

    (void)state;
    snprintf(file, sizeof file, "%s/kwota.json", dir);
    unsetenv("KWOTA_BUDGET_MAP");
    map_path_find(file, found, sizeof found);
    assert_string_equal(found, KWOTA_SPOOLDIR "/budget.map");
    put_text(file, "{\"spool\":\"/else/where\"}");
    map_path_find(file, found, sizeof found);
    assert_string_equal(found, "/else/where/budget.map");
    setenv("KWOTA_BUDGET_MAP", "/the/map", 1);
    map_path_find(file, found, sizeof found);
    assert_string_equal(found, "/the/map");
    unsetenv("KWOTA_BUDGET_MAP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_map_is_there_at_once, begin),
        cmocka_unit_test_setup(changes_are_followed, begin),
        cmocka_unit_test_setup(trouble_is_told_once, begin),
        cmocka_unit_test_setup(age_is_told_by_the_test_clock, begin),
        cmocka_unit_test_setup(a_leased_map_outlives_its_successors, begin),
        cmocka_unit_test_setup(readers_never_wait_and_never_see_half, begin),
        cmocka_unit_test_setup(a_forked_process_keeps_its_own, begin),
        cmocka_unit_test_setup(it_opens_and_closes_again, begin),
        cmocka_unit_test(the_path_is_found_in_json),
        cmocka_unit_test(the_environment_comes_before_the_file),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
