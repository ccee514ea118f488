/* caps_book.c - what a node must not forget of caps: what it found, what it set, for
 * whom
 */
#include "plugin/meter/caps_book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1

static const char *const thens[] = {"run", "floor", "end"};

static json_t *cap_json(const struct cap *cap)
{
    return json_pack("{s:I s:I s:i s:s}", "gpu_mw", (json_int_t)cap->gpu_mw,
                     "package_mw", (json_int_t)cap->package_mw, "cpu_percent",
                     cap->cpu_percent, "why", cap->why);
}

static json_t *quota_json(const struct caps_quota *quota)
{
    return json_pack("{s:s s:b s:s s:s s:s s:s}", "dir", quota->dir, "own", quota->own,
                     "from", quota->from, "found", quota->found, "was", quota->was,
                     "set", quota->set);
}

static json_t *device_json(const struct caps_device *d)
{
    return json_pack("{s:s s:s s:s s:I s:I s:I s:b s:b s:i}", "id", d->id, "name",
                     d->name, "boot", d->boot, "found_mw", (json_int_t)d->found_mw,
                     "was_mw", (json_int_t)d->was_mw, "set_mw", (json_int_t)d->set_mw,
                     "set", d->set, "foreign", d->foreign, "tries", d->tries);
}

static json_t *run_json(const struct caps_run *run)
{
    return json_pack(
        "{s:s s:I s:o s:I s:I s:o s:I s:s s:b s:o}", "token", run->token, "job",
        (json_int_t)run->job, "cap", cap_json(&run->cap), "since_ms",
        (json_int_t)run->since_ms, "capped_ms", (json_int_t)run->capped_ms, "lowest",
        cap_json(&run->lowest), "allowance_mj", (json_int_t)run->allowance_mj, "then",
        thens[run->then], "floored", run->floored, "quota", quota_json(&run->quota));
}

char *caps_book_text(const struct caps_book *book)
{
    json_t *devices = json_array(), *runs = json_array(), *all;
    char *text;

    for (int i = 0; i < book->device_count; i++)
        json_array_append_new(devices, device_json(&book->device[i]));
    for (int i = 0; i < book->run_count; i++)
        json_array_append_new(runs, run_json(&book->run[i]));
    all = json_pack("{s:i s:i s:I s:o s:o}", "version", VERSION, "opens", book->opens,
                    "opened_ms", (json_int_t)book->opened_ms, "devices", devices,
                    "runs", runs);
    text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    return text;
}

static void take_text(const json_t *from, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(from, key));

    snprintf(to, size, "%s", text ? text : "");
}

static int64_t take_number(const json_t *from, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(from, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void take_cap(const json_t *from, struct cap *cap)
{
    cap->gpu_mw = take_number(from, "gpu_mw", 0);
    cap->package_mw = take_number(from, "package_mw", 0);
    cap->cpu_percent = (int32_t)take_number(from, "cpu_percent", 0);
    take_text(from, "why", cap->why, sizeof cap->why);
}

static void take_device(const json_t *from, struct caps_device *d)
{
    take_text(from, "id", d->id, sizeof d->id);
    take_text(from, "name", d->name, sizeof d->name);
    take_text(from, "boot", d->boot, sizeof d->boot);
    d->found_mw = take_number(from, "found_mw", LIMIT_UNKNOWN);
    d->was_mw = take_number(from, "was_mw", LIMIT_UNKNOWN);
    d->set_mw = take_number(from, "set_mw", LIMIT_UNKNOWN);
    d->set = json_is_true(json_object_get(from, "set"));
    d->foreign = json_is_true(json_object_get(from, "foreign"));
    d->tries = (int32_t)take_number(from, "tries", 0);
}

static void take_quota(const json_t *from, struct caps_quota *quota)
{
    take_text(from, "dir", quota->dir, sizeof quota->dir);
    quota->own = json_is_true(json_object_get(from, "own"));
    take_text(from, "from", quota->from, sizeof quota->from);
    take_text(from, "found", quota->found, sizeof quota->found);
    take_text(from, "was", quota->was, sizeof quota->was);
    take_text(from, "set", quota->set, sizeof quota->set);
}

static void take_run(const json_t *from, struct caps_run *run)
{
    const char *then = json_string_value(json_object_get(from, "then"));

    take_text(from, "token", run->token, sizeof run->token);
    run->job = (uint32_t)take_number(from, "job", 0);
    take_cap(json_object_get(from, "cap"), &run->cap);
    run->since_ms = take_number(from, "since_ms", 0);
    run->capped_ms = take_number(from, "capped_ms", 0);
    take_cap(json_object_get(from, "lowest"), &run->lowest);
    run->allowance_mj = take_number(from, "allowance_mj", -1);
    for (int t = CAPS_RUN; then && t <= CAPS_END; t++)
        if (strcmp(then, thens[t]) == 0)
            run->then = (enum caps_then)t;
    run->floored = json_is_true(json_object_get(from, "floored"));
    take_quota(json_object_get(from, "quota"), &run->quota);
}

static void take_book(const json_t *from, struct caps_book *book)
{
    size_t i;
    json_t *one;

    book->opens = (int32_t)take_number(from, "opens", 0);
    book->opened_ms = take_number(from, "opened_ms", 0);
    json_array_foreach(json_object_get(from, "devices"), i, one)
    {
        if (book->device_count < LIMIT_MAX)
            take_device(one, &book->device[book->device_count++]);
    }
    json_array_foreach(json_object_get(from, "runs"), i, one)
    {
        if (book->run_count < BOOKS_MAX_RUNS)
            take_run(one, &book->run[book->run_count++]);
    }
}

int caps_book_read(struct caps_book *book, const char *dir, char why[LIMIT_WHY])
{
    char path[512], bad[520];
    json_error_t error;
    json_t *all;

    memset(book, 0, sizeof *book);
    why[0] = '\0';
    snprintf(path, sizeof path, "%s/caps.json", dir);
    if (access(path, F_OK) != 0)
        return 0;
    all = json_load_file(path, 0, &error);
    if (!json_is_object(all)) {
        snprintf(why, LIMIT_WHY, "line %d: %.100s", error.line, error.text);
        snprintf(bad, sizeof bad, "%s.bad", path);
        if (rename(path, bad) < 0)
            snprintf(why, LIMIT_WHY, "%s", strerror(errno));
        json_decref(all);
        return 0;
    }
    take_book(all, book);
    json_decref(all);
    return 1;
}

/* All of it, on disk. */
static int write_new(const char *path, const char *text)
{
    size_t left = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), kept;

    if (fd < 0)
        return -1;
    while (left > 0) {
        ssize_t wrote = write(fd, text, left);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            break;
        text += wrote;
        left -= (size_t)wrote;
    }
    kept = left > 0 || fsync(fd) < 0 ? errno ? errno : EIO : 0;
    close(fd);
    errno = kept;
    return kept ? -1 : 0;
}

int caps_book_write(const char *dir, const char *text)
{
    char path[512], new_path[520];
    int fd, rc;

    snprintf(path, sizeof path, "%s/caps.json", dir);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    if (write_new(new_path, text) < 0 || rename(new_path, path) < 0)
        return -1;
    /* The name, too, is on disk only now. */
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

struct caps_device *caps_book_device(struct caps_book *book, const char *id)
{
    for (int i = 0; i < book->device_count; i++)
        if (strcmp(book->device[i].id, id) == 0)
            return &book->device[i];
    return NULL;
}

struct caps_device *caps_book_add_device(struct caps_book *book,
                                         const struct limit *limit)
{
    struct caps_device *device;

    if (book->device_count == LIMIT_MAX)
        return NULL;
    device = &book->device[book->device_count++];
    memset(device, 0, sizeof *device);
    snprintf(device->id, sizeof device->id, "%s", limit->id);
    snprintf(device->name, sizeof device->name, "%s", limit->name);
    return device;
}

void caps_book_drop_device(struct caps_book *book, struct caps_device *device)
{
    *device = book->device[--book->device_count];
}

struct caps_run *caps_book_run(struct caps_book *book, const char *token)
{
    for (int i = 0; i < book->run_count; i++)
        if (strcmp(book->run[i].token, token) == 0)
            return &book->run[i];
    return NULL;
}

struct caps_run *caps_book_add_run(struct caps_book *book, const char *token,
                                   uint32_t job)
{
    struct caps_run *run;

    if (book->run_count == BOOKS_MAX_RUNS)
        return NULL;
    run = &book->run[book->run_count++];
    memset(run, 0, sizeof *run);
    snprintf(run->token, sizeof run->token, "%s", token);
    run->job = job;
    run->allowance_mj = -1;
    return run;
}

void caps_book_drop_run(struct caps_book *book, struct caps_run *run)
{
    *run = book->run[--book->run_count];
}
