/* json_place.c - where in a JSON text its values and keys stand */
#include "policy/json_place.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values stand in the order of the text, so those inside one follow it directly. */
struct entry {
    int parent;
    int after;  /* the first value after all that lie in this one */
    char *key;  /* of an object's member, else NULL */
    int number; /* of a list's element */
    int earlier;
    struct json_place key_place, place;
};

struct json_places {
    struct entry *entries;
    int count, room;
    bool failed; /* no memory */
};

struct scan {
    struct json_places *places;
    const char *at;
    struct json_place place;
};

static void step(struct scan *s)
{
    if (*s->at == '\n') {
        s->place.line++;
        s->place.column = 1;
    } else if ((*s->at & 0xc0) != 0x80) {
        /* Bytes that continue a UTF-8 character have no column of their own. */
        s->place.column++;
    }
    s->at++;
}

static void skip_space(struct scan *s)
{
    while (*s->at && strchr(" \t\r\n", *s->at))
        step(s);
}

static void skip_string(struct scan *s)
{
    step(s);
    while (*s->at && *s->at != '"') {
        if (*s->at == '\\' && s->at[1])
            step(s);
        step(s);
    }
    if (*s->at)
        step(s);
}

static char *take_key(struct scan *s)
{
    const char *begin = s->at;
    json_t *decoded;
    char *key = NULL;

    skip_string(s);
    decoded = json_loadb(begin, (size_t)(s->at - begin), JSON_DECODE_ANY, NULL);
    if (json_is_string(decoded))
        key = strdup(json_string_value(decoded));
    json_decref(decoded);
    s->places->failed |= !key;
    return key;
}

/* JSON_PLACE_NONE if memory is short. */
static int add(struct scan *s, int parent, int number)
{
    struct json_places *p = s->places;
    struct entry *more;

    if (p->count == p->room) {
        int room = p->room ? p->room * 2 : 64;

        more = realloc(p->entries, (size_t)room * sizeof *more);
        if (!more) {
            p->failed = true;
            return JSON_PLACE_NONE;
        }
        p->entries = more;
        p->room = room;
    }
    p->entries[p->count] = (struct entry){.parent = parent,
                                          .number = number,
                                          .earlier = JSON_PLACE_NONE,
                                          .key_place = s->place,
                                          .place = s->place};
    return p->count++;
}

static void scan_value(struct scan *s, int entry);

/* `seen` maps the object's keys to their values' numbers. */
static void scan_member(struct scan *s, int object, json_t *seen)
{
    int entry = add(s, object, 0);
    struct entry *e;
    json_t *earlier;

    if (entry < 0)
        return;
    e = &s->places->entries[entry];
    e->key = take_key(s);
    if (!e->key)
        return;
    earlier = json_object_get(seen, e->key);
    if (earlier)
        e->earlier = (int)json_integer_value(earlier);
    json_object_set_new(seen, e->key, json_integer(entry));
    skip_space(s);
    if (*s->at == ':')
        step(s);
    skip_space(s);
    e->place = s->place;
    scan_value(s, entry);
}

static void scan_inside(struct scan *s, int outer, char end)
{
    json_t *seen = end == '}' ? json_object() : NULL;

    step(s);
    skip_space(s);
    for (int number = 0; *s->at && *s->at != end && !s->places->failed; number++) {
        if (seen)
            scan_member(s, outer, seen);
        else
            scan_value(s, add(s, outer, number));
        skip_space(s);
        if (*s->at == ',')
            step(s);
        skip_space(s);
    }
    if (*s->at)
        step(s);
    json_decref(seen);
}

/* jansson takes no more than 2048 levels, so this goes no deeper. */
static void scan_value(struct scan *s, int entry)
{
    if (entry < 0)
        return;
    if (*s->at == '{')
        scan_inside(s, entry, '}');
    else if (*s->at == '[')
        scan_inside(s, entry, ']');
    else if (*s->at == '"')
        skip_string(s);
    else
        while (*s->at && !strchr(" \t\r\n,]}", *s->at))
            step(s);
    s->places->entries[entry].after = s->places->count;
}

struct json_places *json_places_new(const char *text)
{
    struct scan s = {calloc(1, sizeof *s.places), text, {1, 1}};

    if (!s.places)
        return NULL;
    skip_space(&s);
    scan_value(&s, add(&s, JSON_PLACE_NONE, 0));
    if (!s.places->failed)
        return s.places;
    json_places_free(s.places);
    return NULL;
}

void json_places_free(struct json_places *places)
{
    if (!places)
        return;
    for (int i = 0; i < places->count; i++)
        free(places->entries[i].key);
    free(places->entries);
    free(places);
}

int json_places_key(const struct json_places *places, int object, const char *key)
{
    int after = places->entries[object].after, found = JSON_PLACE_NONE;

    for (int i = object + 1; i < after; i = places->entries[i].after)
        if (places->entries[i].key && strcmp(places->entries[i].key, key) == 0)
            found = i;
    return found;
}

int json_places_element(const struct json_places *places, int list, size_t index)
{
    int after = places->entries[list].after;

    for (int i = list + 1; i < after; i = places->entries[i].after)
        if (!places->entries[i].key && (size_t)places->entries[i].number == index)
            return i;
    return JSON_PLACE_NONE;
}

struct json_place json_places_of_value(const struct json_places *places, int value)
{
    return places->entries[value].place;
}

struct json_place json_places_of_key(const struct json_places *places, int value)
{
    return places->entries[value].key_place;
}

char *json_places_path(const struct json_places *places, int value, char *text,
                       size_t size)
{
    const struct entry *e = &places->entries[value];
    size_t len;

    text[0] = '\0';
    if (value == 0)
        return text;
    json_places_path(places, e->parent, text, size);
    len = strlen(text);
    if (e->key)
        snprintf(text + len, size - len, "%s%s", len ? "." : "", e->key);
    else
        snprintf(text + len, size - len, "[%d]", e->number);
    return text;
}

int json_places_count(const struct json_places *places)
{
    return places->count;
}

int json_places_earlier(const struct json_places *places, int value)
{
    return places->entries[value].earlier;
}
