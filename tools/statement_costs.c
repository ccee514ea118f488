/* statement_costs.c - what a statement's energy costs and causes, as far as it is known
 */
#include "tools/statement.h"

static int64_t known(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : ENERGY_UNKNOWN;
}

struct statement_costs statement_costs(const json_t *object)
{
    return (struct statement_costs){
        .price_u = known(object, "price_u"),
        .unpriced_mj = statement_number(object, "unpriced_mj"),
        .co2_mg = known(object, "co2_mg"),
        .co2_unknown_mj = statement_number(object, "co2_unknown_mj")};
}

void statement_costs_add(struct statement_costs *sum,
                         const struct statement_costs *more)
{
    sum->price_u += more->price_u == ENERGY_UNKNOWN ? 0 : more->price_u;
    sum->unpriced_mj += more->unpriced_mj;
    sum->co2_mg += more->co2_mg == ENERGY_UNKNOWN ? 0 : more->co2_mg;
    sum->co2_unknown_mj += more->co2_unknown_mj;
}

void statement_costs_summed(struct statement_costs *sum)
{
    sum->price_u = energy_known(sum->price_u, sum->unpriced_mj);
    sum->co2_mg = energy_known(sum->co2_mg, sum->co2_unknown_mj);
}

char *statement_price(const struct statement_costs *costs, char text[MONEY_TEXT])
{
    return money_least(money_price(costs->price_u, text), costs->unpriced_mj);
}

char *statement_amount(const struct statement_costs *costs, const char *currency,
                       char text[MONEY_TEXT])
{
    return money_least(money_amount(costs->price_u, currency, text),
                       costs->unpriced_mj);
}

char *statement_co2_kg(const struct statement_costs *costs, char text[MONEY_TEXT])
{
    return money_least(money_co2_kg(costs->co2_mg, text), costs->co2_unknown_mj);
}

char *statement_co2(const struct statement_costs *costs, char text[MONEY_TEXT])
{
    return money_least(money_co2(costs->co2_mg, text), costs->co2_unknown_mj);
}
