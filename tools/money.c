/* money.c - prices and CO2 as people read them */
#include "tools/money.h"

#include <stdio.h>
#include <string.h>

#include "policy/decimal.h"
#include "policy/energy.h"

char *money_price(int64_t price_u, char text[MONEY_TEXT])
{
    char number[DECIMAL_TEXT] = "-";

    if (price_u != ENERGY_UNKNOWN)
        decimal_text(price_u, 6, 6, number);
    snprintf(text, MONEY_TEXT, "%s", number);
    return text;
}

char *money_amount(int64_t price_u, const char *currency, char text[MONEY_TEXT])
{
    char number[DECIMAL_TEXT];

    if (price_u == ENERGY_UNKNOWN)
        return money_price(price_u, text);
    snprintf(text, MONEY_TEXT, "%s %.16s", decimal_text(price_u, 6, 2, number),
             currency);
    return text;
}

char *money_co2_kg(int64_t co2_mg, char text[MONEY_TEXT])
{
    char number[DECIMAL_TEXT] = "-";

    if (co2_mg != ENERGY_UNKNOWN)
        decimal_text(co2_mg, 6, 6, number);
    snprintf(text, MONEY_TEXT, "%s", number);
    return text;
}

char *money_co2(int64_t co2_mg, char text[MONEY_TEXT])
{
    char number[DECIMAL_TEXT];
    int64_t size = co2_mg < 0 && co2_mg != ENERGY_UNKNOWN ? -co2_mg : co2_mg;

    if (co2_mg == ENERGY_UNKNOWN)
        return money_co2_kg(co2_mg, text);
    if (size < 1000000)
        snprintf(text, MONEY_TEXT, "%s g", decimal_text(co2_mg, 3, 0, number));
    else
        snprintf(text, MONEY_TEXT, "%s kg", decimal_text(co2_mg, 6, 0, number));
    return text;
}

char *money_least(char text[MONEY_TEXT], int64_t left_out_mj)
{
    char known[MONEY_TEXT];

    if (left_out_mj == 0 || strcmp(text, "-") == 0)
        return text;
    snprintf(known, sizeof known, "%s", text);
    snprintf(text, MONEY_TEXT, "%s%.*s", left_out_mj < 0 ? "<=" : ">=", MONEY_TEXT - 3,
             known);
    return text;
}

char *money_left_out(const char *what, int64_t left_out_mj, char text[MONEY_TEXT])
{
    char kwh[ENERGY_TEXT];

    text[0] = '\0';
    if (left_out_mj != 0)
        snprintf(text, MONEY_TEXT, "The %.8s of %s is not known.", what,
                 energy_kwh_human(kwh, sizeof kwh, left_out_mj));
    return text;
}
