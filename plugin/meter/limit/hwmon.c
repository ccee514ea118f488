/* hwmon.c - the power limits of GPUs as Linux's hwmon devices show them
 *
 * Documentation/gpu/amdgpu/thermal.rst of Linux: power1_cap, its _min, _max and
 * _default, in microwatts; the driver cuts off what is below a watt, and refuses with
 * EINVAL what is out of range. Its minimum is 0 on many kernels, where 0 W is no limit.
 * Documentation/ABI/testing/sysfs-driver-intel-{i915,xe}-hwmon: power1_max, and for
 * cards that only have their package's, power2_max; 0 means switched off, what is above
 * 0 and at most the rated power is taken, and no minimum is told.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/meter/limit/file.h"
#include "plugin/meter/limit/kind.h"

#define CARDS LIMIT_MAX
#define FOLDER 440 /* a path has to hold it and a file's name */

/* A GPU's hwmon device. */
struct card {
    char folder[FOLDER];
    char name[COUNTER_NAME]; /* the driver's */
    int render;              /* node; -1: none */
    int order;               /* of its energy counter */
    bool counted;            /* it has one */
};

/* Where each limit is; its number is limit->device. */
static char paths[CARDS][LIMIT_PATH];

static int is_hwmon(const struct dirent *entry)
{
    return strncmp(entry->d_name, "hwmon", 5) == 0;
}

static bool is_amd(const struct card *card)
{
    return strcmp(card->name, "amdgpu") == 0;
}

static bool find_file(const struct card *card, const char *file, char path[LIMIT_PATH])
{
    snprintf(path, LIMIT_PATH, "%.*s/%.60s", FOLDER, card->folder, file);
    return access(path, F_OK) == 0;
}

static int64_t number_of(const struct card *card, const char *file)
{
    char path[LIMIT_PATH];

    return find_file(card, file, path) ? limit_file_mw(path) : 0;
}

/* The number of device/drm/renderD128; -1: there is none. */
static int render_node(const struct card *card)
{
    char path[LIMIT_PATH];
    struct dirent *entry;
    DIR *drm;
    int number = -1;

    snprintf(path, sizeof path, "%.*s/device/drm", FOLDER, card->folder);
    drm = opendir(path);
    while (drm && (entry = readdir(drm)))
        if (strncmp(entry->d_name, "renderD", 7) == 0)
            number = atoi(entry->d_name + 7);
    if (drm)
        closedir(drm);
    return number;
}

/* Whether source/hwmon.c has an energy counter for it, and so a place for its number.
 */
static bool is_counted(const struct card *card)
{
    static const char *const files[] = {"energy1_input",  "energy2_input",
                                        "power1_average", "power1_input",
                                        "power2_average", "power2_input"};
    char path[LIMIT_PATH];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (find_file(card, files[i], path))
            return true;
    return false;
}

/* false: no GPU. `number` is its place among all hwmon devices. The folder below
 * /sys/devices is the same card's for good, or is not there: the hwmon number may be
 * another's when a driver is loaded again. */
static bool look_at(struct card *card, const char *root, const char *hwmon, int number)
{
    char path[LIMIT_PATH], *real;

    snprintf(card->folder, sizeof card->folder, "%.380s/sys/class/hwmon/%.40s", root,
             hwmon);
    real = realpath(card->folder, NULL);
    if (real && strlen(real) < sizeof card->folder)
        strcpy(card->folder, real);
    free(real);
    snprintf(path, sizeof path, "%.*s/name", FOLDER, card->folder);
    counter_line(path, card->name, sizeof card->name);
    if (!is_amd(card) && strcmp(card->name, "i915") != 0 &&
        strcmp(card->name, "xe") != 0)
        return false;
    card->render = render_node(card);
    card->order = card->render >= 0 ? card->render : number;
    card->counted = is_counted(card);
    return true;
}

/* How many counted cards come before it. */
static int32_t place_of(const struct card *cards, int count, int card)
{
    int32_t place = 0;

    for (int o = 0; o < count; o++)
        if (cards[o].counted && (cards[o].order < cards[card].order ||
                                 (cards[o].order == cards[card].order && o < card)))
            place++;
    return place;
}

static bool is_pci(const char *text)
{
    unsigned domain, bus, slot, function;
    int end = 0;

    return sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) ==
               4 &&
           !text[end];
}

/* By the card's place on the bus, which stays; numbers of hwmon devices do not. */
static void name_id(const struct card *card, struct limit *limit)
{
    char path[LIMIT_PATH], *real, *last;

    snprintf(path, sizeof path, "%.*s/device", FOLDER, card->folder);
    real = realpath(path, NULL);
    last = real ? strrchr(real, '/') : NULL;
    if (last && is_pci(last + 1))
        snprintf(limit->id, sizeof limit->id, "hwmon:%.40s", last + 1);
    else if (card->render >= 0)
        snprintf(limit->id, sizeof limit->id, "hwmon:renderD%d", card->render);
    else
        snprintf(limit->id, sizeof limit->id, "hwmon:%.20s-%d", card->name,
                 limit->index);
    free(real);
}

/* As source/hwmon.c names counters. */
static void name_limit(const struct limits *limits, struct limit *limit)
{
    char name[COUNTER_NAME];

    snprintf(name, sizeof name, "gpu-%d", limit->index);
    if (limits_taken(limits, name))
        snprintf(name, sizeof name, "hwmon-gpu-%d", limit->index);
    memcpy(limit->name, name, sizeof name);
}

/* The file of the limit, and which of the card's channels it belongs to; 0: none. */
static int find_limit(const struct card *card, char path[LIMIT_PATH])
{
    if (is_amd(card))
        return find_file(card, "power1_cap", path) ? 1 : 0;
    return find_file(card, "power1_max", path)   ? 1
           : find_file(card, "power2_max", path) ? 2
                                                 : 0;
}

static void find_range(const struct card *card, int channel, struct limit *limit)
{
    int64_t most, usual;

    if (is_amd(card)) {
        most = number_of(card, "power1_cap_max");
        usual = number_of(card, "power1_cap_default");
        limit_range(limit, number_of(card, "power1_cap_min"), most, most);
    } else {
        most = usual =
            number_of(card, channel == 1 ? "power1_rated_max" : "power2_rated_max");
        limit_range(limit, 0, most, most);
    }
    if (usual > 0)
        limit->default_mw = usual;
}

static void open_card(struct limits *limits, const struct card *card, int32_t place)
{
    char path[LIMIT_PATH];
    int channel = find_limit(card, path);
    struct limit *limit;

    if (channel == 0 || (is_amd(card) && limit_rsmi_holds(limits, card->render)))
        return;
    limit = limits_add(limits, LIMIT_HWMON, COUNTER_GPU);
    if (!limit)
        return;
    limit->device = limits->count - 1;
    limit->index = place;
    memcpy(paths[limit->device], path, sizeof path);
    name_limit(limits, limit);
    name_id(card, limit);
    limit_file_check(path, limit->why);
    find_range(card, channel, limit);
}

static const char *find_limits(struct limits *limits)
{
    static struct card cards[CARDS];
    char folder[LIMIT_PATH];
    struct dirent **devices;
    int found, count = 0, before = limits->count;

    snprintf(folder, sizeof folder, "%.390s/sys/class/hwmon", limits->sources->root);
    found = scandir(folder, &devices, is_hwmon, versionsort);
    if (found < 0)
        return "there is no sys/class/hwmon";
    for (int i = 0; i < found; i++) {
        if (count < CARDS &&
            look_at(&cards[count], limits->sources->root, devices[i]->d_name, i))
            count++;
        free(devices[i]);
    }
    free(devices);
    for (int c = 0; c < count; c++)
        open_card(limits, &cards[c], place_of(cards, count, c));
    return limits->count > before ? NULL
                                  : "no GPU under sys/class/hwmon has a limit that no "
                                    "other kind has";
}

static enum limit_error read_limit(const struct limits *limits,
                                   const struct limit *limit, int64_t *mw,
                                   char why[LIMIT_WHY])
{
    (void)limits;
    return limit_file_read(paths[limit->device], mw, why);
}

static enum limit_error set_limit(const struct limits *limits,
                                  const struct limit *limit, int64_t mw,
                                  char why[LIMIT_WHY])
{
    (void)limits;
    return limit_file_write(paths[limit->device], mw, why);
}

const struct limit_ops limit_hwmon = {
    .source = SOURCE_HWMON, .find = find_limits, .read = read_limit, .set = set_limit};
