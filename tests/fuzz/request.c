/* request.c - the meter's socket messages: any lines, to one meter on a root of its own
 *
 * Lines are separated by newlines, so that one input is a history: starts, steps, ends.
 * After every one of them the books must add up.
 */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/meter/account.h"
#include "plugin/meter/meter.h"
#include "plugin/meter/request.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char root[] = "root-XXXXXX";
static struct meter meter;
static int64_t energy_uj;

static void put(const char *file, const char *text)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:0/%s", root, file);
    out = fopen(path, "w");
    assert(out);
    fputs(text, out);
    fclose(out);
}

static void make_meter(void)
{
    static struct meter_options options = {.node = "n1", .timeout_ms = 100};
    char command[256];
    static char spool[64];

    assert(mkdtemp(root));
    snprintf(command, sizeof command, "mkdir -p %s/sys/class/powercap/intel-rapl:0",
             root);
    assert(system(command) == 0);
    put("name", "package-0\n");
    put("max_energy_range_uj", "262143328850\n");
    put("energy_uj", "0\n");
    snprintf(spool, sizeof spool, "%s/spool", root);
    options.root = root;
    options.spool = options.run = spool;
    assert(meter_open(&meter, &options) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static int made;
    char *history, *line, *next, text[32];

    if (!made++)
        make_meter();
    history = strndup((const char *)data, size);
    for (line = history; line; line = next) {
        char token[BOOKS_TOKEN];
        json_t *answer;

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        energy_uj = (energy_uj + 1000003) % INT64_C(262143328850);
        snprintf(text, sizeof text, "%lld\n", (long long)energy_uj);
        put("energy_uj", text);
        answer = request_run(&meter, NULL, line, token);
        if (!answer)
            answer = request_summary(&meter, token, NULL);
        assert(json_is_object(answer));
        assert(json_object_get(answer, "ok"));
        json_decref(answer);
        assert(account_balanced(&meter.books));
    }
    free(history);
    /* kwotad has taken what is over. */
    for (int i = meter.books.run_count - 1; i >= 0; i--)
        if (meter.books.runs[i].final || meter.books.run_count > 100) {
            meter.books.runs[i].final = true;
            books_forget(&meter.books, meter.books.runs[i].token);
        }
    return 0;
}
