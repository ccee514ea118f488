/* metrics.h - the listener that scrapers read kwota's figures from
 *
 * What is gathered is kept for some seconds: however many scrape, the ledger is asked
 * once.
 */
#ifndef KWOTA_METRICS_H
#define KWOTA_METRICS_H

#include "policy/http.h"
#include "policy/site.h"

struct metrics;

/* NULL with the reason in the log. What `context` points to outlives it. */
struct metrics *metrics_start(const struct http_context *context);
void metrics_stop(struct metrics *metrics); /* NULL: nothing */

/* Without a listener, for tests. */
struct metrics *metrics_new(const struct http_context *context);
void metrics_answer(void *metrics, const struct site_request *request,
                    struct site_answer *answer);

#endif
