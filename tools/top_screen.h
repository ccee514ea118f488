/* top_screen.h - kwota top on a terminal, by ncurses
 *
 * One screen at a time; not thread-safe.
 */
#ifndef KWOTA_TOP_SCREEN_H
#define KWOTA_TOP_SCREEN_H

#include <stdbool.h>

#include "tools/top_rows.h"

/* What is on the screen. */
struct top_view {
    const char *title;   /* the first line: cluster, sum */
    const char *trouble; /* why there is nothing newer; NULL: there is */
    const struct top_row *rows;
    int count, first; /* the first row that is shown */
    enum top_order order;
    bool reverse, help;
};

/* -1: this terminal cannot be used. */
int screen_open(void);
void screen_close(void);

/* How many rows fit. */
int screen_rows(void);

void screen_draw(const struct top_view *view);

/* The next key, or -1 after so long, or when the terminal's size has changed. */
int screen_key(int timeout_ms);

#endif
