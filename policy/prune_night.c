/* prune_night.c - the thread that prunes at night, if the policy says so (prune.h) */
#include "policy/prune_night.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "policy/clock.h"
#include "policy/log.h"
#include "policy/prune.h"

/* Local time: from two until five in the morning. */
#define FROM_HOUR 2
#define UNTIL_HOUR 5

/* It looks at the clock so often, and between two pieces others get so much of the
 * ledger's time. */
#define LOOK_S 60
#define PIECE_MS 100
#define REST_NS 200000000

struct prune_night {
    struct ledger *ledger;
    struct policy_store *policies;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t stopped;
    bool stop;
    int64_t done_s; /* of the thread alone: the night before this was all done */
};

static bool is_night(int64_t now_s)
{
    time_t when = (time_t)now_s;
    struct tm tm;

    localtime_r(&when, &tm);
    return tm.tm_hour >= FROM_HOUR && tm.tm_hour < UNTIL_HOUR;
}

/* true: it is to stop. */
static bool rest(struct prune_night *n, int64_t s, int64_t ns)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ns;
    until.tv_sec += s + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&n->lock);
    while (!n->stop && pthread_cond_timedwait(&n->stopped, &n->lock, &until) == 0)
        ;
    stop = n->stop;
    pthread_mutex_unlock(&n->lock);
    return stop;
}

/* How many years' detail is kept; 0: the policy leaves it to people. */
static int64_t years_of(struct prune_night *n)
{
    struct policy *policy = policy_store_take(n->policies);
    const struct policy_figures *figures = policy_figures(policy);
    int64_t years = figures->keep_nightly ? figures->keep_years : 0;

    policy_release(policy);
    return years;
}

/* All that is old enough, or until the night is over. */
static void prune_all(struct prune_night *n, int64_t before_s)
{
    struct prune_place place = {0, 0};
    struct prune_count count = {0};
    int rc;

    do
        rc = prune_some(n->ledger, before_s, clock_now_s(), PIECE_MS, &place, &count);
    while (rc > 0 && is_night(clock_now_s()) && !rest(n, 0, REST_NS));
    if (rc == 0)
        n->done_s = clock_now_s();
    if (count.rows > 0 || count.kept > 0)
        log_line("the detail of %lld runs was dropped, %lld rows; %lld runs do not "
                 "balance and keep theirs (kwota verify)",
                 (long long)count.runs, (long long)count.rows, (long long)count.kept);
}

static void *work(void *arg)
{
    struct prune_night *n = arg;
    char why[LEDGER_WHY];

    pthread_setname_np(pthread_self(), "prune");
    do {
        int64_t now_s = clock_now_s(), years = is_night(now_s) ? years_of(n) : 0;

        /* Once a night. */
        if (years > 0 && now_s >= n->done_s + (UNTIL_HOUR - FROM_HOUR) * 3600 &&
            ledger_acts(n->ledger, why))
            prune_all(n, prune_before_s(now_s, years));
    } while (!rest(n, LOOK_S, 0));
    return NULL;
}

struct prune_night *prune_night_start(struct ledger *ledger,
                                      struct policy_store *policies)
{
    struct prune_night *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->ledger = ledger;
    n->policies = policies;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->stopped, NULL);
    if (pthread_create(&n->thread, NULL, work, n) == 0)
        return n;
    pthread_cond_destroy(&n->stopped);
    pthread_mutex_destroy(&n->lock);
    free(n);
    return NULL;
}

void prune_night_stop(struct prune_night *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->stopped);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    pthread_cond_destroy(&n->stopped);
    pthread_mutex_destroy(&n->lock);
    free(n);
}
