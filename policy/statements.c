/* statements.c - prepared statements that are kept for the next who needs the same */
#include "policy/statements.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight letters at a time: it is asked twice for each statement. */
static size_t place_of(const char *sql)
{
    size_t len = strlen(sql);
    uint64_t hash = len, word;

    for (; len >= sizeof word; sql += sizeof word, len -= sizeof word) {
        memcpy(&word, sql, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    for (; len > 0; sql++, len--)
        hash = (hash ^ (unsigned char)*sql) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 40) % STATEMENTS;
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
