/* backup.c - a copy of the ledger's file while kwotad goes on writing */
#include "policy/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/ledger.h"
#include "policy/verify.h"

/* Pages at once, some 4 MiB. */
#define PAGES 1000

/* kwotad's own writes take no longer. */
#define BUSY_MS 10000

/* A piece of verify's. */
#define PIECE_MS 200

struct backup {
    const char *from, *to;
    char part[PATH_MAX]; /* what is not whole yet */
    backup_progress progress;
    void *arg;
    char *why;
};

static int fail(struct backup *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(struct backup *b, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(b->why, BACKUP_WHY, format, ap);
    va_end(ap);
    return -1;
}

static void say(const struct backup *b, const char *what, int percent)
{
    if (b->progress)
        b->progress(what, percent, b->arg);
}

/* Nobody else may read it, not even while it grows. */
static int make_part(struct backup *b)
{
    struct stat there;
    int fd;

    if (lstat(b->to, &there) == 0)
        return fail(b, "%s is there already: a backup never overwrites; name another",
                    b->to);
    if (snprintf(b->part, sizeof b->part, "%s.part", b->to) >= (int)sizeof b->part)
        return fail(b, "%s is too long a name", b->to);
    fd = open(b->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return fail(b,
                    "%s is there already: another backup writes it, or one was broken "
                    "off; remove it then",
                    b->part);
    if (fd < 0)
        return fail(b, "%s cannot be made: %s", b->part, strerror(errno));
    close(fd);
    return 0;
}

/* What is read from now on stays as it is, until the source is closed. */
static int open_source(struct backup *b, sqlite3 **db)
{
    if (sqlite3_open_v2(b->from, db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(*db, BUSY_MS) != SQLITE_OK ||
        sqlite3_exec(*db, "BEGIN; SELECT COUNT(*) FROM sqlite_master", NULL, NULL,
                     NULL) != SQLITE_OK)
        return fail(b, "%s %s: %s", b->from,
                    sqlite3_errcode(*db) == SQLITE_CORRUPT ||
                            sqlite3_errcode(*db) == SQLITE_NOTADB
                        ? "is damaged, or no ledger"
                        : "cannot be read",
                    sqlite3_errmsg(*db));
    return 0;
}

static int copy_pages(struct backup *b, sqlite3 *source, sqlite3 *copy)
{
    sqlite3_backup *work = sqlite3_backup_init(copy, "main", source, "main");
    int rc = work ? SQLITE_OK : SQLITE_NOMEM;

    while (rc == SQLITE_OK) {
        int all;

        rc = sqlite3_backup_step(work, PAGES);
        all = sqlite3_backup_pagecount(work);
        if (all > 0)
            say(b, "copied",
                (int)((int64_t)(all - sqlite3_backup_remaining(work)) * 100 / all));
    }
    sqlite3_backup_finish(work);
    if (rc == SQLITE_DONE)
        return 0;
    return fail(b, "%s cannot be written: %s%s", b->part, sqlite3_errstr(rc),
                rc == SQLITE_FULL || rc == SQLITE_IOERR
                    ? " (is there room on that file system?)"
                    : "");
}

/* A single file, whole in itself. */
static int finish_copy(struct backup *b, sqlite3 *copy)
{
    sqlite3_stmt *stmt = NULL;
    int rc;

    if (sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) !=
        SQLITE_OK)
        return fail(b, "%s cannot be finished: %s", b->part, sqlite3_errmsg(copy));
    say(b, "looked through", 0);
    if (sqlite3_prepare_v2(copy, "PRAGMA integrity_check(1)", -1, &stmt, NULL) !=
            SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        rc = fail(b, "%s cannot be read again: %s", b->part, sqlite3_errmsg(copy));
    else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
        rc = fail(b, "the copy of %s is damaged, and so is that, it seems: %s", b->from,
                  (const char *)sqlite3_column_text(stmt, 0));
    else
        rc = 0;
    sqlite3_finalize(stmt);
    return rc;
}

static int copy_all(struct backup *b)
{
    sqlite3 *source = NULL, *copy = NULL;
    int rc = open_source(b, &source);

    if (rc == 0 && sqlite3_open(b->part, &copy) != SQLITE_OK)
        rc = fail(b, "%s cannot be opened: %s", b->part, sqlite3_errmsg(copy));
    if (rc == 0)
        rc = copy_pages(b, source, copy);
    sqlite3_close(source);
    if (rc == 0)
        rc = finish_copy(b, copy);
    sqlite3_close(copy);
    return rc;
}

/* What breaks its books. */
static int prove(struct backup *b, json_t *breaches)
{
    static const struct verify_range all = {0, INT64_MAX};
    struct verify_place place = {0, 0};
    struct ledger *ledger = ledger_read(b->part, b->why);
    json_t *answer = NULL;

    if (!ledger)
        return -1;
    do {
        json_decref(answer);
        answer = verify_answer(ledger, &all, place, PIECE_MS);
        if (!answer)
            break;
        json_array_extend(breaches, json_object_get(answer, "breaches"));
        say(b, json_string_value(json_object_get(answer, "step")),
            (int)json_integer_value(json_object_get(answer, "percent")));
    } while (json_unpack(json_object_get(answer, "next"), "{s:i s:I}", "step",
                         &place.step, "after", &place.after) == 0);
    ledger_close(ledger);
    if (!answer)
        return fail(b, "the books of %s cannot be proved", b->part);
    json_decref(answer);
    return 0;
}

/* To the disk: a file, or the names in a folder. */
static int sync_path(struct backup *b, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? -1 : fsync(fd);

    if (rc < 0)
        fail(b, "%s cannot be brought to the disk: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

static int sync_folder(struct backup *b)
{
    char folder[PATH_MAX];
    char *slash;

    snprintf(folder, sizeof folder, "%s", b->to);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    return sync_path(b, slash ? folder : ".");
}

static int give_name(struct backup *b)
{
    /* Fails if somebody else made it meanwhile. */
    if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->to, RENAME_NOREPLACE) < 0)
        return fail(b, "%s cannot be named %s: %s", b->part, b->to, strerror(errno));
    return sync_folder(b);
}

int backup_make(const char *from, const char *to, backup_progress progress, void *arg,
                json_t **breaches, char why[BACKUP_WHY])
{
    struct backup b = {
        .from = from, .to = to, .progress = progress, .arg = arg, .why = why};

    *breaches = json_array();
    why[0] = '\0';
    if (make_part(&b) < 0)
        return -1;
    if (copy_all(&b) == 0 && prove(&b, *breaches) == 0 && sync_path(&b, b.part) == 0 &&
        give_name(&b) == 0)
        return 0;
    unlink(b.part);
    return -1;
}
