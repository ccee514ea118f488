/* quota_text.h - a quota, as an entry of JSON, in words */
#ifndef KWOTA_QUOTA_TEXT_H
#define KWOTA_QUOTA_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* "user alice in account astro, class gpu". Returns text. */
char *quota_text_name(const json_t *entry, char *text, size_t size);

/* "1000kWh a month, 20% carried on". Returns text. */
char *quota_text_terms(const json_t *entry, char *text, size_t size);

/* Reads what --period takes: month, quarter, year, 90days, FROM..UNTIL, and puts it
 * into an entry. -1: it is none of these. */
int quota_text_period(const char *text, json_t *entry);

#endif
