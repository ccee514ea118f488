/* printable.h - text that users gave, made safe for a terminal
 *
 * Pure. A job's name may hold escape sequences that would act on the terminal of
 * whoever reads it.
 */
#ifndef KWOTA_PRINTABLE_H
#define KWOTA_PRINTABLE_H

#include <jansson.h>

/* Puts '?' for each control character of a UTF-8 text (C0, DEL, C1, and those that turn
 * the direction of writing), in place; the text may become shorter. */
void printable_text(char *text);

/* The same for every text in `json`, in place; keys are the program's own. */
void printable_json(json_t *json);

#endif
