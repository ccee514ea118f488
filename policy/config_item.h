/* config_item.h - what kwota.json says of one thing, taken and checked
 *
 * Each take leaves *to as it is if the item is not there, and complains of the item if
 * it is not what is wanted. true: *to was set. Of an item that is of no configuration
 * (conf NULL: what the ledger kept) nothing is complained.
 */
#ifndef KWOTA_CONFIG_ITEM_H
#define KWOTA_CONFIG_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/configuration.h"

/* A member of an object, an element of a list. A member that is not there stands where
 * its object does. */
struct config_item config_member(struct config_item object, const char *key);
struct config_item config_element(struct config_item list, size_t index);

/* "limits.at_limit" */
#define CONFIG_PATH 200
char *config_path(struct config_item item, char path[CONFIG_PATH]);

/* Whether it is there and an object (list); complains if it is something else. */
bool config_is_object(struct config_item item);
bool config_is_list(struct config_item item);

/* Complains of each key that is none of `keys` (NULL at their end). */
void config_known(struct config_item object, const char *const *keys);

bool config_number(struct config_item item, int64_t least, int64_t most, int64_t *to);
bool config_bool(struct config_item item, bool *to);

/* A text that is not empty; `*to` is freed before it is set to a copy. */
bool config_text(struct config_item item, char **to);

/* Which one of `words` (NULL at their end). */
bool config_word(struct config_item item, const char *const *words, int *to);

/* Complains that it must be `what`, and not what it is. */
void config_wrong(struct config_item item, const char *what);

#endif
