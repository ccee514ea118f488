/* page.h - the frame of a page that is one file: HTML with its styles, and nothing else
 *
 * No scripts, no fonts, no pictures from elsewhere: it can be mailed, kept and printed
 * (A4). It is light in dark surroundings too, for paper is. Charts are chart.h's. All
 * functions write to `out`; whoever opened it asks ferror(). Texts are escaped here,
 * and control characters in them become '?'.
 */
#ifndef KWOTA_PAGE_H
#define KWOTA_PAGE_H

#include <stdbool.h>
#include <stdio.h>

struct page {
    const char *title;
    const char *subtitle; /* under it; NULL: none */
    const char *made;     /* "2026-11-21 10:00": when, at the foot */
    bool simulated;       /* said under the title: not what was really used */
};

void page_begin(FILE *out, const struct page *page);
void page_end(FILE *out, const struct page *page);

/* A text as HTML, in quotes of attributes too. */
void page_text(FILE *out, const char *text);

/* A heading of a section; what follows it is kept with it on paper. page_section_end()
 * ends it. */
void page_section(FILE *out, const char *heading);
void page_section_end(FILE *out);

void page_paragraph(FILE *out, const char *text);

/* A row of figures to be seen first: begin, figures, end. note NULL: none. */
void page_figures(FILE *out);
void page_figure(FILE *out, const char *name, const char *value, const char *note);
void page_figures_end(FILE *out);

/* A table. The name of a right-aligned column begins with '>', that of one which narrow
 * screens leave out with '-' before it; NULL ends the list. */
void page_table(FILE *out, const char *caption, const char *const *columns);

/* Its row, with as many texts as there are columns. depth: how far the first is
 * indented; strong: a sum. */
void page_row(FILE *out, const char *const *columns, const char *const *texts,
              int depth, bool strong);
void page_table_end(FILE *out);

#endif
