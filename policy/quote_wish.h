/* quote_wish.h - the job that somebody wants a quote for, from the call's JSON
 *
 * Pure.
 */
#ifndef KWOTA_QUOTE_WISH_H
#define KWOTA_QUOTE_WISH_H

#include <jansson.h>

#include "plugin/request.h"

#define QUOTE_WHY 256

struct quote_wish {
    char user[64], account[64], partition[256], name[128]; /* "": not given */
    int64_t tasks;                                         /* of the array; 1: none */
    int64_t gpu_cap_mw;                                    /* 0: not given */
    struct request request; /* its texts live here and in the JSON */
    char gpus[4][32];
};

/* -1 with a sentence in `why`. The JSON outlives the wish. */
int quote_wish_read(const json_t *body, struct quote_wish *wish, char why[QUOTE_WHY]);

#endif
