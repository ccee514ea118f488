/* meter_client.h - one question to the node's meter, within one deadline
 *
 * Used inside slurmd, slurmstepd and their prolog and epilog processes: no threads, no
 * signals, never longer than the deadline.
 */
#ifndef KWOTA_METER_CLIENT_H
#define KWOTA_METER_CLIENT_H

#include <jansson.h>
#include <stdint.h>

enum meter_client_result {
    METER_CLIENT_OK,
    METER_CLIENT_ABSENT, /* nobody listens */
    METER_CLIENT_SILENT, /* no answer in time */
    METER_CLIENT_REFUSED /* an answer that is no JSON or says no */
};

int64_t meter_client_now_ms(void); /* CLOCK_MONOTONIC */

/* Asks at RUN/NODE.sock. On METER_CLIENT_OK *answer is a new reference. */
enum meter_client_result meter_client_ask(const char *run, const char *node,
                                          json_t *question, int64_t deadline_ms,
                                          json_t **answer);

/* Tells the meter something without waiting for an answer: a meter that is stopped or
 * slow hears it later. 0, or -1 when it could not be said at once. */
int meter_client_tell(const char *run, const char *node, json_t *message);

#endif
