/* admission_test.c - who is let in, with which lien, and what the others are told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/admission.h"
#include "policy/policy.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

#define WRITTEN_S 1700000000
#define UNTIL_S 1701388800 /* 2023-12-01 00:00 UTC */

static char dir[64], path[96];

/* A node of main draws 100 W and 1 W a CPU, in "gpu" 850 W with all it has. */
static const struct map_partition partitions[] = {
    {"main", {100000, 1000, 0}, true, true, false, 3600, 86400, 64, 0},
    {"gpu", {50000, 0, 200000}, true, false, true, 3600, 604800, 64, 4},
    {"endless", {100000, 0, 0}, true, false, false, 0, 0, 64, 0},
    {"attic", {0, 0, 0}, false, false, false, 3600, 86400, 4, 0},
};
static const struct map_account accounts[] = {
    {"astro", ENFORCE_SOFT, AT_LIMIT_WAIT, 1000000, 300000, UNTIL_S,
     "account astro, 1 000 kWh a month"},
    {"strict", ENFORCE_STRICT, AT_LIMIT_WAIT, 1000000, 300000, UNTIL_S, ""},
    {"reject", ENFORCE_STRICT, AT_LIMIT_REJECT, 1000000, 300, UNTIL_S,
     "account reject, 1 000 kWh a month"},
    {"empty", ENFORCE_SOFT, AT_LIMIT_REJECT, 1000000, 0, 0, ""},
    {"over", ENFORCE_SOFT, AT_LIMIT_OVERDRAFT, 1000, 300, 0, ""},
    {"warn", ENFORCE_SOFT, AT_LIMIT_WARN, 1000, 300, UNTIL_S, ""},
    {"tiny", ENFORCE_SOFT, AT_LIMIT_WAIT, 1, 1, 0, "account tiny, 0.001 kWh a day"},
    {"free", ENFORCE_SOFT, AT_LIMIT_WAIT, -1, -1, 0, ""},
    {"shadow", ENFORCE_SHADOW, AT_LIMIT_REJECT, 1, 0, 0, ""},
    {"off", ENFORCE_OFF, AT_LIMIT_REJECT, 1, 0, 0, ""},
    {"partly", ENFORCE_OFF, AT_LIMIT_WAIT, -1, -1, 0, ""},
};
static const struct map_user users[] = {
    {1001, "alice", "astro", -1, "", false},
    {1002, "bob", "free", 500, "user bob, 0.5 kWh a month", false},
    {1003, "carol", "", -1, "", false},
    {1004, "oper", "free", -1, "", true},
};
static const struct map_rule rules[] = {
    {"partly", "gpu", ENFORCE_SOFT, AT_LIMIT_WAIT},
    {"astro", "endless", ENFORCE_OFF, AT_LIMIT_WAIT},
};

static struct map_tables site_tables(void)
{
    return (struct map_tables){
        .written_s = WRITTEN_S,
        .stale_s = 600,
        .factor_percent = 100,
        .round_wh = 1,
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
    setenv("TZ", "UTC", 1);
    tzset();
    snprintf(dir, sizeof dir, "/tmp/kwota-unit-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/budget.map", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static struct budget_map *make_map(const struct map_tables *tables)
{
    char why[BUDGET_MAP_WHY];
    struct budget_map *map = NULL;

    if (budget_map_write(path, tables, why) < 0 || !(map = budget_map_read(path, why)))
        fail_msg("%s", why);
    return map;
}

struct expected {
    const char *what;
    struct request request;
    int64_t lien_wh;
    const char *licenses; /* NULL: left alone */
    const char *refusal;  /* NULL: let in */
    const char *notice;   /* NULL: none */
};

static void check(const struct admission_site *site, const struct expected *e)
{
    struct admission got;
    const char *said = e->refusal ? e->refusal : e->notice ? e->notice : "";

    admission_decide(site, &e->request, &got);
    if (got.refused != (e->refusal != NULL) || strcmp(got.sentence, said) != 0)
        fail_msg("%s: %s\n'%s', not\n'%s'", e->what, got.refused ? "refused" : "let in",
                 got.sentence, said);
    if (got.lien_wh != e->lien_wh)
        fail_msg("%s: %lld Wh", e->what, (long long)got.lien_wh);
    if (!got.refused && ((got.licenses == NULL) != (e->licenses == NULL) ||
                         (got.licenses && strcmp(got.licenses, e->licenses) != 0)))
        fail_msg("%s: licences '%s'", e->what, got.licenses ? got.licenses : "(same)");
    free(got.licenses);
}

static void check_all(const struct map_tables *tables, const struct expected *cases,
                      int count)
{
    struct budget_map *map = make_map(tables);
    struct admission_site site = {map, WRITTEN_S + 5, false};

    for (int i = 0; i < count; i++)
        check(&site, &cases[i]);
    budget_map_free(map);
}

static void liens_are_written_where_budgets_count(void **state)
{
    static const struct expected cases[] = {
        {"everything by default", {.uid = 1001}, 101, "kwota:101", NULL, NULL},
        {"an account", {.uid = 1001, .account = "free"}, 101, "kwota:101", NULL, NULL},
        {"in capitals", {.uid = 1001, .account = "FREE"}, 101, "kwota:101", NULL, NULL},
        {"an empty account is none",
         {.uid = 1001, .account = ""},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"two nodes, 36 s each hour of it",
         {.uid = 1001, .nodes = 2, .limit_min = 1},
         4,
         "kwota:4",
         NULL,
         NULL},
        {"licences stay",
         {.uid = 1001, .licenses = "matlab:2"},
         101,
         "matlab:2,kwota:101",
         NULL,
         NULL},
        {"a lie goes",
         {.uid = 1001, .licenses = "kwota:1,matlab"},
         101,
         "matlab,kwota:101",
         NULL,
         NULL},
        {"a partition",
         {.uid = 1001, .partition = "gpu"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"the dearer partition",
         {.uid = 1001, .partition = "main,gpu"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"in any order",
         {.uid = 1001, .partition = "gpu,main"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"with empty places",
         {.uid = 1001, .partition = ",gpu,,main,"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"a partition nobody knows",
         {.uid = 1001, .partition = "nowhere"},
         0,
         NULL,
         NULL,
         NULL},
        {"one of them",
         {.uid = 1001, .partition = "nowhere,main"},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"no nameplate", {.uid = 1001, .partition = "attic"}, 0, NULL, NULL, NULL},
        {"a user nobody knows", {.uid = 9999}, 0, NULL, NULL, NULL},
        {"… with an account",
         {.uid = 9999, .account = "astro"},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"an account nobody knows",
         {.uid = 1001, .account = "nobody"},
         0,
         NULL,
         NULL,
         NULL},
        {"a user without an account", {.uid = 1003}, 0, NULL, NULL, NULL},
        {"off", {.uid = 1001, .account = "off"}, 0, NULL, NULL, NULL},
        {"off, with a lie",
         {.uid = 1001, .account = "off", .licenses = "kwota:1,a"},
         0,
         "a",
         NULL,
         NULL},
        {"shadow", {.uid = 1001, .account = "shadow"}, 0, NULL, NULL, NULL},
        {"shadow, with only a lie",
         {.uid = 1001, .account = "shadow", .licenses = "kwota"},
         0,
         "",
         NULL,
         NULL},
        {"a rule says yes",
         {.uid = 1001, .account = "partly", .partition = "gpu"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"… elsewhere no", {.uid = 1001, .account = "partly"}, 0, NULL, NULL, NULL},
        {"… of both the one that counts",
         {.uid = 1001, .account = "partly", .partition = "main,gpu"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"a rule says no", {.uid = 1001, .partition = "endless"}, 0, NULL, NULL, NULL},
        {"no limit, no quota",
         {.uid = 1001, .account = "free", .partition = "endless"},
         0,
         NULL,
         NULL,
         NULL},
        {"the limit of the partition",
         {.uid = 1001, .limit_min = REQUEST_UNLIMITED},
         2424,
         "kwota:2424",
         NULL,
         NULL},
        {"more than is left waits",
         {.uid = 1001, .nodes = 48, .limit_min = 1440},
         116352,
         "kwota:116352",
         NULL,
         NULL},
        {"a choice of licences",
         {.uid = 1001, .licenses = "a|b"},
         0,
         NULL,
         "kwota: a job with a choice of licences (\"|\") cannot hold the energy it "
         "needs: ask for one of them, with commas",
         NULL},
        {"a choice, off",
         {.uid = 1001, .account = "off", .licenses = "a|b"},
         0,
         NULL,
         NULL,
         NULL},
        {"a choice of us or another",
         {.uid = 1001, .licenses = "a|kwota:1"},
         101,
         "a,kwota:101",
         NULL,
         NULL},
    };
    struct map_tables tables = site_tables();

    (void)state;
    check_all(&tables, cases, COUNT(cases));
}

static void what_can_never_run_is_refused(void **state)
{
    static const struct expected cases[] = {
        {"more than the whole quota",
         {.uid = 1001, .partition = "gpu", .nodes = 48, .limit_min = 29 * 60},
         0,
         NULL,
         "kwota: account astro can never run this job: it could use 1 183.2 kWh (48 "
         "nodes x "
         "850 W x 29 h), more than the whole quota (account astro, 1 000 kWh a month). "
         "--time=24:30:00 would fit.",
         NULL},
        {"by name",
         {.uid = 1001,
          .account = "strict",
          .partition = "gpu",
          .nodes = 48,
          .limit_min = 1500},
         0,
         NULL,
         "kwota: account strict can never run this job: it could use 1 020 kWh (48 "
         "nodes x "
         "850 W x 25 h), more than the whole quota (1 000 kWh). --time=24:30:00 would "
         "fit.",
         NULL},
        {"all of it may",
         {.uid = 1001, .partition = "gpu", .nodes = 50, .limit_min = 1411},
         999459,
         "kwota:999459",
         NULL,
         NULL},
        {"a user's own quota",
         {.uid = 1002, .limit_min = 330},
         0,
         NULL,
         "kwota: user bob can never run this job: it could use 0.556 kWh (101 W x 5 h "
         "30 min), "
         "more than the whole quota (user bob, 0.5 kWh a month). --time=04:57:00 would "
         "fit.",
         NULL},
        {"which is smaller than the account's",
         {.uid = 1002, .account = "strict", .limit_min = 330},
         0,
         NULL,
         "kwota: user bob can never run this job: it could use 0.556 kWh (101 W x 5 h "
         "30 min), "
         "more than the whole quota (user bob, 0.5 kWh a month). --time=04:57:00 would "
         "fit.",
         NULL},
        {"which is larger than the account's",
         {.uid = 1002, .account = "tiny", .limit_min = 1},
         0,
         NULL,
         "kwota: account tiny can never run this job: it could use 0.002 kWh (101 W x "
         "1 min), "
         "more than the whole quota (account tiny, 0.001 kWh a day). "
         "No time limit would fit: ask for fewer CPUs or GPUs.",
         NULL},
        {"fewer nodes",
         {.uid = 1001, .account = "tiny", .nodes = 4, .limit_min = 10},
         0,
         NULL,
         "kwota: account tiny can never run this job: it could use 0.068 kWh (4 nodes "
         "x 101 W x 10 min), "
         "more than the whole quota (account tiny, 0.001 kWh a day). "
         "No time limit would fit: ask for fewer nodes.",
         NULL},
        {"no limit",
         {.uid = 1001, .account = "strict", .partition = "endless"},
         0,
         NULL,
         "kwota: account strict can never run this job: it could use 2 000 000 kWh "
         "(100 W x no "
         "time limit), more than the whole quota (1 000 kWh). --time=10000:00:00 would "
         "fit.",
         NULL},
    };
    struct map_tables tables = site_tables();

    (void)state;
    check_all(&tables, cases, COUNT(cases));
}

static void policy_says_what_happens_at_the_limit(void **state)
{
    static const struct expected cases[] = {
        {"rejected",
         {.uid = 1001, .account = "reject", .nodes = 3, .limit_min = 61},
         0,
         NULL,
         "kwota: account reject cannot run this job now: 0.309 kWh are needed (3 nodes "
         "x 101 W x "
         "1 h 1 min), 0.3 kWh are left until 2023-12-01. --time=00:59:00 would fit.",
         NULL},
        {"not rejected",
         {.uid = 1001, .account = "reject", .nodes = 3, .limit_min = 59},
         298,
         "kwota:298",
         NULL,
         NULL},
        {"nothing left",
         {.uid = 1001, .account = "empty"},
         0,
         NULL,
         "kwota: account empty cannot run this job now: 0.101 kWh are needed (101 W x "
         "1 h), 0 kWh "
         "are left. No time limit would fit: ask for fewer CPUs or GPUs.",
         NULL},
        {"overdraft",
         {.uid = 1001, .account = "over", .limit_min = 360},
         0,
         NULL,
         NULL,
         "kwota: overdraft: this job could use 0.606 kWh (101 W x 6 h), account over "
         "has 0.3 kWh left"},
        {"overdraft takes a lie out",
         {.uid = 1001, .account = "over", .limit_min = 360, .licenses = "kwota:1"},
         0,
         "",
         NULL,
         "kwota: overdraft: this job could use 0.606 kWh (101 W x 6 h), account over "
         "has 0.3 kWh left"},
        {"no overdraft needed",
         {.uid = 1001, .account = "over"},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"warned",
         {.uid = 1001, .account = "warn", .limit_min = 1440},
         0,
         NULL,
         NULL,
         "kwota: warning: this job could use 2.424 kWh (101 W x 24 h), account warn "
         "has 0.3 kWh "
         "left until 2023-12-01"},
        {"no warning needed",
         {.uid = 1001, .account = "warn"},
         101,
         "kwota:101",
         NULL,
         NULL},
    };
    struct map_tables tables = site_tables();

    (void)state;
    check_all(&tables, cases, COUNT(cases));
}

static void promises_count_only_where_they_are_held(void **state)
{
    static const struct expected cases[] = {
        {"strict",
         {.uid = 1001, .account = "strict", .budget = "50Wh"},
         50,
         "kwota:50",
         NULL,
         NULL},
        {"a larger one",
         {.uid = 1001, .account = "strict", .budget = "5kWh"},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"soft", {.uid = 1001, .budget = "50Wh"}, 101, "kwota:101", NULL, NULL},
        {"no limit but a budget",
         {.uid = 1001, .account = "strict", .partition = "endless", .budget = "2kWh"},
         2000,
         "kwota:2000",
         NULL,
         NULL},
        {"no amount",
         {.uid = 1001, .account = "strict", .budget = "lots"},
         0,
         NULL,
         "kwota: --energy-budget=lots is no amount of energy; say, for example, "
         "--energy-budget=2kWh",
         NULL},
        {"no amount, where it does not count",
         {.uid = 1001, .budget = "lots"},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"more than is left",
         {.uid = 1001, .account = "reject", .nodes = 10, .budget = "0.5kWh"},
         0,
         NULL,
         "kwota: account reject cannot run this job now: 0.5 kWh are needed (its "
         "--energy-budget), "
         "0.3 kWh are left until 2023-12-01. --energy-budget=300Wh would fit.",
         NULL},
    };
    struct map_tables tables = site_tables();

    (void)state;
    check_all(&tables, cases, COUNT(cases));
}

/* It is the most the run may ever use, not only what it begins with. */
static void a_promise_is_kept_whatever_the_estimate(void **state)
{
    static const struct {
        struct request request;
        int64_t budget_wh;
    } table[] = {
        {{.uid = 1001, .account = "strict", .budget = "50Wh"}, 50},
        {{.uid = 1001, .account = "strict", .budget = "5kWh"}, 5000},
        {{.uid = 1001, .account = "strict"}, 0},
        {{.uid = 1001, .budget = "50Wh"}, 0},
    };
    struct map_tables tables = site_tables();
    struct budget_map *map = make_map(&tables);
    struct admission_site site = {map, WRITTEN_S + 5, false};

    (void)state;
    for (int i = 0; i < COUNT(table); i++) {
        struct admission got;

        admission_decide(&site, &table[i].request, &got);
        assert_int_equal(got.budget_wh, table[i].budget_wh);
        free(got.licenses);
    }
    budget_map_free(map);
}

static void estimates_follow_the_policy(void **state)
{
    static const struct expected cases[] = {
        {"factor and rounding", {.uid = 1001}, 130, "kwota:130", NULL, NULL},
        {"in words",
         {.uid = 1002, .limit_min = 300},
         0,
         NULL,
         "kwota: user bob can never run this job: it could use 0.61 kWh (101 W x 5 h x "
         "120 %), more "
         "than the whole quota (user bob, 0.5 kWh a month). --time=04:07:00 would fit.",
         NULL},
    };
    struct map_tables tables = site_tables();

    (void)state;
    tables.factor_percent = 120;
    tables.round_wh = 10;
    check_all(&tables, cases, COUNT(cases));
}

static void frozen_maps_decide_nothing(void **state)
{
    static const struct expected cases[] = {
        {"no lien", {.uid = 1001}, 0, NULL, NULL, NULL},
        {"nobody is refused", {.uid = 1001, .account = "tiny"}, 0, NULL, NULL, NULL},
        {"a lie goes", {.uid = 1001, .licenses = "a,kwota:5"}, 0, "a", NULL, NULL},
    };
    struct map_tables tables = site_tables();

    (void)state;
    tables.flags = MAP_FROZEN | MAP_REFUSE_STALE;
    check_all(&tables, cases, COUNT(cases));
}

static void old_and_missing_maps_pass_unless_told_otherwise(void **state)
{
    static const struct expected pass = {
        "passes", {.uid = 1001, .licenses = "kwota:5,a"}, 0, "a", NULL, NULL};
    static const struct expected old = {
        "old",
        {.uid = 1001},
        0,
        NULL,
        "kwota: the energy budgets are 10 minutes old, because kwotad does not renew "
        "them, and this "
        "site lets no job in by old ones; try again later, or tell your administrator",
        NULL};
    static const struct expected none = {
        "none",
        {.uid = 1001},
        0,
        NULL,
        "kwota: there are no energy budgets, because kwotad has written none, and this "
        "site lets no "
        "job in without them; try again later, or tell your administrator",
        NULL};
    struct map_tables tables = site_tables();
    struct admission_site site = {make_map(&tables), WRITTEN_S + 601, false};

    (void)state;
    check(&site, &pass);
    site.refuse_missing = true; /* it is not missing */
    check(&site, &pass);
    budget_map_free((struct budget_map *)site.map);
    tables.flags = MAP_REFUSE_STALE;
    site = (struct admission_site){make_map(&tables), WRITTEN_S + 601, false};
    check(&site, &old);
    budget_map_free((struct budget_map *)site.map);
    site.map = NULL;
    check(&site, &pass);
    site.refuse_missing = true;
    check(&site, &none);
}

static void only_operators_change_licences(void **state)
{
    static const struct {
        uid_t uid;
        bool may;
    } cases[] = {{0, true},     {64030, true}, {1004, true},
                 {1001, false}, {9999, false}, {1003, false}};
    struct map_tables tables = site_tables();
    struct budget_map *map = make_map(&tables);

    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        assert_int_equal(admission_may_edit(map, cases[i].uid, 64030), cases[i].may);
    budget_map_free(map);
    assert_true(admission_may_edit(NULL, 1001, 64030));
    /* Where nothing is enforced there are no liens to protect. */
    tables.account_count = 0;
    tables.rules = &rules[1];
    tables.rule_count = 1;
    map = make_map(&tables);
    assert_true(admission_may_edit(map, 1001, 64030));
    budget_map_free(map);
}

static void amounts_are_exact(void **state)
{
    static const struct {
        int64_t wh;
        const char *text;
    } cases[] = {
        {0, "0 kWh"},
        {-5, "0 kWh"},
        {1, "0.001 kWh"},
        {500, "0.5 kWh"},
        {1000, "1 kWh"},
        {1010, "1.01 kWh"},
        {999999, "999.999 kWh"},
        {1000000, "1 000 kWh"},
        {1200000, "1 200 kWh"},
        {1234567890, "1 234 567.89 kWh"},
        {INT64_MAX, "9 223 372 036 854 775.807 kWh"},
    };
    char text[SENTENCE_AMOUNT];

    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        assert_string_equal(sentence_kwh(text, cases[i].wh), cases[i].text);
}

static void what_would_fit_fits(void **state)
{
    struct need need = {
        .mw = 123457, .shape = {3, 5, 0, 86400}, .factor_percent = 117, .round_wh = 7};

    (void)state;
    for (int64_t wh = 0; wh < 4000; wh += 13) {
        int64_t fit = sentence_fitting_min(&need, wh);
        int64_t mj = estimate_mj(need.mw, fit * 60, 117);

        if (fit > 0)
            assert_true(estimate_wh(mj, 7) <= wh);
        if (fit < 1440) {
            mj = estimate_mj(need.mw, (fit + 1) * 60, 117);
            assert_true(estimate_wh(mj, 7) > wh);
        }
    }
}

/* A whole node of "gpu" draws 50 W and 200 W a GPU. */
static void capped_gpus_need_less(void **state)
{
    static const struct expected cases[] = {
        {"four GPUs at 150 W",
         {.uid = 1001, .partition = "gpu", .gpu_power_cap = "150W"},
         650,
         "kwota:650",
         NULL,
         NULL},
        {"a higher cap than they draw",
         {.uid = 1001, .partition = "gpu", .gpu_power_cap = "0.3kW"},
         850,
         "kwota:850",
         NULL,
         NULL},
        {"no GPUs",
         {.uid = 1001, .gpu_power_cap = "150W"},
         101,
         "kwota:101",
         NULL,
         NULL},
        {"a cap would do",
         {.uid = 1001, .partition = "gpu", .nodes = 48, .limit_min = 29 * 60},
         0,
         NULL,
         "kwota: account astro can never run this job: it could use 1 183.2 kWh (48 "
         "nodes x 850 W x 29 h), more than the whole quota (account astro, 1 000 kWh a "
         "month). --time=24:30:00 or --gpu-power-cap=160W would fit.",
         NULL},
        {"no cap would do",
         {.uid = 1001, .partition = "gpu", .nodes = 48, .limit_min = 60 * 60},
         0,
         NULL,
         "kwota: account astro can never run this job: it could use 2 448 kWh (48 "
         "nodes x 850 W x 60 h), more than the whole quota (account astro, 1 000 kWh a "
         "month). --time=24:30:00 would fit.",
         NULL},
        {"lower than the one it has",
         {.uid = 1001,
          .partition = "gpu",
          .nodes = 48,
          .limit_min = 29 * 60,
          .gpu_power_cap = "190W"},
         0,
         NULL,
         "kwota: account astro can never run this job: it could use 1 127.52 kWh (48 "
         "nodes x 810 W x 29 h), more than the whole quota (account astro, 1 000 kWh a "
         "month). --time=25:43:00 or --gpu-power-cap=160W would fit.",
         NULL},
    };
    static const struct expected off[] = {
        {"where nobody caps the lien is whole",
         {.uid = 1001, .partition = "gpu", .gpu_power_cap = "150W"},
         850,
         "kwota:850",
         NULL,
         "kwota: --gpu-power-cap has no effect here: this site does not let kwota cap "
         "power"},
    };
    struct map_tables tables = site_tables();

    (void)state;
    check_all(&tables, off, COUNT(off));
    tables.flags = MAP_CAPPING;
    check_all(&tables, cases, COUNT(cases));
}

static void caps_that_are_none_are_refused(void **state)
{
    static const char *const none[] = {"", "250", "250mW", "5W", "250kW", "lots"};
    struct map_tables tables = site_tables();
    struct budget_map *map;
    struct admission got;

    (void)state;
    tables.flags = MAP_FROZEN | MAP_CAPPING;
    map = make_map(&tables);
    for (int i = 0; i < COUNT(none); i++) {
        const struct request request = {.uid = 1001, .gpu_power_cap = none[i]};
        const struct admission_site sites[] = {{map, WRITTEN_S + 5, false},
                                               {NULL, WRITTEN_S + 5, false}};

        for (int s = 0; s < 2; s++) {
            admission_decide(&sites[s], &request, &got);
            assert_true(got.refused);
            assert_non_null(strstr(got.sentence, "is no power of a GPU, from 10W to "
                                                 "10kW; say, for example, "
                                                 "--gpu-power-cap=250W"));
            free(got.licenses);
        }
    }
    budget_map_free(map);
}

/* kwotad must find it, whether budgets count for the job or not. */
static void caps_are_kept_for_kwotad(void **state)
{
    static const struct request requests[] = {
        {.uid = 1001, .gpu_power_cap = "250W"},
        {.uid = 9999, .gpu_power_cap = "250W"},
        {.uid = 1001, .account = "off", .gpu_power_cap = "250W"},
    };
    struct map_tables tables = site_tables();
    struct budget_map *map;
    struct admission got;

    (void)state;
    tables.flags = MAP_CAPPING;
    map = make_map(&tables);
    for (int i = 0; i < COUNT(requests); i++) {
        const struct admission_site site = {map, WRITTEN_S + 5, false};

        admission_decide(&site, &requests[i], &got);
        assert_false(got.refused);
        assert_int_equal(got.gpu_cap_mw, 250000);
        assert_string_equal(got.sentence, "");
        free(got.licenses);
    }
    budget_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(liens_are_written_where_budgets_count),
        cmocka_unit_test(capped_gpus_need_less),
        cmocka_unit_test(caps_that_are_none_are_refused),
        cmocka_unit_test(caps_are_kept_for_kwotad),
        cmocka_unit_test(what_can_never_run_is_refused),
        cmocka_unit_test(policy_says_what_happens_at_the_limit),
        cmocka_unit_test(promises_count_only_where_they_are_held),
        cmocka_unit_test(a_promise_is_kept_whatever_the_estimate),
        cmocka_unit_test(estimates_follow_the_policy),
        cmocka_unit_test(frozen_maps_decide_nothing),
        cmocka_unit_test(old_and_missing_maps_pass_unless_told_otherwise),
        cmocka_unit_test(only_operators_change_licences),
        cmocka_unit_test(amounts_are_exact),
        cmocka_unit_test(what_would_fit_fits),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
