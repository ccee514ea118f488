/* answer.c - what the SPANK plugin makes of any answer of a meter: the end-of-job block
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "plugin/allocation.h"
#include "plugin/block.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    json_t *answer = json_loadb((const char *)data, size, 0, NULL);
    struct block block = {.count = 0};
    char text[256];

    if (json_is_object(json_object_get(answer, "summary"))) {
        block_make(&block, "12", json_object_get(answer, "summary"));
        for (int i = 0; i < block.count; i++)
            assert(memchr(block.line[i], '\0', sizeof block.line[i]));
    }
    json_decref(answer);
    memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
    text[size < sizeof text ? size : sizeof text - 1] = '\0';
    assert(allocation_cores(text) != 0);
    allocation_cpus(text, 3);
    return 0;
}
