/* mariadb_rows.h - a change of SQLite's tables made in a MariaDB too, row by row
 *
 * In the caller's transaction; a few statements with many rows each. Rows that were
 * added or changed are written whole, as SQLite has them now.
 */
#ifndef KWOTA_MARIADB_ROWS_H
#define KWOTA_MARIADB_ROWS_H

#include "policy/mariadb.h"
#include "policy/mariadb_tables.h"

/* `changes` is what sqlite3session_changeset() gave, of `db` as it is now. -1 with the
 * reason in m->error. */
int mariadb_rows_apply(struct mariadb *m, const struct mariadb_tables *tables,
                       sqlite3 *db, void *changes, int size);

/* Many rows for one table, written when there are enough of them. */
struct mariadb_batch {
    struct mariadb *m;
    const struct mariadb_table *table;
    struct mariadb_text sql;
};

void mariadb_batch_begin(struct mariadb_batch *b, struct mariadb *m,
                         const struct mariadb_table *table);
int mariadb_batch_add(struct mariadb_batch *b, const struct mariadb_cell cells[]);
int mariadb_batch_end(struct mariadb_batch *b); /* writes the rest; also after -1 */

#endif
