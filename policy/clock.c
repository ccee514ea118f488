/* clock.c - the time that budgets and periods go by */
#include "policy/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t clock_now_s(void)
{
    const char *path = getenv("KWOTA_TEST_CLOCK");
    FILE *file = path ? fopen(path, "re") : NULL;
    long long ahead_s = 0;

    if (file) {
        if (fscanf(file, "%lld", &ahead_s) != 1)
            ahead_s = 0;
        fclose(file);
    }
    return (int64_t)time(NULL) + ahead_s;
}
