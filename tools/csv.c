/* csv.c - lines of comma-separated values, as spreadsheets read them (RFC 4180) */
#include "tools/csv.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_formula(const char *text)
{
    if (text[0] == '+' || text[0] == '-')
        return text[1] && !isdigit((unsigned char)text[1]);
    return text[0] == '=' || text[0] == '@' || text[0] == '\t';
}

static void cell(FILE *out, const char *text)
{
    bool formula = is_formula(text);

    if (!formula && !text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputs(formula ? "\"'" : "\"", out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

void csv_line(FILE *out, const char *const *texts)
{
    for (size_t i = 0; texts[i]; i++) {
        if (i > 0)
            putc(',', out);
        cell(out, texts[i]);
    }
    fputs("\r\n", out);
}
