/* clock.h - the time that budgets and periods go by
 *
 * The system's, unless the environment's KWOTA_TEST_CLOCK names a file: then the whole
 * number of seconds in it is added, read anew at each call. For tests of a period's
 * turn; measurements never use it. Thread-safe.
 */
#ifndef KWOTA_CLOCK_H
#define KWOTA_CLOCK_H

#include <stdint.h>

int64_t clock_now_s(void);

#endif
