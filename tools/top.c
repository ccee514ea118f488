/* top.c - kwota top: running jobs by what they draw, live */
#include "config.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/printable.h"
#include "tools/table.h"
#include "tools/top_rows.h"
#include "tools/top_screen.h"

#define DELAY_S 3
#define DELAY_MOST_S 3600

struct wish {
    const char *user, *account, *partition, *most;
    int delay_s;
    enum top_order order;
    bool once, json, reverse;
};

static const struct argp_option options[] = {
    {"user", 'u', "USER", 0, "only this user's jobs", 0},
    {"account", 'A', "ACCOUNT", 0, "only this account's", 0},
    {"partition", 'p', "PARTITION", 0, "only those in this partition", 0},
    {"most", 'n', "N", 0, "so many jobs at most, those that draw most", 0},
    {"sort", 's', "WORD", 0, "by power (the default), used, left or time", 0},
    {"reverse", 'r', 0, 0, "the other way round", 0},
    {"delay", 'd', "SECONDS", 0, "between two looks: 3 by default", 0},
    {"once", '1', 0, 0, "print once and end; so it is in a pipe", 0},
    {"json", 'j', 0, 0, "print JSON, once", 0},
    {0},
};

static bool parse_order(const char *word, enum top_order *order)
{
    static const char *const words[] = {"power", "used", "left", "time"};

    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0) {
            *order = (enum top_order)i;
            return true;
        }
    return false;
}

/* A whole number from 1; 0: it is none. */
static int count_of(const char *text, int most)
{
    char *end;
    long value = strtol(text, &end, 10);

    return *text && !*end && value >= 1 && value <= most ? (int)value : 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wish *wish = state->input;

    if (key == 'u')
        wish->user = arg;
    else if (key == 'A')
        wish->account = arg;
    else if (key == 'p')
        wish->partition = arg;
    else if (key == 'n' && count_of(arg, 1000))
        wish->most = arg;
    else if (key == 'n')
        argp_error(state, "--most takes 1 to 1000, not \"%s\"", arg);
    else if (key == 's' && !parse_order(arg, &wish->order))
        argp_error(state, "--sort takes power, used, left or time, not \"%s\"", arg);
    else if (key == 'd' && !(wish->delay_s = count_of(arg, DELAY_MOST_S)))
        argp_error(state, "--delay takes 1 to %d seconds, not \"%s\"", DELAY_MOST_S,
                   arg);
    else if (key == 'r')
        wish->reverse = true;
    else if (key == '1')
        wish->once = true;
    else if (key == 'j')
        wish->json = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is too much; -u, -A and -p choose jobs", arg);
    else if (key != 's' && key != 'd')
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static void write_path(const struct wish *wish, char *path, size_t size)
{
    snprintf(path, size, "/v1/running");
    command_query(path, size, "user", wish->user);
    command_query(path, size, "account", wish->account);
    command_query(path, size, "partition", wish->partition);
    command_query(path, size, "most", wish->most);
}

static void print_rows(const struct top_row *rows, int count)
{
    const char *titles[TOP_COLUMNS + 1] = {NULL};
    char marked[TOP_COLUMNS][TOP_TEXT];
    struct table *table;

    for (int c = 0; c < TOP_COLUMNS; c++) {
        snprintf(marked[c], TOP_TEXT, "%s%s",
                 top_is_number((enum top_column)c) ? ">" : "",
                 top_title((enum top_column)c));
        titles[c] = marked[c];
    }
    table = table_new(titles);
    for (int i = 0; i < count; i++) {
        const char *cells[TOP_COLUMNS];

        for (int c = 0; c < TOP_COLUMNS; c++)
            cells[c] = rows[i].text[c];
        table_add(table, cells);
    }
    table_print(table);
}

static int print_once(const struct wish *wish)
{
    char path[512], summary[TOP_SUMMARY];
    struct top_row *rows;
    json_t *reply = NULL;
    int rc, count;

    write_path(wish, path, sizeof path);
    rc = command_get(path, false, &reply);
    if (rc == 0 && wish->json)
        command_print_json(reply);
    else if (rc == 0) {
        printable_json(reply);
        top_summary(reply, summary);
        puts(summary);
        rows = top_rows(reply, &count);
        if (rows && count > 0) {
            top_sort(rows, count, wish->order, wish->reverse);
            print_rows(rows, count);
        }
        free(rows);
    }
    json_decref(reply);
    return rc;
}

/* What is shown, and goes on being shown while kwotad does not answer. */
struct show {
    struct wish *wish;
    struct top_row *rows;
    struct top_view view;
    char path[512], summary[TOP_SUMMARY], title[TOP_SUMMARY + 64],
        trouble[COMMAND_ERROR];
};

static void look(struct show *show)
{
    json_t *reply = NULL;
    struct top_row *rows;
    time_t now = time(NULL);
    struct tm tm;
    char at[16];
    int count;

    show->view.trouble = NULL;
    if (command_try(show->path, &reply, show->trouble) != 0) {
        show->view.trouble = show->trouble;
        return;
    }
    printable_json(reply);
    rows = top_rows(reply, &count);
    if (rows) {
        free(show->rows);
        show->rows = rows;
        show->view.rows = rows;
        show->view.count = count;
        top_summary(reply, show->summary);
    }
    localtime_r(&now, &tm);
    strftime(at, sizeof at, "%H:%M:%S", &tm);
    snprintf(show->title, sizeof show->title, "kwota top  %s  %s  (h: help)", at,
             show->summary);
    json_decref(reply);
}

static void move_to(struct top_view *view, int first)
{
    int last = view->count - screen_rows();

    if (first > last)
        first = last;
    view->first = first > 0 ? first : 0;
}

static bool is_order(int key, enum top_order *order)
{
    static const char keys[] = "PELT";
    const char *place = key > 0 && key < 256 ? strchr(keys, toupper(key)) : NULL;

    if (!place || !*place)
        return false;
    *order = (enum top_order)(place - keys);
    return true;
}

static void change_delay(struct wish *wish)
{
    static const int steps[] = {1, 3, 10, 60};
    int next = steps[0];

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (wish->delay_s == steps[i])
            next = steps[(i + 1) % (sizeof steps / sizeof *steps)];
    wish->delay_s = next;
}

/* Whether to look again at once. */
static bool handle(struct show *show, int key)
{
    struct top_view *view = &show->view;

    if (key == 'h' || key == '?')
        view->help = !view->help;
    else if (key == 'r')
        view->reverse = !view->reverse;
    else if (key == 'd')
        change_delay(show->wish);
    else if (key == KEY_DOWN)
        move_to(view, view->first + 1);
    else if (key == KEY_UP)
        move_to(view, view->first - 1);
    else if (key == KEY_NPAGE)
        move_to(view, view->first + screen_rows());
    else if (key == KEY_PPAGE)
        move_to(view, view->first - screen_rows());
    else if (key == KEY_HOME)
        move_to(view, 0);
    else if (key == KEY_END)
        move_to(view, view->count);
    else if (is_order(key, &view->order))
        move_to(view, 0);
    else
        return key == ' ' || key == '\n';
    return false;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static volatile sig_atomic_t told_to_end;

static void note_end(int sig)
{
    (void)sig;
    told_to_end = 1;
}

static void watch(struct show *show)
{
    int64_t next_ms = 0;
    int key = -1;

    while (key != 'q' && !told_to_end) {
        int64_t now = now_ms();

        if (now >= next_ms) {
            look(show);
            next_ms = now_ms() + show->wish->delay_s * 1000;
        }
        move_to(&show->view, show->view.first);
        top_sort(show->rows, show->view.count, show->view.order, show->view.reverse);
        screen_draw(&show->view);
        now = now_ms();
        key = screen_key(next_ms > now ? (int)(next_ms - now) : 0);
        if (key > 0 && handle(show, key))
            next_ms = 0;
    }
}

static int show_live(struct wish *wish)
{
    static const int ends[] = {SIGTERM, SIGHUP, SIGINT};
    struct sigaction action = {.sa_handler = note_end};
    struct show show = {.wish = wish,
                        .title = "kwota top",
                        .view = {.order = wish->order, .reverse = wish->reverse}};

    show.view.title = show.title;
    write_path(wish, show.path, sizeof show.path);
    if (screen_open() < 0) {
        fprintf(stderr,
                "kwota: this terminal (TERM=%s) cannot show a screen; --once prints "
                "the same\n",
                getenv("TERM") ? getenv("TERM") : "");
        return EXIT_USAGE;
    }
    /* The terminal is put back as it was, whatever ends it. */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        sigaction(ends[i], &action, NULL);
    watch(&show);
    screen_close();
    free(show.rows);
    return 0;
}

static int run_top(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Shows running jobs by what they draw, what they have used, and what is left "
        "of what was set aside for them. Keys: h says which.",
        NULL,
        NULL,
        NULL};
    struct wish wish = {.delay_s = DELAY_S};

    argp_parse(&argp, argc, argv, 0, NULL, &wish);
    if (wish.json || wish.once || !isatty(STDOUT_FILENO))
        return print_once(&wish);
    return show_live(&wish);
}

const struct command command_top = {"top", "", "running jobs by what they draw, live",
                                    run_top};
