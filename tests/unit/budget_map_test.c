/* budget_map_test.c - what is written is read, and nothing else is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/budget_map.h"
#include "policy/budget_map_image.h"
#include "policy/policy.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static char dir[64], path[96];

static const struct map_partition partitions[] = {
    {"main", {100000, 3000, 0}, true, true, false, 3600, 86400, 64, 0},
    {"gpu", {200000, 3000, 400000}, true, false, true, 0, 172800, 128, 8},
    {"attic", {0, 0, 0}, false, false, false, 0, 0, 4, 0},
};
static const struct map_account accounts[] = {
    {"physics", ENFORCE_SOFT, AT_LIMIT_WAIT, -1, -1, 0, ""},
    {"astro", ENFORCE_STRICT, AT_LIMIT_REJECT, 1000000, 300000, 1800000000,
     "account astro, 1 000 kWh a month"},
    {"bio", ENFORCE_OFF, AT_LIMIT_WARN, 0, -5, 0, NULL},
};
static const struct map_user users[] = {
    {1002, "bob", "bio", -1, "", false},
    {1001, "alice", "astro", 5000, "user alice, 5 kWh a month", false},
    {0, "carol", "", -1, NULL, true},
    {0, "root", "root", -1, "", true},
    {INT64_C(4294967294), "nobody", "bio", -1, "", false},
};
static const struct map_rule rules[] = {
    {"bio", "gpu", ENFORCE_SOFT, AT_LIMIT_WAIT},
    {"astro", "attic", ENFORCE_OFF, AT_LIMIT_WAIT},
    {"bio", "attic", ENFORCE_SHADOW, AT_LIMIT_OVERDRAFT},
};

static struct map_tables small(void)
{
    return (struct map_tables){
        .written_s = 1700000000,
        .stale_s = 600,
        .flags = MAP_REFUSE_STALE,
        .factor_percent = 120,
        .round_wh = 10,
        .partitions = partitions,
        .partition_count = COUNT(partitions),
        .accounts = accounts,
        .account_count = COUNT(accounts),
        .users = users,
        .user_count = COUNT(users),
        .rules = rules,
        .rule_count = COUNT(rules),
    };
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/kwota-unit-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/budget.map", dir);
    return 0;
}

static int remove_dir(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static void write_map(const struct map_tables *tables)
{
    char why[BUDGET_MAP_WHY];

    if (budget_map_write(path, tables, why) < 0)
        fail_msg("%s", why);
}

static struct budget_map *read_map(void)
{
    char why[BUDGET_MAP_WHY];
    struct budget_map *map = budget_map_read(path, why);

    if (!map)
        fail_msg("%s", why);
    return map;
}

/* The whole file, and its size. */
static char *bytes_of(size_t *size)
{
    FILE *file = fopen(path, "r");
    char *bytes;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void put_bytes(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* As put_bytes, with a checksum that is right. */
static void put_sealed(char *bytes, size_t size)
{
    struct image_header header;

    memcpy(&header, bytes, sizeof header);
    header.checksum = image_checksum(bytes, size);
    memcpy(bytes, &header, sizeof header);
    put_bytes(bytes, size);
}

static void refused(const char *because)
{
    char why[BUDGET_MAP_WHY];
    struct budget_map *map = budget_map_read(path, why);

    if (map) {
        budget_map_free(map);
        fail_msg("read, but should be refused: %s", because);
    }
    if (!strstr(why, because) || strncmp(why, path, strlen(path)) != 0)
        fail_msg("'%s' does not say '%s: …%s'", why, path, because);
}

static void all_comes_back(void **state)
{
    struct map_tables tables = small();
    struct budget_map *map;
    struct map_partition p;
    struct map_account a;
    struct map_user u;
    int64_t written_s, stale_s, factor, round_wh;
    uint32_t flags;
    struct stat status;

    (void)state;
    write_map(&tables);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    map = read_map();
    budget_map_figures(map, &written_s, &stale_s, &flags, &factor, &round_wh);
    assert_int_equal(written_s, 1700000000);
    assert_int_equal(stale_s, 600);
    assert_int_equal(flags, MAP_REFUSE_STALE);
    assert_int_equal(factor, 120);
    assert_int_equal(round_wh, 10);
    for (int i = 0; i < COUNT(partitions); i++) {
        const struct map_partition *want = &partitions[i];

        assert_true(budget_map_partition(map, want->name, &p));
        assert_string_equal(p.name, want->name);
        assert_int_equal(p.nameplate.node_mw, want->nameplate.node_mw);
        assert_int_equal(p.nameplate.cpu_mw, want->nameplate.cpu_mw);
        assert_int_equal(p.nameplate.gpu_mw, want->nameplate.gpu_mw);
        assert_int_equal(p.known, want->known);
        assert_int_equal(p.is_default, want->is_default);
        assert_int_equal(p.whole_nodes, want->whole_nodes);
        assert_int_equal(p.default_s, want->default_s);
        assert_int_equal(p.max_s, want->max_s);
        assert_int_equal(p.node_cpus, want->node_cpus);
        assert_int_equal(p.node_gpus, want->node_gpus);
    }
    assert_true(budget_map_partition(map, NULL, &p));
    assert_string_equal(p.name, "main");
    for (int i = 0; i < COUNT(accounts); i++) {
        const struct map_account *want = &accounts[i];

        assert_true(budget_map_account(map, want->name, &a));
        assert_string_equal(a.name, want->name);
        assert_int_equal(a.enforce, want->enforce);
        assert_int_equal(a.at_limit, want->at_limit);
        assert_int_equal(a.most_wh, want->most_wh);
        assert_int_equal(a.left_wh, want->left_wh);
        assert_int_equal(a.until_s, want->until_s);
        assert_string_equal(a.most_text, want->most_text ? want->most_text : "");
    }
    for (int i = 0; i < COUNT(users); i++) {
        const struct map_user *want = &users[i];

        assert_true(budget_map_user(map, want->name, &u));
        assert_string_equal(u.name, want->name);
        assert_string_equal(u.account, want->account);
        assert_int_equal(u.uid, want->uid);
        assert_int_equal(u.most_wh, want->most_wh);
        assert_string_equal(u.most_text, want->most_text ? want->most_text : "");
        assert_int_equal(u.is_operator, want->is_operator);
    }
    budget_map_free(map);
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const strangers[] = {"", "a", "alic", "alicea", "zoe", "carom"};
    struct map_tables tables = small();
    struct budget_map *map;
    struct map_partition p;
    struct map_account a;
    struct map_user u;

    (void)state;
    write_map(&tables);
    map = read_map();
    for (int i = 0; i < COUNT(strangers); i++) {
        assert_false(budget_map_partition(map, strangers[i], &p));
        assert_false(budget_map_account(map, strangers[i], &a));
        assert_false(budget_map_user(map, strangers[i], &u));
    }
    budget_map_free(map);
    memset(&tables, 0, sizeof tables);
    write_map(&tables);
    map = read_map();
    assert_false(budget_map_partition(map, NULL, &p));
    assert_false(budget_map_partition(map, "main", &p));
    assert_false(budget_map_account(map, "astro", &a));
    assert_false(budget_map_user(map, "alice", &u));
    assert_false(budget_map_user_by_uid(map, 0, &u));
    assert_false(budget_map_user_by_uid(map, 1001, &u));
    assert_false(budget_map_enforces(map));
    budget_map_free(map);
}

static void users_are_found_by_number(void **state)
{
    static const struct {
        uid_t uid;
        const char *name;
    } cases[] = {
        {1001, "alice"}, {1002, "bob"}, {0, "root"}, {4294967294U, "nobody"},
        {1000, NULL},    {1003, NULL},  {1, NULL},   {4294967295U, NULL},
    };
    struct map_tables tables = small();
    struct budget_map *map;
    struct map_user u;

    (void)state;
    write_map(&tables);
    map = read_map();
    for (int i = 0; i < COUNT(cases); i++) {
        bool found = budget_map_user_by_uid(map, cases[i].uid, &u);

        assert_int_equal(found, cases[i].name != NULL);
        if (found)
            assert_string_equal(u.name, cases[i].name);
    }
    budget_map_free(map);
}

static void rules_come_before_the_account(void **state)
{
    static const struct {
        const char *account, *partition;
        bool found;
        int32_t enforce, at_limit;
    } cases[] = {
        {"bio", "gpu", true, ENFORCE_SOFT, AT_LIMIT_WAIT},
        {"bio", "attic", true, ENFORCE_SHADOW, AT_LIMIT_OVERDRAFT},
        {"bio", "main", true, ENFORCE_OFF, AT_LIMIT_WARN},
        {"bio", NULL, true, ENFORCE_OFF, AT_LIMIT_WARN},
        {"astro", "attic", true, ENFORCE_OFF, AT_LIMIT_WAIT},
        {"astro", "gpu", true, ENFORCE_STRICT, AT_LIMIT_REJECT},
        {"physics", "gpu", true, ENFORCE_SOFT, AT_LIMIT_WAIT},
        {"plasma", "gpu", false, 0, 0},
        {"plasma", NULL, false, 0, 0},
    };
    struct map_tables tables = small();
    struct budget_map *map;

    (void)state;
    write_map(&tables);
    map = read_map();
    for (int i = 0; i < COUNT(cases); i++) {
        int32_t enforce = 0, at_limit = 0;

        assert_int_equal(budget_map_rule(map, cases[i].account, cases[i].partition,
                                         &enforce, &at_limit),
                         cases[i].found);
        assert_int_equal(enforce, cases[i].enforce);
        assert_int_equal(at_limit, cases[i].at_limit);
    }
    assert_true(budget_map_enforces(map));
    budget_map_free(map);
}

static void one_soft_rule_enforces(void **state)
{
    struct map_tables tables = small();
    struct budget_map *map;

    (void)state;
    tables.accounts = &accounts[2];
    tables.account_count = 1;
    tables.rule_count = 1;
    write_map(&tables);
    map = read_map();
    assert_true(budget_map_enforces(map));
    budget_map_free(map);
    tables.rules = &rules[1];
    tables.rule_count = 2;
    write_map(&tables);
    map = read_map();
    assert_false(budget_map_enforces(map));
    budget_map_free(map);
}

static void age_is_judged(void **state)
{
    static const struct {
        int64_t written_s, stale_s, now_s;
        bool stale;
        int64_t age_s;
    } cases[] = {
        {1000, 600, 1000, false, 0},
        {1000, 600, 1600, false, 600},
        {1000, 600, 1601, true, 601},
        {1000, 600, 0, false, -1000},
        {1000, 0, 1000, false, 0},
        {1000, 0, 1001, true, 1},
        {INT64_MIN, 600, 1000, true, INT64_MAX},
        {INT64_MAX, 600, -1000, false, INT64_MIN},
        {1000, -1, 1000, true, 0},
    };

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct map_tables tables = small();
        struct budget_map *map;

        tables.written_s = cases[i].written_s;
        tables.stale_s = cases[i].stale_s;
        write_map(&tables);
        map = read_map();
        assert_int_equal(budget_map_stale(map, cases[i].now_s), cases[i].stale);
        assert_int_equal(budget_map_age_s(map, cases[i].now_s), cases[i].age_s);
        budget_map_free(map);
    }
}

static void names_twice_are_refused(void **state)
{
    struct map_account twins[] = {
        {.name = "astro"}, {.name = "bio"}, {.name = "astro"}};
    struct map_rule rule_twins[] = {{"a", "b", 0, 0}, {"a", "b", 1, 0}};
    struct map_tables tables = small();
    char why[BUDGET_MAP_WHY];
    struct budget_map *map;

    (void)state;
    write_map(&tables);
    tables.accounts = twins;
    assert_int_equal(budget_map_write(path, &tables, why), -1);
    assert_string_equal(why, "astro: the account is there twice");
    tables = small();
    tables.rules = rule_twins;
    tables.rule_count = 2;
    assert_int_equal(budget_map_write(path, &tables, why), -1);
    assert_string_equal(why, "a: the account has two rules for one partition");
    /* What was there is there. */
    map = read_map();
    budget_map_free(map);
}

static void failed_writes_say_why(void **state)
{
    struct map_tables tables = small();
    char why[BUDGET_MAP_WHY], nowhere[128];

    (void)state;
    snprintf(nowhere, sizeof nowhere, "%s/nowhere/budget.map", dir);
    assert_int_equal(budget_map_write(nowhere, &tables, why), -1);
    assert_non_null(strstr(why, "No such file"));
}

static void missing_files_and_others_are_refused(void **state)
{
    (void)state;
    unlink(path);
    refused("No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    refused("is not a file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    refused("is not a file");
    rmdir(path);
    put_bytes("", 0);
    refused("is cut off");
}

static void every_length_but_the_right_one_is_refused(void **state)
{
    struct map_tables tables = small();
    struct budget_map *map;
    size_t size;
    char *bytes, *more;

    (void)state;
    write_map(&tables);
    bytes = bytes_of(&size);
    for (size_t length = 0; length < size; length++) {
        put_bytes(bytes, length);
        refused("is cut off");
    }
    more = calloc(1, size + 8);
    memcpy(more, bytes, size);
    put_bytes(more, size + 8);
    refused("is not as long as it says");
    free(more);
    put_bytes(bytes, size);
    map = read_map();
    budget_map_free(map);
    free(bytes);
}

static void every_flipped_bit_is_refused(void **state)
{
    struct map_tables tables = small();
    char why[BUDGET_MAP_WHY];
    size_t size;
    char *bytes;

    (void)state;
    write_map(&tables);
    bytes = bytes_of(&size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        put_bytes(bytes, size);
        if (budget_map_read(path, why))
            fail_msg("bit %zu", bit);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(bytes);
}

static void other_kinds_and_versions_are_refused(void **state)
{
    struct map_tables tables = small();
    struct image_header header;
    size_t size;
    char *bytes;

    (void)state;
    write_map(&tables);
    bytes = bytes_of(&size);
    memcpy(&header, bytes, sizeof header);
    header.version++;
    memcpy(bytes, &header, sizeof header);
    put_sealed(bytes, size);
    refused("is of another version");
    header.version--;
    header.magic++;
    memcpy(bytes, &header, sizeof header);
    put_sealed(bytes, size);
    refused("is not a budget map");
    free(bytes);
}

/* Every 32-bit word of a file whose checksum is right becomes everything that could
 * lead astray. Whatever can still be read is asked everything. */
static void ask_everything(const struct budget_map *map)
{
    static const char *const names[] = {"main", "gpu", "astro", "bio", "alice",
                                        "root", "",    "zzz",   NULL};
    static volatile size_t sink;
    struct map_partition p;
    struct map_account a;
    struct map_user u;
    int32_t enforce, at_limit;

    for (int i = 0; names[i]; i++) {
        if (budget_map_partition(map, names[i], &p))
            sink += strlen(p.name);
        if (budget_map_account(map, names[i], &a))
            sink += strlen(a.name) + strlen(a.most_text);
        if (budget_map_user(map, names[i], &u))
            sink += strlen(u.name) + strlen(u.account) + strlen(u.most_text);
        for (int j = 0; names[j]; j++)
            sink += budget_map_rule(map, names[i], names[j], &enforce, &at_limit);
    }
    if (budget_map_partition(map, NULL, &p))
        sink += strlen(p.name);
    for (uid_t uid = 998; uid < 1006; uid++)
        if (budget_map_user_by_uid(map, uid, &u))
            sink += strlen(u.name);
    sink += budget_map_enforces(map) + budget_map_stale(map, 1700000000);
    (void)sink;
}

static void hostile_words_do_no_harm(void **state)
{
    static const uint32_t poison[] = {0,          1,          0x7f,       0xff,
                                      0x1000,     0x10000,    4000000,    4000001,
                                      0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
    struct map_tables tables = small();
    int readable = 0, refusals = 0;
    size_t size;
    char *bytes;

    (void)state;
    write_map(&tables);
    bytes = bytes_of(&size);
    for (size_t at = 0; at < size; at += 4)
        for (int i = 0; i < COUNT(poison); i++) {
            char why[BUDGET_MAP_WHY];
            struct budget_map *map;
            char saved[4];

            memcpy(saved, bytes + at, 4);
            memcpy(bytes + at, &poison[i], 4);
            put_sealed(bytes, size);
            map = budget_map_read(path, why);
            if (map) {
                ask_everything(map);
                budget_map_free(map);
                readable++;
            } else {
                refusals++;
            }
            memcpy(bytes + at, saved, 4);
        }
    free(bytes);
    /* Amounts may be anything; counts, offsets and rules may not. */
    assert_true(readable > 100);
    assert_true(refusals > 100);
}

static void contradictions_are_refused(void **state)
{
    struct map_tables tables = small();
    struct image_places at;
    struct image_account *account;
    struct image_header *header;
    struct image_rule *rule;
    uint32_t *by_uid, saved;
    size_t size;
    char *bytes;

    (void)state;
    write_map(&tables);
    bytes = bytes_of(&size);
    header = (void *)bytes;
    at = image_places(header);
    account = (void *)(bytes + at.accounts);
    rule = (void *)(bytes + at.rules);
    by_uid = (void *)(bytes + at.by_uid);

    saved = account[1].name;
    account[1].name = account[0].name;
    put_sealed(bytes, size);
    refused("its tables contradict themselves");
    account[1].name = (uint32_t)(size - at.texts);
    put_sealed(bytes, size);
    refused("its tables contradict themselves");
    account[1].name = saved;

    account[0].enforce = ENFORCE_STRICT + 1;
    put_sealed(bytes, size);
    refused("its tables contradict themselves");
    account[0].enforce = ENFORCE_STRICT;
    rule[0].at_limit = -1;
    put_sealed(bytes, size);
    refused("its tables contradict themselves");
    rule[0].at_limit = AT_LIMIT_WAIT;

    saved = by_uid[0];
    by_uid[0] = by_uid[1];
    by_uid[1] = saved;
    put_sealed(bytes, size);
    refused("its tables contradict themselves");
    by_uid[1] = header->user_count;
    put_sealed(bytes, size);
    refused("its tables contradict themselves");
    by_uid[1] = by_uid[0];
    by_uid[0] = saved;

    header->default_partition = header->partition_count;
    put_sealed(bytes, size);
    refused("its default partition is not in it");
    header->default_partition = IMAGE_NO_PARTITION;
    bytes[size - 1] = 'x';
    put_sealed(bytes, size);
    refused("its tables do not fit into it");
    free(bytes);
}

#define MANY_ACCOUNTS 10000
#define MANY_USERS 50000

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_large_site_fits(void **state)
{
    struct map_account *many = calloc(MANY_ACCOUNTS, sizeof *many);
    struct map_user *people = calloc(MANY_USERS, sizeof *people);
    char(*names)[32] = calloc(MANY_ACCOUNTS + MANY_USERS, sizeof *names);
    struct map_tables tables = small();
    struct budget_map *map;
    struct map_account a;
    struct map_user u;
    double begun;

    (void)state;
    for (int i = 0; i < MANY_ACCOUNTS; i++) {
        snprintf(names[i], sizeof *names, "project%d", i * 7919 % MANY_ACCOUNTS);
        many[i] = (struct map_account){.name = names[i],
                                       .enforce = ENFORCE_STRICT,
                                       .most_wh = i,
                                       .left_wh = -1,
                                       .most_text = "its project, so much a month"};
    }
    for (int i = 0; i < MANY_USERS; i++) {
        char *name = names[MANY_ACCOUNTS + i];

        snprintf(name, sizeof *names, "user%d", i);
        people[i] = (struct map_user){.uid = 1000 + i * 7919 % MANY_USERS,
                                      .name = name,
                                      .account = names[i % MANY_ACCOUNTS],
                                      .most_wh = i};
    }
    tables.accounts = many;
    tables.account_count = MANY_ACCOUNTS;
    tables.users = people;
    tables.user_count = MANY_USERS;
    write_map(&tables);
    begun = seconds();
    map = read_map();
    print_message("read in %.1f ms (sanitized)\n", (seconds() - begun) * 1e3);
    begun = seconds();
    for (int i = 0; i < MANY_ACCOUNTS; i++) {
        assert_true(budget_map_account(map, names[i], &a));
        assert_int_equal(a.most_wh, i);
    }
    for (int i = 0; i < MANY_USERS; i++) {
        assert_true(budget_map_user(map, names[MANY_ACCOUNTS + i], &u));
        assert_int_equal(u.most_wh, i);
        assert_true(budget_map_user_by_uid(map, (uid_t)people[i].uid, &u));
        assert_int_equal(u.most_wh, i);
        assert_string_equal(u.account, names[i % MANY_ACCOUNTS]);
    }
    print_message("%.0f ns a look-up (sanitized)\n",
                  (seconds() - begun) * 1e9 / (MANY_ACCOUNTS + 2 * MANY_USERS));
    budget_map_free(map);
    free(names);
    free(people);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_comes_back),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(users_are_found_by_number),
        cmocka_unit_test(rules_come_before_the_account),
        cmocka_unit_test(one_soft_rule_enforces),
        cmocka_unit_test(age_is_judged),
        cmocka_unit_test(names_twice_are_refused),
        cmocka_unit_test(failed_writes_say_why),
        cmocka_unit_test(missing_files_and_others_are_refused),
        cmocka_unit_test(every_length_but_the_right_one_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(other_kinds_and_versions_are_refused),
        cmocka_unit_test(hostile_words_do_no_harm),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(a_large_site_fits),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
