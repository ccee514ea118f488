/* metrics_text.c - the figures of metrics as OpenMetrics text */
#include "policy/metrics_text.h"

#include <stddef.h>

#include "config.h"
#include "policy/energy.h"
#include "policy/openmetrics.h"

/* Places behind the point. */
#define WHOLE 0
#define MILLI 3
#define MICRO 6

static void counter(FILE *out, const char *name, const char *unit, const char *help,
                    int64_t value, int places)
{
    char sample[96];

    snprintf(sample, sizeof sample, "%s_total", name);
    openmetrics_family(out, name, "counter", unit, help);
    openmetrics_sample(out, sample, value, places, NULL);
}

static void gauge(FILE *out, const char *name, const char *unit, const char *help,
                  int64_t value, int places)
{
    openmetrics_family(out, name, "gauge", unit, help);
    openmetrics_sample(out, name, value, places, NULL);
}

static void write_charged(FILE *out, const struct charged *all)
{
    counter(out, "kwota_charged_joules", "joules",
            "Energy charged to accounts since ever.", all->charged_mj, MILLI);
    counter(out, "kwota_credited_joules", "joules",
            "Part of the charged energy that was given back for a run's end state.",
            all->credited_mj, MILLI);
    counter(out, "kwota_overrun_joules", "joules",
            "Energy used beyond liens, which the centre bears.", all->overrun_mj,
            MILLI);
    counter(out, "kwota_corrected_joules", "joules",
            "Charged energy and overruns that were taken back.", all->corrected_mj,
            MILLI);
    counter(out, "kwota_settlements", NULL, "Runs that were settled into a charge.",
            all->settlements, WHOLE);
}

static void write_energy(FILE *out, const char *sample,
                         const struct metrics_energy *energy, const char *node)
{
    for (int k = 0; k < KINDS; k++) {
        if (!energy->has[k])
            continue;
        openmetrics_sample(out, sample, energy->jobs_uj[k], MICRO, "node", node, "kind",
                           kind_name((enum kind)k), "part", "jobs", NULL);
        openmetrics_sample(out, sample, energy->node_uj[k], MICRO, "node", node, "kind",
                           kind_name((enum kind)k), "part", "node", NULL);
    }
}

static void write_cluster(FILE *out, const struct metrics_figures *f)
{
    openmetrics_family(out, "kwota", "info", NULL,
                       "kwotad's version, and whose energy it keeps.");
    openmetrics_sample(out, "kwota_info", 1, WHOLE, "version", PACKAGE_VERSION,
                       "cluster", f->charges.cluster, "counters",
                       f->simulated ? "simulated" : "real", NULL);
    if (f->is_charged)
        write_charged(out, &f->charges.all);
    gauge(out, "kwota_unsettled_joules", "joules",
          "Energy used by runs that are not settled yet.", f->unsettled_mj, MILLI);
    openmetrics_family(out, "kwota_energy_joules", "counter", "joules",
                       "What the nodes' counters moved by: the jobs' part and the "
                       "nodes' own.");
    write_energy(out, "kwota_energy_joules_total", &f->energy, NULL);
    openmetrics_family(out, "kwota_runs", "gauge", NULL,
                       "Runs that are not settled: running, or ended.");
    openmetrics_sample(out, "kwota_runs", f->runs, WHOLE, "state", "running", NULL);
    openmetrics_sample(out, "kwota_runs", f->ended, WHOLE, "state", "ended", NULL);
    if (f->power_mw != ENERGY_UNKNOWN || f->runs == 0)
        gauge(out, "kwota_running_watts", "watts",
              "Power of the running runs by their nodes' last reports.",
              f->runs ? f->power_mw : 0, MILLI);
    gauge(out, "kwota_runs_measured", NULL, "Running runs whose power is known.",
          f->measured, WHOLE);
    gauge(out, "kwota_liens", NULL, "Open liens.", f->liens, WHOLE);
    gauge(out, "kwota_lien_joules", "joules", "Energy that open liens set aside.",
          f->lien_mj, MILLI);
    gauge(out, "kwota_nodes", NULL, "Nodes that have ever reported.", f->nodes, WHOLE);
    gauge(out, "kwota_nodes_silent", NULL,
          "Nodes of these without a report for three intervals.", f->silent, WHOLE);
}

/* One figure of each account that has series of its own, and the sum of the others. */
static void by_account(FILE *out, const struct account_figures *accounts,
                       const char *sample, size_t figure, int places)
{
    int64_t others = 0, unnamed = 0;

    for (int i = 0; i < accounts->count; i++) {
        const struct account_figure *account = &accounts->list[i];
        int64_t value = *(const int64_t *)((const char *)account + figure);

        if (account->named) {
            openmetrics_sample(out, sample, value, places, "account", account->name,
                               NULL);
            continue;
        }
        others += value;
        unnamed++;
    }
    if (unnamed)
        openmetrics_sample(out, sample, others, places, "account",
                           ACCOUNT_FIGURES_OTHER, NULL);
}

static void write_accounts(FILE *out, const struct metrics_figures *f)
{
    static const struct {
        const char *name, *help;
        size_t figure;
    } charged[] = {
        {"kwota_account_charged_joules", "Energy charged since the month began.",
         offsetof(struct account_figure, month.charged_mj)},
        {"kwota_account_credited_joules", "Part of it that was given back.",
         offsetof(struct account_figure, month.credited_mj)},
        {"kwota_account_overrun_joules",
         "Energy used beyond liens since the month began.",
         offsetof(struct account_figure, month.overrun_mj)},
        {"kwota_account_corrected_joules",
         "Charges and overruns that were taken back since the month began.",
         offsetof(struct account_figure, month.corrected_mj)},
    };
    const struct account_figures *accounts = &f->charges.accounts;
    char sample[96];

    for (size_t i = 0; f->is_charged && i < sizeof charged / sizeof *charged; i++) {
        openmetrics_family(out, charged[i].name, "counter", "joules", charged[i].help);
        snprintf(sample, sizeof sample, "%s_total", charged[i].name);
        by_account(out, accounts, sample, charged[i].figure, MILLI);
    }
    openmetrics_family(out, "kwota_account_unsettled_joules", "gauge", "joules",
                       "Energy used by an account's runs that are not settled yet.");
    by_account(out, accounts, "kwota_account_unsettled_joules",
               offsetof(struct account_figure, unsettled_mj), MILLI);
    openmetrics_family(out, "kwota_account_runs", "gauge", NULL,
                       "An account's running runs.");
    by_account(out, accounts, "kwota_account_runs",
               offsetof(struct account_figure, runs), WHOLE);
}

static void write_quotas(FILE *out, const struct metrics_figures *f)
{
    static const struct {
        const char *name, *help;
        size_t figure;
    } figures[] = {
        {"kwota_quota_joules",
         "What an account may use in its period, grants included.",
         offsetof(struct metrics_quota, quota_mj)},
        {"kwota_quota_granted_joules", "Part of it that was granted by hand.",
         offsetof(struct metrics_quota, granted_mj)},
        {"kwota_quota_used_joules", "What is used of it.",
         offsetof(struct metrics_quota, used_mj)},
        {"kwota_quota_reserved_joules", "What is set aside beyond that for open runs.",
         offsetof(struct metrics_quota, reserved_mj)},
        {"kwota_quota_left_joules", "What is left of it; below zero if more is used.",
         offsetof(struct metrics_quota, available_mj)},
    };

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        openmetrics_family(out, figures[i].name, "gauge", "joules", figures[i].help);
        for (int q = 0; q < f->quota_count; q++) {
            const struct metrics_quota *quota = &f->quotas[q];

            openmetrics_sample(
                out, figures[i].name,
                *(const int64_t *)((const char *)quota + figures[i].figure), MILLI,
                "account", quota->account, "class", quota->class, "cluster",
                quota->cluster, NULL);
        }
    }
}

static void write_nodes(FILE *out, const struct metrics_figures *f)
{
    if (f->listed == 0)
        return;
    openmetrics_family(out, "kwota_node_energy_joules", "counter", "joules",
                       "What a node's counters moved by: the jobs' part and its own.");
    for (int i = 0; i < f->listed; i++)
        write_energy(out, "kwota_node_energy_joules_total", &f->list[i].energy,
                     f->list[i].name);
    openmetrics_family(out, "kwota_node_last_report_timestamp_seconds", "gauge",
                       "seconds", "When a node's last report came.");
    for (int i = 0; i < f->listed; i++)
        if (f->list[i].last_report_ms >= 0)
            openmetrics_sample(out, "kwota_node_last_report_timestamp_seconds",
                               f->list[i].last_report_ms, MILLI, "node",
                               f->list[i].name, NULL);
}

static void write_kwotad(FILE *out, const struct metrics_health *health)
{
    const struct activity *a = health->activity;

    counter(out, "kwota_reports", NULL, "Nodes' reports taken since kwotad started.",
            a->reports, WHOLE);
    counter(out, "kwota_reports_refused", NULL,
            "Reports that were malformed, or that the ledger could not take.",
            a->reports_refused, WHOLE);
    counter(out, "kwota_answers", NULL, "Requests answered since kwotad started.",
            a->answers, WHOLE);
    counter(out, "kwota_credentials_refused", NULL,
            "Requests whose MUNGE credential was missing, expired, used or another's.",
            a->credentials_refused, WHOLE);
    counter(out, "kwota_requests_too_late", NULL,
            "Requests dropped because their turn came too late.", a->too_late, WHOLE);
    gauge(out, "kwota_requests_waiting", NULL, "Requests that wait for their turn.",
          a->waiting, WHOLE);
    gauge(out, "kwota_last_round_timestamp_seconds", "seconds",
          "When kwotad last had looked at all that is due.", health->round_s, WHOLE);
    gauge(out, "kwota_ledger_bytes", "bytes", "Size of the ledger's files.",
          health->ledger_bytes, WHOLE);
    counter(out, "process_cpu_seconds", "seconds", "CPU time kwotad has used.",
            health->cpu_ms, MILLI);
    gauge(out, "process_resident_memory_bytes", "bytes", "Memory kwotad has now.",
          health->resident_bytes, WHOLE);
    gauge(out, "process_start_time_seconds", "seconds", "When kwotad started.",
          health->started_s, WHOLE);
}

void metrics_text(FILE *out, const struct metrics_figures *figures,
                  const struct metrics_health *health)
{
    write_cluster(out, figures);
    write_accounts(out, figures);
    write_quotas(out, figures);
    write_nodes(out, figures);
    write_kwotad(out, health);
    openmetrics_end(out);
}
