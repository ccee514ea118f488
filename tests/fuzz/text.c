/* text.c - every function of text.h on any bytes at all
 *
 * The first byte picks the function. What one accepts must be a sane number.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/meter/text.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    int64_t value = -1, other = -1;
    const char *why = NULL, *text = (const char *)data + 1;
    uint64_t bits;
    char *list;
    int rc = 0;

    if (size < 1)
        return 0;
    size--;
    switch (data[0] % 9) {
    case 0:
        rc = text_number(text, size, &value, &why);
        assert(rc < 0 || value >= 0);
        break;
    case 1:
        rc = text_signed(text, size, &value, &why);
        break;
    case 2:
        rc = text_pm_counter(text, size, "J", &value, &other, &why);
        assert(rc < 0 || (value >= 0 && other >= 0));
        break;
    case 3:
        rc = text_pm_counter(text, size, "W", &value, &other, &why);
        break;
    case 4:
        rc = text_cpu_stat(text, size, &value, &why);
        assert(rc < 0 || value >= 0);
        break;
    case 5:
        rc = text_proc_stat(text, size, &value, &other, &why);
        assert(rc < 0 || (value >= 0 && other >= 0));
        break;
    case 6:
        rc = text_dcmi(text, size, &value, &other, &why);
        assert(rc < 0 || (value > 0 && value <= INT64_C(1000000000) && other >= 0));
        break;
    case 7:
        text_cgroup_job(text, size);
        break;
    default:
        list = strndup(text, size);
        text_index_list(list, &bits);
        free(list);
    }
    assert(rc == 0 || why);
    return 0;
}
