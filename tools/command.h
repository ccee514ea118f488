/* command.h - what every subcommand of kwota has: options, kwotad, exit statuses */
#ifndef KWOTA_COMMAND_H
#define KWOTA_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

/* Exit statuses. */
enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    int (*run)(int argc, char **argv);
};

extern const struct command command_job, command_usage, command_nodes, command_policy,
    command_why, command_queue, command_shadow, command_freeze, command_budget,
    command_quota, command_grant, command_adjust, command_refund, command_transfer,
    command_quote, command_cap, command_top, command_web, command_import,
    command_statement, command_period, command_report, command_verify, command_prune,
    command_ledger, command_setup, command_doctor;

/* Where kwotad is, from --server, KWOTA_SERVER, or the configuration. */
void command_server(const char *server);

/* GETs a path from kwotad. 0 with its JSON (a new reference), or an exit status: what
 * went wrong has been said on stderr. With `quiet` a 404 is not said. */
int command_get(const char *path, bool quiet, json_t **reply);

/* The same without a word on stderr: what went wrong is in `error`. */
#define COMMAND_ERROR 1280
int command_try(const char *path, json_t **reply, char error[COMMAND_ERROR]);

/* POSTs a body (kept by the caller); else as command_get(). */
int command_post(const char *path, json_t *body, json_t **reply);

/* kwotad's ledger on this host, by the configuration. Returns path. */
#define COMMAND_PATH 4096
const char *command_ledger_path(char path[COMMAND_PATH]);

/* Opens a text that kwotad sealed for whoever asked (credential_seal): *text is
 * malloc'd. 0, or an exit status: what went wrong has been said on stderr. */
int command_open(const char *sealed, char **text);

/* Adds a query's key and value to a path, encoded; nothing if the value is NULL. */
void command_query(char *path, size_t size, const char *key, const char *value);

/* "[simulated]" if the reply says so. */
void command_print_simulated(const json_t *reply);

/* Prints JSON to stdout, for --json. */
void command_print_json(const json_t *json);

#endif
