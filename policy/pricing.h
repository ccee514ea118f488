/* pricing.h - what a run's energy costs and causes, by the tariffs that were in force
 * when it was used
 *
 * Tariffs are kept in the ledger, append-only: each counts from its time on, until
 * another does. So what a quarter-hour's energy costs does not change when the policy
 * does, and a charge that was made keeps its price anyhow: it stands in its entry.
 *
 * A price is worked out exactly (energy x price x PUE, quarter by quarter) and rounded
 * once an entry to millionths of the currency, half up. What the centre bears of a
 * run's energy costs its account nothing, and is taken to have cost what the run's
 * energy did on the whole.
 *
 * All functions want the ledger's lock held (ledger_begin()).
 */
#ifndef KWOTA_PRICING_H
#define KWOTA_PRICING_H

#include "policy/policy.h"
#include "policy/posting.h"

/* ENERGY_UNKNOWN: there was no tariff, or it did not say. Where that is so of a part of
 * the energy, that part is told, and what is known is of the rest. */
struct price {
    int64_t price_u, co2_mg;
    int64_t unpriced_mj, co2_unknown_mj;
};

/* Keeps the policy's tariff, if it is another than the last one kept, from the
 * quarter-hour of now_s or from its own day on. One in another currency is refused
 * (-2): a ledger's prices must add up. Returns -1 on failure. */
int pricing_keep(struct ledger *ledger, const struct policy *policy, int64_t now_s);

/* The currency of the ledger's prices; "": it has none. */
void pricing_currency(struct ledger *ledger, char currency[TARIFF_CURRENCY]);

/* What the posting's use costs but for borne_mj of it; the posting's rows get their
 * parts, which add up to it. */
int pricing_use(struct ledger *ledger, const struct policy *policy,
                struct posting *posting, int64_t borne_mj, struct price *price);

/* What is to be taken off for crediting credit_mj in all of what was charged, beyond
 * what has been taken off already. All of it comes to all of the price. */
void pricing_credit(struct ledger *ledger, int64_t run_id, int64_t charged_mj,
                    int64_t credit_mj, struct price *price);

/* What so much energy will cost in this account if it is used from now_s on for so
 * long, evenly. `accounts`: nearest first. */
void pricing_foretell(const struct tariff *tariff, const char *const *accounts,
                      int64_t now_s, int64_t seconds, int64_t mj, struct price *price);

#endif
