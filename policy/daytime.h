/* daytime.h - times of the day and days of the week that a rule is for
 *
 * Pure. Local time is the caller's: kwotad's time zone.
 */
#ifndef KWOTA_DAYTIME_H
#define KWOTA_DAYTIME_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: always. */
struct daytime {
    int from_min, until_min; /* of the day; from = until: all day; until < from: over
                                midnight */
    unsigned days;           /* bit 0: Sunday, … bit 6: Saturday; 0: every day */
};

/* "17:00-20:00", "22:00-06:00", "08:00-24:00". 0, or -1 if it is none. */
int daytime_between(const char *text, struct daytime *daytime);

/* "mon-fri", "sat,sun", "fri-mon". 0, or -1 if it is none. */
int daytime_days(const char *text, struct daytime *daytime);

/* Whether it is that time. What began before midnight belongs to the day it began on.
 */
bool daytime_holds(const struct daytime *daytime, int64_t now_s);

/* The same of a day (0: Sunday) and its minute. */
bool daytime_has(const struct daytime *daytime, int day, int minute);

#endif
