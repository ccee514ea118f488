/* chart.c - charts on a page: inline SVG, read by shape and words, not by colour alone
 */
#include "tools/chart.h"

#include <inttypes.h>
#include <stdbool.h>

#include "policy/energy.h"
#include "tools/page.h"
#include "tools/unit.h"

/* Points of the columns' chart: its plot, and what is above and below it. */
#define PLOT 180
#define ABOVE 14
#define BELOW 24

/* The width, in thousandths of a percent. */
#define ALL INT64_C(100000)

/* A scale has so many steps at most, and so many names stand below. */
#define STEPS 5
#define NAMES 3

/* From dark to light, each with another pattern in lighter or darker lines. */
static const struct {
    const char *colour, *pattern;
} fills[CHART_FILLS] = {
    {"#1f4e79", ""},
    {"#d98e04", "<path d=\"M0 8L8 0M-2 2L2-2M6 10L10 6\" stroke=\"#5e3c00\"/>"},
    {"#2f8f6b", "<path d=\"M0 4H8\" stroke=\"#fff\" stroke-width=\"2\"/>"},
    {"#b9c4cf", "<circle cx=\"4\" cy=\"4\" r=\"1.6\" fill=\"#33414d\"/>"},
    {"#f4f4f0", "<path d=\"M0 0L8 8M0 8L8 0\" stroke=\"#666\" stroke-width=\".8\"/>"},
};

void chart_patterns(FILE *out)
{
    fputs("<svg width=\"0\" height=\"0\" style=\"position:absolute\" "
          "aria-hidden=\"true\"><defs>",
          out);
    for (int i = 0; i < CHART_FILLS; i++)
        fprintf(out,
                "<pattern id=\"f%d\" width=\"8\" height=\"8\" "
                "patternUnits=\"userSpaceOnUse\"><rect width=\"8\" height=\"8\" "
                "fill=\"%s\"/>%s</pattern>",
                i, fills[i].colour, fills[i].pattern);
    fputs("</defs></svg>\n", out);
}

/* Of `of`, in thousandths of a percent, 0 to 100 %. */
static int64_t share(int64_t mj, int64_t of)
{
    if (mj <= 0 || of <= 0)
        return 0;
    return mj >= of ? ALL : (int64_t)((__int128)mj * ALL / of);
}

/* " x=\"12.345%\"" */
static void percent(FILE *out, const char *attribute, int64_t thousandths)
{
    fprintf(out, " %s=\"%" PRId64 ".%03" PRId64 "%%\"", attribute, thousandths / 1000,
            thousandths % 1000);
}

static void box(FILE *out, int64_t x, int64_t width, int64_t y, int64_t height,
                int fill)
{
    fputs("<rect", out);
    percent(out, "x", x);
    percent(out, "width", width);
    fprintf(out,
            " y=\"%" PRId64 "\" height=\"%" PRId64 "\" fill=\"url(#f%d)\""
            " stroke=\"#1a1a1a\" stroke-width=\".7\"/>",
            y, height, fill);
}

static int64_t most_of(const struct chart_bar *bars, size_t count)
{
    int64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        most = bars[i].mj > most ? bars[i].mj : most;
        most = bars[i].before_mj > most ? bars[i].before_mj : most;
    }
    return most;
}

/* A line across a bar; the white one below it parts it from the bar in grey too. */
static void mark(FILE *out, int64_t x, int width, const char *colour)
{
    fprintf(out, "<line y1=\"0\" y2=\"18\" stroke=\"%s\" stroke-width=\"%d\"", colour,
            width);
    percent(out, "x1", x);
    percent(out, "x2", x);
    fputs("/>", out);
}

static void draw_bar(FILE *out, const struct chart_bar *bar, int64_t most,
                     const struct unit *unit)
{
    /* What would be 0.00 of it is told in its own. */
    bool small = bar->mj != 0 && bar->mj != ENERGY_UNKNOWN && bar->mj < unit->mj / 100;
    char text[UNIT_TEXT];

    fputs("<span class=\"n\">", out);
    page_text(out, bar->name);
    fputs("</span><svg height=\"18\" aria-hidden=\"true\">", out);
    if (bar->mj > 0)
        box(out, 0, share(bar->mj, most), 2, 14, 0);
    if (bar->before_mj > 0) {
        mark(out, share(bar->before_mj, most), 5, "#fff");
        mark(out, share(bar->before_mj, most), 3, "#c2410c");
    }
    fputs("</svg><span class=\"v\">", out);
    if (small || bar->mj == ENERGY_UNKNOWN)
        fputs(unit_text(text, sizeof text, bar->mj), out);
    else
        fprintf(out, "%s %s", unit_number(text, sizeof text, bar->mj, unit),
                unit->name);
    if (bar->note) {
        fputs("<small>", out);
        page_text(out, bar->note);
        fputs("</small>", out);
    }
    fputs("</span>\n", out);
}

void chart_bars(FILE *out, const struct chart_bar *bars, size_t count)
{
    int64_t most = most_of(bars, count);
    const struct unit *unit = unit_of(most);
    bool compared = false;

    if (count == 0) {
        page_paragraph(out, "Nothing was used.");
        return;
    }
    fputs("<div class=\"bars\">\n", out);
    for (size_t i = 0; i < count; i++) {
        draw_bar(out, &bars[i], most, unit);
        compared = compared || bars[i].before_mj > 0;
    }
    fputs("</div>\n", out);
    if (compared)
        fputs(
            "<ul class=\"legend\"><li><svg width=\"16\" height=\"16\"><line x1=\"8\" "
            "x2=\"8\" y1=\"0\" y2=\"16\" stroke=\"#c2410c\" stroke-width=\"3\"/></svg>"
            "the period before</li></ul>\n",
            out);
}

static void swatch(FILE *out, int fill)
{
    fprintf(out,
            "<svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect x=\".5\" "
            "y=\".5\" width=\"15\" height=\"15\" fill=\"url(#f%d)\" stroke=\"#1a1a1a\" "
            "stroke-width=\".7\"/></svg>",
            fill);
}

/* "12.3 %", "0.0 %" only of nothing. */
static void write_share(FILE *out, int64_t mj, int64_t of)
{
    int64_t tenths = (share(mj, of) + 50) / 100;

    if (mj > 0 && tenths == 0)
        fputs("under 0.1 %", out);
    else
        fprintf(out, "%" PRId64 ".%" PRId64 " %%", tenths / 10, tenths % 10);
}

static void legend_entry(FILE *out, int fill, const struct chart_part *part,
                         int64_t all)
{
    char text[UNIT_TEXT];

    fputs("<li>", out);
    swatch(out, fill);
    fputs("<span>", out);
    page_text(out, part->name);
    fprintf(out, ": %s", unit_text(text, sizeof text, part->mj));
    if (part->mj != ENERGY_UNKNOWN) {
        fputs(", ", out);
        write_share(out, part->mj, all);
    }
    fputs("</span></li>\n", out);
}

void chart_split(FILE *out, const struct chart_part *parts, size_t count)
{
    int64_t all = 0, x = 0;

    for (size_t i = 0; i < count; i++)
        if (parts[i].mj > 0)
            all = energy_add(all, parts[i].mj);
    if (all == 0) {
        page_paragraph(out, "Nothing was used.");
        return;
    }
    fputs("<div class=\"split\"><svg height=\"36\" aria-hidden=\"true\">", out);
    for (size_t i = 0; i < count && i < CHART_FILLS; i++) {
        if (parts[i].mj <= 0)
            continue;
        box(out, x, share(parts[i].mj, all), 1, 34, (int)i);
        x += share(parts[i].mj, all);
    }
    fputs("</svg>\n<ul class=\"legend\">\n", out);
    for (size_t i = 0; i < count && i < CHART_FILLS; i++)
        legend_entry(out, (int)i, &parts[i], all);
    fputs("</ul></div>\n", out);
}

/* The step of a scale up to `most`: 1, 2 or 5 of a power of ten of its unit. */
static int64_t step_of(int64_t most, const struct unit *unit)
{
    static const int64_t firsts[] = {1, 2, 5};

    for (int64_t tens = unit->mj / 100;; tens *= 10)
        for (int i = 0; i < 3; i++)
            if (most / (tens * firsts[i]) < STEPS)
                return tens * firsts[i];
}

static int64_t highest(const struct chart_column *columns, size_t count)
{
    int64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t sum = energy_add(columns[i].mj[0], columns[i].mj[1]);

        most = sum > most ? sum : most;
    }
    return most;
}

static int64_t height(int64_t mj, int64_t top)
{
    return share(mj, top) * PLOT / ALL;
}

static int64_t level(int64_t mj, int64_t top)
{
    return ABOVE + PLOT - height(mj, top);
}

/* All numbers of a scale have as many places as its step needs. */
static void write_tick(FILE *out, int64_t at, int64_t step, const struct unit *unit)
{
    int64_t hundredths = at / (unit->mj / 100);

    fprintf(out, "%" PRId64, hundredths / 100);
    if (step % unit->mj != 0)
        fprintf(out, step % (unit->mj / 10) == 0 ? ".%" PRId64 : ".%02" PRId64,
                step % (unit->mj / 10) == 0 ? hundredths % 100 / 10 : hundredths % 100);
}

/* The numbers left of the plot; the unit on top of them. */
static void draw_scale(FILE *out, int64_t top, int64_t step, const struct unit *unit)
{
    fprintf(out,
            "<svg height=\"%d\" aria-hidden=\"true\"><text x=\"100%%\" dx=\"-6\" "
            "y=\"10\" text-anchor=\"end\" font-weight=\"600\">%s</text>",
            ABOVE + PLOT + BELOW, unit->name);
    for (int64_t at = 0; top - at >= step; at += step) {
        fprintf(out,
                "<text x=\"100%%\" dx=\"-6\" y=\"%" PRId64 "\" text-anchor=\"end\">",
                level(at, top) + 4);
        write_tick(out, at, step, unit);
        fputs("</text>", out);
    }
    fputs("</svg>", out);
}

static void draw_lines(FILE *out, int64_t top, int64_t step)
{
    for (int64_t at = 0; top - at >= step; at += step)
        fprintf(out,
                "<line x1=\"0\" x2=\"100%%\" y1=\"%" PRId64 "\" y2=\"%" PRId64
                "\" stroke=\"%s\" stroke-width=\"1\"/>",
                level(at, top), level(at, top), at ? "#d0d0d0" : "#1a1a1a");
}

/* Each column has a place as wide as all others, and stands in its middle. */
static void draw_column(FILE *out, const struct chart_column *column, size_t i,
                        size_t count, int64_t top)
{
    int64_t place = ALL / (int64_t)count, x = (int64_t)i * ALL / (int64_t)count;
    int64_t width = place * (count > 60 ? 92 : 76) / 100, y = ABOVE + PLOT;

    x += (place - width) / 2;
    if (column->mj[0] == ENERGY_UNKNOWN) {
        fputs("<text text-anchor=\"middle\"", out);
        percent(out, "x", x + width / 2);
        fprintf(out, " y=\"%d\">?</text>", ABOVE + PLOT - 5);
        return;
    }
    for (int p = 0; p < 2; p++) {
        int64_t h = height(column->mj[p], top);

        if (column->mj[p] <= 0)
            continue;
        h = h < 1 ? 1 : h;
        y -= h;
        box(out, x, width, y, h, p == 0 ? 0 : CHART_FILLS - 1);
    }
}

/* As many as narrow screens have room for, the first and the last among them. */
static void draw_names(FILE *out, const struct chart_column *columns, size_t count)
{
    size_t names = count < NAMES ? count : NAMES;

    for (size_t n = 0; n < names; n++) {
        size_t i = names == 1 ? 0 : n * (count - 1) / (names - 1);
        bool few = count <= NAMES, first = !few && n == 0;
        bool last = !few && n + 1 == names;

        fprintf(out, "<text text-anchor=\"%s\" y=\"%d\"",
                first  ? "start"
                : last ? "end"
                       : "middle",
                ABOVE + PLOT + 17);
        percent(out, "x",
                first  ? 0
                : last ? ALL
                       : (2 * (int64_t)i + 1) * ALL / (2 * (int64_t)count));
        putc('>', out);
        page_text(out, columns[i].name);
        fputs("</text>", out);
    }
}

static bool has_unknown(const struct chart_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i].mj[0] == ENERGY_UNKNOWN)
            return true;
    return false;
}

void chart_columns(FILE *out, const struct chart_column *columns, size_t count,
                   const char *const parts[2])
{
    int64_t most = highest(columns, count), step, top;
    const struct unit *unit = unit_of(most);

    if (count == 0) {
        page_paragraph(out, "There is nothing to show.");
        return;
    }
    step = most > 0 ? step_of(most, unit) : unit->mj;
    top = most > INT64_MAX - step ? most : (most / step + 1) * step;
    fputs("<div class=\"columns\"><div class=\"plot\">", out);
    draw_scale(out, top, step, unit);
    fprintf(out,
            "<svg height=\"%d\" role=\"img\" aria-label=\"energy by time, in %s\">",
            ABOVE + PLOT + BELOW, unit->name);
    draw_lines(out, top, step);
    for (size_t i = 0; i < count; i++)
        draw_column(out, &columns[i], i, count, top);
    draw_names(out, columns, count);
    fputs("</svg></div>\n<ul class=\"legend\">", out);
    for (int p = 0; p < 2; p++) {
        if (!parts[p])
            continue;
        fputs("<li>", out);
        swatch(out, p == 0 ? 0 : CHART_FILLS - 1);
        page_text(out, parts[p]);
        fputs("</li>", out);
    }
    if (has_unknown(columns, count))
        fputs("<li>?: unknown</li>", out);
    fputs("</ul></div>\n", out);
}
