/* statement_forms_test.c - kwota statement where prices and CO2 are known in part */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/command.h"
#include "tools/statement.h"

/* Three runs: before the first tariff, on both sides of it, after it. */
static const char head[] =
    "{'account':'astro','month':'2026-11','currency':'EUR','lines':3,'now_s':1,"
    "'accounts':[{'account':'astro','charged_mj':10800000000,'price_u':1500000,"
    "'unpriced_mj':5400000000,'co2_mg':null,'co2_unknown_mj':10800000000},"
    "{'account':'bio','charged_mj':1,'price_u':null,'unpriced_mj':1}],"
    "'totals':{'used_mj':10800000000,'charged_mj':10800000000,'cpu_mj':10800000000,"
    "'price_u':1500000,'unpriced_mj':5400000000,"
    "'co2_mg':null,'co2_unknown_mj':10800000000}}";
static const char page[] =
    "{'lines':[['astro',1,'11','u','n','p',0,0,3600000000,0,0,0,0,null,null,3600000000,"
    "3600000000],['astro',2,'12','u','n','p',0,0,3600000000,0,0,0,0,500000,null,"
    "1800000000,3600000000],['astro',3,'13','u','n','p',0,0,3600000000,0,0,0,0,1000000,"
    "null,0,3600000000]],'looked_at':3,'next':null}";

int command_get(const char *path, bool quiet, json_t **reply)
{
    char *text = strdup(strstr(path, "/runs") ? page : head);

    (void)quiet;
    for (char *quote = text; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    *reply = json_loads(text, 0, NULL);
    assert_non_null(*reply);
    free(text);
    return 0;
}

void command_query(char *path, size_t size, const char *key, const char *value)
{
    (void)path;
    (void)size;
    (void)key;
    (void)value;
}

/* What the command writes; to be freed. */
static char *written(const char *form)
{
    char *argv[] = {"statement", "-A", "astro", (char *)(uintptr_t)form, NULL};
    char *text = calloc(1, 65536);
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO);

    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    assert_int_equal(command_statement.run(form ? 4 : 3, argv), 0);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    rewind(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void what_is_known_in_part_is_told_so(void **state)
{
    static const struct {
        const char *form, *says[6];
    } table[] = {
        {NULL,
         {"  price                        >=1.50 EUR\n",
          "  CO2                                   -\n",
          "  The price of 1.50 kWh is not known.\n", ">=0.500000 ", ">=1.500000 "}},
        {"--csv",
         {",,EUR,,3600000000,3600000000\r\n",
          ",0.500000,EUR,,1800000000,3600000000\r\n",
          ",1.000000,EUR,,0,3600000000\r\n"}},
        {"--html",
         {"&gt;=1.50 EUR", "<p class=quiet>The price of 1.50 kWh is not known.</p>",
          "&gt;=0.500000", "&gt;=1.500000"}},
        {"--json",
         {"\"price_u\":null,\"co2_mg\":null,\"unpriced_mj\":3600000000",
          "\"price_u\":500000,\"co2_mg\":null,\"unpriced_mj\":1800000000",
          "\"price_u\": 1500000, \"co2_mg\": null, \"unpriced_mj\": 5400000000, "
          "\"co2_unknown_mj\": 10800000000}"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *text = written(table[i].form);

        for (size_t k = 0; table[i].says[k]; k++)
            if (!strstr(text, table[i].says[k]))
                fail_msg("\"%s\" is not in:\n%s", table[i].says[k], text);
        assert_null(strstr(text, "The CO2 of")); /* it has no CO2 to be a part of */
        assert_null(strstr(text, "0.000000 EUR"));
        free(text);
    }
}

/* These runs have CPUs' energy alone. */
static void what_no_charge_has_is_left_out(void **state)
{
    static const struct {
        const char *form, *has, *has_not[3];
    } table[] = {
        {NULL, "  CPUs  ", {"  memory  ", "  GPUs  ", "  other  "}},
        {"--html", "<td>CPUs<", {"<td>Memory<", "<td>GPUs<", "<td>Other<"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *text = written(table[i].form);

        assert_non_null(strstr(text, table[i].has));
        for (size_t k = 0; k < 3; k++)
            assert_null(strstr(text, table[i].has_not[k]));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_in_part_is_told_so),
        cmocka_unit_test(what_no_charge_has_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
