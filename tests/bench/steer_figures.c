/* steer_figures.c - steering against ending runs at their budget, on random runs
 *
 * usage: steer-figures [RUNS [SEED]]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/trace.h"

#define KWH 3600000000.0

/* What has become of all runs. */
struct sums {
    int runs, finished, warned_late, timed_out, beyond, held, needless, spoilt, changes;
    double used, useful, lost, beyond_most, slower, slower_runs, late_most;
};

static void add(struct sums *s, const struct trace *t, const struct trace_end *e,
                const struct trace_end *alone)
{
    double over = e->used_mj / (double)t->budget_mj - 1;

    s->runs++;
    s->finished += e->finished;
    s->timed_out += e->timed_out;
    s->used += e->used_mj;
    *(e->finished ? &s->useful : &s->lost) += t->natural_mj * e->work;
    s->beyond += over > 0;
    s->beyond_most = fmax(s->beyond_most, over);
    s->held += e->held;
    s->changes += e->changes;
    s->needless += e->held && alone->finished;
    s->spoilt += alone->finished && !e->finished;
    s->warned_late += e->ended && (!e->warned || e->warned_ahead_s < TRACE_REPORT_S);
    if (e->held && e->finished) {
        s->slower += e->took_s / t->work_s - 1;
        s->slower_runs++;
    }
}

static void print(const char *name, const struct sums *s)
{
    double runs = s->runs;

    printf("%-34s %6.1f %% %7.3f %7.1f %% %6.1f %% %6.1f %% %6.2f %% %5d %5.1f %% "
           "%5.1f %5d\n",
           name, 100 * s->finished / runs, s->useful / s->used,
           100 * s->lost / (s->lost + s->useful), 100 * s->held / runs,
           100 * s->needless / runs, 100 * s->spoilt / runs, s->beyond,
           s->slower_runs ? 100 * s->slower / s->slower_runs : 0,
           s->held ? (double)s->changes / s->held : 0, s->warned_late);
}

static void heading(const char *what)
{
    printf("\n%-34s %8s %7s %9s %8s %8s %8s %5s %7s %5s %5s\n", what, "finished",
           "useful", "lost", "held", "needless", "spoilt", "over", "slower", "times",
           "late");
}

static struct sums play(const struct trace_world *world,
                        const struct steer_rules *rules, int runs, uint64_t seed,
                        int kind, int shape)
{
    uint64_t random = trace_seed(seed);
    struct sums s = {0};

    for (int i = 0; i < runs; i++) {
        struct trace t = trace_draw(world, &random);
        struct trace_end alone, end;

        if ((kind >= 0 && (int)t.kind != kind) || (shape >= 0 && (int)t.shape != shape))
            continue;
        alone = trace_play(&t, NULL);
        end = rules ? trace_play(&t, rules) : alone;
        add(&s, &t, &end, &alone);
    }
    return s;
}

static void compare(const char *name, const struct trace_world *world,
                    const struct steer_rules *rules, int runs, uint64_t seed)
{
    struct sums s = play(world, rules, runs, seed, -1, -1);

    print(name, &s);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"GPU", "CPU only", "mixed"};
    static const char *const shapes[] = {"steady", "bursty", "rising"};
    const struct trace_world usual = {.exponent = 0.5,
                                      .error = 1.5,
                                      .bias = getenv("BIAS") ? atof(getenv("BIAS")) : 1,
                                      .unknown = 0.2,
                                      .over_least = 0.5,
                                      .over_most = 1.8,
                                      .least_s = 1800,
                                      .most_s = 86400};
    const struct steer_rules rules = {.part_percent = 50,
                                      .floor_percent = 50,
                                      .gpu = true,
                                      .package = true,
                                      .cpu_floor_percent = 25,
                                      .warn_s = 300,
                                      .end = true};
    int runs = argc > 1 ? atoi(argv[1]) : 10000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct trace_world w = usual;
    struct steer_rules r = rules;
    char name[64];

    heading("all runs");
    compare("ended at the budget", &w, NULL, runs, seed);
    compare("steered", &w, &r, runs, seed);
    heading("by kind and shape: ended, steered");
    for (int k = 0; k < TRACE_KINDS; k++)
        for (int h = 0; h < TRACE_SHAPES; h++)
            for (int steered = 0; steered < 2; steered++) {
                struct sums s = play(&w, steered ? &r : NULL, runs, seed, k, h);

                snprintf(name, sizeof name, "%s, %s%s", kinds[k], shapes[h],
                         steered ? ", steered" : "");
                print(name, &s);
            }
    heading("speed goes with power above idle ^");
    for (int i = 0; i < 4; i++) {
        static const double exponents[] = {1 / 3.0, 0.5, 2 / 3.0, 1};

        w.exponent = exponents[i];
        snprintf(name, sizeof name, "%.2f", w.exponent);
        compare(name, &w, &r, runs, seed);
    }
    w = usual;
    heading("history is off by up to");
    for (int i = 0; i < 4; i++) {
        static const double errors[] = {1, 1.25, 1.5, 2};

        w.error = errors[i];
        w.unknown = 0;
        snprintf(name, sizeof name, "x%.2f", w.error);
        compare(name, &w, &r, runs, seed);
    }
    w.error = 1;
    w.unknown = 1;
    compare("nothing known but the limit", &w, &r, runs, seed);
    w = usual;
    heading("acts when so much is used");
    for (int i = 0; i < 5; i++) {
        static const int parts[] = {0, 10, 25, 50, 75};

        r.part_percent = parts[i];
        snprintf(name, sizeof name, "%d %%", parts[i]);
        compare(name, &w, &r, runs, seed);
    }
    r = rules;
    heading("no limit below, of the highest");
    for (int i = 0; i < 3; i++) {
        static const int floors[] = {0, 50, 65};

        r.floor_percent = floors[i];
        snprintf(name, sizeof name, "%d %%", floors[i]);
        compare(name, &w, &r, runs, seed);
    }
    r = rules;
    heading("allowed");
    r.package = false;
    compare("GPUs", &w, &r, runs, seed);
    r.package = true;
    compare("GPUs, packages", &w, &r, runs, seed);
    r.cpu = true;
    compare("GPUs, packages, CPU quota", &w, &r, runs, seed);
    return 0;
}
