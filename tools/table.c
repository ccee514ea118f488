/* table.c - a table on a terminal or in a pipe, by libsmartcols */
#include "tools/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
    struct libscols_table *scols;
    size_t columns;
};

struct table *table_new(const char *const *columns)
{
    struct table *table = calloc(1, sizeof *table);

    if (!table)
        abort();
    scols_init_debug(0);
    table->scols = scols_new_table();
    for (; columns[table->columns]; table->columns++) {
        const char *name = columns[table->columns];
        bool right = name[0] == '>';

        scols_table_new_column(table->scols, right ? name + 1 : name, 0,
                               right ? SCOLS_FL_RIGHT : 0);
    }
    return table;
}

void table_add(struct table *table, const char *const *texts)
{
    struct libscols_line *line = scols_table_new_line(table->scols, NULL);

    for (size_t i = 0; i < table->columns; i++)
        scols_line_set_data(line, i, texts[i]);
}

void table_print(struct table *table)
{
    scols_print_table(table->scols);
    scols_unref_table(table->scols);
    free(table);
}
