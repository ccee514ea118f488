/* plot.c - power over time, drawn with characters */
#include "tools/plot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/energy.h"

/* Steps of filling in one character cell. */
#define EIGHTHS 8

struct characters {
    const char *fill[EIGHTHS + 1];
    const char *bar, *tick, *corner, *axis;
};

static const struct characters utf8 = {
    {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, "│", "┤", "└", "─"};
static const struct characters ascii = {
    {" ", ".", ".", ":", ":", ":", "#", "#", "#"}, "|", "+", "+", "-"};

/* The least round number that is no less, half of which is round too. */
static int64_t round_up(int64_t mw)
{
    static const int64_t round[] = {10, 12, 15, 20, 30, 40, 50, 60, 80};
    int64_t unit = 1;

    for (;; unit *= 10)
        for (size_t i = 0; i < sizeof round / sizeof *round; i++)
            if (round[i] * unit >= mw || unit > INT64_MAX / 100)
                return round[i] * unit;
}

static int64_t scale_of(const struct plot *plot)
{
    int64_t most = 0;

    for (int i = 0; i < plot->columns; i++)
        if (plot->mw[i] != ENERGY_UNKNOWN && plot->mw[i] > most)
            most = plot->mw[i];
    return round_up(most);
}

/* "500 mW", "85 W", "2.5 kW" */
static void print_watts(FILE *out, int64_t mw)
{
    static const char *const units[] = {"mW", "W", "kW", "MW", "GW"};
    char text[64];
    int64_t unit = 1;
    size_t u = 0;

    while (u + 1 < sizeof units / sizeof *units && mw / unit >= 1000) {
        unit *= 1000;
        u++;
    }
    if (mw % unit == 0)
        snprintf(text, sizeof text, "%" PRId64 " %s", mw / unit, units[u]);
    else
        snprintf(text, sizeof text, "%" PRId64 ".%" PRId64 " %s", mw / unit,
                 mw % unit * 10 / unit, units[u]);
    fprintf(out, "%*s ", PLOT_MARGIN - 2, text);
}

static int level(const struct plot *plot, int64_t scale_mw, int column)
{
    int64_t mw = plot->mw[column];
    int eighths = (int)((__int128)mw * plot->rows * EIGHTHS / scale_mw);

    return eighths < 1 ? 1 : eighths;
}

static void draw_row(FILE *out, const struct plot *plot, const struct characters *c,
                     int64_t scale_mw, int row)
{
    bool top = row == plot->rows - 1, middle = 2 * (row + 1) == plot->rows;

    if (top || middle)
        print_watts(out, top ? scale_mw : scale_mw / 2);
    else
        fprintf(out, "%*s", PLOT_MARGIN - 1, "");
    fputs(top || middle ? c->tick : c->bar, out);
    for (int i = 0; i < plot->columns; i++) {
        int fill = 0;

        if (plot->mw[i] != ENERGY_UNKNOWN)
            fill = level(plot, scale_mw, i) - row * EIGHTHS;
        fputs(c->fill[fill < 0 ? 0 : fill > EIGHTHS ? EIGHTHS : fill], out);
    }
    fputc('\n', out);
}

static void draw_axis(FILE *out, const struct plot *plot, const struct characters *c)
{
    fprintf(out, "%*s %s", PLOT_MARGIN - 2, "0 W", c->corner);
    for (int i = 0; i < plot->columns; i++)
        fputs(plot->mw[i] == ENERGY_UNKNOWN ? " " : c->axis, out);
    fputc('\n', out);
}

static void draw_times(FILE *out, const struct plot *plot)
{
    int first = (int)strlen(plot->times[0]), middle = (int)strlen(plot->times[1]),
        last = (int)strlen(plot->times[2]);
    int at = (plot->columns - middle) / 2, free = plot->columns - first - last;

    fprintf(out, "%*s%s", PLOT_MARGIN, "", plot->times[0]);
    if (at > first && at + middle + last < plot->columns)
        fprintf(out, "%*s%s%*s", at - first, "", plot->times[1],
                plot->columns - at - middle - last, "");
    else
        fprintf(out, "%*s", free > 1 ? free : 1, "");
    fprintf(out, "%s\n", plot->times[2]);
}

char *plot_draw(const struct plot *plot)
{
    const struct characters *c = plot->utf8 ? &utf8 : &ascii;
    int64_t scale_mw = scale_of(plot);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (int row = plot->rows - 1; row >= 0; row--)
        draw_row(out, plot, c, scale_mw, row);
    draw_axis(out, plot, c);
    draw_times(out, plot);
    return fclose(out) == 0 ? text : NULL;
}
