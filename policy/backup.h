/* backup.h - a copy of the ledger's file while kwotad goes on writing
 *
 * What is copied is the ledger as it was at one moment. The copy is one file without a
 * log beside it, that only its owner may read, on disk before it has its name, and
 * looked through: it is whole, and its books are proved (verify.h).
 */
#ifndef KWOTA_BACKUP_H
#define KWOTA_BACKUP_H

#include <jansson.h>
#include <stdint.h>

#define BACKUP_WHY 640

/* Called now and then: `what` is done, so much of it. */
typedef void (*backup_progress)(const char *what, int percent, void *arg);

/* Copies the file `from` to `to`, which must not be there. 0, and in *breaches (a new
 * list) what breaks the books in the copy, which is there all the same; -1, and why:
 * there is no copy. `progress` may be NULL. */
int backup_make(const char *from, const char *to, backup_progress progress, void *arg,
                json_t **breaches, char why[BACKUP_WHY]);

#endif
