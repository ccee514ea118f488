/* journal.c - ended.journal: "look at job N", from the job-completion plugin */
#include "policy/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/log.h"

/* Several kwotad can have one ledger, and each has a file of its own. */
static void own_name(char host[256])
{
    if (gethostname(host, 255) < 0)
        host[0] = '\0';
    host[255] = '\0';
}

static int64_t place_of(struct ledger *ledger, const struct journal_passed *passed,
                        const struct stat *st)
{
    int64_t offset = 0;
    char host[256];

    own_name(host);
    if (ledger_look(ledger) < 0)
        return -1;
    offset = ledger_number(ledger, 0,
                           "SELECT offset FROM journal_place"
                           " WHERE host IN ('', ?) AND inode = ? ORDER BY host DESC",
                           "si", host, (int64_t)st->st_ino);
    if (ledger_commit_soon(ledger) < 0)
        return -1;
    /* The ledger's may be of a file before, with the same inode. */
    if (passed->inode == (int64_t)st->st_ino)
        offset = passed->offset;
    /* Shorter than what was read: another file with the same inode. */
    return offset > st->st_size ? 0 : offset;
}

static void keep_place(struct ledger *ledger, const struct stat *st, int64_t offset)
{
    char host[256];

    own_name(host);
    if (ledger_begin(ledger) < 0)
        return;
    if (ledger_do(ledger, "DELETE FROM journal_place WHERE host IN ('', ?)", "s",
                  host) < 0 ||
        ledger_do(ledger,
                  "INSERT INTO journal_place (host, inode, offset) VALUES (?,?,?)",
                  "sii", host, (int64_t)st->st_ino, offset) < 0)
        ledger_rollback(ledger);
    else
        ledger_commit(ledger);
}

/* The job of a line; 0 if it is no record. */
static uint32_t job_of(const char *line)
{
    json_t *json = json_loads(line, 0, NULL);
    json_int_t job = json_integer_value(json_object_get(json, "job"));

    json_decref(json);
    return job > 0 && job < UINT32_MAX ? (uint32_t)job : 0;
}

/* Lines from the file's position on; *offset follows the last one taken. */
static int read_lines(FILE *file, int64_t *offset, int (*take)(uint32_t job, void *arg),
                      void *arg)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int taken = 0;

    while ((len = getline(&line, &size, file)) > 0 && line[len - 1] == '\n') {
        uint32_t job = job_of(line);

        if (job == 0)
            log_line("ended.journal: passed over a line that is no record: %.60s",
                     line);
        else if (take(job, arg) < 0)
            break;
        *offset += len;
        taken++;
    }
    free(line);
    return taken;
}

/* The plugin opens the file anew for each batch: after the rename it begins another. A
 * line that it writes into this one in between is found by the sweep. */
static void take_away(const char *path)
{
    if (unlink(path) < 0)
        log_line("%s cannot be removed: %s", path, strerror(errno));
}

/* At the first new line. NULL: there is none, or (-1 in *offset) it cannot be read. */
static FILE *open_journal(struct ledger *ledger, const char *path,
                          const struct journal_passed *passed, struct stat *st,
                          int64_t *offset)
{
    FILE *file = fopen(path, "re");

    *offset = -1;
    if (!file) {
        *offset = errno == ENOENT ? 0 : -1;
        return NULL;
    }
    if (fstat(fileno(file), st) == 0 && (*offset = place_of(ledger, passed, st)) >= 0 &&
        fseeko(file, *offset, SEEK_SET) == 0)
        return file;
    *offset = -1;
    fclose(file);
    return NULL;
}

int journal_read(struct ledger *ledger, const char *dir, struct journal_passed *passed,
                 int (*take)(uint32_t job, void *arg), void *arg)
{
    char path[512];
    struct stat st;
    int64_t offset;
    FILE *file;
    int taken;

    snprintf(path, sizeof path, "%s/ended.journal", dir);
    file = open_journal(ledger, path, passed, &st, &offset);
    if (!file)
        return offset < 0 ? -1 : 0;
    taken = read_lines(file, &offset, take, arg);
    fclose(file);
    if (taken > 0)
        keep_place(ledger, &st, offset);
    *passed = (struct journal_passed){(int64_t)st.st_ino, offset};
    if (offset == st.st_size && offset > JOURNAL_KEEP)
        take_away(path);
    return taken;
}

struct batch {
    uint32_t jobs[LEDGER_HEARD];
    int count;
};

static int add(uint32_t job, void *arg)
{
    struct batch *batch = arg;

    if (batch->count == LEDGER_HEARD)
        return -1;
    batch->jobs[batch->count++] = job;
    return 0;
}

int journal_pass(struct ledger *ledger, const char *dir, struct journal_passed *passed)
{
    struct batch batch = {.count = 0};
    char path[512];
    struct stat st;
    int64_t offset;
    FILE *file;

    snprintf(path, sizeof path, "%s/ended.journal", dir);
    file = open_journal(ledger, path, passed, &st, &offset);
    if (!file)
        return offset < 0 ? -1 : 0;
    read_lines(file, &offset, add, &batch);
    fclose(file);
    if (batch.count > 0 && ledger_pass_ended(ledger, batch.jobs, batch.count) < 0)
        return -1;
    *passed = (struct journal_passed){(int64_t)st.st_ino, offset};
    if (offset == st.st_size && offset > JOURNAL_KEEP)
        take_away(path);
    return batch.count;
}
