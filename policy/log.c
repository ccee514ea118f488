/* log.c - one line of kwotad's log: to stderr, with the time */
#include "policy/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void log_line(const char *format, ...)
{
    char text[1024], stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", localtime_r(&now, &tm));
    fprintf(stderr, "%s kwotad: %s\n", stamp, text);
}
