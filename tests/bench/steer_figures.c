/* steer_figures.c - steering against ending runs at their budget, on random runs
 *
 * usage: steer-figures [RUNS [SEED]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/trace.h"

/* What has become of all runs. */
struct sums {
    int runs, finished, warned_late, beyond, held, needless, spoilt, changes;
    double used, useful, lost, slower, slower_runs;
};

static void add(struct sums *s, const struct trace *t, const struct trace_end *e,
                const struct trace_end *alone)
{
    s->runs++;
    s->finished += e->finished;
    s->used += e->used_mj;
    *(e->finished ? &s->useful : &s->lost) += t->natural_mj * e->work;
    s->beyond += e->used_mj > (double)t->budget_mj;
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
    double all = s->runs;

    printf("%-34s %6.1f %% %7.3f %7.1f %% %6.1f %% %6.1f %% %6.2f %% %5d %5.1f %% "
           "%5.1f %5d\n",
           name, 100 * s->finished / all, s->useful / s->used,
           100 * s->lost / (s->lost + s->useful), 100 * s->held / all,
           100 * s->needless / all, 100 * s->spoilt / all, s->beyond,
           s->slower_runs ? 100 * s->slower / s->slower_runs : 0,
           s->held ? (double)s->changes / s->held : 0, s->warned_late);
}

static void heading(const char *what)
{
    printf("\n%-34s %8s %7s %9s %8s %8s %8s %5s %7s %5s %5s\n", what, "finished",
           "useful", "lost", "held", "needless", "spoilt", "over", "slower", "times",
           "late");
}

static struct sums play(const struct trace_world *world, const struct steer_rules *by,
                        int count, uint64_t from, int kind, int shape)
{
    uint64_t random = trace_seed(from);
    struct sums s = {0};

    for (int i = 0; i < count; i++) {
        struct trace t = trace_draw(world, &random);
        struct trace_end alone, end;

        if ((kind >= 0 && (int)t.kind != kind) || (shape >= 0 && (int)t.shape != shape))
            continue;
        alone = trace_play(&t, NULL);
        end = by ? trace_play(&t, by) : alone;
        add(&s, &t, &end, &alone);
    }
    return s;
}

static void compare(const char *name, const struct trace_world *world,
                    const struct steer_rules *by, int count, uint64_t from)
{
    struct sums s = play(world, by, count, from, -1, -1);

    print(name, &s);
}

static const struct trace_world usual = {.exponent = 0.5,
                                         .error = 1.5,
                                         .bias = 1,
                                         .unknown = 0.2,
                                         .over_least = 0.5,
                                         .over_most = 1.8,
                                         .least_s = 1800,
                                         .most_s = 86400};
static const struct steer_rules rules = {.part_percent = 25,
                                         .floor_percent = 50,
                                         .gpu = true,
                                         .package = true,
                                         .cpu_floor_percent = 25,
                                         .warn_s = 300,
                                         .end = true};
static int runs = 10000;
static uint64_t seed = 1;

static void by_kind(void)
{
    static const char *const kinds[] = {"GPU", "CPU only", "mixed"};
    static const char *const shapes[] = {"steady", "bursty", "rising"};
    char name[64];

    for (int k = 0; k < TRACE_KINDS; k++)
        for (int h = 0; h < TRACE_SHAPES; h++)
            for (int steered = 0; steered < 2; steered++) {
                struct sums s = play(&usual, steered ? &rules : NULL, runs, seed, k, h);

                snprintf(name, sizeof name, "%s, %s%s", kinds[k], shapes[h],
                         steered ? ", steered" : "");
                print(name, &s);
            }
}

/* GPU runs whose natural use is so many budgets. */
static void by_use(void)
{
    static const double edges[] = {0.5, 0.9, 1, 1.05, 1.1, 1.2, 1.8};
    char name[64];

    for (int i = 0; i < 6; i++)
        for (int steered = 0; steered < 2; steered++) {
            struct trace_world w = usual;
            struct sums s;

            w.over_least = edges[i];
            w.over_most = edges[i + 1];
            s = play(&w, steered ? &rules : NULL, runs / 4, seed, TRACE_GPU, -1);
            snprintf(name, sizeof name, "%.2f to %.2f%s", edges[i], edges[i + 1],
                     steered ? ", steered" : "");
            print(name, &s);
        }
}

static void by_exponent(void)
{
    static const double exponents[] = {1 / 3.0, 0.5, 2 / 3.0, 1};
    struct trace_world w = usual;
    char name[64];

    for (int i = 0; i < 4; i++) {
        w.exponent = exponents[i];
        snprintf(name, sizeof name, "%.2f", w.exponent);
        compare(name, &w, &rules, runs, seed);
    }
}

static void by_history(void)
{
    static const double errors[] = {1, 1.5, 2};
    struct trace_world w = usual;
    char name[64];

    w.unknown = 0;
    for (int i = 0; i < 3; i++) {
        w.error = errors[i];
        snprintf(name, sizeof name, "off by up to x%.1f", w.error);
        compare(name, &w, &rules, runs, seed);
    }
    w.error = 1.5;
    w.bias = 0.7;
    compare("… and a third too short", &w, &rules, runs, seed);
    w.bias = 1.4;
    compare("… and two fifths too long", &w, &rules, runs, seed);
    w.unknown = 1;
    compare("only the limit is known", &w, &rules, runs, seed);
}

static void by_rules(void)
{
    static const int parts[] = {0, 25, 50, 75}, floors[] = {0, 50, 65};
    struct steer_rules r = rules;
    char name[64];

    for (int i = 0; i < 4; i++) {
        r.part_percent = parts[i];
        snprintf(name, sizeof name, "part_percent %d", parts[i]);
        compare(name, &usual, &r, runs, seed);
    }
    r = rules;
    for (int i = 0; i < 3; i++) {
        r.floor_percent = floors[i];
        snprintf(name, sizeof name, "floor_percent %d", floors[i]);
        compare(name, &usual, &r, runs, seed);
    }
    r = rules;
    r.package = false;
    compare("GPUs only", &usual, &r, runs, seed);
    r = rules;
    r.cpu = true;
    compare("with a CPU quota", &usual, &r, runs, seed);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        runs = atoi(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    heading("all runs");
    compare("ended at the budget", &usual, NULL, runs, seed);
    compare("steered", &usual, &rules, runs, seed);
    heading("natural use in budgets (GPU runs)");
    by_use();
    heading("speed goes with power above idle ^");
    by_exponent();
    heading("what history says of the duration");
    by_history();
    heading("by the rules");
    by_rules();
    heading("by kind and shape");
    by_kind();
    return 0;
}
