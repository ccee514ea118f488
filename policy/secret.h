/* secret.h - comparing what somebody gives with what only some know
 *
 * Pure.
 */
#ifndef KWOTA_SECRET_H
#define KWOTA_SECRET_H

#include <stdbool.h>

/* Whether two texts are the same, in a time that says nothing of where they differ. */
bool secret_same(const char *a, const char *b);

#endif
