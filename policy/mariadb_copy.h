/* mariadb_copy.h - a whole ledger from SQLite to a MariaDB or back, and whether both
 * hold the same
 *
 * In transactions of the caller's on both sides. What the side written to held before
 * goes. Errors of MariaDB are in m->error, SQLite's in the log.
 */
#ifndef KWOTA_MARIADB_COPY_H
#define KWOTA_MARIADB_COPY_H

#include "policy/mariadb.h"
#include "policy/mariadb_tables.h"

/* Triggers of SQLite's own schema are off meanwhile. */
int mariadb_copy_down(struct mariadb *m, const struct mariadb_tables *tables,
                      sqlite3 *db);
int mariadb_copy_up(struct mariadb *m, const struct mariadb_tables *tables,
                    sqlite3 *db);

/* What a table holds, in whatever order. */
struct mariadb_sum {
    int64_t rows;
    uint64_t numbers; /* all whole numbers added up */
    uint64_t hash;    /* of each row, added up */
};

int mariadb_sum_sqlite(sqlite3 *db, const struct mariadb_table *table,
                       struct mariadb_sum *sum);
int mariadb_sum_mariadb(struct mariadb *m, const struct mariadb_table *table,
                        struct mariadb_sum *sum);

/* Whether any table has a row. -1: it cannot be read. */
int mariadb_sqlite_holds(sqlite3 *db, const struct mariadb_tables *tables);

#endif
