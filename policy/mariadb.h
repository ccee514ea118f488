/* mariadb.h - one connection to a MariaDB
 *
 * Belongs to one thread at a time. Errors are not logged here: error has the last one,
 * with what was tried, and is_lost says whether the connection went with it.
 */
#ifndef KWOTA_MARIADB_H
#define KWOTA_MARIADB_H

#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/mariadb_place.h"

#define MARIADB_ERROR 768

struct mariadb {
    MYSQL *wire; /* NULL: not connected */
    bool is_lost;
    char error[MARIADB_ERROR];
};

/* Connects; what has no answer after so many seconds is given up, and the connection
 * with it. -1: error says why. */
int mariadb_open(struct mariadb *m, const struct mariadb_place *place,
                 unsigned timeout_s);
void mariadb_close(struct mariadb *m);

/* One statement without rows. */
int mariadb_do(struct mariadb *m, const char *sql, size_t len);
int mariadb_format(struct mariadb *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How many rows the last statement changed. */
int64_t mariadb_changed(struct mariadb *m);

/* The rows of a statement, all of them here (mysql_free_result()), or as they are
 * fetched. NULL: it failed. */
MYSQL_RES *mariadb_rows(struct mariadb *m, const char *sql);
MYSQL_RES *mariadb_stream(struct mariadb *m, const char *sql);

/* The first column of the first row. 0; 1: there is none, or it is null; -1. */
int mariadb_number(struct mariadb *m, const char *sql, int64_t *number);

#endif
