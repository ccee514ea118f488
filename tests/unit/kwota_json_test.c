/* kwota_json_test.c - kwota.json(5) has every key that the parser knows, with its
 * default
 *
 * The parser is asked itself: every key is given as an object, as a list of one and as
 * an object of one, each with a member that nobody knows, until no new object is found
 * whose members it checks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/config_item.h"
#include "policy/configuration.h"
#include "policy/policy_inside.h"
#include "tests/unit/policy_file.h"

#define KEYS 400
#define KEY 96

/* "limits", "limits.breaker.kills_per_minute", "caps.rules[].gpu"; PARTITION is a
 * nameplate's. */
static char found[KEYS][KEY];
static int count;

/* The page's items, "limits.gather Pq true or false; false", and all of its text. */
static char items[KEYS][256];
static int item_count;
static char page[128 * 1024];

static void note(const char *object, const char *key)
{
    char path[KEY];

    assert_true(snprintf(path, sizeof path, "%s%s%s", object, object[0] ? "." : "",
                         key) < (int)sizeof path);
    for (int i = 0; i < count; i++)
        if (strcmp(found[i], path) == 0)
            return;
    assert_true(count < KEYS);
    memcpy(found[count++], path, sizeof path);
}

/* As the page writes it: "x[0].y" is "x[].y", "nameplate.zz" "nameplate.PARTITION". */
static void as_in_page(const char *path, char text[KEY])
{
    const char *at = path;
    size_t length = 0;

    while (*at && length < KEY - 12)
        if (strncmp(at, "[0]", 3) == 0) {
            length += (size_t)snprintf(text + length, KEY - length, "[]");
            at += 3;
        } else if (strncmp(at, ".zz", 3) == 0) {
            length += (size_t)snprintf(text + length, KEY - length, ".PARTITION");
            at += 3;
        } else
            text[length++] = *at++;
    text[length] = '\0';
}

void __real_config_known(struct config_item object, const char *const *keys);
void __wrap_config_known(struct config_item object, const char *const *keys);

void __wrap_config_known(struct config_item object, const char *const *keys)
{
    char path[CONFIG_PATH], text[KEY];

    as_in_page(config_path(object, path), text);
    for (; *keys; keys++)
        note(text, *keys);
    __real_config_known(object, keys);
}

/* "caps.rules[].gpu" is {"caps": {"rules": [{"gpu": VALUE}]}}. */
static void put(const char *path, const char *value, char *text, size_t size)
{
    char key[KEY], end[64] = "";
    size_t length = 0;

    while (*path) {
        size_t part = strcspn(path, ".[");
        bool list = path[part] == '[';

        snprintf(key, sizeof key, "%.*s", (int)part, path);
        if (strcmp(key, "PARTITION") == 0)
            snprintf(key, sizeof key, "zz");
        length += (size_t)snprintf(text + length, size - length, "{\"%s\": %s", key,
                                   list ? "[" : "");
        memmove(end + (list ? 2 : 1), end, strlen(end) + 1);
        memcpy(end, list ? "]}" : "}", list ? 2 : 1);
        path += part + (list ? 2 : 0);
        path += *path == '.';
    }
    snprintf(text + length, size - length, "%s%s", value, end);
}

static void ask(struct policy_files *files, const char *path, const char *value)
{
    char text[1024], *said;
    struct configuration *conf;
    size_t size;
    FILE *out = open_memstream(&said, &size);

    put(path, value, text, sizeof text);
    conf = configuration_read(policy_files_write(files, "kwota.json", text));
    policy_release(policy_check(conf));
    configuration_tell(conf, out);
    configuration_free(conf);
    fclose(out);
    free(said);
}

static int find_keys(void **state)
{
    static const char *const values[] = {"{\"zz\": 0}", "[{\"zz\": 0}]",
                                         "{\"zz\": {\"zz\": 0}}"};
    struct policy_files files;

    (void)state;
    policy_files_make(&files);
    ask(&files, "zz", "0");
    for (int i = 0; i < count; i++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++)
            ask(&files, found[i], values[v]);
    policy_files_remove(&files);
    return 0;
}

static int read_page(void **state)
{
    FILE *in = fopen(KWOTA_JSON_5, "r");
    char line[sizeof items[0]];

    (void)state;
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        strcat(page, line);
        assert_true(strlen(page) < sizeof page - sizeof line);
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, ".It Ic ", 7) == 0)
            memcpy(items[item_count++], line + 7, strlen(line + 7) + 1);
    }
    fclose(in);
    return 0;
}

static int prepare(void **state)
{
    return read_page(state) + find_keys(state);
}

/* The item that names the key, alone or among others before its "Pq". NULL: none. */
static const char *item_of(const char *key)
{
    size_t length = strlen(key);

    for (int i = 0; i < item_count; i++) {
        const char *end = strstr(items[i], " Pq "), *at = items[i];

        while ((at = strstr(at, key)) && at < end) {
            if ((at == items[i] || at[-1] == ' ') && at[length] == ' ')
                return items[i];
            at += length;
        }
    }
    return NULL;
}

/* Objects whose members have items of their own need none. */
static bool has_members(const char *key)
{
    size_t length = strlen(key);

    for (int i = 0; i < count; i++)
        if (strncmp(found[i], key, length) == 0 && found[i][length] == '.')
            return true;
    return false;
}

static void every_key_is_in_the_page(void **state)
{
    int missing = 0;

    (void)state;
    assert_true(count > 100);
    for (int i = 0; i < count; i++) {
        if (item_of(found[i]) || has_members(found[i]))
            continue;
        if (strncmp(found[i], "credits.", 8) == 0 && strstr(page, found[i]))
            continue;
        print_error("kwota.json.5 has no \".It Ic %s Pq \"\n", found[i]);
        missing++;
    }
    assert_int_equal(missing, 0);
}

/* What the page has and the parser does not is out of date, too. */
static void every_item_is_a_key(void **state)
{
    (void)state;
    for (int i = 0; i < item_count; i++) {
        char name[KEY];
        bool known = false;

        snprintf(name, sizeof name, "%.*s", (int)strcspn(items[i], " "), items[i]);
        for (int k = 0; k < count; k++)
            known |= strcmp(found[k], name) == 0;
        if (!known)
            print_error("kwota.json.5 has %s, which the parser does not know\n", name);
        assert_true(known);
    }
}

/* What stands behind the last semicolon. */
static const char *default_in(const char *item)
{
    const char *semicolon = strrchr(item, ';');

    return semicolon ? semicolon + 2 : "";
}

static void figures_have_their_defaults_and_bounds(void **state)
{
    (void)state;
    for (int i = 0; i < policy_figure_count; i++) {
        const struct figure *f = &policy_figure_table[i];
        char key[KEY], wanted[64], bounds[64] = "";
        const char *item;

        snprintf(key, sizeof key, "%s%s%s.%s", f->section, f->part ? "." : "",
                 f->part ? f->part : "", f->key);
        item = item_of(key);
        assert_non_null(item);
        if (f->kind == FIGURE_NUMBER) {
            snprintf(wanted, sizeof wanted, "%lld", (long long)f->otherwise);
            snprintf(bounds, sizeof bounds, "%lld to %lld", (long long)f->least,
                     (long long)f->most);
        } else if (f->kind == FIGURE_BOOL)
            snprintf(wanted, sizeof wanted, "%s", f->otherwise ? "true" : "false");
        else if (f->kind == FIGURE_WORD)
            snprintf(wanted, sizeof wanted, "%s", f->words[f->otherwise ? 1 : 0]);
        else
            snprintf(wanted, sizeof wanted, "none");
        if (strcmp(default_in(item), wanted) != 0 || !strstr(item, bounds))
            print_error("kwota.json.5: %s: not \"%s; %s\"\n", item, bounds, wanted);
        assert_string_equal(default_in(item), wanted);
        assert_non_null(strstr(item, bounds));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_in_the_page),
        cmocka_unit_test(every_item_is_a_key),
        cmocka_unit_test(figures_have_their_defaults_and_bounds),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
