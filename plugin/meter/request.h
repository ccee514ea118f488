/* request.h - one request to the meter and its answer */
#ifndef METER_REQUEST_H
#define METER_REQUEST_H

#include <jansson.h>

#include "plugin/meter/meter.h"
#include "plugin/meter/report.h"

/* Carries out one line of JSON. Returns the answer (a new reference). If the answer
 * should wait for kwotad's summary of a run, sets `token` to that run's, else to "". */
json_t *request_run(struct meter *meter, struct reporter *reporter, const char *line,
                    char token[BOOKS_TOKEN]);

/* The answer with the summary of a run, including what kwotad said of its other nodes
 * (`others`, may be NULL). */
json_t *request_summary(struct meter *meter, const char *token, json_t *others);

#endif
