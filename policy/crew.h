/* crew.h - threads that take tasks from queues, one more urgent than the other */
#ifndef KWOTA_CREW_H
#define KWOTA_CREW_H

struct crew;

/* Whose turn it is: what is urgent before anything else, and so on, but for a part that
 * keeps the rest going; of one kind the first first. */
enum crew_turn { CREW_URGENT, CREW_SOON, CREW_LATER, CREW_TURNS };

/* NULL when no thread can be started. */
struct crew *crew_start(int threads, void (*work)(void *task));

/* Queues a task. -1: there is no memory for it, or crew_stop() was called. Thread-safe,
 * never waits. */
int crew_give(struct crew *crew, void *task, enum crew_turn turn);

/* Takes no more tasks, and returns when those that were given are done. */
void crew_stop(struct crew *crew);
void crew_free(struct crew *crew);

#endif
