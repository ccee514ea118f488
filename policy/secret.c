/* secret.c - comparing what somebody gives with what only some know */
#include "policy/secret.h"

#include <stddef.h>
#include <string.h>

bool secret_same(const char *a, const char *b)
{
    size_t size = strlen(a);
    volatile unsigned char differs = 0;

    if (strlen(b) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        differs = (unsigned char)(differs | (a[i] ^ b[i]));
    return differs == 0;
}
