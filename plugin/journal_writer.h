/* journal_writer.h - lines for ended.journal, from a thread that may wait to one that
 * may not
 *
 * slurmctld's thread leaves a record in a queue and goes on; a thread of ours writes.
 * When the queue is full the record is dropped and counted: kwotad's sweep finds such
 * runs.
 */
#ifndef KWOTA_JOURNAL_WRITER_H
#define KWOTA_JOURNAL_WRITER_H

#include <stdint.h>

struct journal_record {
    uint32_t job;
    int64_t time_s;
};

/* Remembers the path and who to tell of trouble (a sentence; called by the writing
 * thread). The thread starts with the first record: a daemon that forks after loading
 * us would not keep it. */
void journal_writer_open(const char *path, void (*complain)(const char *sentence));

/* Never waits for I/O. Thread-safe. */
void journal_writer_put(const struct journal_record *record);

/* Writes what is queued, for at most limit_ms, and ends the thread. */
void journal_writer_close(int limit_ms);

#endif
