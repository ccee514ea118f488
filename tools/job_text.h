/* job_text.h - a run as text, for kwota job
 *
 * `run` is a JOB of policy/API.md whose texts are printable. All print to stdout.
 */
#ifndef KWOTA_JOB_TEXT_H
#define KWOTA_JOB_TEXT_H

#include <jansson.h>
#include <stdint.h>

/* A number of a JSON object; ENERGY_UNKNOWN if it is null or not there. */
int64_t job_integer(const json_t *object, const char *key);

/* A text of a JSON object; "" if it is not there. */
const char *job_string(const json_t *object, const char *key);

void job_print(const json_t *run);
void job_print_summary(const json_t *run);
void job_print_steps(const json_t *run);

/* How many bins a plot on this terminal has. */
int job_plot_bins(void);
void job_print_plot(const json_t *run);

#endif
