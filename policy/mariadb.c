/* mariadb.c - one connection to a MariaDB */
#include "policy/mariadb.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every connection begins with. Texts are compared byte by byte; a quote is the
 * only letter that must be doubled; an index, a number, a text that does not fit is an
 * error. A server that hears nothing for so long frees what the connection held: a
 * kwotad whose machine went dark makes way. */
static const char session[] =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES',"
    " time_zone = '+00:00', wait_timeout = 6, innodb_lock_wait_timeout = 3";
static const char isolation[] =
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

static int fail(struct mariadb *m, const char *what)
{
    unsigned code = mysql_errno(m->wire);

    snprintf(m->error, sizeof m->error, "%.200s: %s", what, mysql_error(m->wire));
    if ((code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) || code == ER_SERVER_SHUTDOWN ||
        code == ER_CONNECTION_KILLED || code == ER_NEW_ABORTING_CONNECTION)
        m->is_lost = true;
    return -1;
}

static void set_options(MYSQL *wire, const struct mariadb_place *place,
                        unsigned timeout_s)
{
    unsigned protocol = place->socket[0] ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    my_bool verify = 1;

    mysql_options(wire, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
    mysql_options(wire, MYSQL_OPT_READ_TIMEOUT, &timeout_s);
    mysql_options(wire, MYSQL_OPT_WRITE_TIMEOUT, &timeout_s);
    mysql_options(wire, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(wire, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (place->ca[0]) {
        mysql_options(wire, MYSQL_OPT_SSL_CA, place->ca);
        mysql_options(wire, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    }
}

int mariadb_open(struct mariadb *m, const struct mariadb_place *place,
                 unsigned timeout_s)
{
    char password[256], name[MARIADB_PLACE_TEXT];

    mariadb_close(m);
    m->is_lost = false;
    if (mariadb_place_password(place, password, sizeof password, m->error) < 0)
        return -1;
    m->wire = mysql_init(NULL);
    if (!m->wire) {
        snprintf(m->error, sizeof m->error, "there is no memory for a connection");
        return -1;
    }
    set_options(m->wire, place, timeout_s);
    mariadb_place_name(place, name);
    if (!mysql_real_connect(m->wire, place->host[0] ? place->host : NULL, place->user,
                            password[0] ? password : NULL, place->database,
                            (unsigned)place->port,
                            place->socket[0] ? place->socket : NULL, 0)) {
        fail(m, name);
    } else if (mariadb_do(m, session, strlen(session)) == 0 &&
               mariadb_do(m, isolation, strlen(isolation)) == 0 &&
               mariadb_format(m, "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin") == 0) {
        explicit_bzero(password, sizeof password);
        return 0;
    }
    explicit_bzero(password, sizeof password);
    mariadb_close(m);
    return -1;
}

void mariadb_close(struct mariadb *m)
{
    if (m->wire)
        mysql_close(m->wire);
    m->wire = NULL;
}

int mariadb_do(struct mariadb *m, const char *sql, size_t len)
{
    return mysql_real_query(m->wire, sql, len) == 0 ? 0 : fail(m, sql);
}

int mariadb_format(struct mariadb *m, const char *format, ...)
{
    char *sql;
    va_list ap;
    int len, rc;

    va_start(ap, format);
    len = vasprintf(&sql, format, ap);
    va_end(ap);
    if (len < 0)
        return -1;
    rc = mariadb_do(m, sql, (size_t)len);
    free(sql);
    return rc;
}

int64_t mariadb_changed(struct mariadb *m)
{
    return (int64_t)mysql_affected_rows(m->wire);
}

static MYSQL_RES *ask(struct mariadb *m, const char *sql, bool stream)
{
    MYSQL_RES *rows = NULL;

    if (mariadb_do(m, sql, strlen(sql)) < 0)
        return NULL;
    rows = stream ? mysql_use_result(m->wire) : mysql_store_result(m->wire);
    if (!rows)
        fail(m, sql);
    return rows;
}

MYSQL_RES *mariadb_rows(struct mariadb *m, const char *sql)
{
    return ask(m, sql, false);
}

MYSQL_RES *mariadb_stream(struct mariadb *m, const char *sql)
{
    return ask(m, sql, true);
}

int mariadb_number(struct mariadb *m, const char *sql, int64_t *number)
{
    MYSQL_RES *rows = mariadb_rows(m, sql);
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    int rc = !rows ? -1 : !row || !row[0] ? 1 : 0;

    if (rc == 0)
        *number = strtoll(row[0], NULL, 10);
    if (rows)
        mysql_free_result(rows);
    return rc;
}
