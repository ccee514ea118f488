/* progress.c - one line on a terminal that says how far long work is */
#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

/* From the line's beginning, what is right of it away. */
#define ANEW "\r\033[K"

void progress_show(const char *what, int percent)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, ANEW "%s … %d %%", what, percent);
}

void progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs(ANEW, stderr);
}
