/* backup_test.c - a copy of a ledger that is written meanwhile is whole, and of one
 * moment */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "policy/backup.h"
#include "tests/unit/good_books.h"

int lookup_node(const char *node, struct lookup_node *found)
{
    (void)node;
    (void)found;
    return -1;
}

static int open_good(void **state)
{
    if (books_open(state) < 0)
        return -1;
    good_fill(*state);
    return 0;
}

struct paths {
    char from[128], to[128], part[160];
};

static struct paths paths_of(struct books *b)
{
    struct paths p;

    snprintf(p.from, sizeof p.from, "%s/ledger.db", b->temporary.dir);
    snprintf(p.to, sizeof p.to, "%s/copy", b->temporary.dir);
    snprintf(p.part, sizeof p.part, "%s.part", p.to);
    return p;
}

static int backup(const struct paths *p, backup_progress progress, void *arg,
                  size_t *breaches, char why[BACKUP_WHY])
{
    json_t *list = NULL;
    int rc = backup_make(p->from, p->to, progress, arg, &list, why);

    *breaches = json_array_size(list);
    json_decref(list);
    return rc;
}

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static int64_t in_copy(const struct paths *p, const char *sql)
{
    char why[LEDGER_READ_WHY];
    struct ledger *copy = ledger_read(p->to, why);
    int64_t value;

    if (!copy)
        fail_msg("%s", why);
    value = ledger_number(copy, -1, sql, "");
    ledger_close(copy);
    return value;
}

/* kwotad goes on while pages are copied: what it writes is not in the copy, or wholly.
 */
static void write_on(const char *what, int percent, void *arg)
{
    struct books *b = arg;

    (void)what;
    (void)percent;
    books_do(b, "INSERT INTO decisions (time_s, cluster, job_text, user, account,"
                " partition, action, rule, why) VALUES (0,'c','1','u','a','p','hold',"
                "'r', hex(randomblob(20000)))");
}

static void a_copy_is_of_one_moment(void **state)
{
    struct books *b = *state;
    struct paths p = paths_of(b);
    char why[BACKUP_WHY];
    size_t breaches;
    struct stat st;

    for (int i = 0; i < 300; i++)
        write_on("", 0, b);
    if (backup(&p, write_on, b, &breaches, why) < 0)
        fail_msg("%s", why);
    assert_int_equal(breaches, 0);
    assert_int_equal(stat(p.to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_false(is_there(p.part));
    assert_int_equal(in_copy(&p, "SELECT COUNT(*) FROM decisions"), 300);
    assert_true(ledger_number(b->ledger, 0, "SELECT COUNT(*) FROM decisions", "") >
                300);
    assert_int_equal(in_copy(&p, "SELECT SUM(mj) FROM entries"),
                     ledger_number(b->ledger, 0, "SELECT SUM(mj) FROM entries", ""));
    unlink(p.to);
}

static void nothing_is_overwritten(void **state)
{
    struct books *b = *state;
    struct paths p = paths_of(b);
    char why[BACKUP_WHY];
    size_t breaches;

    assert_int_equal(backup(&p, NULL, NULL, &breaches, why), 0);
    assert_int_equal(backup(&p, NULL, NULL, &breaches, why), -1);
    assert_non_null(strstr(why, "never overwrites"));
    unlink(p.to);
    fclose(fopen(p.part, "w"));
    assert_int_equal(backup(&p, NULL, NULL, &breaches, why), -1);
    assert_non_null(strstr(why, "another backup writes it"));
    assert_true(is_there(p.part));
    unlink(p.part);
}

static void what_cannot_be_copied_leaves_nothing(void **state)
{
    struct books *b = *state;
    struct paths p = paths_of(b), other = p;
    char why[BACKUP_WHY];
    size_t breaches;

    snprintf(other.from, sizeof other.from, "%s/nothing.db", b->temporary.dir);
    assert_int_equal(backup(&other, NULL, NULL, &breaches, why), -1);
    assert_non_null(strstr(why, "nothing.db cannot be read"));
    assert_false(is_there(p.part) || is_there(p.to));
    snprintf(other.to, sizeof other.to, "%s/no/copy", b->temporary.dir);
    assert_int_equal(backup(&other, NULL, NULL, &breaches, why), -1);
    assert_non_null(strstr(why, "cannot be made"));
}

static void damage(const char *path)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    for (long page = 20; page < 40; page++) {
        fseek(file, page * 4096 + 5, SEEK_SET);
        fputs("damaged damaged damaged damaged", file);
    }
    fclose(file);
}

static void a_damaged_ledger_is_no_backup(void **state)
{
    struct books *b = *state;
    struct paths p = paths_of(b);
    char why[BACKUP_WHY];
    size_t breaches;

    ledger_close(b->ledger); /* what the log has is in the file now */
    b->ledger = NULL;
    damage(p.from);
    assert_int_equal(backup(&p, NULL, NULL, &breaches, why), -1);
    if (!strstr(why, "damaged"))
        fail_msg("%s", why);
    assert_false(is_there(p.part) || is_there(p.to));
}

static void books_that_do_not_balance_are_copied_and_told(void **state)
{
    struct books *b = *state;
    struct paths p = paths_of(b);
    char why[BACKUP_WHY];
    size_t breaches;

    books_do(b, "UPDATE run_months SET gpu_mj = gpu_mj - 1 WHERE run_id = 1");
    assert_int_equal(backup(&p, NULL, NULL, &breaches, why), 0);
    assert_true(breaches > 0);
    unlink(p.to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_is_of_one_moment, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(nothing_is_overwritten, open_good, books_close),
        cmocka_unit_test_setup_teardown(what_cannot_be_copied_leaves_nothing, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(a_damaged_ledger_is_no_backup, open_good,
                                        books_close),
        cmocka_unit_test_setup_teardown(books_that_do_not_balance_are_copied_and_told,
                                        open_good, books_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
