/* figures.c - how much power a simulated node draws */
#include "tests/plant/figures.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

void figures_default(struct figures *figures)
{
    *figures = (struct figures){
        .packages = 2,
        .kind[FIGURES_PACKAGE] = {15000, 12000, INT64_C(262143328850), 205000},
        .kind[FIGURES_DRAM] = {2000, 1500, INT64_C(65712999613), 0},
        .daemon_core_ppm = 2000,
        .gpu_idle_mw = 25000,
        .gpu_busy_mw = 200000,
        .gpu_min_mw = 100000,
    };
}

static int read_domain(json_t *json, struct figures_domain *domain, json_error_t *why)
{
    json_int_t idle = domain->idle_mw, core = domain->core_mw, range = domain->range_uj,
               limit = domain->limit_mw;

    if (!json)
        return 0;
    if (json_unpack_ex(json, why, JSON_STRICT, "{s?I s?I s?I s?I}", "idle_mw", &idle,
                       "core_mw", &core, "range_uj", &range, "limit_mw", &limit) < 0)
        return -1;
    *domain = (struct figures_domain){idle, core, range, limit};
    return 0;
}

static int read_turbo(json_t *json, struct figures *figures, json_error_t *why)
{
    size_t i;
    json_t *point;

    if (json_array_size(json) > FIGURES_MAX_TURBO) {
        snprintf(why->text, sizeof why->text, "turbo has more than %d points",
                 FIGURES_MAX_TURBO);
        return -1;
    }
    json_array_foreach(json, i, point)
    {
        json_int_t cores, percent;

        if (json_unpack_ex(point, why, JSON_STRICT, "[II]", &cores, &percent) < 0)
            return -1;
        figures->turbo[i] = (struct figures_turbo){cores, percent};
        figures->turbo_count = (int)i + 1;
    }
    return 0;
}

int figures_read(struct figures *figures, const char *path, char *error, int error_size)
{
    json_error_t why = {.text = ""};
    json_t *json = json_load_file(path, 0, &why), *package = NULL, *dram = NULL,
           *turbo = NULL;
    json_int_t ppm = figures->daemon_core_ppm, smt = figures->smt_percent,
               gpu_idle = figures->gpu_idle_mw, gpu_busy = figures->gpu_busy_mw,
               platform = figures->platform_mw, gpu_min = figures->gpu_min_mw,
               gpu_limit = figures->gpu_limit_mw, root_speed = figures->gpu_root_speed;
    int ok = json &&
             json_unpack_ex(json, &why, JSON_STRICT,
                            "{s?i s?o s?o s?I s?o s?I s?i s?I s?I s?I s?I s?I s?I}",
                            "packages", &figures->packages, "package", &package, "dram",
                            &dram, "daemon_core_ppm", &ppm, "turbo", &turbo,
                            "smt_percent", &smt, "gpus", &figures->gpus, "gpu_idle_mw",
                            &gpu_idle, "gpu_busy_mw", &gpu_busy, "platform_mw",
                            &platform, "gpu_min_mw", &gpu_min, "gpu_limit_mw",
                            &gpu_limit, "gpu_root_speed", &root_speed) == 0 &&
             read_domain(package, &figures->kind[FIGURES_PACKAGE], &why) == 0 &&
             read_domain(dram, &figures->kind[FIGURES_DRAM], &why) == 0 &&
             read_turbo(turbo, figures, &why) == 0;

    figures->daemon_core_ppm = ppm;
    figures->smt_percent = smt;
    figures->gpu_idle_mw = gpu_idle;
    figures->gpu_busy_mw = gpu_busy;
    figures->platform_mw = platform;
    figures->gpu_min_mw = gpu_min;
    figures->gpu_limit_mw = gpu_limit;
    figures->gpu_root_speed = root_speed;
    if (ok && (figures->gpus < 0 || figures->gpus > FIGURES_MAX_GPUS)) {
        snprintf(why.text, sizeof why.text, "gpus must be 0 to %d", FIGURES_MAX_GPUS);
        ok = 0;
    }
    if (ok && (figures->packages < 1 || figures->packages > FIGURES_MAX_PACKAGES)) {
        snprintf(why.text, sizeof why.text, "packages must be 1 to %d",
                 FIGURES_MAX_PACKAGES);
        ok = 0;
    }
    if (!ok)
        snprintf(error, (size_t)error_size, "%s:%d: %s", path, why.line, why.text);
    json_decref(json);
    return ok ? 0 : -1;
}
