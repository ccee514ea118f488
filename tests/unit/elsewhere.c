/* elsewhere.c - a unit test's ledger in a MariaDB, in a database of its folder's name
 */
#include <stdio.h>
#include <string.h>

#include "policy/mariadb.h"
#include "policy/replica.h"

struct ledger *elsewhere_open(const char *dir, const char *socket);

static int make_database(const struct mariadb_place *place)
{
    struct mariadb_place any = *place;
    struct mariadb m = {NULL, false, ""};
    int rc;

    snprintf(any.database, sizeof any.database, "information_schema");
    rc =
        mariadb_open(&m, &any, 10) < 0
            ? -1
            : mariadb_format(&m, "CREATE DATABASE IF NOT EXISTS `%s`", place->database);
    if (rc < 0)
        fprintf(stderr, "%s\n", m.error);
    mariadb_close(&m);
    return rc;
}

struct ledger *elsewhere_open(const char *dir, const char *socket)
{
    struct mariadb_place place = {.user = "root"};
    struct ledger *ledger;

    snprintf(place.socket, sizeof place.socket, "%s", socket);
    snprintf(place.database, sizeof place.database, "%s", strrchr(dir, '/') + 1);
    if (make_database(&place) < 0 || !(ledger = ledger_open_copy(dir)))
        return NULL;
    if (replica_start(ledger, &place, "test:1") == 0)
        return ledger;
    ledger_close(ledger);
    return NULL;
}
