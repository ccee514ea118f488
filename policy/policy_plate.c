/* policy_plate.c - nameplates: what a partition's nodes are taken to draw at most */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_inside.h"
#include "policy/watts.h"

/* Beyond these bounds a figure was hardly meant as watts. */
static const struct part {
    const char *key, *of;
    size_t offset;
    int64_t least_mw, most_mw;
} parts[] = {
    {"node_w", "a node", offsetof(struct nameplate, node_mw), 3000, 100000000},
    {"cpu_w", "a CPU", offsetof(struct nameplate, cpu_mw), 50, 2000000},
    {"gpu_w", "a GPU", offsetof(struct nameplate, gpu_mw), 3000, 10000000},
};

#define PARTS ((int)(sizeof parts / sizeof *parts))

static int64_t *part_of(struct nameplate *nameplate, int part)
{
    return (int64_t *)((char *)nameplate + parts[part].offset);
}

/* "8.5": 8500. -1: it is no decimal with at most three places. */
static int64_t decimal_mw(const char *text)
{
    int64_t mw = 0;
    int digits = 0, places = -1;

    for (; *text; text++) {
        if (*text == '.' && places < 0 && digits > 0) {
            places = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || digits == 15 || places == 3)
            return -1;
        mw = mw * 10 + (*text - '0');
        digits++;
        places += places >= 0;
    }
    if (!digits || places == 0)
        return -1;
    for (; places < 3; places += places < 0 ? 2 : 1)
        mw *= 10;
    return mw;
}

/* -1: it is no number of watts with at most three places. A real is taken only if it is
 * the very one that such a decimal is read as. */
static int64_t watts_mw(const json_t *json)
{
    double value = json_real_value(json);
    int64_t mw;

    if (json_is_string(json))
        return decimal_mw(json_string_value(json));
    if (json_is_integer(json))
        return json_integer_value(json) < 0 || json_integer_value(json) > 1000000000000
                   ? -1
                   : json_integer_value(json) * 1000;
    if (!json_is_real(json) || value < 0 || value > 1e12)
        return -1;
    mw = llround(value * 1000);
    return (double)mw / 1000 == value ? mw : -1;
}

char *policy_watts(int64_t mw, char text[POLICY_WATTS])
{
    return watts_text(mw, text);
}

/* A thousand times too little was kilowatts, too much milliwatts. */
static bool plausible(struct config_item item, const struct part *part, int64_t mw)
{
    bool little = mw > 0 && mw<part->least_mw, much = mw> part->most_mw;
    int64_t meant = little ? mw * 1000 : mw / 1000;
    char path[CONFIG_PATH], is[POLICY_WATTS], was[POLICY_WATTS];

    if (!little && !much)
        return true;
    config_path(item, path);
    policy_watts(mw, is);
    policy_watts(meant, was);
    if (meant >= part->least_mw && meant <= part->most_mw)
        config_mistake(item, CONFIG_VALUE,
                       "%s: %s W for %s is too %s; did you mean %s (watts, not %s)?",
                       path, is, part->of, little ? "little" : "much", was,
                       little ? "kilowatts" : "milliwatts");
    else
        config_mistake(item, CONFIG_VALUE, "%s: %s W for %s is too %s; watts are meant",
                       path, is, part->of, little ? "little" : "much");
    return false;
}

/* `general`: the nameplate of "*", where a part that is not told is taken from. */
static void take_part(struct config_item plate, const struct part *part,
                      const int64_t *general, int64_t *to)
{
    struct config_item item = config_member(plate, part->key);
    char path[CONFIG_PATH];
    int64_t mw;

    if (!item.json && general) {
        *to = *general;
    } else if (!item.json) {
        config_mistake(plate, CONFIG_VALUE,
                       "%s: %s is missing (watts for %s; 0 if there are none)",
                       config_path(plate, path), part->key, part->of);
    } else if ((mw = watts_mw(item.json)) < 0) {
        config_wrong(item, "a number of watts with at most three decimal places");
    } else if (plausible(item, part, mw)) {
        *to = mw;
    }
}

static void take_plate(struct config_item item, struct nameplate *general,
                       struct policy *policy, const char *partition)
{
    static const char *const keys[] = {"node_w", "cpu_w", "gpu_w", NULL};
    struct policy_plate *more, plate = {0};

    if (!config_is_object(item))
        return;
    config_known(item, keys);
    for (int p = 0; p < PARTS; p++)
        take_part(item, &parts[p], general ? part_of(general, p) : NULL,
                  part_of(&plate.nameplate, p));
    more = realloc(policy->plates, (size_t)(policy->plate_count + 1) * sizeof *more);
    if (!more)
        return;
    plate.partition = strdup(partition);
    policy->plates = more;
    policy->plates[policy->plate_count++] = plate;
}

void policy_take_plates(struct config_item item, struct policy *policy)
{
    struct config_item star = config_member(item, "*");
    struct nameplate general = {0};
    const char *partition;
    json_t *value;

    if (!config_is_object(item))
        return;
    take_plate(star, NULL, policy, "*");
    if (policy->plate_count)
        general = policy->plates[0].nameplate;
    json_object_foreach(item.json, partition, value)
    {
        struct config_item plate = config_member(item, partition);

        if (strcmp(partition, "*") != 0)
            take_plate(plate, star.json ? &general : NULL, policy, partition);
    }
}

bool policy_nameplate(const struct policy *policy, const char *partition,
                      struct nameplate *nameplate, struct policy_source *source)
{
    const struct policy_plate *found = NULL;
    char path[CONFIG_PATH];

    for (int i = 0; i < policy->plate_count; i++) {
        const struct policy_plate *plate = &policy->plates[i];

        if (strcmp(plate->partition, "*") == 0 && !found)
            found = plate;
        else if (partition && strcmp(plate->partition, partition) == 0)
            found = plate;
    }
    snprintf(path, sizeof path, "estimate.nameplate.%s", found ? found->partition : "");
    if (source)
        policy_where(policy, path, source);
    if (found)
        *nameplate = found->nameplate;
    return found != NULL;
}

json_t *policy_show_plates(const struct policy *policy)
{
    json_t *plates = json_object();

    for (int i = 0; i < policy->plate_count; i++) {
        struct policy_plate plate = policy->plates[i];
        json_t *shown = json_object();

        for (int p = 0; p < PARTS; p++) {
            int64_t mw = *part_of(&plate.nameplate, p);
            char text[POLICY_WATTS];

            /* Whole watts as a number, others as a decimal that stays one. */
            json_object_set_new(shown, parts[p].key,
                                mw % 1000 ? json_string(policy_watts(mw, text))
                                          : json_integer(mw / 1000));
        }
        json_object_set_new(plates, plate.partition, shown);
    }
    return plates;
}
