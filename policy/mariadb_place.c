/* mariadb_place.c - where a MariaDB is, as kwota.json and the command line say it */
#include "policy/mariadb_place.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEME "mariadb://"
#define DEFAULT_PORT 3306

bool mariadb_place_is(const char *text)
{
    return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

static int wrong(char why[MARIADB_PLACE_TEXT], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int wrong(char why[MARIADB_PLACE_TEXT], const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(why, MARIADB_PLACE_TEXT, format, ap);
    va_end(ap);
    return -1;
}

/* Copies what is before one of `ends`, and returns that; NULL: it is too long. */
static const char *take(const char *from, const char *ends, char *to, size_t size)
{
    size_t len = strcspn(from, ends);

    if (len >= size)
        return NULL;
    memcpy(to, from, len);
    to[len] = '\0';
    return from + len;
}

/* The name is put between backticks as it is. */
static bool is_name(const char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_-$", *name))
            return false;
    return true;
}

static int take_port(struct mariadb_place *place, char why[MARIADB_PLACE_TEXT])
{
    char *colon = strchr(place->host, ':'), *end;
    long port;

    place->port = DEFAULT_PORT;
    if (!colon)
        return 0;
    port = strtol(colon + 1, &end, 10);
    if (*end || end == colon + 1 || port < 1 || port > 65535)
        return wrong(why, "\"%s\" is no port", colon + 1);
    *colon = '\0';
    place->port = (int)port;
    return 0;
}

static int take_options(const char *from, struct mariadb_place *place,
                        char why[MARIADB_PLACE_TEXT])
{
    struct {
        const char *name;
        char *to;
        size_t size;
    } options[] = {
        {"socket=", place->socket, sizeof place->socket},
        {"password_file=", place->password_file, sizeof place->password_file},
        {"ca=", place->ca, sizeof place->ca},
    };

    while (*from) {
        const char *rest = NULL;

        from++; /* the ? or & */
        for (size_t i = 0; i < sizeof options / sizeof *options && !rest; i++)
            if (strncmp(from, options[i].name, strlen(options[i].name)) == 0)
                rest = take(from + strlen(options[i].name), "&", options[i].to,
                            options[i].size);
        if (!rest)
            return wrong(why,
                         "\"%s\" is not understood: socket=, password_file= and ca= "
                         "may follow the database",
                         from);
        from = rest;
    }
    return 0;
}

int mariadb_place_read(const char *text, struct mariadb_place *place,
                       char why[MARIADB_PLACE_TEXT])
{
    static const char form[] =
        "it is written mariadb://USER@HOST:PORT/DATABASE?password_file=FILE";
    const char *at = text + strlen(SCHEME);

    memset(place, 0, sizeof *place);
    if (!mariadb_place_is(text) || !strchr(at, '@') ||
        !(at = take(at, "@", place->user, sizeof place->user)) ||
        !(at = take(at + 1, "/", place->host, sizeof place->host)) || *at != '/' ||
        !(at = take(at + 1, "?", place->database, sizeof place->database)))
        return wrong(why, "%s", form);
    if (!place->user[0] || !place->database[0] || !is_name(place->database))
        return wrong(why, "%s", form);
    if (take_port(place, why) < 0 || take_options(at, place, why) < 0)
        return -1;
    if (!place->host[0] && !place->socket[0])
        return wrong(why, "it names neither a host nor a socket; %s", form);
    return 0;
}

void mariadb_place_name(const struct mariadb_place *place,
                        char name[MARIADB_PLACE_TEXT])
{
    if (place->socket[0])
        snprintf(name, MARIADB_PLACE_TEXT, "%s on %s", place->database, place->socket);
    else
        snprintf(name, MARIADB_PLACE_TEXT, "%s on %s:%d", place->database, place->host,
                 place->port);
}

int mariadb_place_password(const struct mariadb_place *place, char *password,
                           size_t size, char why[MARIADB_PLACE_TEXT])
{
    const char *name = place->password_file;
    struct stat st;
    FILE *file;

    password[0] = '\0';
    if (!name[0])
        return 0;
    file = fopen(name, "re");
    if (!file)
        return wrong(why, "the password file %s cannot be read: %s", name,
                     strerror(errno));
    if (fstat(fileno(file), &st) < 0 || st.st_mode & 077) {
        fclose(file);
        return wrong(why, "others can read the password file %s: chmod 600 %s", name,
                     name);
    }
    if (!fgets(password, (int)size, file))
        password[0] = '\0';
    fclose(file);
    password[strcspn(password, "\n")] = '\0';
    return password[0] ? 0 : wrong(why, "the password file %s is empty", name);
}
