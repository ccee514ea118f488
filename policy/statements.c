/* statements.c - prepared statements that are kept for the next who needs the same */
#include "policy/statements.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* FNV-1a. */
static size_t place_of(const char *sql)
{
    uint32_t hash = 2166136261u;

    for (; *sql; sql++)
        hash = (hash ^ (unsigned char)*sql) * 16777619u;
    return (hash ^ hash >> 16) % STATEMENTS;
}

sqlite3_stmt *statements_take(struct statements *statements, sqlite3 *db,
                              const char *sql)
{
    sqlite3_stmt **place = &statements->kept[place_of(sql)], *stmt = *place;

    if (stmt && strcmp(sqlite3_sql(stmt), sql) == 0) {
        *place = NULL; /* the same may be needed again while this one is in use */
        return stmt;
    }
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
        SQLITE_OK)
        return NULL;
    return stmt;
}

void statements_put(struct statements *statements, sqlite3_stmt *stmt)
{
    sqlite3_stmt **place;

    if (!stmt)
        return;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    place = &statements->kept[place_of(sqlite3_sql(stmt))];
    sqlite3_finalize(*place);
    *place = stmt;
}

void statements_free(struct statements *statements)
{
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(statements->kept[i]);
    memset(statements, 0, sizeof *statements);
}
