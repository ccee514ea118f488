/* mariadb_tls_test.c - `ca=`: the server proves who it is, or nothing is said to it */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "tests/unit/private_mariadb.h"

/* Its certificates: of "localhost", signed by one CA; another CA; and of another host.
 */
static struct private_mariadb server;
static char folder[64], key[128], certificate[128], port_option[32];
static int port;

/* A CA and, signed by it, a server's certificate: NAME.ca, NAME.key, NAME.pem. */
static void make_certificates(const char *name, const char *host)
{
    char command[1024];

    snprintf(
        command, sizeof command,
        "exec 2>/dev/null; cd %s && n=%s && h=%s && new='-newkey rsa:2048 -nodes' &&"
        " openssl req -x509 $new -days 2 -subj /CN=ca-of-$n -keyout $n.cakey"
        "  -out $n.ca &&"
        " openssl req $new -subj /CN=$h -keyout $n.key -out csr &&"
        " echo subjectAltName=DNS:$h >ext &&"
        " openssl x509 -req -in csr -CA $n.ca -CAkey $n.cakey -CAcreateserial"
        "  -days 2 -extfile ext -out $n.pem",
        folder, name, host);
    if (system(command) != 0)
        fail_msg("%s", command);
}

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* Over TCP, with the certificate of that name; NULL: without TLS. */
static void serve(const char *name)
{
    int n = 0;

    port = free_port();
    snprintf(port_option, sizeof port_option, "--port=%d", port);
    memset(server.more, 0, sizeof server.more);
    server.more[n++] = "--skip-networking=0";
    server.more[n++] = "--bind-address=127.0.0.1";
    server.more[n++] = port_option;
    if (name) {
        snprintf(key, sizeof key, "--ssl-key=%s/%s.key", folder, name);
        snprintf(certificate, sizeof certificate, "--ssl-cert=%s/%s.pem", folder, name);
        server.more[n++] = key;
        server.more[n++] = certificate;
    } else {
        server.more[n++] = "--skip-ssl";
    }
    private_kill(&server);
    assert_int_equal(private_start(&server), 0);
}

/* Connects as kwota.json would say it; 0, or -1 with why. */
static int connect_with(const char *ca, struct mariadb *m)
{
    struct mariadb_place place;
    char text[256], why[MARIADB_PLACE_TEXT];

    *m = (struct mariadb){NULL, false, ""};
    snprintf(text, sizeof text, "mariadb://root@localhost:%d/information_schema%s%s%s",
             port, ca ? "?ca=" : "", ca ? folder : "", ca ? ca : "");
    assert_int_equal(mariadb_place_read(text, &place, why), 0);
    return mariadb_open(m, &place, 10);
}

static bool is_encrypted(struct mariadb *m)
{
    int64_t length = 0;

    assert_int_equal(mariadb_number(m,
                                    "SELECT LENGTH(VARIABLE_VALUE) FROM SESSION_STATUS"
                                    " WHERE VARIABLE_NAME = 'Ssl_cipher'",
                                    &length),
                     0);
    return length > 0;
}

static void who_is_signed_for_is_talked_to(void **state)
{
    struct mariadb m;

    (void)state;
    serve("right");
    if (connect_with("/right.ca", &m) < 0)
        fail_msg("%s", m.error);
    assert_true(is_encrypted(&m));
    mariadb_close(&m);
    /* Who does not ask for a proof gets on without one. */
    if (connect_with(NULL, &m) < 0)
        fail_msg("%s", m.error);
    mariadb_close(&m);
}

static void whoever_else_is_not(void **state)
{
    struct mariadb m;

    (void)state;
    serve("right");
    assert_int_equal(connect_with("/strange.ca", &m), -1);
    assert_non_null(strstr(m.error, "localhost"));
    serve("strange");
    assert_int_equal(connect_with("/strange.ca", &m), -1);
    assert_true(m.error[0]);
}

static void a_server_without_tls_is_not(void **state)
{
    struct mariadb m;

    (void)state;
    serve(NULL);
    assert_int_equal(connect_with("/right.ca", &m), -1);
    assert_true(m.error[0]);
    if (connect_with(NULL, &m) < 0)
        fail_msg("%s", m.error);
    assert_false(is_encrypted(&m));
    mariadb_close(&m);
}

static int setup_all(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/kwota-tls-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    make_certificates("right", "localhost");
    make_certificates("strange", "db9.example.org");
    return private_make(&server);
}

static int teardown_all(void **state)
{
    char command[96];

    (void)state;
    private_remove(&server);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_signed_for_is_talked_to),
        cmocka_unit_test(whoever_else_is_not),
        cmocka_unit_test(a_server_without_tls_is_not),
    };

    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
