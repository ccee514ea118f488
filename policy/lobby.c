/* lobby.c - requests that wait until it is known what a token's run is */
#include "policy/lobby.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Who has waited long enough leaves so much later at most. */
#define PACE_MS 100

struct lobby {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t entered;
    struct lobby_visitor *first, **end;
    bool closed;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Takes out those of the token, and those who have waited until `ms`, in the order in
 * which they came. Wants the lock. */
static struct lobby_visitor *take_out(struct lobby *lobby, const char *token,
                                      int64_t ms)
{
    struct lobby_visitor **place = &lobby->first, *out = NULL, **end = &out, *one;

    while ((one = *place)) {
        if (one->until_ms > ms && strcmp(one->token, token) != 0) {
            place = &one->next;
            continue;
        }
        *place = one->next;
        one->next = NULL;
        *end = one;
        end = &one->next;
    }
    lobby->end = place;
    return out;
}

static void let_go(struct lobby_visitor *one)
{
    while (one) {
        struct lobby_visitor *next = one->next;

        one->leave(one);
        one = next;
    }
}

/* Looks after those who wait in vain. */
static void *watch(void *arg)
{
    static const struct timespec pace = {0, PACE_MS * 1000000L};
    struct lobby *lobby = arg;

    pthread_setname_np(pthread_self(), "lobby");
    pthread_mutex_lock(&lobby->lock);
    while (!lobby->closed) {
        struct lobby_visitor *out;

        if (!lobby->first) {
            pthread_cond_wait(&lobby->entered, &lobby->lock);
            continue;
        }
        out = take_out(lobby, "", now_ms());
        pthread_mutex_unlock(&lobby->lock);
        let_go(out);
        nanosleep(&pace, NULL);
        pthread_mutex_lock(&lobby->lock);
    }
    pthread_mutex_unlock(&lobby->lock);
    return NULL;
}

struct lobby *lobby_new(void)
{
    struct lobby *lobby = calloc(1, sizeof *lobby);

    if (!lobby)
        return NULL;
    lobby->end = &lobby->first;
    pthread_mutex_init(&lobby->lock, NULL);
    pthread_cond_init(&lobby->entered, NULL);
    if (pthread_create(&lobby->thread, NULL, watch, lobby) == 0)
        return lobby;
    free(lobby);
    return NULL;
}

bool lobby_enter(struct lobby *lobby, struct lobby_visitor *visitor, const char *token,
                 int ms)
{
    bool open;

    snprintf(visitor->token, sizeof visitor->token, "%s", token);
    visitor->until_ms = now_ms() + ms;
    visitor->next = NULL;
    pthread_mutex_lock(&lobby->lock);
    open = !lobby->closed;
    if (open) {
        *lobby->end = visitor;
        lobby->end = &visitor->next;
        pthread_cond_signal(&lobby->entered);
    }
    pthread_mutex_unlock(&lobby->lock);
    return open;
}

void lobby_call(struct lobby *lobby, const char *token)
{
    struct lobby_visitor *out;

    pthread_mutex_lock(&lobby->lock);
    out = take_out(lobby, token, INT64_MIN);
    pthread_mutex_unlock(&lobby->lock);
    let_go(out);
}

void lobby_close(struct lobby *lobby)
{
    struct lobby_visitor *out;
    bool was_closed;

    pthread_mutex_lock(&lobby->lock);
    was_closed = lobby->closed;
    lobby->closed = true;
    out = take_out(lobby, "", INT64_MAX);
    pthread_cond_signal(&lobby->entered);
    pthread_mutex_unlock(&lobby->lock);
    let_go(out);
    if (!was_closed)
        pthread_join(lobby->thread, NULL);
}

void lobby_free(struct lobby *lobby)
{
    if (!lobby)
        return;
    lobby_close(lobby);
    pthread_cond_destroy(&lobby->entered);
    pthread_mutex_destroy(&lobby->lock);
    free(lobby);
}
