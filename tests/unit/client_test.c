/* client_test.c - only an answer that kwotad signed counts, and only one in time
 *
 * A real munged of the test's own, a server that answers well or badly, and others that
 * hang, trickle or talk nonsense. Linked with each of the two transports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <microhttpd.h>

#include "policy/client.h"
#include "policy/credential.h"

static char dir[] = "/tmp/kwota-client-test-XXXXXX";
static char munge_socket[128];
static pid_t munged;
static struct MHD_Daemon *server;
static char address[64];

enum answer {
    SIGNED,
    CHUNKED,
    LONG,
    EMPTY,
    NOT_FOUND,
    STANDS_BY,       /* always, */
    STANDS_BY_FIRST, /* … or when it is asked first */
    UNSIGNED,
    OTHER_BODY,
    OTHER_STATUS,
    OTHER_REQUEST
};
static enum answer answering;

static const char body[] = "{\"acked\":[]}";

#define LONG_BODY (3 << 20)
static char long_body[LONG_BODY + 1];

/* What has come of a request. */
struct request {
    char *body;
    size_t len;
};

static const char *answer_text(void)
{
    return answering == LONG ? long_body : answering == EMPTY ? "" : body;
}

/* A reply whose length is not told before it is over. */
static ssize_t read_chunk(void *arg, uint64_t at, char *to, size_t size)
{
    const char *text = arg;
    size_t left = strlen(text) - at;

    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size = size < left ? size : left;
    size = size < 5 ? size : 5;
    memcpy(to, text + at, size);
    return (ssize_t)size;
}

static struct MHD_Response *make_response(const char *text)
{
    if (answering == CHUNKED)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_chunk,
                                                 (void *)(uintptr_t)text, NULL);
    return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                           MHD_RESPMEM_PERSISTENT);
}

/* As kwotad does: what was not sent as it was signed is refused. */
static unsigned judge(const struct request *request, const char *cred,
                      const char *method, const char *url)
{
    static const char *const names[] = {"127.0.0.1", "localhost", NULL};
    struct credential_error why;
    uid_t uid;

    if (credential_check_request(munge_socket, cred, names, method, url, request->body,
                                 request->len, &uid, &why) < 0 ||
        uid != getuid())
        return 401;
    if (answering == STANDS_BY_FIRST) {
        answering = SIGNED;
        return 503;
    }
    return answering == NOT_FOUND ? 404 : answering == STANDS_BY ? 503 : 200;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              const char *request_cred)
{
    const char *text = answer_text();
    struct MHD_Response *response = make_response(text);
    struct credential_error why;
    char *cred = NULL;
    enum MHD_Result rc;

    if (answering != UNSIGNED) {
        const char *told = answering == OTHER_BODY ? "{\"acked\":[1]}" : text;

        credential_sign_reply(munge_socket,
                              answering == OTHER_REQUEST ? "MUNGE:x:" : request_cred,
                              getuid(), answering == OTHER_STATUS ? 404 : status, told,
                              strlen(told), &cred, &why);
        MHD_add_response_header(response, CREDENTIAL_HEADER, cred ? cred : "");
        free(cred);
    }
    rc = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return rc;
}

static enum MHD_Result serve(void *arg, struct MHD_Connection *connection,
                             const char *url, const char *method, const char *version,
                             const char *data, size_t *size, void **state)
{
    struct request *request = *state;
    const char *cred;

    (void)arg, (void)version;
    if (!request) {
        *state = calloc(1, sizeof *request);
        return MHD_YES;
    }
    if (*size > 0) {
        request->body = realloc(request->body, request->len + *size);
        memcpy(request->body + request->len, data, *size);
        request->len += *size;
        *size = 0;
        return MHD_YES;
    }
    cred = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, CREDENTIAL_HEADER);
    return answer(connection, judge(request, cred, method, url), cred);
}

static void forget(void *arg, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why)
{
    struct request *request = *state;

    (void)arg, (void)connection, (void)why;
    if (request)
        free(request->body);
    free(request);
}

static void write_key(const char *path)
{
    FILE *key = fopen(path, "w");

    for (int i = 0; i < 1024; i++)
        fputc(i * 7 % 251, key);
    fclose(key);
}

static void start_munged(void)
{
    char key[128], pid[128], seed[128], log[128];

    snprintf(munge_socket, sizeof munge_socket, "%s/socket", dir);
    snprintf(key, sizeof key, "--key-file=%s/key", dir);
    snprintf(pid, sizeof pid, "--pid-file=%s/pid", dir);
    snprintf(seed, sizeof seed, "--seed-file=%s/seed", dir);
    snprintf(log, sizeof log, "--log-file=%s/log", dir);
    munged = fork();
    if (munged == 0) {
        char path[140];

        snprintf(path, sizeof path, "--socket=%s", munge_socket);
        execl("/usr/sbin/munged", "munged", "--foreground", "--force", key, pid, seed,
              log, path, (char *)NULL);
        _exit(127);
    }
}

static int munged_serves(void)
{
    struct credential_error why;
    char *cred = NULL;
    int rc = -1;

    for (int i = 0; i < 200 && rc < 0; i++) {
        rc = credential_sign_request(munge_socket, "x", "GET", "/", NULL, 0, &cred,
                                     &why);
        if (rc < 0)
            poll(NULL, 0, 50);
    }
    free(cred);
    return rc;
}

static int set_up(void **state)
{
    char key[128];
    mode_t mask;

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(key, sizeof key, "%s/key", dir);
    mask = umask(0077);
    write_key(key);
    umask(mask);
    start_munged();
    memset(long_body, ' ', LONG_BODY);
    long_body[0] = '[';
    long_body[LONG_BODY - 1] = ']';
    server =
        MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, serve, NULL,
                         MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
    if (!server || munged_serves() < 0)
        return -1;
    snprintf(address, sizeof address, "127.0.0.1:%u",
             MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    MHD_stop_daemon(server);
    kill(munged, SIGTERM);
    waitpid(munged, NULL, 0);
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static const struct client_options usual = {.connect_timeout_ms = 2000,
                                            .timeout_ms = 5000};

/* One call with these time-outs, of `usual` where they are not the matter. */
static int call(const struct client_options *times, const char *servers, uid_t signer,
                const char *method, json_t *question, json_t **reply, char *error)
{
    struct client_options options = {.servers = servers,
                                     .munge_socket = munge_socket,
                                     .signer = signer,
                                     .connect_timeout_ms = times->connect_timeout_ms,
                                     .timeout_ms = times->timeout_ms};
    struct client *client = client_new(&options);
    int status;

    assert_non_null(client);
    error[0] = '\0';
    status = client_call(client, method, "/v1/report", question, reply, error);
    client_free(client);
    return status;
}

static int ask(enum answer how, uid_t signer, char *error)
{
    json_t *reply = NULL, *question = json_object();
    int status;

    answering = how;
    status = call(&usual, address, signer, "POST", question, &reply, error);
    assert_int_equal(status > 0 && how != EMPTY, reply != NULL);
    json_decref(reply);
    json_decref(question);
    return status;
}

static void signed_answer_counts(void **state)
{
    char error[CLIENT_ERROR_TEXT];

    (void)state;
    assert_int_equal(ask(SIGNED, getuid(), error), 200);
    assert_int_equal(ask(CHUNKED, getuid(), error), 200);
    assert_int_equal(ask(LONG, getuid(), error), 200);
    assert_int_equal(ask(EMPTY, getuid(), error), 200);
}

static void a_refusal_counts_too(void **state)
{
    char error[CLIENT_ERROR_TEXT];

    (void)state;
    assert_int_equal(ask(NOT_FOUND, getuid(), error), 404);
}

static void all_methods_and_long_questions_arrive(void **state)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    char error[CLIENT_ERROR_TEXT];

    (void)state;
    answering = SIGNED;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        json_t *reply = NULL,
               *question = i == 0 ? NULL : json_pack("{s:s}", "long", long_body);

        if (call(&usual, address, getuid(), methods[i], question, &reply, error) != 200)
            fail_msg("%s: %s", methods[i], error);
        json_decref(reply);
        json_decref(question);
    }
}

/* The server listens on IPv4 only; localhost may be IPv6 first. */
static void a_name_is_asked_at_all_its_addresses(void **state)
{
    char error[CLIENT_ERROR_TEXT], name[64];
    json_t *reply = NULL;

    (void)state;
    answering = SIGNED;
    snprintf(name, sizeof name, "localhost:%s", strchr(address, ':') + 1);
    assert_int_equal(call(&usual, name, getuid(), "GET", NULL, &reply, error), 200);
    json_decref(reply);
}

static void the_next_server_is_asked(void **state)
{
    char error[CLIENT_ERROR_TEXT], list[128];
    json_t *reply = NULL;

    (void)state;
    answering = SIGNED;
    snprintf(list, sizeof list, "127.0.0.1:1,no.such.host.invalid:2,%s", address);
    assert_int_equal(call(&usual, list, getuid(), "GET", NULL, &reply, error), 200);
    json_decref(reply);
}

/* Of two kwotad on one ledger one stands by. */
static void who_stands_by_is_passed_over(void **state)
{
    char error[CLIENT_ERROR_TEXT], list[160];
    json_t *reply = NULL;

    (void)state;
    snprintf(list, sizeof list, "%s,%s", address, address);
    answering = STANDS_BY_FIRST;
    assert_int_equal(call(&usual, list, getuid(), "GET", NULL, &reply, error), 200);
    json_decref(reply);
    answering = STANDS_BY;
    assert_int_equal(call(&usual, list, getuid(), "GET", NULL, &reply, error), 503);
    assert_non_null(reply);
    json_decref(reply);
    /* What the one said that answers holds, whoever is asked after it. */
    snprintf(list, sizeof list, "%s,127.0.0.1:1", address);
    assert_int_equal(call(&usual, list, getuid(), "GET", NULL, &reply, error), 503);
    json_decref(reply);
}

static void others_do_not(void **state)
{
    static const struct {
        enum answer how;
        const char *why;
    } table[] = {{UNSIGNED, "no Kwota-Credential"},
                 {OTHER_BODY, "altered"},
                 {OTHER_STATUS, "altered"},
                 {OTHER_REQUEST, "another request"}};
    char error[CLIENT_ERROR_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(ask(table[i].how, getuid(), error), -1);
        assert_non_null(strstr(error, table[i].why));
    }
}

static void another_users_signature_does_not(void **state)
{
    char error[CLIENT_ERROR_TEXT];

    (void)state;
    assert_int_equal(ask(SIGNED, getuid() + 1, error), -1);
    assert_non_null(strstr(error, "not by kwotad"));
}

/* A server that is none: what it does with a connection, in a process of its own. */
struct impostor {
    void (*talk)(int fd);
    struct client_options times;
    int64_t least_ms, most_ms; /* how long the call takes */
    const char *why;           /* in the error, whichever the transport */
};

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        _exit(0);
}

static void hear_question(int fd)
{
    char text[4096];

    if (read(fd, text, sizeof text) <= 0)
        _exit(0);
}

static void never_accept(int fd)
{
    (void)fd;
}

static void say_nothing(int fd)
{
    hear_question(fd);
    pause();
}

static void trickle(int fd)
{
    hear_question(fd);
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (;;) {
        say(fd, " ");
        poll(NULL, 0, 50);
    }
}

static void talk_nonsense(int fd)
{
    hear_question(fd);
    say(fd, "\x01\x02 is this HTTP?\r\n\r\n");
}

static void stop_short(int fd)
{
    hear_question(fd);
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{");
}

static void hang_up(int fd)
{
    hear_question(fd);
}

static void never_end(int fd)
{
    static char mebibyte[1 << 20];

    hear_question(fd);
    memset(mebibyte, ' ', sizeof mebibyte - 1);
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (;;) {
        say(fd, "fffff\r\n");
        say(fd, mebibyte);
        say(fd, "\r\n");
    }
}

static void announce_too_much(int fd)
{
    hear_question(fd);
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 68000000\r\n\r\n");
    for (;;)
        say(fd, "                                                                ");
}

static pid_t start_impostor(const struct impostor *impostor, int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid;

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, impostor->talk == never_accept ? 0 : 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (impostor->talk == never_accept)
            pause();
        for (;;) {
            int peer = accept(fd, NULL, NULL);

            impostor->talk(peer);
            close(peer);
        }
    }
    close(fd);
    return pid;
}

/* Fills the queue of one that never accepts, so that the next connection hangs. */
static void fill_queue(int port, int held[4])
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};

    for (int i = 0; i < 4; i++) {
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(held[i], (struct sockaddr *)&at, sizeof at);
    }
    poll(NULL, 0, 50);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void meet(const struct impostor *impostor)
{
    char error[CLIENT_ERROR_TEXT], at[64];
    int port, held[4] = {-1, -1, -1, -1};
    pid_t pid = start_impostor(impostor, &port);
    json_t *reply = NULL;
    int64_t begun_ms, took_ms;

    if (impostor->talk == never_accept)
        fill_queue(port, held);
    snprintf(at, sizeof at, "127.0.0.1:%d", port);
    begun_ms = now_ms();
    assert_int_equal(call(&impostor->times, at, getuid(), "GET", NULL, &reply, error),
                     -1);
    took_ms = now_ms() - begun_ms;
    print_message("%s (%" PRId64 " ms)\n", error, took_ms);
    assert_null(reply);
    assert_non_null(strstr(error, "127.0.0.1"));
    assert_non_null(strstr(error, impostor->why));
    assert_true(took_ms >= impostor->least_ms);
    assert_true(took_ms <= impostor->most_ms);
    for (int i = 0; i < 4; i++)
        if (held[i] >= 0)
            close(held[i]);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* The upper bounds leave room for a slow machine; without the time-out in question each
 * would be missed by far. */
static void impostors_are_not_waited_for(void **state)
{
    static const struct impostor table[] = {
        {never_accept,
         {.connect_timeout_ms = 300, .timeout_ms = 60000},
         290,
         50000,
         "onnect"},
        {never_accept,
         {.connect_timeout_ms = 60000, .timeout_ms = 300},
         290,
         50000,
         ""},
        {say_nothing, {.connect_timeout_ms = 60000, .timeout_ms = 300}, 290, 50000, ""},
        {trickle, {.connect_timeout_ms = 200, .timeout_ms = 400}, 390, 40000, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        meet(&table[i]);
}

static void impostors_are_not_believed(void **state)
{
    static const struct impostor table[] = {
        {talk_nonsense,
         {.connect_timeout_ms = 9000, .timeout_ms = 60000},
         0,
         50000,
         ""},
        {stop_short, {.connect_timeout_ms = 9000, .timeout_ms = 60000}, 0, 50000, ""},
        {hang_up, {.connect_timeout_ms = 9000, .timeout_ms = 60000}, 0, 50000, ""},
        {never_end,
         {.connect_timeout_ms = 9000, .timeout_ms = 60000},
         0,
         50000,
         "too long"},
        {announce_too_much,
         {.connect_timeout_ms = 9000, .timeout_ms = 60000},
         0,
         50000,
         "too long"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        meet(&table[i]);
}

static void nobody_there(void **state)
{
    char error[CLIENT_ERROR_TEXT];
    json_t *reply = NULL;

    (void)state;
    assert_int_equal(call(&usual, "127.0.0.1:1", getuid(), "GET", NULL, &reply, error),
                     -1);
    assert_non_null(strstr(error, "127.0.0.1"));
    /* libcurl does not say why. */
    assert_true(strstr(error, "refused") || strstr(error, "Failed to connect"));
    assert_int_equal(
        call(&usual, "no.such.host.invalid:1", getuid(), "GET", NULL, &reply, error),
        -1);
    assert_non_null(strstr(error, "no.such.host.invalid"));
}

/* What was sealed for somebody opens for them alone, once, and is its signer's word. */
static void what_is_sealed(void **state)
{
    const struct {
        uid_t reader, signer;
        int rc;
        const char *why;
    } table[] = {
        {getuid(), getuid(), 0, NULL},
        {getuid() + 1, getuid(), -1, "another user"},
        {getuid(), getuid() + 1, -1, "not by kwotad's uid"},
    };
    struct credential_error why;
    char *sealed, *text;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(
            credential_seal(munge_socket, table[i].reader, "a\nlink", &sealed, &why),
            0);
        assert_null(strstr(sealed, "link"));
        assert_int_equal(
            credential_open(munge_socket, sealed, table[i].signer, &text, &why),
            table[i].rc);
        if (table[i].rc == 0)
            assert_string_equal(text, "a\nlink");
        else
            assert_non_null(strstr(why.text, table[i].why));
        free(text);
        assert_int_equal(credential_open(munge_socket, sealed, getuid(), &text, &why),
                         -1);
        assert_null(text);
        free(sealed);
    }
    assert_int_equal(credential_sign_reply(munge_socket, "MUNGE:x", getuid(), 200, "",
                                           0, &sealed, &why),
                     0);
    assert_int_equal(credential_open(munge_socket, sealed, getuid(), &text, &why), -1);
    assert_non_null(strstr(why.text, "sealed"));
    free(sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_answer_counts),
        cmocka_unit_test(a_refusal_counts_too),
        cmocka_unit_test(all_methods_and_long_questions_arrive),
        cmocka_unit_test(a_name_is_asked_at_all_its_addresses),
        cmocka_unit_test(the_next_server_is_asked),
        cmocka_unit_test(who_stands_by_is_passed_over),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(another_users_signature_does_not),
        cmocka_unit_test(what_is_sealed),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(impostors_are_not_waited_for),
        cmocka_unit_test(impostors_are_not_believed),
    };

    /* As the meter does: a peer that hangs up is no reason to die. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
