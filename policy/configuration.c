/* configuration.c - kwota.json with what it includes: one object, and where each thing
 * in it stands */
#include "policy/configuration.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/config_item.h"
#include "policy/json_place.h"

/* Rules for tens of thousands of accounts; more is not a configuration. */
#define LARGEST (4 << 20)

struct file {
    char *name;
    int depth; /* of including */
    struct config_stamp stamp;
    json_t *json; /* NULL: there is none that could be read */
    struct json_places *places;
};

struct mistake {
    int file, number;
    struct json_place place; /* line 0: the whole file */
    char *text;
};

struct configuration {
    struct file files[CONFIGURATION_FILES];
    int file_count;
    struct mistake *mistakes;
    int mistake_count;
};

/* kwotad's settings, then the policy. */
static const char *const top_keys[] = {
    "version",      "cluster",          "listen",  "socket",     "spool",   "ledger",
    "munge_socket", "settle_timeout_s", "sweep_s", "save_s",     "meter",   "slurmdbd",
    "web",          "metrics",          "server",  "slurm_user", "enforce", "limits",
    "estimate",     "classes",          "credits", "caps",       "tariff",  "keep",
    "steer",        "include",          NULL};

static void complain(struct configuration *conf, int file, struct json_place place,
                     const char *format, va_list ap)
{
    struct mistake *more = realloc(conf->mistakes, (size_t)(conf->mistake_count + 1) *
                                                       sizeof *conf->mistakes);
    char *text;

    if (!more)
        return;
    conf->mistakes = more;
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    conf->mistakes[conf->mistake_count] =
        (struct mistake){file, conf->mistake_count, place, text};
    conf->mistake_count++;
}

static void mistake_at(struct configuration *conf, int file, struct json_place place,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

static void mistake_at(struct configuration *conf, int file, struct json_place place,
                       const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    complain(conf, file, place, format, ap);
    va_end(ap);
}

void config_mistake(struct config_item item, enum config_part part, const char *format,
                    ...)
{
    const struct json_places *places;
    va_list ap;

    if (!item.conf)
        return;
    places = item.conf->files[item.file].places;
    va_start(ap, format);
    complain(item.conf, item.file,
             part == CONFIG_KEY ? json_places_of_key(places, item.place)
                                : json_places_of_value(places, item.place),
             format, ap);
    va_end(ap);
}

static void stamp_from(const struct stat *st, struct config_stamp *stamp)
{
    *stamp = (struct config_stamp){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

void config_stamp_of(const char *file, struct config_stamp *stamp)
{
    struct stat st;

    *stamp = (struct config_stamp){0};
    if (stat(file, &st) == 0)
        stamp_from(&st, stamp);
}

/* The stamp is taken before the text, so what is written in between is seen as a
 * change later. NULL with errno. */
static char *read_text(struct file *file, size_t *size)
{
    FILE *in = fopen(file->name, "re");
    char *text = in ? malloc(LARGEST + 1) : NULL;
    int error = errno;
    struct stat st;

    if (text && fstat(fileno(in), &st) < 0) {
        error = errno;
    } else if (text) {
        stamp_from(&st, &file->stamp);
        *size = fread(text, 1, LARGEST + 1, in);
        error = ferror(in) ? errno : *size > LARGEST ? EFBIG : 0;
        text[*size <= LARGEST ? *size : LARGEST] = '\0';
    }
    if (in)
        fclose(in);
    errno = error;
    if (text && !error)
        return text;
    free(text);
    return NULL;
}

/* What a person probably did when jansson says this; "": no idea. */
static const char *hint(const char *error)
{
    static const struct {
        const char *begin, *near, *meant;
    } hints[] = {
        {"string or '}' expected", "near '}'", "; the comma before it is one too many"},
        {"unexpected token", "near ']'", "; the comma before it is one too many"},
        {"string or '}' expected", "near '/'", "; JSON has no comments"},
        {"invalid token", "near '/'", "; JSON has no comments"},
        {"invalid token", "near '#'", "; JSON has no comments"},
        {"string or '}' expected", "near '#'", "; JSON has no comments"},
        {"'[' or '{' expected", "near '#'", "; JSON has no comments"},
        {"invalid token", "near '''", "; texts stand in double quotes"},
        {"invalid token", "near 'T", "; true, false and null are written small"},
        {"invalid token", "near 'F", "; true, false and null are written small"},
        {"'}' expected", "near end of file", "; a } is missing"},
        {"']' expected", "near end of file", "; a ] is missing"},
        {"'}' expected", "near ", "; is a comma missing before it?"},
        {"']' expected", "near ", "; is a comma missing before it?"},
        {"':' expected", "near ", "; a : is missing after the key"},
    };

    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strncmp(error, hints[i].begin, strlen(hints[i].begin)) == 0 &&
            strstr(error, hints[i].near))
            return hints[i].meant;
    return "";
}

static void parse_file(struct configuration *conf, int n, const char *text, size_t size)
{
    struct file *file = &conf->files[n];
    json_error_t error;
    json_t *json = json_loadb(text, size, 0, &error);

    if (!json)
        mistake_at(conf, n, (struct json_place){error.line, error.column}, "%s%s",
                   error.text, hint(error.text));
    else if (!json_is_object(json))
        mistake_at(conf, n, (struct json_place){1, 1},
                   "the file must hold one object {…}");
    else if ((file->places = json_places_new(text)))
        file->json = json_incref(json);
    else
        mistake_at(conf, n, (struct json_place){0, 0}, "there is no memory for it");
    json_decref(json);
}

/* Reads one file; `from` includes it, if its conf is not NULL. */
static void read_file(struct configuration *conf, const char *name, int depth,
                      struct config_item from)
{
    int n = conf->file_count++;
    struct file *file = &conf->files[n];
    char *text;
    size_t size = 0;

    file->name = strdup(name);
    file->depth = depth;
    text = read_text(file, &size);
    if (text)
        parse_file(conf, n, text, size);
    else if (from.conf)
        config_mistake(from, CONFIG_VALUE, "include: %s cannot be read: %s", name,
                       strerror(errno));
    else
        mistake_at(conf, n, (struct json_place){0, 0}, "it cannot be read: %s",
                   strerror(errno));
    free(text);
}

/* The number of the file that this one is too; -1: none. */
static int known_file(const struct configuration *conf, const char *name)
{
    struct config_stamp stamp;

    config_stamp_of(name, &stamp);
    for (int f = 0; stamp.inode && f < conf->file_count; f++)
        if (conf->files[f].stamp.device == stamp.device &&
            conf->files[f].stamp.inode == stamp.inode)
            return f;
    return -1;
}

static void include_one(struct config_item item)
{
    struct configuration *conf = item.conf;
    const struct file *file = &conf->files[item.file];
    const char *text = json_string_value(item.json);
    char *folder = strdup(file->name), *name = NULL;

    if (!text || !text[0])
        config_wrong(item, "the name of a file");
    else if (asprintf(&name, "%s%s%s",
                      text[0] == '/' || !strchr(folder, '/') ? "" : dirname(folder),
                      text[0] == '/' || !strchr(file->name, '/') ? "" : "/", text) < 0)
        name = NULL;
    if (!name)
        ;
    else if (known_file(conf, name) >= 0)
        config_mistake(item, CONFIG_VALUE,
                       "include: %s is read already; leave one of the two out", name);
    else if (file->depth == CONFIGURATION_DEPTH)
        config_mistake(item, CONFIG_VALUE,
                       "include: files may include files no more than %d deep",
                       CONFIGURATION_DEPTH);
    else if (conf->file_count == CONFIGURATION_FILES)
        config_mistake(item, CONFIG_VALUE, "include: no more than %d files are read",
                       CONFIGURATION_FILES);
    else
        read_file(conf, name, file->depth + 1, item);
    free(name);
    free(folder);
}

static void include_all(struct config_item root)
{
    struct config_item include = config_member(root, "include");

    if (json_is_array(include.json))
        for (size_t i = 0; i < json_array_size(include.json); i++)
            include_one(config_element(include, i));
    else if (include.json)
        include_one(include);
}

static void given_twice(struct configuration *conf, int file, int value,
                        int earlier_file, int earlier)
{
    const struct file *f = &conf->files[file], *e = &conf->files[earlier_file];
    struct json_place first = json_places_of_key(e->places, earlier);
    char path[CONFIG_PATH];

    mistake_at(conf, file, json_places_of_key(f->places, value),
               "%s: it is given twice; first at %s:%d:%d",
               json_places_path(f->places, value, path, sizeof path), e->name,
               first.line, first.column);
}

/* Keys given twice: in one object, or at the top of two files. */
static void check_twice(struct configuration *conf, int n)
{
    const struct file *file = &conf->files[n];
    const char *key;
    json_t *value;

    for (int i = 0; i < json_places_count(file->places); i++)
        if (json_places_earlier(file->places, i) != JSON_PLACE_NONE)
            given_twice(conf, n, i, n, json_places_earlier(file->places, i));
    json_object_foreach(file->json, key, value)
    {
        for (int e = 0; e < n && strcmp(key, "include") != 0; e++) {
            if (!json_object_get(conf->files[e].json, key))
                continue;
            given_twice(conf, n, json_places_key(file->places, 0, key), e,
                        json_places_key(conf->files[e].places, 0, key));
            break;
        }
    }
}

struct configuration *configuration_read(const char *file)
{
    struct configuration *conf = calloc(1, sizeof *conf);

    if (!conf)
        return NULL;
    read_file(conf, file, 0, (struct config_item){0});
    for (int f = 0; f < conf->file_count; f++) {
        struct config_item root = {conf, conf->files[f].json, f, 0};

        if (!root.json)
            continue;
        include_all(root);
        check_twice(conf, f);
        config_known(root, top_keys);
    }
    return conf;
}

void configuration_free(struct configuration *conf)
{
    if (!conf)
        return;
    for (int f = 0; f < conf->file_count; f++) {
        free(conf->files[f].name);
        json_decref(conf->files[f].json);
        json_places_free(conf->files[f].places);
    }
    for (int m = 0; m < conf->mistake_count; m++)
        free(conf->mistakes[m].text);
    free(conf->mistakes);
    free(conf);
}

struct config_item configuration_top(struct configuration *conf, const char *key)
{
    for (int f = 0; f < conf->file_count; f++) {
        struct config_item root = {conf, conf->files[f].json, f, 0}, item;

        item = root.json ? config_member(root, key) : root;
        if (item.json)
            return item;
    }
    return (struct config_item){conf, NULL, 0, 0};
}

int configuration_mistakes(const struct configuration *conf)
{
    return conf->mistake_count;
}

static int compare(const void *a, const void *b)
{
    const struct mistake *m = a, *n = b;

    if (m->file != n->file)
        return m->file - n->file;
    if (m->place.line != n->place.line)
        return m->place.line - n->place.line;
    if (m->place.column != n->place.column)
        return m->place.column - n->place.column;
    return m->number - n->number;
}

static void sort(struct configuration *conf)
{
    if (conf->mistake_count)
        qsort(conf->mistakes, (size_t)conf->mistake_count, sizeof *conf->mistakes,
              compare);
}

int configuration_tell(struct configuration *conf, FILE *to)
{
    sort(conf);
    for (int i = 0; i < conf->mistake_count; i++) {
        const struct mistake *m = &conf->mistakes[i];
        const char *name = conf->files[m->file].name;

        if (m->place.line)
            fprintf(to, "%s:%d:%d: %s\n", name, m->place.line, m->place.column,
                    m->text);
        else
            fprintf(to, "%s: %s\n", name, m->text);
    }
    return conf->mistake_count;
}

json_t *configuration_mistake_list(struct configuration *conf)
{
    json_t *list = json_array();

    sort(conf);
    for (int i = 0; i < conf->mistake_count; i++) {
        const struct mistake *m = &conf->mistakes[i];
        json_t *line = m->place.line ? json_integer(m->place.line) : json_null();
        json_t *column = m->place.line ? json_integer(m->place.column) : json_null();

        json_array_append_new(list, json_pack("{s:s s:o s:o s:s}", "file",
                                              conf->files[m->file].name, "line", line,
                                              "column", column, "text", m->text));
    }
    return list;
}

json_t *configuration_sources(const struct configuration *conf)
{
    json_t *sources = json_object();
    char path[CONFIG_PATH];

    for (int f = 0; f < conf->file_count; f++) {
        const struct file *file = &conf->files[f];

        for (int i = 1; file->places && i < json_places_count(file->places); i++) {
            json_places_path(file->places, i, path, sizeof path);
            json_object_set_new(sources, path,
                                json_sprintf("%s:%d: %s", file->name,
                                             json_places_of_key(file->places, i).line,
                                             path));
        }
    }
    return sources;
}

void configuration_watch(struct configuration *conf, const char *name)
{
    struct file *file = &conf->files[conf->file_count];

    if (conf->file_count == CONFIGURATION_FILES || known_file(conf, name) >= 0)
        return;
    *file = (struct file){.name = strdup(name)};
    config_stamp_of(name, &file->stamp);
    conf->file_count++;
}

int configuration_file_count(const struct configuration *conf)
{
    return conf->file_count;
}

const char *configuration_file(const struct configuration *conf, int file,
                               struct config_stamp *stamp)
{
    *stamp = conf->files[file].stamp;
    return conf->files[file].name;
}

const struct json_places *configuration_places(const struct configuration *conf,
                                               int file)
{
    return conf->files[file].places;
}
