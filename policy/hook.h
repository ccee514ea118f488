/* hook.h - the site's own program, told of what happens
 *
 * It runs in the background with an event's JSON on its standard input; nobody ever
 * waits for it. One that takes too long is killed, with all that it started.
 */
#ifndef KWOTA_HOOK_H
#define KWOTA_HOOK_H

#include <jansson.h>
#include <stdint.h>

/* The longest one may take, and how many may run at once. */
#define HOOK_LIMIT_MS 30000
#define HOOK_MOST 4

struct hook;

/* Its thread. NULL when that cannot start. */
struct hook *hook_start(int64_t limit_ms);

/* Has the program told of an event (kept by the caller); program NULL: nothing is to be
 * told. Thread-safe, never waits. Events that come faster than the program takes them
 * are dropped, with a line in the log. */
void hook_tell(struct hook *hook, const char *program, const json_t *event);

/* Ends those that run, and forgets what has not been told. */
void hook_stop(struct hook *hook);

#endif
