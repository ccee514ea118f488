/* json_place.h - where in a JSON text its values and keys stand
 *
 * jansson checks and reads the text but forgets its lines; this remembers them. A value
 * is known by a number: 0 is the whole text's, and each other is found from the one it
 * lies in. Never changed once made, so any number of threads may ask.
 */
#ifndef KWOTA_JSON_PLACE_H
#define KWOTA_JSON_PLACE_H

#include <stddef.h>

#define JSON_PLACE_NONE (-1)

/* Both count from 1; a column is a character, however many bytes it has. */
struct json_place {
    int line, column;
};

struct json_places;

/* `text` must be what jansson takes without a complaint (but for keys given twice). */
struct json_places *json_places_new(const char *text);
void json_places_free(struct json_places *places);

/* The value of a key in an object; of a key given twice the last one's, as in jansson.
 * JSON_PLACE_NONE: there is none. */
int json_places_key(const struct json_places *places, int object, const char *key);

/* A list's element. */
int json_places_element(const struct json_places *places, int list, size_t index);

struct json_place json_places_of_value(const struct json_places *places, int value);

/* Where the key of a value stands; the value itself if it has none. */
struct json_place json_places_of_key(const struct json_places *places, int value);

/* "enforce.rules[0].level"; "" for the whole text. Returns text. */
char *json_places_path(const struct json_places *places, int value, char *text,
                       size_t size);

/* How many values there are; their numbers are below it, in the text's order. */
int json_places_count(const struct json_places *places);

/* The value that had the same key in the same object before; else JSON_PLACE_NONE. */
int json_places_earlier(const struct json_places *places, int value);

#endif
