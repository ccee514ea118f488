/* slurm_conf.c - slurm.conf with what it includes: what it says, and how to change it
 */
#include "plugin/slurm_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Files that include each other end here. */
#define DEPTH 8

/* Several lines that backslashes make one, and where each letter of it stands. */
struct joined {
    char *text;
    size_t *line, *column;
    size_t len, room;
};

struct reading {
    struct slurm_conf *conf;
    bool follow; /* what is included is read */
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void put(struct joined *joined, char letter, size_t line, size_t column)
{
    if (joined->len + 1 >= joined->room) {
        joined->room = 2 * joined->room + 256;
        joined->text = must(realloc(joined->text, joined->room));
        joined->line = must(realloc(joined->line, joined->room * sizeof(size_t)));
        joined->column = must(realloc(joined->column, joined->room * sizeof(size_t)));
    }
    joined->text[joined->len] = letter;
    joined->line[joined->len] = line;
    joined->column[joined->len] = column;
    joined->text[joined->len + (letter != '\0')] = '\0';
    joined->len += letter != '\0';
}

/* Up to a comment; "\#" is none. */
static size_t without_comment(const char *text)
{
    size_t len = 0;

    while (text[len] && text[len] != '#')
        len += text[len] == '\\' && text[len + 1] ? 2 : 1;
    return len;
}

/* The length without the backslash that makes the next line one with it, or the length
 * itself. */
static size_t without_continuation(const char *text, size_t len)
{
    size_t end = len, slashes = 0;

    while (end > 0 && isspace((unsigned char)text[end - 1]))
        end--;
    while (slashes < end && text[end - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1 ? end - 1 : len;
}

/* Joins the lines from `first` on; returns the one after the last of them. */
static size_t join(const struct conf_file *file, size_t first, struct joined *joined)
{
    bool more = true;

    joined->len = 0;
    put(joined, '\0', first, 0);
    while (more && first < file->count) {
        const char *text = file->lines[first].now;
        size_t len = text ? without_comment(text) : 0;
        size_t end = text ? without_continuation(text, len) : 0;

        for (size_t i = 0; i < end; i++)
            put(joined, text[i], first, i);
        /* A line that is taken away does not part those around it. */
        more = text ? end < len : joined->len > 0;
        first++;
    }
    return first;
}

static bool is_key(char letter)
{
    return isalnum((unsigned char)letter) || letter == '_' || letter == '.';
}

static size_t past_space(const char *text, size_t at)
{
    while (isspace((unsigned char)text[at]))
        at++;
    return at;
}

/* What begins a record of its own, to which the rest of the line belongs. */
static bool begins_record(const char *key)
{
    static const char *const keys[] = {"NodeName", "PartitionName", "DownNodes",
                                       "NodeSet",  "FrontendName",  "SwitchName"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcasecmp(key, keys[i]) == 0)
            return true;
    return false;
}

static struct slurm_pair *add_pair(struct slurm_conf *conf)
{
    if ((conf->pair_count & (conf->pair_count - 1)) == 0)
        conf->pairs =
            must(realloc(conf->pairs, 2 * (conf->pair_count ? conf->pair_count : 1) *
                                          sizeof *conf->pairs));
    conf->pairs[conf->pair_count] = (struct slurm_pair){.record = conf->pair_count};
    return &conf->pairs[conf->pair_count++];
}

/* One KEY=VALUE from `at` on; what is after it, or 0: there is none. */
static size_t read_pair(struct slurm_conf *conf, size_t file, const struct joined *j,
                        size_t at)
{
    size_t key = past_space(j->text, at), key_end = key, value, end, skip;
    struct slurm_pair *pair;

    while (is_key(j->text[key_end]))
        key_end++;
    value = past_space(j->text, key_end);
    if (j->text[value] && strchr("-*+/", j->text[value]))
        value++;
    if (key_end == key || j->text[value] != '=')
        return 0;
    value = past_space(j->text, value + 1);
    skip = j->text[value] == '"' && strchr(j->text + value + 1, '"');
    end = value + skip;
    while (j->text[end] &&
           (skip ? j->text[end] != '"' : !isspace((unsigned char)j->text[end])))
        end++;
    if (end == value)
        return 0;
    pair = add_pair(conf);
    pair->key = must(strndup(j->text + key, key_end - key));
    pair->value = must(strndup(j->text + value + skip, end - value - skip));
    end += skip;
    pair->file = file;
    pair->line = j->line[value];
    pair->begin = j->column[value];
    pair->until = j->line[end - 1];
    pair->end = j->column[end - 1] + 1;
    pair->key_line = j->line[key];
    pair->key_begin = j->column[key];
    return end;
}

static int read_file(struct reading *reading, const char *path, int depth);
static void read_pairs(struct reading *reading, size_t file, int depth);

/* Beside the file that includes it, unless it says otherwise; %c is the cluster. */
static void include(struct reading *reading, const char *name, size_t len, int depth)
{
    struct slurm_conf *conf = reading->conf;
    const char *top = conf->files[0].path, *mark;
    const char *slash = strrchr(top, '/');
    const char *cluster = slurm_conf_value(conf, "ClusterName");
    char path[1024], said[512];

    snprintf(said, sizeof said, "%.*s", (int)len, name);
    mark = strstr(said, "%c");
    snprintf(path, sizeof path, "%.*s%.*s%s%s",
             said[0] == '/' || !slash ? 0 : (int)(slash - top + 1), top,
             mark ? (int)(mark - said) : (int)strlen(said), said,
             mark && cluster ? cluster : "", mark ? mark + 2 : "");
    /* While lines are read anew the files are there already. */
    for (size_t i = 1; i < conf->file_count; i++)
        if (strcmp(conf->files[i].path, path) == 0) {
            if (depth < DEPTH)
                read_pairs(reading, i, depth + 1);
            return;
        }
    if (reading->follow)
        read_file(reading, path, depth + 1);
}

static bool is_include(const struct joined *j, size_t *name, size_t *len)
{
    size_t at = past_space(j->text, 0);

    if (strncasecmp(j->text + at, "include", 7) != 0 ||
        !isspace((unsigned char)j->text[at + 7]))
        return false;
    *name = past_space(j->text, at + 7);
    *len = strcspn(j->text + *name, " \t\r\n");
    return *len > 0;
}

static void read_pairs(struct reading *reading, size_t file, int depth)
{
    struct slurm_conf *conf = reading->conf;
    struct joined joined = {0};

    for (size_t line = 0, next; line < conf->files[file].count; line = next) {
        size_t at = 0, name, len, begun = conf->pair_count;

        next = join(&conf->files[file], line, &joined);
        if (is_include(&joined, &name, &len)) {
            include(reading, joined.text + name, len, depth);
            continue;
        }
        while ((at = read_pair(conf, file, &joined, at)) > 0) {
            struct slurm_pair *pair = &conf->pairs[conf->pair_count - 1];

            pair->first = line;
            pair->last = next - 1;
            if (begins_record(conf->pairs[begun].key))
                pair->record = begun;
        }
    }
    free(joined.text);
    free(joined.line);
    free(joined.column);
}

static int read_file(struct reading *reading, const char *path, int depth)
{
    struct slurm_conf *conf = reading->conf;
    size_t file = conf->file_count;
    char why[CONF_FILE_WHY] = "";

    if (depth > DEPTH || file == SLURM_CONF_FILES) {
        snprintf(conf->why, sizeof conf->why, "%.300s: too many files are included",
                 path);
        return -1;
    }
    conf->file_count++;
    if (conf_file_read(&conf->files[file], path, why) < 0 || !conf->files[file].there) {
        if (why[0])
            memcpy(conf->why, why, sizeof why);
        else
            snprintf(conf->why, sizeof conf->why, "there is no %.400s", path);
        return -1;
    }
    read_pairs(reading, file, depth);
    return 0;
}

int slurm_conf_read(struct slurm_conf *conf, const char *path)
{
    struct reading reading = {conf, true};

    memset(conf, 0, sizeof *conf);
    return read_file(&reading, path, 0);
}

void slurm_conf_take(struct slurm_conf *conf, const char *path, const char *text)
{
    struct reading reading = {conf, false};

    memset(conf, 0, sizeof *conf);
    conf->file_count = 1;
    conf_file_take(&conf->files[0], path, text);
    read_pairs(&reading, 0, 0);
}

static void forget_pairs(struct slurm_conf *conf)
{
    for (size_t i = 0; i < conf->pair_count; i++) {
        free(conf->pairs[i].key);
        free(conf->pairs[i].value);
    }
    free(conf->pairs);
    conf->pairs = NULL;
    conf->pair_count = 0;
}

void slurm_conf_free(struct slurm_conf *conf)
{
    forget_pairs(conf);
    for (size_t i = 0; i < conf->file_count; i++)
        conf_file_free(&conf->files[i]);
    conf->file_count = 0;
}

/* Of the pairs outside of records, the last that has the key; NULL: none. */
static const struct slurm_pair *find(const struct slurm_conf *conf, const char *key)
{
    for (size_t i = conf->pair_count; i-- > 0;)
        if (conf->pairs[i].record == i && strcasecmp(conf->pairs[i].key, key) == 0)
            return &conf->pairs[i];
    return NULL;
}

const char *slurm_conf_value(const struct slurm_conf *conf, const char *key)
{
    const struct slurm_pair *pair = find(conf, key);

    return pair ? pair->value : NULL;
}

const char *slurm_conf_or(const struct slurm_conf *conf, const char *key,
                          const char *otherwise)
{
    const char *value = slurm_conf_value(conf, key);

    return value ? value : otherwise;
}

const char *slurm_conf_of(const struct slurm_conf *conf, size_t record, const char *key)
{
    for (size_t i = record; i < conf->pair_count && conf->pairs[i].record == record;
         i++)
        if (strcasecmp(conf->pairs[i].key, key) == 0)
            return conf->pairs[i].value;
    return NULL;
}

const char *slurm_conf_place(const struct slurm_conf *conf, const char *key,
                             char place[SLURM_CONF_PLACE])
{
    const struct slurm_pair *pair = find(conf, key);

    if (pair)
        snprintf(place, SLURM_CONF_PLACE, "%.300s:%zu", conf->files[pair->file].path,
                 conf_file_number(&conf->files[pair->file], pair->line));
    else
        snprintf(place, SLURM_CONF_PLACE, "%.300s", conf->files[0].path);
    return place;
}

/* The next word of a list: its length, and where the one after begins. */
static size_t word_length(const char *at, const char **next)
{
    size_t len = strcspn(at, ",");

    *next = at + len + (at[len] == ',');
    return len;
}

static bool is_word(const char *at, size_t len, const char *word)
{
    size_t name = strcspn(at, ":=,");

    if (name > len)
        name = len;
    return name == strlen(word) && strncasecmp(at, word, name) == 0;
}

bool slurm_list_has(const char *list, const char *word)
{
    const char *next;

    for (; list && *list; list = next) {
        size_t len = word_length(list, &next);

        if (is_word(list, len, word))
            return true;
    }
    return false;
}

static void read_again(struct slurm_conf *conf)
{
    struct reading reading = {conf, false};

    forget_pairs(conf);
    read_pairs(&reading, 0, 0);
}

/* Puts a text in the place of what stands from one letter to another, lines apart or
 * not. */
static void replace(struct conf_file *file, size_t line, size_t begin, size_t until,
                    size_t end, const char *text)
{
    char *now = NULL;

    if (asprintf(&now, "%.*s%s%s", (int)begin, file->lines[line].now, text,
                 file->lines[until].now + end) < 0)
        abort();
    conf_file_change(file, line, now);
    for (size_t i = line + 1; i <= until; i++)
        conf_file_drop(file, i);
    free(now);
}

void slurm_conf_set(struct slurm_conf *conf, const char *key, const char *value)
{
    const struct slurm_pair *pair = find(conf, key);
    char *line = NULL;

    if (pair) {
        replace(&conf->files[pair->file], pair->line, pair->begin, pair->until,
                pair->end, value);
    } else {
        if (asprintf(&line, "%s=%s", key, value) < 0)
            abort();
        conf_file_add(&conf->files[0], line);
        free(line);
    }
    read_again(conf);
}

void slurm_conf_list_add(struct slurm_conf *conf, const char *key, const char *word)
{
    const char *list = slurm_conf_value(conf, key);
    size_t len = list ? strlen(list) : 0;
    char *now = NULL;

    if (asprintf(&now, "%s%s%s", len ? list : "",
                 len > 0 && list[len - 1] != ',' ? "," : "", word) < 0)
        abort();
    slurm_conf_set(conf, key, now);
    free(now);
}

/* Takes one pair away, and its line if nothing else stands there. */
static void drop_pair(struct slurm_conf *conf, const struct slurm_pair *pair)
{
    struct conf_file *file = &conf->files[pair->file];
    size_t line = pair->first, last = pair->last, on_line = 0;

    for (size_t i = 0; i < conf->pair_count; i++)
        on_line += conf->pairs[i].file == pair->file && conf->pairs[i].first == line;
    if (on_line > 1) {
        replace(file, pair->key_line, pair->key_begin, pair->until, pair->end, "");
        return;
    }
    for (; line <= last; line++)
        conf_file_drop(file, line);
}

void slurm_conf_drop(struct slurm_conf *conf, const char *key)
{
    const struct slurm_pair *pair;

    while ((pair = find(conf, key))) {
        drop_pair(conf, pair);
        read_again(conf);
    }
}

/* The list without the word, to be freed. */
static char *without(const char *list, const char *word)
{
    char *now = must(calloc(1, strlen(list) + 2)), *at = now;
    const char *next;

    for (; *list; list = next) {
        size_t len = word_length(list, &next);

        if (is_word(list, len, word))
            continue;
        if (at > now)
            *at++ = ',';
        memcpy(at, list, len);
        at += len;
    }
    return now;
}

void slurm_conf_list_drop(struct slurm_conf *conf, const char *key, const char *word)
{
    for (size_t i = 0; i < conf->pair_count; i++) {
        struct slurm_pair *pair = &conf->pairs[i];
        char *now;

        if (pair->record != i || strcasecmp(pair->key, key) != 0 ||
            !slurm_list_has(pair->value, word))
            continue;
        now = without(pair->value, word);
        if (*now)
            replace(&conf->files[pair->file], pair->line, pair->begin, pair->until,
                    pair->end, now);
        else
            drop_pair(conf, pair);
        free(now);
        read_again(conf);
        i = (size_t)-1;
    }
}

bool slurm_conf_changed(const struct slurm_conf *conf)
{
    for (size_t i = 0; i < conf->file_count; i++)
        if (conf_file_changed(&conf->files[i]))
            return true;
    return false;
}
