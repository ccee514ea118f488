/* crew.c - threads that take tasks from queues, one more urgent than the other */
#include "policy/crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* Parsing JSON and SQLite's statements need little. */
#define STACK ((size_t)512 << 10)

struct place {
    struct place *next;
    void *task;
};

struct crew {
    void (*work)(void *task);
    pthread_t *threads;
    int count;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t given;
    struct queue {
        struct place *first, **end;
    } queues[CREW_TURNS];
    bool stop;
    unsigned taken;
};

/* One task in so many is the least urgent: who sent it may have something urgent to say
 * next, and says one thing at a time. */
#define LEAST_OF 4

/* The one whose turn it is; NULL: nobody waits. Wants the lock. */
static struct place *take_next(struct crew *crew)
{
    bool least = crew->taken++ % LEAST_OF == 0;

    for (int turn = 0; turn < CREW_TURNS; turn++) {
        struct queue *queue = &crew->queues[least ? CREW_TURNS - 1 - turn : turn];
        struct place *place = queue->first;

        if (!place)
            continue;
        queue->first = place->next;
        if (!queue->first)
            queue->end = &queue->first;
        return place;
    }
    return NULL;
}

static void *work(void *arg)
{
    struct crew *crew = arg;
    struct place *place;

    pthread_setname_np(pthread_self(), "answer");
    pthread_mutex_lock(&crew->lock);
    while ((place = take_next(crew)) || !crew->stop) {
        void *task;

        if (!place) {
            pthread_cond_wait(&crew->given, &crew->lock);
            continue;
        }
        pthread_mutex_unlock(&crew->lock);
        task = place->task;
        free(place);
        crew->work(task);
        pthread_mutex_lock(&crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

struct crew *crew_start(int threads, void (*how)(void *task))
{
    struct crew *crew = calloc(1, sizeof *crew);
    pthread_attr_t attributes;

    if (!crew || !(crew->threads = calloc((size_t)threads, sizeof *crew->threads))) {
        free(crew);
        return NULL;
    }
    crew->work = how;
    for (int turn = 0; turn < CREW_TURNS; turn++)
        crew->queues[turn].end = &crew->queues[turn].first;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->given, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    while (crew->count < threads &&
           pthread_create(&crew->threads[crew->count], &attributes, work, crew) == 0)
        crew->count++;
    pthread_attr_destroy(&attributes);
    if (crew->count > 0)
        return crew;
    crew_free(crew);
    return NULL;
}

int crew_give(struct crew *crew, void *task, enum crew_turn turn)
{
    struct place *place = malloc(sizeof *place);
    bool taken = false;

    if (!place)
        return -1;
    *place = (struct place){NULL, task};
    pthread_mutex_lock(&crew->lock);
    if (!crew->stop) {
        *crew->queues[turn].end = place;
        crew->queues[turn].end = &place->next;
        taken = true;
        pthread_cond_signal(&crew->given);
    }
    pthread_mutex_unlock(&crew->lock);
    if (!taken)
        free(place);
    return taken ? 0 : -1;
}

void crew_stop(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->stop = true;
    pthread_cond_broadcast(&crew->given);
    pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i < crew->count; i++)
        pthread_join(crew->threads[i], NULL);
    crew->count = 0;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_destroy(&crew->lock);
    pthread_cond_destroy(&crew->given);
    free(crew->threads);
    free(crew);
}
