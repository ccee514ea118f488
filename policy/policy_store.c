/* policy_store.c - the policy in force */
#include "policy/policy_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/configuration.h"
#include "policy/log.h"

struct watched {
    char *name;
    struct config_stamp stamp; /* when it was last read */
};

struct policy_store {
    char *file;
    pthread_mutex_t
        reading;          /* held by who reads the file; no one waits for it to take */
    pthread_mutex_t lock; /* of all below; only who is reading changes anything */
    struct policy *policy;
    int64_t since_s;
    char *error; /* what was wrong with the file when last read; NULL: nothing */
    int64_t error_s;
    char *waits; /* why the file's policy waits for a confirmation; NULL: it does not */
    int64_t waits_s;
    policy_store_guard *guard; /* these two: of who is reading */
    void *guard_of;
    struct watched watched[CONFIGURATION_FILES];
    int watched_count;
};

static void forget_watched(struct policy_store *store)
{
    for (int i = 0; i < store->watched_count; i++)
        free(store->watched[i].name);
    store->watched_count = 0;
}

/* What was read, also if it was wrong: only a change of it can make it right. */
static void watch(struct policy_store *store, const struct configuration *conf)
{
    forget_watched(store);
    for (int f = 0; f < configuration_file_count(conf); f++) {
        struct watched *w = &store->watched[store->watched_count++];

        w->name = strdup(configuration_file(conf, f, &w->stamp));
    }
}

/* The mistakes, one a line; NULL: there is none. */
static char *mistakes_of(struct configuration *conf)
{
    char *text = NULL;
    size_t size;
    FILE *out;

    if (configuration_mistakes(conf) == 0)
        return NULL;
    out = open_memstream(&text, &size);
    if (!out)
        return strdup("there is no memory to say what is wrong");
    configuration_tell(conf, out);
    fclose(out);
    return text;
}

/* Takes over all three. */
static void put_in_force(struct policy_store *store, struct policy *policy, char *error,
                         char *waits)
{
    free(store->error);
    free(store->waits);
    store->error = error;
    store->waits = waits;
    if (error)
        store->error_s = (int64_t)time(NULL);
    if (waits)
        store->waits_s = (int64_t)time(NULL);
    if (!policy || waits) {
        policy_release(policy);
        return;
    }
    policy_release(store->policy);
    store->policy = policy;
    store->since_s = (int64_t)time(NULL);
}

/* Why it may not be put in force without a confirmation; NULL: it may. */
static char *objection_to(struct policy_store *store, const struct policy *policy)
{
    char why[POLICY_STORE_WHY], *text;

    if (!policy || !store->policy || !store->guard ||
        !store->guard(store->guard_of, store->policy, policy, why))
        return NULL;
    if (asprintf(&text, "the policy of %s %s: kwota policy reload --confirm takes it",
                 store->file, why) < 0)
        return strdup(why);
    return text;
}

/* The policy in force is changed by who is reading only, so it can be looked at here
 * without the lock. */
static int read_anew(struct policy_store *store, bool confirmed)
{
    struct configuration *conf = configuration_read(store->file);
    struct policy *policy = conf ? policy_check(conf) : NULL;
    char *waits = confirmed ? NULL : objection_to(store, policy);
    int rc = policy && !waits ? 0 : -1;

    if (conf) {
        pthread_mutex_lock(&store->lock);
        watch(store, conf);
        put_in_force(store, policy, mistakes_of(conf), waits);
        pthread_mutex_unlock(&store->lock);
    }
    configuration_free(conf);
    return rc;
}

struct policy_store *policy_store_open(const char *file)
{
    struct policy_store *store = calloc(1, sizeof *store);

    if (!store)
        return NULL;
    store->file = strdup(file);
    pthread_mutex_init(&store->reading, NULL);
    pthread_mutex_init(&store->lock, NULL);
    if (read_anew(store, true) == 0)
        return store;
    if (store->error)
        fputs(store->error, stderr);
    policy_store_close(store);
    return NULL;
}

void policy_store_close(struct policy_store *store)
{
    if (!store)
        return;
    forget_watched(store);
    policy_release(store->policy);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->reading);
    free(store->error);
    free(store->waits);
    free(store->file);
    free(store);
}

struct policy *policy_store_take(struct policy_store *store)
{
    struct policy *policy;

    pthread_mutex_lock(&store->lock);
    policy = policy_hold(store->policy);
    pthread_mutex_unlock(&store->lock);
    return policy;
}

static void log_mistakes(const struct policy_store *store)
{
    char *text = strdup(store->error ? store->error : "there is no memory for it"), *at;

    log_line("%s is invalid; the policy before it stays in force", store->file);
    for (char *line = text ? strtok_r(text, "\n", &at) : NULL; line;
         line = strtok_r(NULL, "\n", &at))
        log_line("%s", line);
    free(text);
}

static int reload(struct policy_store *store, bool confirmed)
{
    if (read_anew(store, confirmed) == 0) {
        log_line("the policy of %s is in force", store->file);
        return 0;
    }
    if (store->waits)
        log_line("%s; the policy before it stays in force", store->waits);
    else
        log_mistakes(store);
    return -1;
}

static int reload_alone(struct policy_store *store, bool confirmed)
{
    int rc;

    pthread_mutex_lock(&store->reading);
    rc = reload(store, confirmed);
    pthread_mutex_unlock(&store->reading);
    return rc;
}

void policy_store_watch_over(struct policy_store *store, policy_store_guard *guard,
                             void *of)
{
    pthread_mutex_lock(&store->reading);
    store->guard = guard;
    store->guard_of = of;
    pthread_mutex_unlock(&store->reading);
}

int policy_store_reload(struct policy_store *store)
{
    return reload_alone(store, false);
}

int policy_store_confirm(struct policy_store *store)
{
    return reload_alone(store, true);
}

static bool same(const struct config_stamp *a, const struct config_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool has_changed(const struct policy_store *store)
{
    for (int i = 0; i < store->watched_count; i++) {
        struct config_stamp now;

        config_stamp_of(store->watched[i].name, &now);
        if (!same(&now, &store->watched[i].stamp))
            return true;
    }
    return false;
}

int policy_store_poll(struct policy_store *store)
{
    int rc = 0;

    pthread_mutex_lock(&store->reading);
    if (has_changed(store))
        rc = reload(store, false) < 0 ? -1 : 1;
    pthread_mutex_unlock(&store->reading);
    return rc;
}

json_t *policy_store_state(struct policy_store *store)
{
    json_t *files = json_array(), *state;

    pthread_mutex_lock(&store->lock);
    for (int i = 0; i < store->watched_count; i++)
        json_array_append_new(files, json_string(store->watched[i].name));
    state =
        json_pack("{s:s s:o s:I s:s? s:o s:s? s:o}", "file", store->file, "files",
                  files, "since_s", (json_int_t)store->since_s, "error", store->error,
                  "error_s", store->error ? json_integer(store->error_s) : json_null(),
                  "waits", store->waits, "waits_s",
                  store->waits ? json_integer(store->waits_s) : json_null());
    pthread_mutex_unlock(&store->lock);
    return state;
}
