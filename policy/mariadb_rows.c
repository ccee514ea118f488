/* mariadb_rows.c - a change of SQLite's tables made in a MariaDB too, row by row */
#include "policy/mariadb_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A statement is sent when it is so long: well below what any server takes at once. */
#define STATEMENT_BYTES ((size_t)512 << 10)

/* What one change is written with. */
struct rows {
    struct mariadb *m;
    sqlite3 *db;
    const struct mariadb_table *table; /* of the rows just now; NULL: none yet */
    struct mariadb_batch changed;
    struct mariadb_text gone; /* DELETE … IN (…) */
    sqlite3_stmt *row;        /* one of the table's, by its key */
};

static int send(struct mariadb *m, struct mariadb_text *sql)
{
    int rc = 0;

    if (sql->failed) {
        snprintf(m->error, sizeof m->error, "memory is out");
        rc = -1;
    } else if (sql->len > 0) {
        rc = mariadb_do(m, sql->text, sql->len);
    }
    sql->len = 0;
    return rc;
}

void mariadb_batch_begin(struct mariadb_batch *b, struct mariadb *m,
                         const struct mariadb_table *table)
{
    *b = (struct mariadb_batch){.m = m, .table = table};
}

/* What a row that is there already becomes: the key stays. */
static void set_again(const struct mariadb_table *table, struct mariadb_text *sql)
{
    const char *before = " ON DUPLICATE KEY UPDATE ";
    bool all_keys = true;

    for (int c = 0; c < table->count; c++)
        all_keys &= table->columns[c].key > 0;
    for (int c = 0; c < table->count; c++) {
        if (table->columns[c].key > 0 && !all_keys)
            continue;
        mariadb_text_add(sql, before);
        mariadb_text_name(sql, table->columns[c].name);
        mariadb_text_add(sql, "=VALUES(");
        mariadb_text_name(sql, table->columns[c].name);
        mariadb_text_add(sql, ")");
        before = ",";
    }
}

static int batch_send(struct mariadb_batch *b)
{
    if (b->sql.len > 0)
        set_again(b->table, &b->sql);
    return send(b->m, &b->sql);
}

int mariadb_batch_add(struct mariadb_batch *b, const struct mariadb_cell cells[])
{
    struct mariadb_text *sql = &b->sql;

    if (sql->len == 0) {
        mariadb_text_add(sql, "INSERT INTO ");
        mariadb_text_name(sql, b->table->name);
        mariadb_text_add(sql, " (");
        mariadb_tables_names(b->table, true, sql);
        mariadb_text_add(sql, ") VALUES (");
    } else {
        mariadb_text_add(sql, ",(");
    }
    if (b->table->hashed) {
        mariadb_row_key(b->table, cells, sql);
        mariadb_text_add(sql, ",");
    }
    for (int c = 0; c < b->table->count; c++) {
        if (c)
            mariadb_text_add(sql, ",");
        mariadb_cell_add(&cells[c], sql);
    }
    mariadb_text_add(sql, ")");
    return sql->len < STATEMENT_BYTES ? 0 : batch_send(b);
}

int mariadb_batch_end(struct mariadb_batch *b)
{
    int rc = batch_send(b);

    mariadb_text_free(&b->sql);
    return rc;
}

static int gone_send(struct rows *r)
{
    if (r->gone.len > 0)
        mariadb_text_add(&r->gone, ")");
    return send(r->m, &r->gone);
}

/* "(`a`,`b`)" of the key's columns, or their values: "(1,'x')". */
static void add_key(const struct mariadb_table *table, const struct mariadb_cell *cells,
                    struct mariadb_text *sql)
{
    const char *before = "(";

    for (int c = 0; c < table->count; c++) {
        if (table->columns[c].key == 0)
            continue;
        mariadb_text_add(sql, before);
        if (cells)
            mariadb_cell_add(&cells[c], sql);
        else
            mariadb_text_name(sql, table->columns[c].name);
        before = ",";
    }
    mariadb_text_add(sql, ")");
}

static int delete_row(struct rows *r, const struct mariadb_cell cells[])
{
    struct mariadb_text *sql = &r->gone;

    if (sql->len == 0) {
        mariadb_text_add(sql, "DELETE FROM ");
        mariadb_text_name(sql, r->table->name);
        mariadb_text_add(sql, " WHERE ");
        if (r->table->hashed)
            mariadb_text_add(sql, "row_key");
        else
            add_key(r->table, NULL, sql);
        mariadb_text_add(sql, " IN (");
    } else {
        mariadb_text_add(sql, ",");
    }
    if (r->table->hashed)
        mariadb_row_key(r->table, cells, sql);
    else
        add_key(r->table, cells, sql);
    return sql->len < STATEMENT_BYTES ? 0 : gone_send(r);
}

/* The statement that finds a row by its key. */
static int prepare_row(struct rows *r)
{
    struct mariadb_text sql = {NULL, 0, 0, false};
    const char *before = " WHERE ";
    int rc;

    mariadb_text_add(&sql, "SELECT ");
    mariadb_tables_names(r->table, false, &sql);
    mariadb_text_add(&sql, " FROM main.");
    mariadb_text_name(&sql, r->table->name);
    for (int c = 0; c < r->table->count; c++) {
        if (r->table->columns[c].key == 0)
            continue;
        mariadb_text_add(&sql, before);
        mariadb_text_name(&sql, r->table->columns[c].name);
        mariadb_text_add(&sql, " = ?");
        before = " AND ";
    }
    rc = sql.failed ? SQLITE_NOMEM
                    : sqlite3_prepare_v2(r->db, sql.text, (int)sql.len, &r->row, NULL);
    mariadb_text_free(&sql);
    if (rc == SQLITE_OK)
        return 0;
    snprintf(r->m->error, sizeof r->m->error, "SQLite: %s", sqlite3_errstr(rc));
    return -1;
}

/* The row whose key a change names, as it is now. */
static int changed_row(struct rows *r, sqlite3_changeset_iter *change)
{
    struct mariadb_cell cells[MARIADB_COLUMNS];
    sqlite3_value *value;
    int rc = -1;

    if (!r->row && prepare_row(r) < 0)
        return -1;
    for (int c = 0, place = 1; c < r->table->count; c++)
        if (r->table->columns[c].key > 0 &&
            sqlite3changeset_old(change, c, &value) == SQLITE_OK)
            sqlite3_bind_value(r->row, place++, value);
    if (sqlite3_step(r->row) == SQLITE_ROW) {
        for (int c = 0; c < r->table->count; c++)
            cells[c] = mariadb_cell_of(sqlite3_column_value(r->row, c));
        rc = mariadb_batch_add(&r->changed, cells);
    } else {
        snprintf(r->m->error, sizeof r->m->error,
                 "a changed row of %s is not to be found", r->table->name);
    }
    sqlite3_reset(r->row);
    return rc;
}

static int one_change(struct rows *r, sqlite3_changeset_iter *change, int op)
{
    struct mariadb_cell cells[MARIADB_COLUMNS];
    sqlite3_value *value;

    if (op == SQLITE_UPDATE)
        return changed_row(r, change);
    for (int c = 0; c < r->table->count; c++) {
        int rc = op == SQLITE_INSERT ? sqlite3changeset_new(change, c, &value)
                                     : sqlite3changeset_old(change, c, &value);

        if (rc != SQLITE_OK || !value)
            return -1;
        cells[c] = mariadb_cell_of(value);
    }
    return op == SQLITE_INSERT ? mariadb_batch_add(&r->changed, cells)
                               : delete_row(r, cells);
}

/* What is left of the table before goes out. */
static int turn_to(struct rows *r, const struct mariadb_table *table)
{
    int rc = r->table ? mariadb_batch_end(&r->changed) : 0;

    if (gone_send(r) < 0)
        rc = -1;
    sqlite3_finalize(r->row);
    r->row = NULL;
    r->table = table;
    mariadb_batch_begin(&r->changed, r->m, table);
    return rc;
}

int mariadb_rows_apply(struct mariadb *m, const struct mariadb_tables *tables,
                       sqlite3 *db, void *changes, int size)
{
    struct rows r = {.m = m, .db = db};
    sqlite3_changeset_iter *change;
    const char *name;
    int count, op, rc = 0;

    snprintf(m->error, sizeof m->error, "a change cannot be read");
    if (sqlite3changeset_start(&change, size, changes) != SQLITE_OK)
        return -1;
    while (rc == 0 && sqlite3changeset_next(change) == SQLITE_ROW) {
        rc = -1;
        if (sqlite3changeset_op(change, &name, &count, &op, NULL) != SQLITE_OK)
            break;
        if (!r.table || strcmp(r.table->name, name) != 0) {
            const struct mariadb_table *table = mariadb_tables_find(tables, name);

            if (!table || table->count != count || turn_to(&r, table) < 0)
                break;
        }
        rc = one_change(&r, change, op);
    }
    if (turn_to(&r, NULL) < 0)
        rc = -1;
    sqlite3changeset_finalize(change);
    mariadb_text_free(&r.gone);
    return rc;
}
