/* slurm_conf_test.c - slurm.conf read and changed as Slurm reads it, and put onto the
 * disk whole */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/plugstack.h"
#include "plugin/slurm_conf.h"
#include "tools/conf_save.h"
#include "tools/plugin_version.h"

static void values(void **state)
{
    static const struct {
        const char *text, *key, *value;
    } table[] = {
        {"SlurmUser=slurm\n", "SlurmUser", "slurm"},
        {"slurmuser = slurm", "SlurmUser", "slurm"},
        {"  SLURMUSER=\"a b\" # c\n", "SlurmUser", "a b"},
        {"#SlurmUser=slurm\n", "SlurmUser", NULL},
        {"SlurmUser=slurm#x\n", "SlurmUser", "slurm"},
        {"ClusterName=a SlurmUser=b\n", "SlurmUser", "b"},
        {"SlurmUser=a\nSlurmUser=b\n", "SlurmUser", "b"},
        {"SlurmUser=a\n#SlurmUser=b\n", "SlurmUser", "a"},
        {"PrologFlags=Alloc,\\\nContain\n", "PrologFlags", "Alloc,Contain"},
        {"PrologFlags=Alloc,\\  \nContain\n", "PrologFlags", "Alloc,Contain"},
        {"ClusterName=a \\\n SlurmUser=b\n", "SlurmUser", "b"},
        {"# c \\\nSlurmUser=b\n", "SlurmUser", "b"},
        {"NodeName=n1 Gres=gpu:2 Licenses=x\n", "Licenses", NULL},
        {"NodeName=n1\nLicenses=x\n", "Licenses", "x"},
        {"PartitionName=p \\\nLicenses=x\n", "Licenses", NULL},
        {"SlurmctldHost=a(1.2.3.4) SlurmUser=b\n", "SlurmUser", "b"},
        {"SlurmUser=\n", "SlurmUser", NULL},
        {"SlurmUser\n", "SlurmUser", NULL},
        {"", "SlurmUser", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slurm_conf conf;
        const char *value;

        slurm_conf_take(&conf, "slurm.conf", table[i].text);
        value = slurm_conf_value(&conf, table[i].key);
        if (table[i].value) {
            assert_non_null(value);
            assert_string_equal(value, table[i].value);
        } else {
            assert_null(value);
        }
        slurm_conf_free(&conf);
    }
}

enum act { SET, ADD, DROP_WORD, DROP };

static void changes(void **state)
{
    static const struct {
        enum act act;
        const char *text, *key, *word, *after;
    } table[] = {
        {SET, "A=1\n", "B", "2", "A=1\nB=2\n"},
        {SET, "A=1 # c\nC=3\n", "a", "2", "A=2 # c\nC=3\n"},
        {SET, "A=1\nA=2\n", "A", "3", "A=1\nA=3\n"},
        {SET, "A=1,\\\n  # no\nB=2\n", "A", "3", "A=3\\\n  # no\nB=2\n"},
        {SET, "A=1,\\\n2\nB=2\n", "A", "3", "A=3\nB=2\n"},
        {SET, "A=1,\\\n2 C=4\nB=2\n", "A", "3", "A=3 C=4\nB=2\n"},
        {SET, "A=\"x y\"\n", "A", "3", "A=3\n"},
        {ADD, "A=1\n", "A", "2", "A=1,2\n"},
        {ADD, "A=1,\n", "A", "2", "A=1,2\n"},
        {ADD, "B=1", "A", "2", "B=1\nA=2\n"},
        {ADD, "A=1 B=2\n", "A", "2", "A=1,2 B=2\n"},
        {DROP_WORD, "A=1,2\nB=1\n", "A", "2", "A=1\nB=1\n"},
        {DROP_WORD, "A=2\nB=1\n", "A", "2", "B=1\n"},
        {DROP_WORD, "A=kwota:5,x:1\n", "A", "KWOTA", "A=x:1\n"},
        {DROP_WORD, "A=2,1,2\nA=2\n", "A", "2", "A=1\n"},
        {DROP_WORD, "A=12\n", "A", "2", "A=12\n"},
        {DROP_WORD, "B=1 A=2\n", "A", "2", "B=1 \n"},
        {DROP, "A=1\nB=2\nA=3\n", "A", NULL, "B=2\n"},
        {DROP, "A=1,\\\n2\nB=2\n", "A", NULL, "B=2\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slurm_conf conf;
        char *after;

        slurm_conf_take(&conf, "slurm.conf", table[i].text);
        if (table[i].act == SET)
            slurm_conf_set(&conf, table[i].key, table[i].word);
        else if (table[i].act == ADD)
            slurm_conf_list_add(&conf, table[i].key, table[i].word);
        else if (table[i].act == DROP_WORD)
            slurm_conf_list_drop(&conf, table[i].key, table[i].word);
        else
            slurm_conf_drop(&conf, table[i].key);
        after = conf_file_text(&conf.files[0]);
        assert_string_equal(after, table[i].after);
        assert_int_equal(slurm_conf_changed(&conf),
                         strcmp(table[i].text, table[i].after) != 0);
        free(after);
        slurm_conf_free(&conf);
    }
}

static void diff_is(const struct conf_file *file, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    conf_file_diff(file, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void diffs(void **state)
{
    struct conf_file file;

    (void)state;
    conf_file_take(&file, "f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    diff_is(&file, "");
    conf_file_change(&file, 0, "one");
    conf_file_drop(&file, 4);
    conf_file_add(&file, "10");
    diff_is(&file,
            "--- f\n+++ f\n@@ -1,9 +1,9 @@\n-1\n+one\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n"
            " 9\n+10\n");
    conf_file_change(&file, 4, "5");
    conf_file_drop(&file, 9);
    diff_is(&file, "--- f\n+++ f\n@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n");
    conf_file_free(&file);
    conf_file_take(&file, "g", NULL);
    conf_file_add(&file, "x");
    diff_is(&file, "--- /dev/null\n+++ g\n@@ -0,0 +1,1 @@\n+x\n");
    conf_file_free(&file);
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void disk(void **state)
{
    char dir[] = "/tmp/kwota-conf-XXXXXX", top[64], other[64], link[64], pattern[64];
    char backup[CONF_SAVE_BACKUP], why[CONF_FILE_WHY], place[SLURM_CONF_PLACE];
    struct slurm_conf conf;
    struct conf_file kept;
    struct stat is;
    glob_t left;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(top, sizeof top, "%s/slurm.conf", dir);
    snprintf(other, sizeof other, "%s/x.conf", dir);
    snprintf(link, sizeof link, "%s/link.conf", dir);
    snprintf(pattern, sizeof pattern, "%s/*", dir);
    write_file(top,
               "ClusterName=x\nInclude %c.conf\nLicenses=a:1\ninclude none.conf\n");
    write_file(other, "# mine\nLicenses=b:2\nSlurmUser=me\n");
    assert_int_equal(chmod(other, 0640), 0);
    assert_int_equal(symlink("x.conf", link), 0);

    /* Of two that count the later, wherever it stands; what is missing is told. */
    assert_int_equal(slurm_conf_read(&conf, top), 0);
    assert_non_null(strstr(conf.why, "none.conf"));
    assert_string_equal(slurm_conf_value(&conf, "Licenses"), "a:1");
    assert_non_null(strstr(slurm_conf_place(&conf, "SlurmUser", place), "x.conf:3"));
    slurm_conf_set(&conf, "SlurmUser", "you");
    assert_false(conf_file_changed(&conf.files[0]));
    assert_true(conf_file_changed(&conf.files[1]));

    assert_int_equal(conf_save(&conf.files[1], 0, 0, backup, why), 0);
    assert_int_equal(stat(other, &is), 0);
    assert_int_equal(is.st_mode & 07777, 0640);
    assert_int_equal(conf_file_read(&kept, backup, why), 0);
    assert_string_equal(kept.lines[2].now, "SlurmUser=me");
    conf_file_free(&kept);
    /* It is not what was read any more. */
    assert_int_equal(conf_save(&conf.files[1], 0, 0, backup, why), -1);
    assert_non_null(strstr(why, "changed by somebody else"));
    slurm_conf_free(&conf);

    /* A link stays one. */
    assert_int_equal(conf_file_read(&kept, link, why), 0);
    conf_file_add(&kept, "A=1");
    assert_int_equal(conf_save(&kept, 0, 0, backup, why), 0);
    assert_int_equal(lstat(link, &is), 0);
    assert_true(S_ISLNK(is.st_mode));
    conf_file_free(&kept);
    assert_int_equal(conf_file_read(&kept, other, why), 0);
    assert_string_equal(kept.lines[3].now, "A=1");
    conf_file_free(&kept);

    assert_int_equal(glob(pattern, 0, NULL, &left), 0);
    assert_int_equal(left.gl_pathc, 5); /* three files and two backups, nothing else */
    for (size_t i = 0; i < left.gl_pathc; i++)
        unlink(left.gl_pathv[i]);
    globfree(&left);
    rmdir(dir);
}

static void stacks(void **state)
{
    static const struct {
        const char *text;
        int count;
        const char *server, *wrong, *complaint;
    } table[] = {
        {"optional spank_kwota.so server=a:1\n", 1, "a:1", "", ""},
        {"REQUIRED /x/spank_kwota.so server=a # c\n", 1, "a", "", ""},
        {"#optional spank_kwota.so\n", 0, NULL, "", ""},
        {"optional other.so kwota=1\n", 0, NULL, "", ""},
        {"optinal spank_kwota.so\n", 0, NULL, "optinal spank_kwota.so", ""},
        {"optional spank_kwotta.so\n", 0, NULL, "optional spank_kwotta.so", ""},
        {"spank_kwota.so\n", 0, NULL, "spank_kwota.so", ""},
        {"optional spank_kwota.so sever=a\n", 1, "", "", "sever=a"},
        {"optional spank_kwota.so\noptional spank_kwota.so\n", 2, "", "", ""},
        {NULL, 0, NULL, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct plugstack stack;

        plugstack_take(&stack, "plugstack.conf", table[i].text);
        assert_int_equal(stack.count, table[i].count);
        if (table[i].server)
            assert_string_equal(stack.arguments.server, table[i].server);
        assert_string_equal(stack.wrong, table[i].wrong);
        assert_non_null(strstr(stack.complaint, table[i].complaint));
        plugstack_drop(&stack);
        assert_int_equal(plugstack_changed(&stack), table[i].count > 0);
        plugstack_free(&stack);
    }
}

static void versions(void **state)
{
    char why[PLUGIN_VERSION_WHY], text[PLUGIN_VERSION_TEXT];
    uint32_t version;

    (void)state;
    assert_string_equal(plugin_version_text(0x160508, text), "22.05.8");
    assert_true(plugin_version_fits(0x160508, 0x160508, false));
    assert_false(plugin_version_fits(0x160507, 0x160508, false));
    assert_true(plugin_version_fits(0x160507, 0x160508, true));
    assert_false(plugin_version_fits(0x180b05, 0x160508, true));
    assert_int_equal(plugin_version_read("/etc/passwd", &version, why), -1);
    assert_int_equal(plugin_version_read("/bin/true", &version, why), -1);
    assert_int_equal(plugin_version_read("/nowhere", &version, why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(changes), cmocka_unit_test(diffs),
        cmocka_unit_test(disk),   cmocka_unit_test(stacks),  cmocka_unit_test(versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
