/* client_test.c - only an answer that kwotad signed counts
 *
 * A real munged of the test's own, and a server that answers well or badly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

enum answer { SIGNED, UNSIGNED, OTHER_BODY, OTHER_STATUS, OTHER_REQUEST };
static enum answer answering;

static const char body[] = "{\"acked\":[]}";

static enum MHD_Result serve(void *arg, struct MHD_Connection *connection,
                             const char *url, const char *method, const char *version,
                             const char *data, size_t *size, void **state)
{
    struct MHD_Response *response;
    struct credential_error why;
    const char *request;
    char *cred = NULL;
    enum MHD_Result rc;

    (void)arg, (void)url, (void)method, (void)version, (void)data;
    if (!*state || *size > 0) {
        *state = &answering;
        *size = 0;
        return MHD_YES;
    }
    request =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, CREDENTIAL_HEADER);
    response = MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body,
                                               MHD_RESPMEM_PERSISTENT);
    if (answering != UNSIGNED) {
        const char *text = answering == OTHER_BODY ? "{\"acked\":[1]}" : body;

        credential_sign_reply(
            munge_socket, answering == OTHER_REQUEST ? "MUNGE:x:" : request, getuid(),
            answering == OTHER_STATUS ? 404 : 200, text, strlen(text), &cred, &why);
        MHD_add_response_header(response, CREDENTIAL_HEADER, cred ? cred : "");
        free(cred);
    }
    rc = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return rc;
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
    server = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, serve, NULL,
                              MHD_OPTION_END);
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

static int ask(enum answer how, uid_t signer, char *error)
{
    struct client_options options = {.servers = address,
                                     .munge_socket = munge_socket,
                                     .signer = signer,
                                     .connect_timeout_ms = 2000,
                                     .timeout_ms = 5000};
    struct client *client = client_new(&options);
    json_t *reply = NULL, *question = json_object();
    int status;

    answering = how;
    error[0] = '\0';
    status = client_call(client, "POST", "/v1/report", question, &reply, error);
    assert_int_equal(status == 200, reply != NULL);
    json_decref(reply);
    json_decref(question);
    client_free(client);
    return status;
}

static void signed_answer_counts(void **state)
{
    char error[CLIENT_ERROR_TEXT];

    (void)state;
    assert_int_equal(ask(SIGNED, getuid(), error), 200);
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

static void nobody_there(void **state)
{
    char error[CLIENT_ERROR_TEXT], saved[64];

    (void)state;
    strcpy(saved, address);
    strcpy(address, "127.0.0.1:1");
    assert_int_equal(ask(SIGNED, getuid(), error), -1);
    assert_non_null(strstr(error, "127.0.0.1"));
    strcpy(address, saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_answer_counts),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(another_users_signature_does_not),
        cmocka_unit_test(nobody_there),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
