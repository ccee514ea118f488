/* top_screen.c - kwota top on a terminal, by ncurses */
#include "tools/top_screen.h"

#include <locale.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Title, trouble or keys, column titles. */
#define HEAD 3

int screen_open(void)
{
    SCREEN *screen;

    setlocale(LC_CTYPE, "");
    /* initscr() would end the program where TERM is unknown. */
    screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return -1;
    set_term(screen);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    return 0;
}

void screen_close(void)
{
    endwin();
}

int screen_rows(void)
{
    return LINES > HEAD ? LINES - HEAD : 1;
}

static void widths(const struct top_view *view, int width[TOP_COLUMNS])
{
    for (int c = 0; c < TOP_COLUMNS; c++) {
        width[c] = (int)strlen(top_title((enum top_column)c));
        for (int i = 0; i < view->count; i++) {
            int len = (int)strlen(view->rows[i].text[c]);

            width[c] = len > width[c] ? len : width[c];
        }
    }
}

#define LINE 1024

/* Adds a cell to a line; returns where the next one begins. */
static int add_cell(char line[LINE], int at, enum top_column column, const char *text,
                    int width)
{
    int len = snprintf(line + at, (size_t)(LINE - at),
                       top_is_number(column) ? "%*s " : "%-*s ", width, text);

    return at + len < LINE ? at + len : LINE - 1;
}

static enum top_column sorted(enum top_order order)
{
    static const enum top_column columns[] = {TOP_POWER, TOP_USED, TOP_LEFT, TOP_TIME};

    return columns[order];
}

static void draw_titles(const struct top_view *view, const int width[TOP_COLUMNS])
{
    char line[LINE];
    int at = 0, from = 0;

    for (int c = 0; c < TOP_COLUMNS; c++) {
        if (sorted(view->order) == (enum top_column)c)
            from = at;
        at = add_cell(line, at, (enum top_column)c, top_title((enum top_column)c),
                      width[c]);
    }
    mvaddnstr(HEAD - 1, 0, line, COLS);
    mvchgat(HEAD - 1, 0, -1, A_REVERSE, 0, NULL);
    if (from < COLS)
        mvchgat(HEAD - 1, from, width[sorted(view->order)], A_REVERSE | A_BOLD, 0,
                NULL);
}

static void draw_rows(const struct top_view *view, const int width[TOP_COLUMNS])
{
    char line[LINE];

    for (int i = 0; i < screen_rows() && view->first + i < view->count; i++) {
        const struct top_row *row = &view->rows[view->first + i];
        int at = 0;

        for (int c = 0; c < TOP_COLUMNS; c++)
            at = add_cell(line, at, (enum top_column)c, row->text[c], width[c]);
        mvaddnstr(HEAD + i, 0, line, COLS);
    }
}

static void draw_help(void)
{
    static const char *const lines[] = {
        "P  by power          E  by energy used",
        "L  by what is left   T  by time",
        "r  the other way round",
        "up, down, page up, page down, home, end: move",
        "space  look again    d  how often",
        "q  quit              h  this, and back",
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        mvprintw(HEAD + (int)i, 2, "%s", lines[i]);
}

void screen_draw(const struct top_view *view)
{
    int width[TOP_COLUMNS];

    erase();
    /* What does not fit in a line is left out, not wrapped. */
    mvaddnstr(0, 0, view->title, COLS);
    if (view->trouble) {
        attron(A_BOLD);
        mvaddnstr(1, 0, view->trouble, COLS);
        attroff(A_BOLD);
    }
    widths(view, width);
    if (view->help)
        draw_help();
    else {
        draw_rows(view, width);
        draw_titles(view, width);
    }
    refresh();
}

int screen_key(int wait_ms)
{
    int key;

    timeout(wait_ms);
    key = getch();
    return key == KEY_RESIZE || key == ERR ? -1 : key;
}
