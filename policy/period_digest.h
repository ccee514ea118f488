/* period_digest.h - what a statement is made of, as one number */
#ifndef KWOTA_PERIOD_DIGEST_H
#define KWOTA_PERIOD_DIGEST_H

#include "policy/ledger.h"

/* The digest of an account's month: SHA-256, in hexadecimal, over one line of text for
 * each of its runs, by run id:
 * "RUN_ID CPU_MJ DRAM_MJ GPU_MJ OTHER_MJ OVERRUN_MJ CREDIT_MJ PRICE_U CO2_MG
 * UNPRICED_MJ CO2_UNKNOWN_MJ\n". -1: the ledger cannot be read. */
#define PERIOD_DIGEST 65
int period_digest(struct ledger *ledger, int64_t month_s, const char *account,
                  char digest[PERIOD_DIGEST]);

#endif
