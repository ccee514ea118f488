/* config_item.c - what kwota.json says of one thing, taken and checked */
#include "policy/config_item.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/json_place.h"
#include "policy/nearest.h"

#define SHOWN 48

struct config_item config_member(struct config_item object, const char *key)
{
    struct config_item item = object;
    int place;

    item.json = json_object_get(object.json, key);
    if (json_is_null(item.json))
        item.json = NULL;
    if (!item.json || !item.conf)
        return item;
    place = json_places_key(configuration_places(object.conf, object.file),
                            object.place, key);
    if (place != JSON_PLACE_NONE)
        item.place = place;
    return item;
}

struct config_item config_element(struct config_item list, size_t index)
{
    struct config_item item = list;
    int place;

    item.json = json_array_get(list.json, index);
    if (!item.conf)
        return item;
    place = json_places_element(configuration_places(list.conf, list.file), list.place,
                                index);
    if (place != JSON_PLACE_NONE)
        item.place = place;
    return item;
}

char *config_path(struct config_item item, char path[CONFIG_PATH])
{
    path[0] = '\0';
    if (!item.conf)
        return path;
    return json_places_path(configuration_places(item.conf, item.file), item.place,
                            path, CONFIG_PATH);
}

/* A value as it may stand in a sentence. */
static const char *shown(const json_t *json, char text[SHOWN])
{
    char *dump;

    if (json_is_object(json))
        return "an object";
    if (json_is_array(json))
        return "a list";
    dump = json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
    snprintf(text, SHOWN, "%s", dump ? dump : "this");
    if (dump && strlen(dump) >= SHOWN)
        memcpy(text + SHOWN - 4, "...", 4);
    free(dump);
    return text;
}

void config_wrong(struct config_item item, const char *what)
{
    char path[CONFIG_PATH], text[SHOWN];

    config_mistake(item, CONFIG_VALUE, "%s: must be %s, not %s",
                   config_path(item, path), what, shown(item.json, text));
}

bool config_is_object(struct config_item item)
{
    if (item.json && !json_is_object(item.json))
        config_wrong(item, "an object {…}");
    return json_is_object(item.json);
}

bool config_is_list(struct config_item item)
{
    if (item.json && !json_is_array(item.json))
        config_wrong(item, "a list […]");
    return json_is_array(item.json);
}

static void list_words(const char *const *words, const char *quote, char *text,
                       size_t size)
{
    size_t len = 0;

    text[0] = '\0';
    for (const char *const *w = words; *w && len < size; w++)
        len += (size_t)snprintf(text + len, size - len, "%s%s%s%s",
                                w == words ? ""
                                : w[1]     ? ", "
                                           : " or ",
                                quote, *w, quote);
}

void config_known(struct config_item object, const char *const *keys)
{
    char path[CONFIG_PATH], list[512];
    json_t *value;
    const char *key;

    list_words(keys, "", list, sizeof list);
    json_object_foreach(object.json, key, value)
    {
        const char *const *k = keys, *nearest = nearest_word(key, keys);
        struct config_item member = object;

        while (*k && strcmp(*k, key) != 0)
            k++;
        if (*k)
            continue;
        /* Not config_member(): a key that nobody knows is wrong even with null. */
        member.place = json_places_key(configuration_places(object.conf, object.file),
                                       object.place, key);
        config_path(member, path);
        if (nearest)
            config_mistake(member, CONFIG_KEY,
                           "%s: there is no such key; did you mean \"%s\"?", path,
                           nearest);
        else
            config_mistake(member, CONFIG_KEY,
                           "%s: there is no such key; there may be %s", path, list);
    }
}

/* The whole number that was meant by one in quotes, with ".0", or by a part of 1 where
 * percent are wanted. */
static bool number_meant(struct config_item item, const char *path, int64_t *meant)
{
    const char *text = json_string_value(item.json);
    double value = json_real_value(item.json);
    char *end;

    if (text) {
        *meant = strtoll(text, &end, 10);
        while (*end == ' ' || *end == '%')
            end++;
        return end != text && !*end;
    }
    if (!json_is_real(item.json) || fabs(value) > 1e15)
        return false;
    if (floor(value) != value &&
        (strstr(path, "percent") || strstr(path, "quantile"))) {
        *meant = llround(value * 100);
        return true;
    }
    *meant = llround(value);
    return floor(value) == value;
}

bool config_number(struct config_item item, int64_t least, int64_t most, int64_t *to)
{
    char path[CONFIG_PATH], text[SHOWN];
    int64_t meant;

    if (!item.json)
        return false;
    if (json_is_integer(item.json) && json_integer_value(item.json) >= least &&
        json_integer_value(item.json) <= most) {
        *to = json_integer_value(item.json);
        return true;
    }
    config_path(item, path);
    if (number_meant(item, path, &meant) && meant >= least && meant <= most)
        config_mistake(item, CONFIG_VALUE,
                       "%s: must be a whole number from %lld to %lld, not %s; did you "
                       "mean %lld?",
                       path, (long long)least, (long long)most, shown(item.json, text),
                       (long long)meant);
    else
        config_mistake(item, CONFIG_VALUE,
                       "%s: must be a whole number from %lld to %lld, not %s", path,
                       (long long)least, (long long)most, shown(item.json, text));
    return false;
}

bool config_bool(struct config_item item, bool *to)
{
    static const char *const yes[] = {"true", "yes", "on", "1", NULL};
    static const char *const no[] = {"false", "no", "off", "0", NULL};
    char path[CONFIG_PATH], text[SHOWN], word[SHOWN];
    const char *meant;

    if (!item.json)
        return false;
    if (json_is_boolean(item.json)) {
        *to = json_is_true(item.json);
        return true;
    }
    shown(item.json, text);
    snprintf(word, sizeof word, "%s",
             json_is_string(item.json) ? json_string_value(item.json) : text);
    meant = nearest_word(word, yes)  ? "; did you mean true?"
            : nearest_word(word, no) ? "; did you mean false?"
                                     : "";
    config_mistake(item, CONFIG_VALUE, "%s: must be true or false, not %s%s",
                   config_path(item, path), shown(item.json, text), meant);
    return false;
}

bool config_text(struct config_item item, char **to)
{
    if (!item.json)
        return false;
    if (!json_is_string(item.json) || !json_string_value(item.json)[0]) {
        config_wrong(item, "a text that is not empty");
        return false;
    }
    free(*to);
    *to = strdup(json_string_value(item.json));
    return *to != NULL;
}

bool config_word(struct config_item item, const char *const *words, int *to)
{
    const char *text = json_string_value(item.json), *nearest;
    char path[CONFIG_PATH], list[512], buf[SHOWN];

    if (!item.json)
        return false;
    for (int w = 0; text && words[w]; w++) {
        if (strcmp(words[w], text) != 0)
            continue;
        *to = w;
        return true;
    }
    list_words(words, "\"", list, sizeof list);
    nearest = text ? nearest_word(text, words) : NULL;
    config_mistake(item, CONFIG_VALUE, "%s: must be %s, not %s%s%s%s",
                   config_path(item, path), list, shown(item.json, buf),
                   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                   nearest ? "\"?" : "");
    return false;
}
