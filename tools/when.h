/* when.h - times as people write them */
#ifndef KWOTA_WHEN_H
#define KWOTA_WHEN_H

#include <argp.h>
#include <stdint.h>
#include <time.h>

/* "2026-11-01", "2026-11-01T12:00[:30]", "now", "today", "now-7days" (seconds, minutes,
 * hours, days, weeks), local time, as sacct takes them. Seconds since 1970 in *s, or
 * -1. */
int when_parse(const char *text, time_t now, int64_t *s);

/* The same of an end, which lies ahead: "18:00" too, the next time it is that. */
int when_parse_end(const char *text, time_t now, int64_t *s);

/* The time that an option was given; says what is meant and ends if it is none. */
void when_option(struct argp_state *state, const char *option, const char *arg,
                 int64_t *s);

/* The first second of now's month. */
int64_t when_month(time_t now);

#endif
