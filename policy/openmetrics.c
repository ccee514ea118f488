/* openmetrics.c - figures in the text format that Prometheus reads */
#include "policy/openmetrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>

void openmetrics_family(FILE *out, const char *name, const char *type, const char *unit,
                        const char *help)
{
    fprintf(out, "# TYPE %s %s\n", name, type);
    if (unit)
        fprintf(out, "# UNIT %s %s\n", name, unit);
    fprintf(out, "# HELP %s %s\n", name, help);
}

/* How many bytes the character at `text` has; 0: it is none of UTF-8's. Overlong ones,
 * surrogates and what is beyond U+10FFFF are none (RFC 3629). */
static int character(const unsigned char *text)
{
    unsigned char first = text[0];
    int more = first < 0x80                     ? 0
               : first >= 0xc2 && first <= 0xdf ? 1
               : first >= 0xe0 && first <= 0xef ? 2
               : first >= 0xf0 && first <= 0xf4 ? 3
                                                : -1;

    for (int i = 1; i <= more; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return more + 1;
}

static void write_value(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        int bytes = character(at);

        if (*at == '\n')
            fputs("\\n", out);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (bytes == 0)
            fputc('?', out);
        else
            fwrite(at, 1, (size_t)bytes, out);
        at += bytes ? bytes : 1;
    }
}

static void write_decimal(FILE *out, int64_t value, int places)
{
    uint64_t amount = value < 0 ? -(uint64_t)value : (uint64_t)value, unit = 1;
    uint64_t rest;

    for (int i = 0; i < places; i++)
        unit *= 10;
    fprintf(out, "%s%" PRIu64, value < 0 ? "-" : "", amount / unit);
    rest = amount % unit;
    if (rest == 0)
        return;
    while (rest % 10 == 0) {
        rest /= 10;
        places--;
    }
    fprintf(out, ".%0*" PRIu64, places, rest);
}

void openmetrics_sample(FILE *out, const char *name, int64_t value, int places, ...)
{
    const char *label, *text;
    bool first = true;
    va_list ap;

    fputs(name, out);
    va_start(ap, places);
    while ((label = va_arg(ap, const char *))) {
        text = va_arg(ap, const char *);
        if (!text || !text[0])
            continue;
        fprintf(out, "%s%s=\"", first ? "{" : ",", label);
        write_value(out, text);
        fputc('"', out);
        first = false;
    }
    va_end(ap);
    fputs(first ? " " : "} ", out);
    write_decimal(out, value, places);
    fputc('\n', out);
}

void openmetrics_end(FILE *out)
{
    fputs("# EOF\n", out);
}
