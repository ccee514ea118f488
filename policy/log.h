/* log.h - one line of kwotad's log: to stderr, with the time */
#ifndef KWOTA_LOG_H
#define KWOTA_LOG_H

/* Thread-safe. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
