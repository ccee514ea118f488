/* sources.c - the JSON list of sources from any bytes at all */
#include <assert.h>
#include <string.h>

#include "plugin/meter/sources.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct sources sources;
    char error[SOURCES_ERROR] = "";

    sources_default(&sources, "/");
    if (sources_parse(&sources, (const char *)data, size, error) < 0) {
        assert(error[0]);
        return 0;
    }
    assert(sources.sample_ms >= 100 && sources.dcmi_ms >= 1000);
    for (int k = 0; k < COUNTER_KINDS; k++)
        for (int p = 0; p < SOURCES; p++)
            assert(sources.prefer[k][p] >= -1 && sources.prefer[k][p] < SOURCES);
    return 0;
}
