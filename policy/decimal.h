/* decimal.h - decimal numbers as whole numbers of their smallest part
 *
 * Pure, and exact: "0.285" with 6 places is 285000. Money and grams are never kept as
 * floating point.
 */
#ifndef KWOTA_DECIMAL_H
#define KWOTA_DECIMAL_H

#include <stdint.h>

#define DECIMAL_TEXT 48

enum decimal_error {
    DECIMAL_NONE = -1, /* it is no decimal number without a sign */
    DECIMAL_FINE = -2, /* it has more places than asked for, and they are not zero */
    DECIMAL_LARGE = -3,
};

/* `places`: 0 to 12. 0, or what is wrong. */
int decimal_parse(const char *text, int places, int64_t *value);

/* The shortest text that is the value again, with at least `least` places. Returns
 * text. */
char *decimal_text(int64_t value, int places, int least, char text[DECIMAL_TEXT]);

#endif
