/* table.h - a table on a terminal or in a pipe, by libsmartcols */
#ifndef KWOTA_TABLE_H
#define KWOTA_TABLE_H

#include <stdbool.h>

struct table;

/* Columns by name; the name of a right-aligned one begins with '>'. NULL ends the list.
 */
struct table *table_new(const char *const *columns);

/* A line with as many texts as there are columns. */
void table_add(struct table *table, const char *const *texts);

/* Prints to stdout and frees. */
void table_print(struct table *table);

#endif
