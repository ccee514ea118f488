/* mariadb_copy.c - a whole ledger from SQLite to a MariaDB or back, and whether both
 * hold the same */
#include "policy/mariadb_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/mariadb_rows.h"

static int fail(sqlite3 *db, const char *what)
{
    log_line("ledger: %s: %s", what, sqlite3_errmsg(db));
    return -1;
}

static sqlite3_stmt *prepare(sqlite3 *db, struct mariadb_text *sql)
{
    sqlite3_stmt *stmt = NULL;

    if (sql->failed ||
        sqlite3_prepare_v2(db, sql->text, (int)sql->len, &stmt, NULL) != SQLITE_OK)
        fail(db, "a table cannot be copied");
    mariadb_text_free(sql);
    return stmt;
}

static sqlite3_stmt *insert_of(sqlite3 *db, const struct mariadb_table *table)
{
    struct mariadb_text sql = {NULL, 0, 0, false};

    mariadb_text_add(&sql, "INSERT INTO main.");
    mariadb_text_name(&sql, table->name);
    mariadb_text_add(&sql, " (");
    mariadb_tables_names(table, false, &sql);
    mariadb_text_add(&sql, ") VALUES (");
    for (int c = 0; c < table->count; c++)
        mariadb_text_add(&sql, c ? ",?" : "?");
    mariadb_text_add(&sql, ")");
    return prepare(db, &sql);
}

static sqlite3_stmt *select_of(sqlite3 *db, const struct mariadb_table *table)
{
    struct mariadb_text sql = {NULL, 0, 0, false};

    mariadb_text_add(&sql, "SELECT ");
    mariadb_tables_names(table, false, &sql);
    mariadb_text_add(&sql, " FROM main.");
    mariadb_text_name(&sql, table->name);
    return prepare(db, &sql);
}

/* All rows of a table, as they are fetched. */
static MYSQL_RES *rows_of(struct mariadb *m, const struct mariadb_table *table)
{
    struct mariadb_text sql = {NULL, 0, 0, false};
    MYSQL_RES *rows = NULL;

    mariadb_text_add(&sql, "SELECT ");
    mariadb_tables_names(table, false, &sql);
    mariadb_text_add(&sql, " FROM ");
    mariadb_text_name(&sql, table->name);
    mariadb_text_end(&sql);
    if (!sql.failed)
        rows = mariadb_stream(m, sql.text);
    mariadb_text_free(&sql);
    return rows;
}

/* One row that was fetched; its texts live as long as it. */
static void cells_of(const struct mariadb_table *table, MYSQL_ROW row,
                     const unsigned long *lengths, struct mariadb_cell cells[])
{
    for (int c = 0; c < table->count; c++) {
        cells[c] = (struct mariadb_cell){SQLITE_NULL, 0, NULL, 0};
        if (!row[c])
            continue;
        if (table->columns[c].is_text) {
            cells[c].type = SQLITE_TEXT;
            cells[c].text = row[c];
            cells[c].len = mariadb_text_restore(row[c], lengths[c]);
        } else {
            cells[c].type = SQLITE_INTEGER;
            cells[c].number = strtoll(row[c], NULL, 10);
        }
    }
}

static int put_row(sqlite3 *db, sqlite3_stmt *insert, const struct mariadb_cell cells[],
                   int count)
{
    for (int c = 0; c < count; c++) {
        if (cells[c].type == SQLITE_TEXT)
            sqlite3_bind_text(insert, c + 1, cells[c].text, (int)cells[c].len,
                              SQLITE_STATIC);
        else if (cells[c].type == SQLITE_INTEGER)
            sqlite3_bind_int64(insert, c + 1, cells[c].number);
        else
            sqlite3_bind_null(insert, c + 1);
    }
    if (sqlite3_step(insert) != SQLITE_DONE)
        return fail(db, "a row cannot be copied");
    sqlite3_reset(insert);
    return 0;
}

static int copy_table_down(struct mariadb *m, const struct mariadb_table *table,
                           sqlite3 *db)
{
    struct mariadb_cell cells[MARIADB_COLUMNS];
    sqlite3_stmt *insert = insert_of(db, table);
    MYSQL_RES *rows = insert ? rows_of(m, table) : NULL;
    MYSQL_ROW row;
    int rc = rows ? 0 : -1;

    while (rc == 0 && (row = mysql_fetch_row(rows))) {
        cells_of(table, row, mysql_fetch_lengths(rows), cells);
        rc = put_row(db, insert, cells, table->count);
    }
    if (rc == 0 && mysql_errno(m->wire)) {
        snprintf(m->error, sizeof m->error, "%s: %s", table->name,
                 mysql_error(m->wire));
        rc = -1;
    }
    if (rows)
        mysql_free_result(rows);
    sqlite3_finalize(insert);
    return rc;
}

static int empty_tables(const struct mariadb_tables *tables, sqlite3 *db)
{
    char sql[128];

    if (sqlite3_exec(db, "PRAGMA defer_foreign_keys = ON", NULL, NULL, NULL))
        return fail(db, "a table cannot be emptied");
    for (int t = 0; t < tables->count; t++) {
        snprintf(sql, sizeof sql, "DELETE FROM main.\"%s\"", tables->list[t].name);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
            return fail(db, sql);
    }
    return 0;
}

int mariadb_copy_down(struct mariadb *m, const struct mariadb_tables *tables,
                      sqlite3 *db)
{
    int rc;

    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    rc = empty_tables(tables, db);
    for (int t = 0; rc == 0 && t < tables->count; t++)
        rc = copy_table_down(m, &tables->list[t], db);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    return rc;
}

static int copy_table_up(struct mariadb *m, const struct mariadb_table *table,
                         sqlite3 *db)
{
    struct mariadb_cell cells[MARIADB_COLUMNS];
    struct mariadb_batch batch;
    sqlite3_stmt *row;
    int rc, step = SQLITE_DONE;

    if (mariadb_format(m, "DELETE FROM `%s`", table->name) < 0 ||
        !(row = select_of(db, table)))
        return -1;
    mariadb_batch_begin(&batch, m, table);
    for (rc = 0; rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW;) {
        for (int c = 0; c < table->count; c++)
            cells[c] = mariadb_cell_of(sqlite3_column_value(row, c));
        rc = mariadb_batch_add(&batch, cells);
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = fail(db, table->name);
    if (mariadb_batch_end(&batch) < 0)
        rc = -1;
    sqlite3_finalize(row);
    return rc;
}

int mariadb_copy_up(struct mariadb *m, const struct mariadb_tables *tables, sqlite3 *db)
{
    int rc = 0;

    for (int t = 0; rc == 0 && t < tables->count; t++)
        rc = copy_table_up(m, &tables->list[t], db);
    return rc;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static void sum_row(struct mariadb_sum *sum, const struct mariadb_cell cells[],
                    int count)
{
    uint64_t hash = 0;

    for (int c = 0; c < count; c++) {
        hash = mix(hash, (uint64_t)cells[c].type + 16 * (uint64_t)c);
        if (cells[c].type == SQLITE_INTEGER) {
            sum->numbers += (uint64_t)cells[c].number;
            hash = mix(hash, (uint64_t)cells[c].number);
        }
        for (size_t i = 0; i < cells[c].len; i++)
            hash = mix(hash, (unsigned char)cells[c].text[i]);
    }
    sum->hash += mix(hash, (uint64_t)count);
    sum->rows++;
}

int mariadb_sum_sqlite(sqlite3 *db, const struct mariadb_table *table,
                       struct mariadb_sum *sum)
{
    struct mariadb_cell cells[MARIADB_COLUMNS];
    sqlite3_stmt *row = select_of(db, table);
    int step;

    *sum = (struct mariadb_sum){0, 0, 0};
    if (!row)
        return -1;
    while ((step = sqlite3_step(row)) == SQLITE_ROW) {
        for (int c = 0; c < table->count; c++)
            cells[c] = mariadb_cell_of(sqlite3_column_value(row, c));
        sum_row(sum, cells, table->count);
    }
    sqlite3_finalize(row);
    return step == SQLITE_DONE ? 0 : fail(db, table->name);
}

int mariadb_sum_mariadb(struct mariadb *m, const struct mariadb_table *table,
                        struct mariadb_sum *sum)
{
    struct mariadb_cell cells[MARIADB_COLUMNS];
    MYSQL_RES *rows = rows_of(m, table);
    MYSQL_ROW row;
    int rc = 0;

    *sum = (struct mariadb_sum){0, 0, 0};
    if (!rows)
        return -1;
    while ((row = mysql_fetch_row(rows))) {
        cells_of(table, row, mysql_fetch_lengths(rows), cells);
        sum_row(sum, cells, table->count);
    }
    if (mysql_errno(m->wire)) {
        snprintf(m->error, sizeof m->error, "%s: %s", table->name,
                 mysql_error(m->wire));
        rc = -1;
    }
    mysql_free_result(rows);
    return rc;
}

int mariadb_sqlite_holds(sqlite3 *db, const struct mariadb_tables *tables)
{
    int holds = 0;
    char sql[128];

    for (int t = 0; t < tables->count && holds == 0; t++) {
        sqlite3_stmt *row;

        snprintf(sql, sizeof sql, "SELECT 1 FROM main.\"%s\" LIMIT 1",
                 tables->list[t].name);
        if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
            return fail(db, sql);
        holds = sqlite3_step(row) == SQLITE_ROW;
        sqlite3_finalize(row);
    }
    return holds;
}
