/* manual.c - what the manual pages say, compiled in (tools/manpages) */
#include "tools/manual.h"

#include <string.h>

const char *manual_find(const char *topic)
{
    for (const struct manual *m = manual_texts; m->topic; m++)
        if (strcmp(m->topic, topic) == 0)
            return m->text;
    return NULL;
}
