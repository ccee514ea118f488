/* web_test.c - who may enter the dashboard, and as whom */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "policy/credential.h"
#include "policy/person.h"
#include "policy/route.h"
#include "policy/web.h"
#include "tests/unit/site_request.h"

#define ALICE 63001
#define BOB 63002

static char clock_file[] = "/tmp/kwota-unit-web-XXXXXX";
static struct settings settings;
static struct http_context context = {.settings = &settings, .cluster = "c"};
static struct web *web;

/* What was asked last. */
static struct {
    uid_t uid;
    char path[64], id[64];
} told;

void access_of(uid_t uid, struct access_rights *rights)
{
    memset(rights, 0, sizeof *rights);
    rights->uid = uid;
}

json_t *route_call(const struct route_call *call, unsigned *status)
{
    const char *id = call->query(call->of, "id");

    told.uid = call->rights->uid;
    snprintf(told.path, sizeof told.path, "%s", call->path);
    snprintf(told.id, sizeof told.id, "%s", id ? id : "");
    assert_string_equal(call->method, "GET");
    *status = 200;
    return json_pack("{s:s}", "for", call->path);
}

json_t *person_error(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

int credential_seal(const char *socket, uid_t reader, const char *text, char **sealed,
                    struct credential_error *error)
{
    (void)socket;
    (void)error;
    return asprintf(sealed, "for %u: %s", reader, text) < 0 ? -1 : 0;
}

/* The clock stands so much later than it is. */
static void later(int64_t s)
{
    FILE *file = fopen(clock_file, "w");

    fprintf(file, "%lld\n", (long long)s);
    fclose(file);
}

static int setup(void **state)
{
    (void)state;
    settings = (struct settings){
        .names = {(char *)"ctl1"},
        .web = {.address = (char *)"127.0.0.1", .port = 6829, .session_s = 3600}};
    memset(&told, 0, sizeof told);
    later(0);
    web = web_new(&context);
    return web ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    web_free(web);
    return 0;
}

/* The pass of a new link. */
static char *link_of(uid_t uid)
{
    char *link = web_link_text(web, uid, time(NULL)), *pass;

    assert_non_null(link);
    pass = strdup(strstr(link, "pass=") + 5);
    free(link);
    return pass;
}

static struct site_answer get(const char *path, const char *argument,
                              const char *cookie)
{
    return ask(web_answer, web,
               &(struct asked){.path = path,
                               .argument = argument,
                               .cookie_name = "kwota-c",
                               .cookie = cookie});
}

static void answers(struct site_answer answer, unsigned status, const char *part)
{
    assert_int_equal(answer.status, status);
    assert_non_null(strstr(answer_text(&answer), part));
    assert_int_equal(strlen(answer_text(&answer)), answer.size);
    free(answer.body);
}

/* The value of the cookie that was set. */
static char *cookie_of(const struct site_answer *answer)
{
    assert_int_equal(strncmp(answer->cookie, "kwota-c=", 8), 0);
    return strndup(answer->cookie + 8, strcspn(answer->cookie + 8, ";"));
}

static char *session_of(uid_t uid)
{
    char *pass = link_of(uid), *cookie;
    struct site_answer answer = get("/enter", pass, NULL);

    cookie = cookie_of(&answer);
    answers(answer, 200, "url=./");
    free(pass);
    return cookie;
}

static void without_a_session_nothing_is_shown(void **state)
{
    (void)state;
    answers(get("/", NULL, NULL), 403, "kwota web");
    answers(get("/", NULL, "session.0.9999999999.0.00"), 403, "kwota web");
    answers(get("/v1/running", NULL, NULL), 403, "session");
    answers(get("/v1/running", NULL, ""), 403, "session");
    assert_string_equal(told.path, "");
}

static void a_session_asks_as_its_person(void **state)
{
    char *cookie = session_of(ALICE);

    (void)state;
    answers(get("/", NULL, cookie), 200, "kwota.js");
    answers(get("/v1/job", "12_3", cookie), 200, "/v1/job");
    assert_int_equal(told.uid, ALICE);
    assert_string_equal(told.id, "12_3");
    free(cookie);
    cookie = session_of(BOB);
    answers(get("/v1/ping", NULL, cookie), 200, "/v1/ping");
    assert_int_equal(told.uid, BOB);
    free(cookie);
}

static void only_what_the_page_needs_can_be_asked(void **state)
{
    static const char *const paths[] = {
        "/v1/report",    "/v1/nodes",   "/v1/web",        "/v1/freeze",
        "/v1/quota/set", "/etc/passwd", "/v1/../v1/nodes"};
    char *cookie = session_of(0);

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        answers(get(paths[i], NULL, cookie), 404, "no such page");
    assert_string_equal(told.path, "");
    free(cookie);
}

static void a_link_opens_once(void **state)
{
    char *pass = link_of(ALICE), *bobs = session_of(BOB), *cookie;
    struct site_answer answer = get("/enter", pass, NULL);

    (void)state;
    cookie = cookie_of(&answer);
    free(answer.body);
    answers(get("/enter", pass, NULL), 403, "opened before");
    answers(get("/enter", pass, bobs), 403, "opened before");
    /* The browser that opened it may do so again, and gets nothing new. */
    answer = get("/enter", pass, cookie);
    assert_string_equal(answer.cookie, "");
    answers(answer, 200, "url=./");
    free(pass);
    free(bobs);
    free(cookie);
}

/* However many were opened since. */
static void a_link_stays_opened(void **state)
{
    char *first = link_of(ALICE), *pass;

    (void)state;
    free(get("/enter", first, NULL).body);
    for (int i = 0; i < 5000; i++) {
        pass = link_of(BOB);
        free(get("/enter", pass, NULL).body);
        free(pass);
    }
    answers(get("/enter", first, NULL), 403, "opened before");
    free(first);
    free(session_of(ALICE));
}

static void links_and_sessions_expire(void **state)
{
    char *pass = link_of(ALICE), *cookie = session_of(ALICE);

    (void)state;
    later(WEB_LINK_S + 2);
    answers(get("/enter", pass, NULL), 403, "expired");
    answers(get("/", NULL, cookie), 200, "kwota.js");
    later(3602);
    answers(get("/", NULL, cookie), 403, "over");
    answers(get("/v1/running", NULL, cookie), 403, "session");
    assert_string_equal(told.path, "");
    free(pass);
    free(cookie);
}

static void a_link_is_no_session_and_the_other_way_round(void **state)
{
    char *pass = link_of(ALICE), *cookie = session_of(ALICE);

    (void)state;
    answers(get("/", NULL, pass), 403, "no session");
    answers(get("/enter", cookie, NULL), 403, "not complete");
    answers(get("/enter", NULL, NULL), 403, "not complete");
    free(pass);
    free(cookie);
}

static void another_kwotads_words_open_nothing(void **state)
{
    char *pass = link_of(ALICE), *cookie = session_of(ALICE);

    (void)state;
    web_free(web);
    web = web_new(&context);
    answers(get("/enter", pass, NULL), 403, "started anew");
    answers(get("/", NULL, cookie), 403, "started anew");
    free(pass);
    free(cookie);
}

static void cookies_are_for_this_page_alone(void **state)
{
    char *pass = link_of(ALICE);
    struct site_answer answer = get("/enter", pass, NULL);

    (void)state;
    assert_non_null(strstr(answer.cookie, "; Path=/;"));
    assert_non_null(strstr(answer.cookie, "; Max-Age=3600;"));
    assert_non_null(strstr(answer.cookie, "; HttpOnly"));
    assert_non_null(strstr(answer.cookie, "; SameSite=Strict"));
    assert_null(strstr(answer.cookie, "Secure"));
    free(pass);
    settings.web.url = (char *)"https://hpc.example.org/kwota";
    web_free(web);
    web = web_new(&context);
    pass = link_of(ALICE);
    answer = get("/enter", pass, NULL);
    assert_non_null(strstr(answer.cookie, "; Path=/kwota/;"));
    assert_non_null(strstr(answer.cookie, "; Secure"));
    free(pass);
    answer = get("/leave", NULL, NULL);
    assert_non_null(strstr(answer.cookie, "kwota-c=; Path=/kwota/; Max-Age=0;"));
    free(answer.body);
}

static void who_asks_too_fast_waits(void **state)
{
    char *alice = session_of(ALICE), *bob = session_of(BOB);
    struct site_answer answer;
    int asked = 0;

    (void)state;
    do {
        answer = get("/v1/ping", NULL, alice);
        free(answer.body);
    } while (answer.status == 200 && ++asked < 100000);
    assert_int_equal(answer.status, 429);
    assert_true(asked >= 60);
    answers(get("/v1/ping", NULL, bob), 200, "ping");
    free(alice);
    free(bob);
}

static void links_lead_to_the_page(void **state)
{
    static const struct {
        const char *address, *url, *begins, *tunnel;
    } table[] = {
        {"127.0.0.1", NULL, "for 63001: http://127.0.0.1:6829/enter?pass=link.63001.",
         "ssh -N -L 6829:127.0.0.1:6829 ctl1"},
        {"0.0.0.0", NULL, "for 63001: http://ctl1:6829/enter?pass=link.63001.", NULL},
        {"fd00::1", NULL, "for 63001: http://[fd00::1]:6829/enter?", NULL},
        {"127.0.0.1", "https://hpc.example.org/kwota",
         "for 63001: https://hpc.example.org/kwota/enter?pass=", NULL},
    };
    struct access_rights rights = {.uid = ALICE};
    unsigned status;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *reply;
        const char *sealed, *tunnel;

        settings.web.address = (char *)table[i].address;
        settings.web.url = (char *)table[i].url;
        web_free(web);
        web = web_new(&context);
        reply = web_link(web, &rights, &status);
        assert_int_equal(status, 200);
        sealed = json_string_value(json_object_get(reply, "sealed"));
        assert_int_equal(strncmp(sealed, table[i].begins, strlen(table[i].begins)), 0);
        tunnel = json_string_value(json_object_get(reply, "tunnel"));
        assert_true(!tunnel == !table[i].tunnel);
        if (tunnel)
            assert_string_equal(tunnel, table[i].tunnel);
        json_decref(reply);
    }
}

static void without_a_page_there_is_no_link(void **state)
{
    struct access_rights rights = {.uid = ALICE};
    unsigned status;
    json_t *reply = web_link(NULL, &rights, &status);

    (void)state;
    assert_int_equal(status, 409);
    json_decref(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_session_nothing_is_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_session_asks_as_its_person, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_the_page_needs_can_be_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_link_opens_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_stays_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(links_and_sessions_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_is_no_session_and_the_other_way_round,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(another_kwotads_words_open_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cookies_are_for_this_page_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_asks_too_fast_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(links_lead_to_the_page, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_page_there_is_no_link, setup,
                                        teardown),
    };
    int fd = mkstemp(clock_file), failed;

    if (fd < 0)
        return 1;
    close(fd);
    setenv("KWOTA_TEST_CLOCK", clock_file, 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(clock_file);
    return failed;
}
