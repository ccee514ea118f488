/* report.c - kwota report: a centre's energy, by account, user, … */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/amount.h"
#include "policy/energy.h"
#include "policy/nearest.h"
#include "tools/command.h"
#include "tools/metered.h"
#include "tools/printable.h"
#include "tools/report_show.h"
#include "tools/when.h"

/* A page's chart is by day up to so many, else by month. */
#define DAYS_SHOWN 92

enum form { FORM_TABLE, FORM_CSV, FORM_JSON, FORM_HTML };

struct arguments {
    const char *account, *user, *pdu;
    int64_t start_s, end_s;
    int timed; /* bit 0: --start or --end, bit 1: --month or --year */
    enum form form;
    struct report_wish wish;
};

enum {
    OPT_BY = 256,
    OPT_START,
    OPT_END,
    OPT_MONTH,
    OPT_YEAR,
    OPT_TOP,
    OPT_PDU,
    OPT_METERED,
    OPT_CSV,
    OPT_HTML
};

static const struct argp_option options[] = {
    {"by", OPT_BY, "WHAT", 0,
     "account, user, partition, qos, gpu-type, day or month [account]", 0},
    {"month", OPT_MONTH, "YYYY-MM", 0, "of this month [the one that is]", 0},
    {"year", OPT_YEAR, "YYYY", 0, "of this year", 0},
    {"start", OPT_START, "TIME", 0, "from here", 0},
    {"end", OPT_END, "TIME", 0,
     "up to here [now]; times: 2026-11-01, 2026-11-01T12:00, today, now, now-7days", 0},
    {"account", 'A', "ACCOUNT", 0, "of this account and those below it", 0},
    {"user", 'u', "USER", 0, "of this user", 0},
    {"top", OPT_TOP, "N", 0, "the first N, the others in one line", 0},
    {"pdu", OPT_PDU, "FILE", 0,
     "compare with lines TIME,KWH: used from TIME on, up to the next line's", 0},
    {"metered", OPT_METERED, "AMOUNT", 0, "compare with so much: 1234kWh", 0},
    {"csv", OPT_CSV, 0, 0, "print CSV", 0},
    {"json", 'j', 0, 0, "print JSON", 0},
    {"html", OPT_HTML, 0, 0,
     "print a page with charts: kwota report --html >report.html", 0},
    {0},
};

/* The first second of a month (0: of a year's first), so many later. */
static int64_t month_start(int year, int month, int later)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1 + later,
                    .tm_mday = 1,
                    .tm_isdst = -1};

    return (int64_t)mktime(&tm);
}

static void take_month(struct argp_state *state, const char *arg)
{
    struct arguments *a = state->input;
    int year, month, read = 0;

    if (sscanf(arg, "%4d-%2d%n", &year, &month, &read) != 2 || arg[read] ||
        strlen(arg) != 7 || year < 1970 || month < 1 || month > 12)
        argp_error(state, "--month: \"%s\" is no month: 2026-11 is one", arg);
    a->timed |= 2;
    a->start_s = month_start(year, month, 0);
    a->end_s = month_start(year, month, 1);
}

static void take_year(struct argp_state *state, const char *arg)
{
    struct arguments *a = state->input;
    int year, read = 0;

    if (sscanf(arg, "%4d%n", &year, &read) != 1 || arg[read] || year < 1970)
        argp_error(state, "--year: \"%s\" is no year: 2026 is one", arg);
    a->timed |= 2;
    a->start_s = month_start(year, 1, 0);
    a->end_s = month_start(year, 1, 12);
}

static void take_by(struct argp_state *state, const char *arg)
{
    static const char *const known[] = {"account",  "user", "partition", "qos",
                                        "gpu-type", "day",  "month",     NULL};
    struct arguments *a = state->input;
    const char *nearest = nearest_word(arg, known);
    int i = 0;

    while (known[i] && strcmp(known[i], arg) != 0)
        i++;
    if (!known[i])
        argp_error(
            state,
            "--by %s: account, user, partition, qos, gpu-type, day or month%s%s%s", arg,
            nearest ? "; " : "", nearest ? nearest : "", nearest ? " is meant?" : "");
    a->wish.by = arg;
}

static void take_top(struct argp_state *state, const char *arg)
{
    struct arguments *a = state->input;
    char *end;

    errno = 0;
    a->wish.top = strtoll(arg, &end, 10);
    if (end == arg || *end || errno || a->wish.top < 1)
        argp_error(state, "--top: \"%s\" is no number of rows", arg);
}

static void take_metered(struct argp_state *state, const char *arg)
{
    struct arguments *a = state->input;
    char why[AMOUNT_WHY];

    if (amount_parse(arg, false, &a->wish.metered_mj, why) < 0)
        argp_error(state, "--metered: %s", why);
    a->wish.metered = "--metered";
}

static void check(struct argp_state *state, const struct arguments *a)
{
    if (a->timed == 3)
        argp_error(state, "--month and --year are without --start and --end");
    if (a->end_s <= a->start_s)
        argp_error(state, "--end must be later than --start");
    if (a->pdu && a->wish.metered)
        argp_error(state, "--pdu and --metered say the same twice: give one");
    if (a->form == FORM_HTML && isatty(STDOUT_FILENO))
        argp_error(state, "--html prints a page: say where to, as in"
                          " kwota report --html >report.html");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case OPT_BY:
        take_by(state, arg);
        break;
    case OPT_START:
        a->timed |= 1;
        when_option(state, "--start", arg, &a->start_s);
        break;
    case OPT_END:
        a->timed |= 1;
        when_option(state, "--end", arg, &a->end_s);
        break;
    case OPT_MONTH:
        take_month(state, arg);
        break;
    case OPT_YEAR:
        take_year(state, arg);
        break;
    case OPT_TOP:
        take_top(state, arg);
        break;
    case OPT_METERED:
        take_metered(state, arg);
        break;
    case OPT_PDU:
        a->pdu = arg;
        break;
    case 'A':
        a->account = arg;
        break;
    case 'u':
        a->user = arg;
        break;
    case 'j':
        a->form = FORM_JSON;
        break;
    case OPT_CSV:
        a->form = FORM_CSV;
        break;
    case OPT_HTML:
        a->form = FORM_HTML;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        break;
    case ARGP_KEY_END:
        check(state, a);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Years of a large centre take their time: who watches is told. */
static void progress(const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s", what);
}

static int ask(const struct arguments *a, const char *by, json_t **reply)
{
    char path[512], what[96];
    int rc;

    snprintf(path, sizeof path, "/v1/accounting?by=%s&start=%" PRId64 "&end=%" PRId64,
             by, a->start_s, a->end_s);
    command_query(path, sizeof path, "account", a->account);
    command_query(path, sizeof path, "user", a->user);
    snprintf(what, sizeof what, "kwotad adds up by %s …", by);
    progress(what);
    rc = command_get(path, false, reply);
    progress("");
    return rc;
}

static int read_pdu(struct arguments *a, const json_t *reply)
{
    const json_t *window = json_object_get(reply, "window");
    char why[METERED_WHY];
    int64_t lines;

    if (!a->pdu)
        return 0;
    a->wish.metered = a->pdu;
    if (metered_read(a->pdu, report_figure(window, "start"),
                     report_figure(window, "end"), &a->wish.metered_mj, &lines,
                     why) == 0)
        return 0;
    fprintf(stderr, "kwota report: --pdu: %s\n", why);
    return EXIT_REFUSED;
}

static int print_page(const struct arguments *a, const json_t *reply)
{
    bool short_time = a->end_s - a->start_s <= DAYS_SHOWN * INT64_C(86400);
    time_t now = time(NULL);
    json_t *days = NULL;
    char made[32];
    struct tm tm;
    int rc = ask(a, short_time ? "day" : "month", &days);

    if (rc == 0) {
        localtime_r(&now, &tm);
        strftime(made, sizeof made, "%Y-%m-%d %H:%M", &tm);
        report_page(stdout, reply, days, &a->wish, made);
    }
    json_decref(days);
    return rc;
}

/* The reply is for machines and stays as it is; what other meters say is added. */
static void print_json(const struct arguments *a, json_t *reply)
{
    if (a->wish.metered_mj != ENERGY_UNKNOWN)
        json_object_set_new(reply, "metered_mj", json_integer(a->wish.metered_mj));
    command_print_json(reply);
}

static int print_report(const struct arguments *a, json_t *reply)
{
    int rc = 0;

    switch (a->form) {
    case FORM_JSON:
        print_json(a, reply);
        break;
    case FORM_CSV:
        report_csv(stdout, reply, &a->wish);
        break;
    case FORM_HTML:
        rc = print_page(a, reply);
        break;
    default:
        printable_json(reply);
        report_table(reply, &a->wish);
    }
    /* Half a report must not look like a whole one. */
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "kwota report: it cannot be written: %s\n", strerror(errno));
        rc = EXIT_REFUSED;
    }
    return rc;
}

static int run_report(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Shows how much energy was charged in a time, to whom, compared with "
        "the period before; and below it the centre's part, so that all of it "
        "is what the nodes' counters counted.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.start_s = when_month(time(NULL)),
                          .end_s = (int64_t)time(NULL) + 1,
                          .wish = {.by = "account", .metered_mj = ENERGY_UNKNOWN}};
    json_t *reply = NULL;
    int rc;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    rc = ask(&a, a.wish.by, &reply);
    if (rc == 0)
        rc = read_pdu(&a, reply);
    if (rc == 0)
        rc = print_report(&a, reply);
    json_decref(reply);
    return rc;
}

const struct command command_report = {"report", "[--by WHAT] [--month YYYY-MM]",
                                       "a centre's energy, the nodes' own too",
                                       run_report};
