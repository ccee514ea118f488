/* page.c - the frame of a page that is one file: HTML with its styles */
#include "tools/page.h"

#include <stdlib.h>
#include <string.h>

#include "tools/printable.h"

/* Widths are in rem and percent, so that they follow the reader's letters. */
static const char styles[] =
    ":root{color-scheme:light}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:70rem;padding:1.5rem 1rem;background:#fff;"
    "color:#1a1a1a;font:15px/1.45 system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif}"
    "h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem}"
    "h2{font-size:1.15rem;margin:0 0 .6rem}"
    ".sub{color:#444;margin:0 0 .5rem}"
    ".sim{display:inline-block;border:2px solid #1a1a1a;padding:.1rem .5rem;"
    "font-weight:600;margin:.25rem 0 0}"
    "section{margin:1.8rem 0 0}"
    "p{margin:.4rem 0;max-width:48rem}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.6rem,1fr));"
    "gap:.6rem;margin:1.2rem 0 0}"
    ".figure{border:1px solid #b8b8b8;border-radius:4px;"
    "padding:.5rem .7rem}"
    ".figure b{display:block;font-size:1.08rem;font-weight:600;overflow-wrap:anywhere}"
    ".figure span{display:block;color:#444;font-size:.85rem}"
    ".scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;font-size:.84rem;"
    "font-variant-numeric:tabular-nums}"
    "caption{text-align:left;color:#444;padding:0 0 .3rem}"
    "th,td{padding:.2rem .4rem;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd}"
    "th{border-bottom:2px solid #1a1a1a;vertical-align:bottom;font-weight:600}"
    "td:first-child{overflow-wrap:anywhere;min-width:11rem}"
    ".r{text-align:right;white-space:nowrap}"
    "th.r{white-space:normal}"
    ".sum td{font-weight:600;border-top:1px solid #1a1a1a}"
    ".bars{display:grid;grid-template-columns:minmax(5rem,14rem) 1fr auto;"
    "gap:.2rem .6rem;align-items:center;font-size:.88rem}"
    ".bars .n{overflow-wrap:anywhere;text-align:right;line-height:1.2}"
    ".bars .v{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".bars small{display:block;color:#444;line-height:1.1}"
    ".bars svg,.split svg,.columns svg{display:block;width:100%;overflow:visible}"
    ".plot{display:grid;grid-template-columns:3.6rem 1fr}"
    ".legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;list-style:none;padding:0;"
    "margin:.6rem 0 0;font-size:.88rem}"
    ".legend li{display:flex;align-items:center;gap:.4rem}"
    ".legend li svg{flex:none;width:16px;height:16px}"
    "svg text{font:12px system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif;fill:#1a1a1a}"
    "footer{margin:2.5rem 0 0;padding:.5rem 0 0;border-top:1px solid #b8b8b8;"
    "color:#444;font-size:.82rem}"
    "@media (max-width:640px){"
    "body{padding:1rem .7rem}.x{display:none}"
    ".bars{grid-template-columns:minmax(4rem,7.5rem) 1fr auto}"
    "th,td{padding:.22rem .3rem}td:first-child{min-width:7rem}}"
    "@page{size:A4;margin:15mm}"
    "@media print{"
    "body{max-width:none;padding:0;font-size:10pt}"
    "table{font-size:7.5pt}th,td{padding:2pt "
    "3pt}td:first-child{min-width:6rem}.scroll{overflow:visible}.x{"
    "display:table-cell}"
    "thead{display:table-header-group}"
    "tr,.figure,.columns,.split,.bars>*{break-inside:avoid}"
    "h2{break-after:avoid}}";

void page_text(FILE *out, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        abort();
    printable_text(copy);
    for (const char *c = copy; *c; c++) {
        const char *name = *c == '&'    ? "&amp;"
                           : *c == '<'  ? "&lt;"
                           : *c == '>'  ? "&gt;"
                           : *c == '"'  ? "&quot;"
                           : *c == '\'' ? "&#39;"
                                        : NULL;

        if (name)
            fputs(name, out);
        else
            putc(*c, out);
    }
    free(copy);
}

/* <tag>text</tag>; `open` is the tag with its attributes. */
static void element(FILE *out, const char *open, const char *text, const char *tag)
{
    fprintf(out, "<%s>", open);
    page_text(out, text);
    fprintf(out, "</%s>\n", tag);
}

void page_begin(FILE *out, const struct page *page)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          /* Whatever a name may hold, nothing is run and nothing is fetched. */
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
          "style-src 'unsafe-inline'\">\n",
          out);
    element(out, "title", page->title, "title");
    fprintf(out, "<style>%s</style>\n</head>\n<body>\n<header>\n", styles);
    element(out, "h1", page->title, "h1");
    if (page->subtitle)
        element(out, "p class=\"sub\"", page->subtitle, "p");
    if (page->simulated)
        element(out, "p class=\"sim\"", "simulated: no real counters", "p");
    fputs("</header>\n", out);
}

void page_end(FILE *out, const struct page *page)
{
    fputs("<footer>", out);
    page_text(out, "made by kwota");
    if (page->made) {
        fputs(" at ", out);
        page_text(out, page->made);
    }
    fputs("</footer>\n</body>\n</html>\n", out);
}

void page_section(FILE *out, const char *heading)
{
    fputs("<section>\n", out);
    element(out, "h2", heading, "h2");
}

void page_section_end(FILE *out)
{
    fputs("</section>\n", out);
}

void page_paragraph(FILE *out, const char *text)
{
    element(out, "p", text, "p");
}

void page_figures(FILE *out)
{
    fputs("<div class=\"figures\">\n", out);
}

void page_figure(FILE *out, const char *name, const char *value, const char *note)
{
    fputs("<div class=\"figure\">", out);
    element(out, "span", name, "span");
    element(out, "b", value, "b");
    if (note)
        element(out, "span", note, "span");
    fputs("</div>\n", out);
}

void page_figures_end(FILE *out)
{
    fputs("</div>\n", out);
}

/* The classes of a column; *name: what it is called. */
static const char *classes_of(const char *column, const char **name)
{
    static const char *const classes[2][2] = {{"", "x"}, {"r", "r x"}};
    bool left_out = column[0] == '-', right;

    column += left_out;
    right = column[0] == '>';
    *name = column + right;
    return classes[right][left_out];
}

void page_table(FILE *out, const char *caption, const char *const *columns)
{
    fputs("<div class=\"scroll\"><table>\n", out);
    if (caption)
        element(out, "caption", caption, "caption");
    fputs("<thead><tr>", out);
    for (; *columns; columns++) {
        const char *name, *classes = classes_of(*columns, &name);

        fprintf(out, "<th scope=\"col\" class=\"%s\">", classes);
        page_text(out, name);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

void page_row(FILE *out, const char *const *columns, const char *const *texts,
              int depth, bool strong)
{
    fputs(strong ? "<tr class=\"sum\">" : "<tr>", out);
    for (size_t i = 0; columns[i]; i++) {
        const char *name, *classes = classes_of(columns[i], &name);

        fprintf(out, "<td class=\"%s\"", classes);
        if (i == 0 && depth > 0)
            fprintf(out, " style=\"padding-left:%d.%drem\"", (depth * 12 + 5) / 10,
                    (depth * 12 + 5) % 10);
        putc('>', out);
        page_text(out, texts[i]);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

void page_table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}
