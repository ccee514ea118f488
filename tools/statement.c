/* statement.c - kwota statement: what an account was given, used and is to pay in a
 * month, and every run of it */
#include "tools/statement.h"

#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/printable.h"

/* While runs are settled, runs and totals are asked for so often until they agree. */
#define TRIES 4

struct arguments {
    const char *account;
    char month[8];
    const struct statement_form *form;
};

enum { OPT_MONTH = 256, OPT_CSV, OPT_HTML };

static const struct argp_option options[] = {
    {"account", 'A', "ACCOUNT", 0, "of this account, with all below it", 0},
    {"month", OPT_MONTH, "MONTH", 0, "2026-11 [this month]", 0},
    {"csv", OPT_CSV, 0, 0, "print CSV, a line for each run", 0},
    {"html", OPT_HTML, 0, 0, "print one HTML file, for a browser or a printer", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {0},
};

int64_t statement_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *statement_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

const char *statement_currency(const json_t *head)
{
    return json_string_value(json_object_get(head, "currency"));
}

char *statement_time(int64_t s, char text[STATEMENT_TIME])
{
    time_t when = (time_t)s;
    struct tm tm;

    text[0] = '\0';
    if (s != 0)
        strftime(text, STATEMENT_TIME, "%Y-%m-%d %H:%M", localtime_r(&when, &tm));
    return text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct tm tm = {0};
    const char *end;

    switch (key) {
    case 'A':
        a->account = arg;
        return 0;
    case OPT_MONTH:
        end = strptime(arg, "%Y-%m", &tm);
        if (!end || *end || strlen(arg) != 7)
            argp_error(state, "--month %s: a month is 2026-11, say", arg);
        snprintf(a->month, sizeof a->month, "%s", arg);
        return 0;
    case OPT_CSV:
        a->form = &statement_as_csv;
        return 0;
    case OPT_HTML:
        a->form = &statement_as_html;
        return 0;
    case 'j':
        a->form = &statement_as_json;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->account || !a->account[0])
            argp_error(state, "of which account? -A ACCOUNT");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void path_of(const struct arguments *a, const char *call, char path[512])
{
    snprintf(path, 512, "%s", call);
    command_query(path, 512, "account", a->account);
    command_query(path, 512, "month", a->month);
}

static int64_t integer(const json_t *line, size_t i)
{
    return json_integer_value(json_array_get(line, i));
}

static int64_t integer_or_unknown(const json_t *line, size_t i)
{
    return json_is_null(json_array_get(line, i)) ? ENERGY_UNKNOWN : integer(line, i);
}

static const char *text(const json_t *line, size_t i)
{
    const char *value = json_string_value(json_array_get(line, i));

    return value ? value : "";
}

/* As the columns of a page are (API.md). */
static void take_line(const json_t *json, struct statement_line *l)
{
    *l = (struct statement_line){.account = text(json, 0),
                                 .job = text(json, 2),
                                 .user = text(json, 3),
                                 .name = text(json, 4),
                                 .partition = text(json, 5),
                                 .start_s = integer(json, 6),
                                 .end_s = integer(json, 7),
                                 .borne_mj = integer(json, 12),
                                 .costs = {.price_u = integer_or_unknown(json, 13),
                                           .co2_mg = integer_or_unknown(json, 14),
                                           .unpriced_mj = integer(json, 15),
                                           .co2_unknown_mj = integer(json, 16)}};
    for (size_t k = 0; k < LINE_KINDS; k++) {
        l->mj[k] = integer(json, 8 + k);
        l->used_mj += l->mj[k];
    }
    l->charged_mj = l->used_mj - l->borne_mj;
}

/* Writes a page's lines; how many lines were looked at for it. */
static int64_t write_page(const struct arguments *a, const json_t *head, json_t *page,
                          FILE *out, struct statement_sums *sums)
{
    json_t *json;
    size_t i;

    if (a->form != &statement_as_json)
        printable_json(page);
    json_array_foreach(json_object_get(page, "lines"), i, json)
    {
        struct statement_line line;

        take_line(json, &line);
        line.place = ++sums->lines;
        sums->used_mj += line.used_mj;
        sums->borne_mj += line.borne_mj;
        sums->charged_mj += line.charged_mj;
        statement_costs_add(&sums->costs, &line.costs);
        a->form->line(out, head, &line);
    }
    return statement_number(page, "looked_at");
}

/* On a terminal that nothing else is written to. */
static void show_progress(int64_t done, int64_t all)
{
    if (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) && all > 0)
        fprintf(stderr, "\rkwota: %" PRId64 " of %" PRId64 " runs%s", done, all,
                done >= all ? "\n" : "");
}

/* All runs, page by page, into `out`. 0, or an exit status. */
static int write_runs(const struct arguments *a, const json_t *head, FILE *out,
                      struct statement_sums *sums)
{
    int64_t all = statement_number(head, "lines"), done = 0;
    json_t *page = NULL;
    char path[512], run[32];
    int rc;

    path_of(a, "/v1/statement/runs", path);
    while ((rc = command_get(path, false, &page)) == 0) {
        json_t *next = json_object_get(page, "next");

        done += write_page(a, head, page, out, sums);
        show_progress(json_is_object(next) ? done : all, all);
        if (!json_is_object(next))
            break;
        path_of(a, "/v1/statement/runs", path);
        command_query(path, sizeof path, "after_account",
                      statement_text(next, "account"));
        snprintf(run, sizeof run, "%" PRId64, statement_number(next, "run_id"));
        command_query(path, sizeof path, "after_run", run);
        json_decref(page);
        page = NULL;
    }
    json_decref(page);
    return rc;
}

static bool agree(const json_t *head, const struct statement_sums *sums)
{
    const json_t *totals = json_object_get(head, "totals");

    return statement_number(totals, "used_mj") == sums->used_mj &&
           statement_number(totals, "charged_mj") == sums->charged_mj &&
           statement_number(totals, "price_u") == sums->costs.price_u;
}

static int copy(FILE *from)
{
    char buffer[65536];
    size_t n;

    rewind(from);
    while ((n = fread(buffer, 1, sizeof buffer, from)) > 0)
        if (fwrite(buffer, 1, n, stdout) != n)
            return -1;
    return ferror(from) ? -1 : 0;
}

/* The runs wait in a file until all of them are there: what is written is whole, and
 * its totals are those of its runs. */
static int write_statement(const struct arguments *a, json_t *head, FILE *runs)
{
    struct statement_sums sums;
    char path[512];
    int rc;

    for (int try = 0; try < TRIES; try++) {
        json_t *after = NULL;

        memset(&sums, 0, sizeof sums);
        rewind(runs);
        if (ftruncate(fileno(runs), 0) < 0 ||
            (rc = write_runs(a, head, runs, &sums)) != 0)
            return rc ? rc : EXIT_REFUSED;
        if (agree(head, &sums))
            break;
        path_of(a, "/v1/statement", path);
        if ((rc = command_get(path, false, &after)) != 0)
            return rc;
        json_object_update(head, after);
        json_decref(after);
        if (agree(head, &sums))
            break;
    }
    if (a->form != &statement_as_json)
        printable_json(head);
    if (!agree(head, &sums))
        fprintf(stderr,
                "kwota: runs are being settled: the totals are a moment younger "
                "than the runs\n");
    a->form->begin(stdout, head);
    if (copy(runs) < 0) {
        perror("kwota: the statement could not be written");
        return EXIT_REFUSED;
    }
    statement_costs_summed(&sums.costs);
    a->form->end(stdout, head, &sums);
    return 0;
}

static int run(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Shows what an account was given, used, was credited and is to pay in a month, "
        "and every run.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.form = &statement_as_text};
    time_t now = time(NULL);
    json_t *head = NULL;
    char path[512];
    struct tm tm;
    FILE *runs;
    int rc;

    strftime(a.month, sizeof a.month, "%Y-%m", localtime_r(&now, &tm));
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    path_of(&a, "/v1/statement", path);
    rc = command_get(path, false, &head);
    if (rc != 0)
        return rc;
    runs = tmpfile();
    if (runs) {
        rc = write_statement(&a, head, runs);
        fclose(runs);
    } else {
        perror("kwota: no room for the runs in a temporary file");
        rc = EXIT_REFUSED;
    }
    json_decref(head);
    return rc;
}

const struct command command_statement = {"statement", "-A ACCOUNT [--month MONTH]",
                                          "an account's month, run by run", run};
