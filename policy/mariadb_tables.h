/* mariadb_tables.h - the ledger's tables in a MariaDB, made from SQLite's own
 *
 * Same names, same columns: INTEGER is BIGINT, TEXT is MEDIUMTEXT in utf8mb4, so that a
 * site can ask and join them. A table whose primary key has a text in it (of any
 * length: Slurm allows names of a thousand letters) has row_key first, a hash of the
 * key, and an index on the key's columns. Foreign keys, checks and triggers are
 * SQLite's alone, which every change has passed.
 *
 * Beside them are
 *   kwota_ledger   one row: the schema's version, which ledger this is, the number of
 *                  its last change, and who acts (policy/replica.h);
 *   kwota_changes  the last changes by number, as SQLite's session extension writes
 *                  them, for who follows; a long one in several parts.
 */
#ifndef KWOTA_MARIADB_TABLES_H
#define KWOTA_MARIADB_TABLES_H

#include <sqlite3.h>
#include <stdbool.h>

#include "policy/mariadb.h"
#include "policy/mariadb_text.h"

/* SQLite's table that says of what ledger in a MariaDB the file is a copy, and up to
 * which change: no part of the ledger itself. */
#define MARIADB_MARK "copy_of"

/* No table of ours has more columns, and no database more tables. */
#define MARIADB_COLUMNS 96
#define MARIADB_TABLES 96

struct mariadb_column {
    char name[64];
    bool is_text, not_null;
    char otherwise[64]; /* its default, as SQL; "": none */
    int key;            /* its place in the primary key, from 1 on; 0: none */
};

struct mariadb_table {
    char name[64];
    struct mariadb_column columns[MARIADB_COLUMNS];
    int count;
    bool hashed; /* it has a row_key */
};

struct mariadb_tables {
    struct mariadb_table *list; /* by name */
    int count;
};

/* What SQLite's file has. -1 with the reason in the log. */
int mariadb_tables_read(sqlite3 *db, struct mariadb_tables *tables);
void mariadb_tables_free(struct mariadb_tables *tables);
const struct mariadb_table *mariadb_tables_find(const struct mariadb_tables *tables,
                                                const char *name);

/* Makes what is not there: a table, a column. What is there stays. */
int mariadb_tables_make(struct mariadb *m, const struct mariadb_tables *tables);

/* "`cluster`,`account`" of all columns, row_key first if there is one and it is wanted.
 */
void mariadb_tables_names(const struct mariadb_table *table, bool with_row_key,
                          struct mariadb_text *sql);

/* One value of a row. */
struct mariadb_cell {
    int type; /* SQLITE_INTEGER, SQLITE_TEXT, SQLITE_NULL */
    int64_t number;
    const char *text;
    size_t len;
};

struct mariadb_cell mariadb_cell_of(sqlite3_value *value);
void mariadb_cell_add(const struct mariadb_cell *cell, struct mariadb_text *sql);

/* A row's row_key, as X'…'. */
void mariadb_row_key(const struct mariadb_table *table,
                     const struct mariadb_cell cells[], struct mariadb_text *sql);

#endif
