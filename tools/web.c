/* web.c - kwota web: a link to one's own page of kwotad's dashboard */
#include "config.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"

static const struct argp_option options[] = {
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key == 'j') {
        *(bool *)state->input = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is too much", arg);
    return ARGP_ERR_UNKNOWN;
}

/* The link alone goes to stdout, so that a browser can be started with it. */
static void print_link(const json_t *reply, const char *link)
{
    const char *tunnel = json_string_value(json_object_get(reply, "tunnel"));

    if (tunnel)
        fprintf(stderr,
                "kwota: the page is on kwotad's own host; from another first run\n"
                "  %s\n",
                tunnel);
    puts(link);
    fflush(stdout);
    fputs("kwota: it is for you alone, opens once and within five minutes\n", stderr);
}

static int run_web(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse, NULL, "Prints a link that opens your page of the dashboard.",
        NULL,    NULL,  NULL};
    bool json = false;
    json_t *reply = NULL;
    char *link = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &json);
    rc = command_get("/v1/web", false, &reply);
    if (rc == 0)
        rc = command_open(json_string_value(json_object_get(reply, "sealed")), &link);
    if (rc == 0 && json) {
        json_object_del(reply, "sealed");
        json_object_set_new(reply, "link", json_string(link));
        command_print_json(reply);
    } else if (rc == 0) {
        print_link(reply, link);
    }
    free(link);
    json_decref(reply);
    return rc;
}

const struct command command_web = {"web", "", "a link to your page of the dashboard",
                                    run_web};
