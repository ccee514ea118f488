/* job_plot.c - a run's power over time, on this terminal */
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "policy/energy.h"
#include "tools/job_text.h"
#include "tools/plot.h"

#define PLOT_ROWS 8
#define WIDTH_LEAST 40
#define WIDTH_MOST 400

static int terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (columns && atoi(columns) > 0)
        return atoi(columns);
    if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

int job_plot_bins(void)
{
    int width = terminal_width();

    width = width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : width;
    return width - PLOT_MARGIN;
}

/* Of all that is known of the bin. */
static int64_t mean_mw(const json_t *bin, int64_t window_ms, size_t bins)
{
    static const char *const keys[] = {"cpu_mj", "dram_mj", "gpu_mj", "other_mj"};
    int64_t mj = ENERGY_UNKNOWN;

    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        mj = energy_add(mj, job_integer(bin, keys[k]));
    if (mj == ENERGY_UNKNOWN)
        return mj;
    return (int64_t)((__int128)mj * 1000 * (int64_t)bins / window_ms);
}

/* With the day only where the plot spans more than one. */
static void write_time(char *buf, size_t size, int64_t ms, int64_t window_ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    strftime(buf, size, window_ms < 86400000 ? "%H:%M:%S" : "%m-%d %H:%M",
             localtime_r(&s, &tm));
}

static bool locale_is_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void draw(const json_t *bins, int64_t start_ms, int64_t end_ms)
{
    size_t count = json_array_size(bins);
    int64_t *mw = calloc(count, sizeof *mw);
    char times[3][32], *text;
    struct plot plot = {.mw = mw,
                        .columns = (int)count,
                        .rows = PLOT_ROWS,
                        .utf8 = locale_is_utf8(),
                        .times = {times[0], times[1], times[2]}};

    if (!mw)
        abort();
    for (size_t i = 0; i < count; i++)
        mw[i] = mean_mw(json_array_get(bins, i), end_ms - start_ms, count);
    for (int i = 0; i < 3; i++)
        write_time(times[i], sizeof times[i], start_ms + (end_ms - start_ms) / 2 * i,
                   end_ms - start_ms);
    text = plot_draw(&plot);
    if (text)
        fputs(text, stdout);
    free(text);
    free(mw);
}

void job_print_plot(const json_t *run)
{
    const json_t *plot = json_object_get(run, "plot");
    const json_t *bins = json_object_get(plot, "bins");
    int64_t start_ms = job_integer(plot, "start_ms"),
            end_ms = job_integer(plot, "end_ms");

    putchar('\n');
    if (json_array_size(bins) == 0 || end_ms <= start_ms) {
        puts("kwotad tells nothing of its power over time.");
        return;
    }
    printf("Mean power over time, %s%s\n",
           json_array_size(json_object_get(run, "apportioned")) > 0 ? "apportioned"
                                                                    : "measured",
           json_is_true(json_object_get(run, "simulated")) ? " [simulated]" : "");
    draw(bins, start_ms, end_ms);
}
