/* lobby_test.c - who waits is called once: by the token, after its time, or at the end;
 * and whose turn it is in a crew */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/crew.h"
#include "policy/lobby.h"

struct guest {
    struct lobby_visitor visitor; /* the first, so that one is the other */
    int left;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char order[16];
static int done;
static bool door_open;

static void leave(struct lobby_visitor *visitor)
{
    pthread_mutex_lock(&lock);
    ((struct guest *)visitor)->left++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void enter(struct lobby *lobby, struct guest *guest, const char *token, int ms)
{
    *guest = (struct guest){.visitor.leave = leave};
    assert_true(lobby_enter(lobby, &guest->visitor, token, ms));
}

static int left(struct guest *guest)
{
    int count;

    pthread_mutex_lock(&lock);
    count = guest->left;
    pthread_mutex_unlock(&lock);
    return count;
}

static void a_token_calls_those_who_wait_for_it(void **state)
{
    struct lobby *lobby = lobby_new();
    struct guest one, other, same;

    (void)state;
    enter(lobby, &one, "aa", 60000);
    enter(lobby, &other, "bb", 60000);
    enter(lobby, &same, "aa", 60000);
    lobby_call(lobby, "a");
    assert_int_equal(left(&one) + left(&other) + left(&same), 0);
    lobby_call(lobby, "aa");
    lobby_call(lobby, "aa");
    assert_int_equal(left(&one), 1);
    assert_int_equal(left(&same), 1);
    assert_int_equal(left(&other), 0);
    /* The list is whole when its last has left. */
    enter(lobby, &one, "cc", 60000);
    lobby_call(lobby, "cc");
    assert_int_equal(left(&one), 1);
    lobby_free(lobby);
    assert_int_equal(left(&other), 1);
}

static void nobody_waits_longer_than_they_said(void **state)
{
    struct lobby *lobby = lobby_new();
    struct guest patient, hasty;
    struct timespec until;

    (void)state;
    enter(lobby, &patient, "aa", 60000);
    enter(lobby, &hasty, "bb", 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 50; /* a machine may stand still for some time */
    pthread_mutex_lock(&lock);
    while (!hasty.left && pthread_cond_timedwait(&changed, &lock, &until) == 0)
        ;
    pthread_mutex_unlock(&lock);
    assert_int_equal(left(&hasty), 1);
    assert_int_equal(left(&patient), 0);
    lobby_free(lobby);
}

static void a_closed_lobby_lets_nobody_in(void **state)
{
    struct lobby *lobby = lobby_new();
    struct guest in, late = {.visitor.leave = leave};

    (void)state;
    enter(lobby, &in, "aa", 60000);
    lobby_close(lobby);
    assert_int_equal(left(&in), 1);
    assert_false(lobby_enter(lobby, &late.visitor, "bb", 60000));
    assert_int_equal(left(&late), 0);
    lobby_free(lobby);
}

/* The first task keeps the crew's only thread until all others are given. */
static void work(void *task)
{
    const char *name = task;

    pthread_mutex_lock(&lock);
    while (name[0] == '-' && !door_open)
        pthread_cond_wait(&changed, &lock);
    if (name[0] != '-')
        order[done++] = name[0];
    pthread_mutex_unlock(&lock);
}

static void what_is_urgent_comes_first_and_the_rest_goes_on(void **state)
{
    static const struct {
        const char *name;
        enum crew_turn turn;
    } tasks[] = {{"1", CREW_LATER},  {"2", CREW_LATER},  {"a", CREW_SOON},
                 {"A", CREW_URGENT}, {"B", CREW_URGENT}, {"C", CREW_URGENT},
                 {"D", CREW_URGENT}, {"b", CREW_SOON}};
    struct crew *crew = crew_start(1, work);

    (void)state;
    assert_int_equal(crew_give(crew, "-", CREW_URGENT), 0);
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        assert_int_equal(crew_give(crew, (void *)tasks[i].name, tasks[i].turn), 0);
    pthread_mutex_lock(&lock);
    door_open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    crew_stop(crew);
    assert_int_equal(crew_give(crew, "-", CREW_URGENT), -1);
    crew_free(crew);
    /* One in four is the least urgent; which one, depends on when the thread began. */
    assert_int_equal(strlen(order), sizeof tasks / sizeof *tasks);
    assert_true(strchr(order, 'A') < strchr(order, 'B'));
    assert_true(strchr(order, 'B') < strchr(order, 'C'));
    assert_true(strchr(order, 'C') < strchr(order, 'a'));
    assert_true(strchr(order, 'a') < strchr(order, 'b'));
    assert_true(strchr(order, '1') < strchr(order, 'a'));
    assert_true(strchr(order, '1') < strchr(order, '2'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_calls_those_who_wait_for_it),
        cmocka_unit_test(nobody_waits_longer_than_they_said),
        cmocka_unit_test(a_closed_lobby_lets_nobody_in),
        cmocka_unit_test(what_is_urgent_comes_first_and_the_rest_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
