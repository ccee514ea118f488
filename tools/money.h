/* money.h - prices and CO2 as people read them
 *
 * Exact: as many decimal places as there are, in tables all six. All return `text`; "-"
 * for ENERGY_UNKNOWN.
 */
#ifndef KWOTA_MONEY_H
#define KWOTA_MONEY_H

#include <stdint.h>

#define MONEY_TEXT 80

/* "12.345678" of 12345678 millionths. */
char *money_price(int64_t price_u, char text[MONEY_TEXT]);

/* "12.35 EUR" */
char *money_amount(int64_t price_u, const char *currency, char text[MONEY_TEXT]);

/* Kilograms of milligrams: "0.380000". */
char *money_co2_kg(int64_t co2_mg, char text[MONEY_TEXT]);

/* "380 g", "12.5 kg" */
char *money_co2(int64_t co2_mg, char text[MONEY_TEXT]);

/* "at least": puts ">=" before what is known where it leaves out so much energy, "<="
 * where that was taken off. */
char *money_least(char text[MONEY_TEXT], int64_t left_out_mj);

/* "The price of 3.2 kWh is not known."; "" where nothing is left out. */
char *money_left_out(const char *what, int64_t left_out_mj, char text[MONEY_TEXT]);

#endif
