/* mariadb_tables.c - the ledger's tables in a MariaDB, made from SQLite's own */
#include "policy/mariadb_tables.h"

#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"

/* Half of SHA-256: as good as unique. */
#define ROW_KEY 16

/* So many letters of a text are in an index. */
#define INDEXED "(40)"

/* Of SQLite's statements here. */
#define SQL 256

static int refuse(const char *table, const char *why)
{
    log_line("ledger: table %s cannot be kept in MariaDB: %s", table, why);
    return -1;
}

static int take_column(struct mariadb_table *table, sqlite3_stmt *row)
{
    struct mariadb_column *column = &table->columns[table->count];
    const char *type = (const char *)sqlite3_column_text(row, 2);
    const char *otherwise = (const char *)sqlite3_column_text(row, 4);

    if (table->count == MARIADB_COLUMNS)
        return refuse(table->name, "it has too many columns");
    if (strcmp(type, "TEXT") != 0 && strcmp(type, "INTEGER") != 0)
        return refuse(table->name, "it has a column that is no TEXT and no INTEGER");
    snprintf(column->name, sizeof column->name, "%s",
             (const char *)sqlite3_column_text(row, 1));
    column->is_text = strcmp(type, "TEXT") == 0;
    column->key = sqlite3_column_int(row, 5);
    column->not_null = sqlite3_column_int(row, 3) || column->key > 0;
    snprintf(column->otherwise, sizeof column->otherwise, "%s",
             otherwise ? otherwise : "");
    table->hashed |= column->is_text && column->key > 0;
    table->count++;
    return 0;
}

static int read_table(sqlite3 *db, struct mariadb_table *table)
{
    sqlite3_stmt *row;
    char sql[SQL];
    bool keyed = false;
    int rc = 0;

    snprintf(sql, sizeof sql, "PRAGMA main.table_info(\"%s\")", table->name);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
        return refuse(table->name, sqlite3_errmsg(db));
    while (rc == 0 && sqlite3_step(row) == SQLITE_ROW)
        rc = take_column(table, row);
    sqlite3_finalize(row);
    for (int c = 0; c < table->count; c++)
        keyed |= table->columns[c].key > 0;
    return rc < 0 || keyed ? rc : refuse(table->name, "it has no primary key");
}

int mariadb_tables_read(sqlite3 *db, struct mariadb_tables *tables)
{
    sqlite3_stmt *row;
    int rc = 0;

    gcry_check_version(NULL);
    tables->count = 0;
    tables->list = calloc(MARIADB_TABLES, sizeof *tables->list);
    if (!tables->list ||
        sqlite3_prepare_v2(db,
                           "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
                           " AND name NOT LIKE 'sqlite%' AND name <> '" MARIADB_MARK
                           "' ORDER BY name",
                           -1, &row, NULL) != SQLITE_OK) {
        mariadb_tables_free(tables);
        return refuse("sqlite_schema", sqlite3_errmsg(db));
    }
    while (rc == 0 && sqlite3_step(row) == SQLITE_ROW) {
        struct mariadb_table *table = &tables->list[tables->count];
        const char *name = (const char *)sqlite3_column_text(row, 0);

        rc = tables->count < MARIADB_TABLES ? 0 : refuse(name, "it is one too many");
        if (rc < 0)
            break;
        snprintf(table->name, sizeof table->name, "%s", name);
        rc = read_table(db, table);
        tables->count++;
    }
    sqlite3_finalize(row);
    if (rc < 0)
        mariadb_tables_free(tables);
    return rc;
}

void mariadb_tables_free(struct mariadb_tables *tables)
{
    free(tables->list);
    *tables = (struct mariadb_tables){NULL, 0};
}

const struct mariadb_table *mariadb_tables_find(const struct mariadb_tables *tables,
                                                const char *name)
{
    for (int t = 0; t < tables->count; t++)
        if (strcmp(tables->list[t].name, name) == 0)
            return &tables->list[t];
    return NULL;
}

static void define(const struct mariadb_column *column, struct mariadb_text *sql)
{
    mariadb_text_name(sql, column->name);
    mariadb_text_add(sql, column->is_text ? " MEDIUMTEXT" : " BIGINT");
    if (column->not_null)
        mariadb_text_add(sql, " NOT NULL");
    if (column->otherwise[0]) {
        mariadb_text_add(sql, " DEFAULT ");
        mariadb_text_add(sql, column->otherwise);
    }
}

/* The columns of the key, in its order. */
static void name_key(const struct mariadb_table *table, struct mariadb_text *sql)
{
    const char *before = "(";

    for (int place = 1; place <= table->count; place++)
        for (int c = 0; c < table->count; c++) {
            if (table->columns[c].key != place)
                continue;
            mariadb_text_add(sql, before);
            mariadb_text_name(sql, table->columns[c].name);
            if (table->columns[c].is_text)
                mariadb_text_add(sql, INDEXED);
            before = ", ";
        }
    mariadb_text_add(sql, ")");
}

static void define_table(const struct mariadb_table *table, struct mariadb_text *sql)
{
    mariadb_text_add(sql, "CREATE TABLE IF NOT EXISTS ");
    mariadb_text_name(sql, table->name);
    mariadb_text_add(sql, " (");
    if (table->hashed)
        mariadb_text_add(sql, "row_key BINARY(16) NOT NULL, ");
    for (int c = 0; c < table->count; c++) {
        define(&table->columns[c], sql);
        mariadb_text_add(sql, ", ");
    }
    mariadb_text_add(sql, "PRIMARY KEY ");
    if (table->hashed)
        mariadb_text_add(sql, "(row_key), KEY of_key ");
    name_key(table, sql);
    mariadb_text_add(sql, ") ENGINE=InnoDB CHARACTER SET utf8mb4"
                          " COLLATE utf8mb4_nopad_bin ROW_FORMAT=DYNAMIC");
}

/* Columns of a later version; the table itself may be an earlier one's. */
static void define_missing(const struct mariadb_table *table, struct mariadb_text *sql)
{
    mariadb_text_add(sql, "ALTER TABLE ");
    mariadb_text_name(sql, table->name);
    for (int c = 0; c < table->count; c++) {
        mariadb_text_add(sql, c ? ", " : " ");
        mariadb_text_add(sql, "ADD COLUMN IF NOT EXISTS ");
        define(&table->columns[c], sql);
    }
}

static int run(struct mariadb *m, struct mariadb_text *sql)
{
    int rc = sql->failed ? -1 : mariadb_do(m, sql->text, sql->len);

    if (sql->failed)
        snprintf(m->error, sizeof m->error, "memory is out");
    sql->len = 0;
    return rc;
}

int mariadb_tables_make(struct mariadb *m, const struct mariadb_tables *tables)
{
    static const char ledger[] =
        "CREATE TABLE IF NOT EXISTS kwota_ledger (id INT NOT NULL PRIMARY KEY,"
        " version INT NOT NULL, ledger VARCHAR(40) NOT NULL, seq BIGINT NOT NULL,"
        " fence BIGINT NOT NULL, actor VARCHAR(300) NOT NULL) ENGINE=InnoDB"
        " CHARACTER SET utf8mb4";
    static const char changes[] =
        "CREATE TABLE IF NOT EXISTS kwota_changes (seq BIGINT NOT NULL,"
        " part INT NOT NULL,"
        " fence BIGINT NOT NULL, time_s BIGINT NOT NULL, up_to_bytes BIGINT NOT NULL,"
        " changes LONGBLOB NOT NULL, PRIMARY KEY (seq, part)) ENGINE=InnoDB CHARACTER "
        "SET utf8mb4";
    struct mariadb_text sql = {NULL, 0, 0, false};
    int rc = mariadb_do(m, changes, strlen(changes));

    for (int t = 0; rc == 0 && t < tables->count; t++) {
        define_table(&tables->list[t], &sql);
        rc = run(m, &sql);
        if (rc < 0)
            break;
        define_missing(&tables->list[t], &sql);
        rc = run(m, &sql);
    }
    mariadb_text_free(&sql);
    /* Last: where it is, the others are. */
    return rc < 0 ? rc : mariadb_do(m, ledger, strlen(ledger));
}

void mariadb_tables_names(const struct mariadb_table *table, bool with_row_key,
                          struct mariadb_text *sql)
{
    if (table->hashed && with_row_key)
        mariadb_text_add(sql, "row_key,");
    for (int c = 0; c < table->count; c++) {
        if (c)
            mariadb_text_add(sql, ",");
        mariadb_text_name(sql, table->columns[c].name);
    }
}

struct mariadb_cell mariadb_cell_of(sqlite3_value *value)
{
    struct mariadb_cell cell = {sqlite3_value_type(value), 0, NULL, 0};

    if (cell.type == SQLITE_INTEGER) {
        cell.number = sqlite3_value_int64(value);
    } else if (cell.type != SQLITE_NULL) {
        cell.type = SQLITE_TEXT;
        cell.text = (const char *)sqlite3_value_text(value);
        cell.len = (size_t)sqlite3_value_bytes(value);
    }
    return cell;
}

void mariadb_cell_add(const struct mariadb_cell *cell, struct mariadb_text *sql)
{
    if (cell->type == SQLITE_INTEGER)
        mariadb_text_number(sql, cell->number);
    else if (cell->type == SQLITE_TEXT)
        mariadb_text_quote(sql, cell->text, cell->len);
    else
        mariadb_text_add(sql, "NULL");
}

/* Each part with its length, so that no two keys are the same text. */
void mariadb_row_key(const struct mariadb_table *table,
                     const struct mariadb_cell cells[], struct mariadb_text *sql)
{
    struct mariadb_text key = {NULL, 0, 0, false};
    unsigned char hash[32];

    for (int c = 0; c < table->count; c++) {
        if (table->columns[c].key == 0)
            continue;
        mariadb_text_number(&key, cells[c].type == SQLITE_INTEGER
                                      ? cells[c].number
                                      : (int64_t)cells[c].len);
        mariadb_cell_add(&cells[c], &key);
    }
    sql->failed |= key.failed;
    gcry_md_hash_buffer(GCRY_MD_SHA256, hash, key.text, key.len);
    mariadb_text_free(&key);
    mariadb_text_hex(sql, hash, ROW_KEY);
}
