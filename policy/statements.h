/* statements.h - prepared statements that are kept for the next who needs the same
 *
 * Belongs to one connection and to whoever holds its lock.
 */
#ifndef KWOTA_STATEMENTS_H
#define KWOTA_STATEMENTS_H

#include <sqlite3.h>

/* A ledger's callers have some 150 statements; who comes to a full place pushes the one
 * before out. */
#define STATEMENTS 1024

struct statements {
    sqlite3_stmt *kept[STATEMENTS]; /* none is in use; by the hash of its text */
};

/* One for this text, without bindings; NULL: it cannot be prepared. */
sqlite3_stmt *statements_take(struct statements *statements, sqlite3 *db,
                              const char *sql);

/* Gives it back (NULL: nothing). Who finalises it instead does no harm. */
void statements_put(struct statements *statements, sqlite3_stmt *stmt);

void statements_free(struct statements *statements);

#endif
