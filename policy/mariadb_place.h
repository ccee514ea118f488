/* mariadb_place.h - where a MariaDB is, as kwota.json and the command line say it
 *
 * mariadb://USER@HOST[:PORT]/DATABASE[?socket=PATH][&password_file=FILE][&ca=FILE]
 *
 * HOST is left out where a socket is given. The password stands in a file that nobody
 * but its owner can read, and never in the place itself: places are in logs.
 */
#ifndef KWOTA_MARIADB_PLACE_H
#define KWOTA_MARIADB_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define MARIADB_PLACE_TEXT 512

/* The server's own limit. */
#define MARIADB_DATABASE 64

struct mariadb_place {
    char user[81], host[256], database[MARIADB_DATABASE + 1];
    char socket[108];        /* "": TCP */
    char password_file[256]; /* "": none is needed */
    char ca[256];            /* who signs the server's certificate; "": no TLS */
    int port;
};

/* Whether a text names a MariaDB at all, and not a folder. */
bool mariadb_place_is(const char *text);

/* 0, or -1 with what is wrong with it, without a full stop. */
int mariadb_place_read(const char *text, struct mariadb_place *place,
                       char why[MARIADB_PLACE_TEXT]);

/* "kwota on db1:3306", for people. */
void mariadb_place_name(const struct mariadb_place *place,
                        char name[MARIADB_PLACE_TEXT]);

/* The password; "" if no file is named. -1 with why it cannot be had. */
int mariadb_place_password(const struct mariadb_place *place, char *password,
                           size_t size, char why[MARIADB_PLACE_TEXT]);

#endif
