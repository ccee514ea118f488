/* map.c - any bytes as a budget map: sealed so that the checksum does not hide the
 * rest, then read and asked */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/admission.h"
#include "plugin/map_path.h"
#include "policy/budget_map.h"
#include "policy/budget_map_image.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the fuzzer cannot be expected to guess: magic, version, size, checksum. */
static void seal(uint8_t *bytes, size_t size)
{
    struct image_header header;

    memcpy(&header, bytes, sizeof header);
    header.magic = IMAGE_MAGIC;
    header.version = BUDGET_MAP_VERSION;
    header.size = size;
    /* Counts that may fit, so that not all are refused for them. */
    header.partition_count %= 4;
    header.account_count %= 4;
    header.user_count %= 4;
    header.rule_count %= 4;
    header.uid_count %= 4;
    memcpy(bytes, &header, sizeof header);
    bytes[size - 1] = '\0';
    header.checksum = image_checksum(bytes, size);
    memcpy(bytes, &header, sizeof header);
}

static void ask(const struct budget_map *map)
{
    static const char *const names[] = {"", "a", "main", "~", NULL};
    struct admission_site site = {map, 1700000000, true};
    struct admission admission;

    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            struct request request = {.uid = (uid_t)i,
                                      .account = names[i],
                                      .partition = names[j],
                                      .budget = j % 2 ? "1kWh" : NULL,
                                      .limit_min = i - 1,
                                      .nodes = j,
                                      .tasks = i,
                                      .exclusive = i == j};

            admission_decide(&site, &request, &admission);
            free(admission.licenses);
            (void)admission_may_edit(map, (uid_t)i, 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    size_t whole = (size + 7) / 8 * 8;
    uint8_t *bytes = calloc(1, whole + 8);
    char why[BUDGET_MAP_WHY], text[64];
    struct budget_map *map;

    if (fd < 0) {
        fd = memfd_create("map", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    memcpy(bytes, data, size);
    (void)map_path_json_text((const char *)bytes, "spool", text, sizeof text);
    if (whole >= sizeof(struct image_header))
        seal(bytes, whole);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, whole, 0) != (ssize_t)whole)
        abort();
    map = budget_map_read(path, why);
    if (map)
        ask(map);
    budget_map_free(map);
    free(bytes);
    return 0;
}
