/* printable.c - text that users gave, made safe for a terminal */
#include "tools/printable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of the control character that begins here; 0 if none does. */
static size_t control_length(const unsigned char *at)
{
    if (at[0] < 0x20 || at[0] == 0x7f)
        return 1;
    /* U+0080 to U+009F */
    if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
        return 2;
    /* U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069 */
    if (at[0] == 0xe2 && at[1] == 0x80 &&
        (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae)))
        return 3;
    return at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9 ? 3 : 0;
}

void printable_text(char *text)
{
    char *to = text;

    while (*text) {
        size_t length = control_length((const unsigned char *)text);

        *to++ = length ? '?' : *text;
        text += length ? length : 1;
    }
    *to = '\0';
}

static void printable_string(json_t *string)
{
    char *copy = strdup(json_string_value(string));

    if (!copy)
        abort();
    /* json_string_value() ends at a NUL that stood in the text as \u0000. */
    printable_text(copy);
    json_string_set(string, copy);
    free(copy);
}

void printable_json(json_t *json)
{
    const char *key;
    json_t *one;
    size_t i;

    if (json_is_string(json))
        printable_string(json);
    json_array_foreach(json, i, one) printable_json(one);
    json_object_foreach(json, key, one)
    {
        printable_json(one);
    }
}
