/* policy_call_test.c - GET /v1/policy and /v1/policy/explain */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policy/person.h"
#include "policy/policy_call.h"
#include "tests/unit/policy_file.h"
#include "tests/unit/temporary.h"

/* person.c would bring Slurm with it. */
json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

struct fixture {
    struct policy_files files;
    struct temporary temporary;
    struct ledger *ledger;
    struct policy_store *store;
};

static const char text[] =
    "{\"enforce\": {\"default\": \"shadow\", \"rules\": [\n"
    "{\"account\": \"physics\", \"partition\": \"gpu\", \"level\": \"strict\"}]},\n"
    "\"estimate\": {\"nameplate\": {\"gpu\": {\"node_w\": 400, \"cpu_w\": 8.5,"
    " \"gpu_w\": 300}}},\n"
    "\"steer\": {\"partitions\": [\"gpu\"]}, \"classes\": {\"fast\": [\"gpu\"], "
    "\"slow\": [\"main\"]},\n"
    "\"caps\": {\"enabled\": true, \"rules\": [\n"
    "{\"account\": \"physics\", \"gpu\": \"350W\"},\n"
    "{\"qos\": \"cheap\", \"gpu_type\": \"a100\", \"cpu_percent\": 50},\n"
    "{\"used_percent\": 80, \"gpu\": \"200W\"}]}}";

static int make(void **state)
{
    static struct fixture f;

    policy_files_make(&f.files);
    temporary_make(&f.temporary);
    f.ledger = ledger_open(f.temporary.dir);
    f.store = policy_store_open(policy_files_write(&f.files, "k", text));
    assert_int_equal(ledger_begin(f.ledger), 0);
    ledger_do(f.ledger,
              "INSERT INTO accounts (cluster, account, parent) VALUES"
              " ('c', 'root', ''), ('c', 'physics', 'root'), ('c', 'astro', 'physics'),"
              " ('c', 'x', 'y'), ('c', 'y', 'x'), ('other', 'astro', 'bio')",
              "");
    ledger_do(f.ledger,
              "INSERT INTO members (cluster, account, user, is_default) VALUES"
              " ('c', 'root', 'alice', 0), ('c', 'astro', 'alice', 1)",
              "");
    ledger_commit(f.ledger);
    *state = &f;
    return 0;
}

static int remove_all(void **state)
{
    struct fixture *f = *state;

    policy_store_close(f->store);
    ledger_close(f->ledger);
    temporary_remove(&f->temporary);
    policy_files_remove(&f->files);
    return 0;
}

/* `of` is a list of names and values. */
static const char *query(void *of, const char *name)
{
    for (const char *const *pair = of; *pair; pair += 2)
        if (strcmp(pair[0], name) == 0)
            return pair[1];
    return NULL;
}

static json_t *call(struct fixture *f, const char *path, const char *const *of,
                    unsigned *status)
{
    const char *pairs[16] = {NULL};

    for (int i = 0; of && of[i]; i++)
        pairs[i] = of[i];
    return policy_call(f->store, f->ledger, "c", path, query, pairs, status);
}

static const char *answer(const json_t *reply, const char *what, const char *key)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(reply, "rows"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "what")), what) == 0)
            return json_string_value(json_object_get(row, key));
    }
    return "";
}

static void why(void **state)
{
    static const char *const of[] = {"user",      "bob", "account", "astro",
                                     "partition", "gpu", NULL};
    struct fixture *f = *state;
    unsigned status;
    json_t *reply = call(f, "/v1/policy/explain", of, &status);
    char *accounts = json_dumps(json_object_get(reply, "accounts"), JSON_COMPACT);

    assert_int_equal(status, 200);
    assert_string_equal(accounts, "[\"astro\",\"physics\",\"root\"]");
    assert_string_equal(answer(reply, "enforce", "value"), "strict");
    assert_non_null(
        strstr(answer(reply, "enforce", "source"), "k:2: enforce.rules[0]"));
    assert_string_equal(answer(reply, "nameplate", "value"),
                        "400 W a node, 8.5 W a CPU, 300 W a GPU");
    assert_string_equal(answer(reply, "at the limit", "value"), "wait");
    assert_string_equal(answer(reply, "at the limit", "source"), "default");
    assert_string_equal(answer(reply, "steering", "value"), "every job");
    assert_non_null(
        strstr(answer(reply, "steering", "source"), "k:4: steer.partitions[0]"));
    assert_string_equal(answer(reply, "class", "value"), "fast");
    assert_non_null(strstr(answer(reply, "class", "source"), "k:4: classes.fast"));
    free(accounts);
    json_decref(reply);
}

static void the_account_of_the_user(void **state)
{
    static const char *const of[] = {"user", "alice", "partition", "main", NULL};
    struct fixture *f = *state;
    unsigned status;
    json_t *reply = call(f, "/v1/policy/explain", of, &status);

    assert_int_equal(status, 200);
    assert_string_equal(json_string_value(json_object_get(reply, "account")), "astro");
    assert_string_equal(answer(reply, "enforce", "value"), "shadow");
    assert_string_equal(answer(reply, "steering", "value"), "no job");
    assert_string_equal(answer(reply, "class", "value"), "slow");
    assert_non_null(strstr(answer(reply, "nameplate", "value"), "none"));
    json_decref(reply);
}

static int rows_of(const json_t *reply, const char *what)
{
    json_t *row;
    size_t i;
    int count = 0;

    json_array_foreach(json_object_get(reply, "rows"), i, row) count +=
        strcmp(json_string_value(json_object_get(row, "what")), what) == 0;
    return count;
}

static void caps(void **state)
{
    static const char *const plain[] = {"user",      "bob", "account", "astro",
                                        "partition", "gpu", NULL};
    static const char *const whole[] = {
        "user",  "bob",          "account", "astro",    "partition", "gpu", "qos",
        "cheap", "used_percent", "80",      "gpu_type", "a100",      NULL};
    static const char *const shadow[] = {"user",      "bob",  "account", "astro",
                                         "partition", "main", NULL};
    struct fixture *f = *state;
    unsigned status;
    json_t *reply = call(f, "/v1/policy/explain", plain, &status);

    assert_string_equal(answer(reply, "capping", "value"), "on");
    assert_non_null(strstr(answer(reply, "capping", "source"), "k:5: caps.enabled"));
    assert_string_equal(answer(reply, "cap now", "value"), "GPUs at most 350 W");
    assert_non_null(strstr(answer(reply, "cap now", "source"), "k:6: caps.rules[0]"));
    assert_int_equal(rows_of(reply, "cap rule"), 2);
    json_decref(reply);
    reply = call(f, "/v1/policy/explain", whole, &status);
    assert_string_equal(answer(reply, "cap now", "value"),
                        "GPUs at most 200 W, CPU time at most 50 %");
    assert_int_equal(rows_of(reply, "cap rule"), 3);
    json_decref(reply);
    reply = call(f, "/v1/policy/explain", shadow, &status);
    assert_non_null(strstr(answer(reply, "cap now", "value"), "only watches"));
    json_decref(reply);
}

/* What should not be there does no harm: a circle of accounts, names that are none. */
static void what_cannot_be(void **state)
{
    static const char *const circle[] = {"account", "x", NULL};
    static const char *const latin[] = {"user", "\xe4", NULL};
    static const char *const endless[] = {
        "account",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        NULL};
    struct fixture *f = *state;
    unsigned status;
    json_t *reply = call(f, "/v1/policy/explain", circle, &status);

    assert_int_equal(status, 200);
    assert_int_equal(json_array_size(json_object_get(reply, "accounts")), 32);
    json_decref(reply);
    json_decref(call(f, "/v1/policy/explain", latin, &status));
    assert_int_equal(status, 400);
    json_decref(call(f, "/v1/policy/explain", endless, &status));
    assert_int_equal(status, 400);
    json_decref(call(f, "/v1/policy/explian", NULL, &status));
    assert_int_equal(status, 404);
}

static void all_of_it(void **state)
{
    struct fixture *f = *state;
    unsigned status;
    json_t *reply = call(f, "/v1/policy", NULL, &status);
    json_t *policy = json_object_get(reply, "policy");
    json_t *store = json_object_get(reply, "state");

    assert_int_equal(status, 200);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(policy, "enforce"), "rules")),
        1);
    assert_true(json_is_null(json_object_get(store, "error")));
    assert_string_equal(json_string_value(json_object_get(store, "file")),
                        f->files.paths[0]);
    json_decref(reply);
}

static bool refuses(void *of, const struct policy *now, const struct policy *next,
                    char why[POLICY_STORE_WHY])
{
    (void)of;
    (void)now;
    (void)next;
    snprintf(why, POLICY_STORE_WHY, "would stop 4 of 4 jobs");
    return true;
}

static void only_operators_have_it_read_anew(void **state)
{
    static const struct {
        bool sees_all;
        const char *body, *file;
        unsigned status;
        const char *error;
    } table[] = {
        {false, "{}", "{}", 403, "only operators"},
        {true, "{\"confirm\":1}", "{}", 400, "\"confirm\" is"},
        {true, "{}", "{}", 409, "the policy of "},
        {true, "{\"confirm\":false}", "{}", 409, "the policy of "},
        {true, "{\"confirm\":true}", "{\"sweep_s\":0}", 409, "/tmp/kwota-policy-"},
        {true, "{\"confirm\":true}", "{}", 200, NULL},
    };
    struct fixture *f = *state;

    policy_store_watch_over(f->store, refuses, NULL);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct access_rights rights = {.sees_all = table[i].sees_all};
        json_t *body = json_loads(table[i].body, 0, NULL);
        json_t *reply;
        const char *error;
        unsigned status;

        policy_files_write(&f->files, "k", table[i].file);
        reply = policy_call_reload(f->store, &rights, body, &status);
        error = json_string_value(json_object_get(reply, "error"));
        assert_int_equal(status, table[i].status);
        if (table[i].error)
            assert_memory_equal(error, table[i].error, strlen(table[i].error));
        else
            assert_non_null(json_object_get(reply, "state"));
        json_decref(reply);
        json_decref(body);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(why),       TEST(the_account_of_the_user),
        TEST(caps),      TEST(what_cannot_be),
        TEST(all_of_it), TEST(only_operators_have_it_read_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
