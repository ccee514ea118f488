/* crew.h - threads that take tasks from a queue, first come, first served */
#ifndef KWOTA_CREW_H
#define KWOTA_CREW_H

struct crew;

/* NULL when no thread can be started. */
struct crew *crew_start(int threads, void (*work)(void *task));

/* Queues a task. -1: there is no memory for it, or crew_stop() was called. Thread-safe,
 * never waits. */
int crew_give(struct crew *crew, void *task);

/* Takes no more tasks, and returns when those that were given are done. */
void crew_stop(struct crew *crew);
void crew_free(struct crew *crew);

#endif
