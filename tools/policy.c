/* policy.c - kwota policy: checks kwota.json, shows what is in force, and says why */
#include "config.h"

#include <argp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/configuration.h"
#include "policy/policy.h"
#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"

struct arguments {
    const char *action, *file;
    const char *user, *account, *partition, *qos, *gpu_type, *used;
    bool json, confirm;
};

enum { OPT_CONFIRM = 256, OPT_QOS, OPT_GPU_TYPE, OPT_USED };

static const struct argp_option options[] = {
    {"user", 'u', "USER", 0, "explain: whose job [you]", 0},
    {"account", 'A', "ACCOUNT", 0, "explain: its account [the user's default]", 0},
    {"partition", 'p', "PARTITION", 0, "explain: its partition", 0},
    {"qos", OPT_QOS, "QOS", 0, "explain: its QOS", 0},
    {"gpu-type", OPT_GPU_TYPE, "TYPE", 0, "explain: of its GPUs", 0},
    {"used-percent", OPT_USED, "N", 0, "explain: as if so much of a quota were used",
     0},
    {"confirm", OPT_CONFIRM, 0, 0, "reload: whatever it does to jobs", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static const char *const actions[] = {"check", "show", "explain", "reload", NULL};

static bool is_action(const char *text)
{
    int i = 0;

    while (actions[i] && strcmp(actions[i], text) != 0)
        i++;
    return actions[i] != NULL;
}

static void take_argument(struct argp_state *state, struct arguments *a,
                          const char *arg)
{
    if (!a->action && !is_action(arg))
        argp_error(state, "\"%s\" is no action: check, show, explain or reload", arg);
    else if (!a->action)
        a->action = arg;
    else if (strcmp(a->action, "check") == 0 && !a->file)
        a->file = arg;
    else
        argp_error(state, "\"%s\" is too much", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'u':
        a->user = arg;
        break;
    case 'A':
        a->account = arg;
        break;
    case 'p':
        a->partition = arg;
        break;
    case OPT_QOS:
        a->qos = arg;
        break;
    case OPT_GPU_TYPE:
        a->gpu_type = arg;
        break;
    case OPT_USED:
        a->used = arg;
        break;
    case OPT_CONFIRM:
        a->confirm = true;
        break;
    case 'j':
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        take_argument(state, a, arg);
        break;
    case ARGP_KEY_END:
        if (!a->action)
            argp_error(state, "one of check, show, explain and reload is needed");
        if ((a->user || a->account || a->partition || a->qos || a->gpu_type ||
             a->used) &&
            strcmp(a->action, "explain") != 0)
            argp_error(state, "--user, --account, --partition, --qos, --gpu-type and "
                              "--used-percent are for explain");
        if (a->confirm && strcmp(a->action, "reload") != 0)
            argp_error(state, "--confirm is for reload");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Needs no kwotad: a file is checked before it is put in force. */
static int check(const struct arguments *a)
{
    const char *given = getenv("KWOTA_CONF");
    const char *file = a->file ? a->file : given;
    struct configuration *conf;
    int mistakes;

    if (!file)
        file = KWOTA_SYSCONFDIR "/kwota.json";
    conf = configuration_read(file);
    if (!conf)
        return EXIT_REFUSED;
    policy_release(policy_check(conf));
    mistakes = configuration_mistakes(conf);
    if (a->json) {
        json_t *report = json_pack("{s:s s:b s:o}", "file", file, "valid", !mistakes,
                                   "mistakes", configuration_mistake_list(conf));

        command_print_json(report);
        json_decref(report);
    } else if (configuration_tell(conf, stderr) == 0)
        printf("%s: valid\n", file);
    configuration_free(conf);
    return mistakes ? EXIT_REFUSED : 0;
}

/* One line for each value, under the key that it has in the file. */
static void add_values(struct table *table, const char *path, json_t *value)
{
    const char *key;
    json_t *member;

    if (json_is_object(value) && json_object_size(value) > 0) {
        json_object_foreach(value, key, member)
        {
            char deeper[256];

            snprintf(deeper, sizeof deeper, "%s%s%s", path, path[0] ? "." : "", key);
            add_values(table, deeper, member);
        }
        return;
    }
    /* A list of texts or numbers is one value, one of rules is not. */
    if (json_is_object(json_array_get(value, 0))) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            char deeper[256];

            snprintf(deeper, sizeof deeper, "%s[%zu]", path, i);
            add_values(table, deeper, json_array_get(value, i));
        }
        return;
    }
    if (json_is_string(value)) {
        table_add(table, (const char *[]){path, json_string_value(value)});
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);

        table_add(table, (const char *[]){path, text ? text : ""});
        free(text);
    }
}

static void print_policy(const json_t *reply)
{
    static const char *const columns[] = {"KEY", "VALUE", NULL};
    const json_t *state = json_object_get(reply, "state");
    const char *error = json_string_value(json_object_get(state, "error"));
    const char *waits = json_string_value(json_object_get(state, "waits"));
    time_t since = (time_t)json_integer_value(json_object_get(state, "since_s"));
    struct table *table = table_new(columns);
    char when[32];

    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", localtime(&since));
    printf("%s, in force since %s\n", json_string_value(json_object_get(state, "file")),
           when);
    add_values(table, "", json_object_get(reply, "policy"));
    table_print(table);
    if (waits)
        printf("Not in force yet: %s.\n", waits);
    if (error)
        printf("The file is invalid now, and this policy stays in force until it is "
               "mended:\n%s",
               error);
}

static int show(const struct arguments *a)
{
    json_t *reply = NULL;
    int rc = command_get("/v1/policy", false, &reply);

    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(json_object_get(reply, "policy"));
        print_policy(reply);
    }
    json_decref(reply);
    return rc;
}

/* "name=" and the value as it may stand in a path. */
static void add_parameter(char *path, size_t size, const char *name, const char *value)
{
    size_t len = strlen(path);

    len += (size_t)snprintf(path + len, size - len,
                            "%c%s=", strchr(path, '?') ? '&' : '?', name);
    for (; *value && len + 4 < size; value++) {
        if (strchr("-._~", *value) || (*value >= '0' && *value <= '9') ||
            (*value >= 'a' && *value <= 'z') || (*value >= 'A' && *value <= 'Z'))
            len += (size_t)snprintf(path + len, size - len, "%c", *value);
        else
            len += (size_t)snprintf(path + len, size - len, "%%%02X",
                                    (unsigned char)*value);
    }
}

static void print_answers(const json_t *reply)
{
    static const char *const columns[] = {"WHAT", "VALUE", "FROM", NULL};
    static const char *const keys[] = {"user", "account", "partition"};
    struct table *table = table_new(columns);
    const json_t *accounts = json_object_get(reply, "accounts");
    json_t *row;
    size_t i;

    for (i = 0; i < 3; i++) {
        const char *value = json_string_value(json_object_get(reply, keys[i]));

        printf("%s%s %s", i ? ", " : "", keys[i], value && value[0] ? value : "(none)");
        for (size_t n = 1; i == 1 && n < json_array_size(accounts); n++)
            printf(" < %s", json_string_value(json_array_get(accounts, n)));
    }
    putchar('\n');
    json_array_foreach(json_object_get(reply, "rows"), i, row)
    {
        table_add(table,
                  (const char *[]){json_string_value(json_object_get(row, "what")),
                                   json_string_value(json_object_get(row, "value")),
                                   json_string_value(json_object_get(row, "source"))});
    }
    table_print(table);
}

static int explain(const struct arguments *a)
{
    const struct passwd *me = a->user ? NULL : getpwuid(getuid());
    char path[1024] = "/v1/policy/explain";
    json_t *reply = NULL;
    int rc;

    add_parameter(path, sizeof path, "user", a->user ? a->user : me ? me->pw_name : "");
    add_parameter(path, sizeof path, "account", a->account ? a->account : "");
    add_parameter(path, sizeof path, "partition", a->partition ? a->partition : "");
    if (a->qos)
        add_parameter(path, sizeof path, "qos", a->qos);
    if (a->gpu_type)
        add_parameter(path, sizeof path, "gpu_type", a->gpu_type);
    if (a->used)
        add_parameter(path, sizeof path, "used_percent", a->used);
    rc = command_get(path, false, &reply);
    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        print_answers(reply);
    }
    json_decref(reply);
    return rc;
}

static int reload(const struct arguments *a)
{
    json_t *reply = NULL, *body = json_pack("{s:b}", "confirm", (int)a->confirm);
    int rc = command_post("/v1/policy/reload", body, &reply);

    if (rc == 0 && a->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        printf("The policy of %s is in force.\n",
               json_string_value(
                   json_object_get(json_object_get(reply, "state"), "file")));
    }
    json_decref(reply);
    json_decref(body);
    return rc;
}

static int run_policy(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "check [FILE]\nshow\nexplain\nreload [--confirm]",
        "Checks kwota.json and tells every mistake in it; shows the policy in force "
        "with its defaults; explains what it says for a job, and by which rule; has "
        "kwotad read it anew.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {NULL};

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (strcmp(a.action, "check") == 0)
        return check(&a);
    if (strcmp(a.action, "reload") == 0)
        return reload(&a);
    return strcmp(a.action, "show") == 0 ? show(&a) : explain(&a);
}

const struct command command_policy = {
    "policy", "check FILE", "checks kwota.json, shows what is in force", run_policy};
