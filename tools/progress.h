/* progress.h - one line on a terminal that says how far long work is
 *
 * On standard error; nothing where that is no terminal.
 */
#ifndef KWOTA_PROGRESS_H
#define KWOTA_PROGRESS_H

/* "runs … 45 %" in place of the last. */
void progress_show(const char *what, int percent);

/* Leaves no trace. */
void progress_end(void);

#endif
