/* credential.c - MUNGE credentials over requests and replies */
#include "policy/credential.h"

#include <gcrypt.h>
#include <munge.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MARK "kwota-request-1"
#define REPLY_MARK "kwota-reply-1"
#define SEALED_MARK "kwota-sealed-1\n"
#define FIELDS 5

/* The lines of a payload; they point into the text they were split from. */
struct payload {
    char *field[FIELDS];
    int count;
};

__attribute__((format(printf, 2, 3))) static int fail(struct credential_error *error,
                                                      const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(error->text, sizeof error->text, format, ap);
    va_end(ap);
    return -1;
}

void credential_hash(const void *data, size_t len, char out[CREDENTIAL_HASH_TEXT])
{
    unsigned char digest[32];

    /* Asking for the version is how libgcrypt is initialised; it is idempotent. */
    gcry_check_version(NULL);
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, data ? data : "", len);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static munge_ctx_t open_munge(const char *socket, struct credential_error *error)
{
    munge_ctx_t ctx = munge_ctx_create();

    if (!ctx) {
        fail(error, "out of memory for a MUNGE context");
        return NULL;
    }
    if (socket && munge_ctx_set(ctx, MUNGE_OPT_SOCKET, socket) != EMUNGE_SUCCESS) {
        fail(error, "MUNGE refuses the socket %s", socket);
        munge_ctx_destroy(ctx);
        return NULL;
    }
    return ctx;
}

static int encode(const char *socket, const uid_t *reader, const char *payload,
                  char **cred, struct credential_error *error)
{
    munge_ctx_t ctx = open_munge(socket, error);
    munge_err_t rc = EMUNGE_SUCCESS;

    *cred = NULL;
    if (!ctx)
        return -1;
    if (reader)
        rc = munge_ctx_set(ctx, MUNGE_OPT_UID_RESTRICTION, *reader);
    if (rc == EMUNGE_SUCCESS)
        rc = munge_encode(cred, ctx, payload, (int)strlen(payload));
    if (rc != EMUNGE_SUCCESS)
        fail(error, "MUNGE cannot sign: %s; is munged running%s%s?", munge_strerror(rc),
             socket ? " on " : "", socket ? socket : "");
    munge_ctx_destroy(ctx);
    return rc == EMUNGE_SUCCESS ? 0 : -1;
}

static const char *decode_reason(munge_err_t rc)
{
    switch (rc) {
    case EMUNGE_CRED_EXPIRED:
        return "the credential has expired; check the clocks";
    case EMUNGE_CRED_REWOUND:
        return "the credential is from the future; check the clocks";
    case EMUNGE_CRED_REPLAYED:
        return "the credential was used before (replayed)";
    case EMUNGE_CRED_UNAUTHORIZED:
        return "the credential is for another user";
    case EMUNGE_CRED_INVALID:
    case EMUNGE_BAD_CRED:
        return "the credential is altered, or of another cluster's MUNGE key";
    case EMUNGE_SOCKET:
        return "munged does not answer";
    default:
        return munge_strerror(rc);
    }
}

/* On success *text is malloc'd and NUL-terminated. */
static int decode(const char *socket, const char *cred, char **text, uid_t *uid,
                  struct credential_error *error)
{
    munge_ctx_t ctx;
    void *data = NULL;
    int len = 0;
    gid_t gid;
    munge_err_t rc;

    *text = NULL;
    if (!cred || !*cred)
        return fail(error, "there is no " CREDENTIAL_HEADER " header");
    ctx = open_munge(socket, error);
    if (!ctx)
        return -1;
    rc = munge_decode(cred, ctx, &data, &len, uid, &gid);
    munge_ctx_destroy(ctx);
    /* MUNGE hands out the payload of expired and replayed credentials too. */
    if (rc == EMUNGE_SUCCESS) {
        *text = strndup(data ? data : "", (size_t)len);
        if (!*text)
            fail(error, "out of memory for a credential");
    } else {
        fail(error, "%s", decode_reason(rc));
    }
    free(data);
    return *text ? 0 : -1;
}

static void split(char *text, struct payload *payload)
{
    char *rest = text;

    payload->count = 0;
    while (rest && payload->count < FIELDS)
        payload->field[payload->count++] = strsep(&rest, "\n");
    if (rest)
        payload->count = FIELDS + 1;
}

int credential_sign_request(const char *socket, const char *server, const char *method,
                            const char *path, const void *body, size_t body_len,
                            char **cred, struct credential_error *error)
{
    char hash[CREDENTIAL_HASH_TEXT];
    char *payload = NULL;
    int rc;

    *cred = NULL;
    credential_hash(body, body_len, hash);
    if (asprintf(&payload, REQUEST_MARK "\n%s\n%s\n%s\n%s", server, method, path,
                 hash) < 0)
        return fail(error, "out of memory for a credential");
    rc = encode(socket, NULL, payload, cred, error);
    free(payload);
    return rc;
}

static int is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return 1;
    return 0;
}

int credential_check_request(const char *socket, const char *cred,
                             const char *const *names, const char *method,
                             const char *path, const void *body, size_t body_len,
                             uid_t *uid, struct credential_error *error)
{
    struct payload p;
    char hash[CREDENTIAL_HASH_TEXT];
    char *text;
    int rc = 0;

    if (decode(socket, cred, &text, uid, error) < 0)
        return -1;
    split(text, &p);
    credential_hash(body, body_len, hash);
    if (p.count != 5 || strcmp(p.field[0], REQUEST_MARK) != 0)
        rc = fail(error, "the credential is not one for a kwota request");
    else if (!is_one_of(p.field[1], names))
        rc = fail(
            error,
            "the credential is for server \"%.80s\", which is none of this kwotad's "
            "names (listen.names in kwota.json)",
            p.field[1]);
    else if (strcmp(p.field[2], method) != 0 || strcmp(p.field[3], path) != 0)
        rc = fail(error, "the credential is for %.10s %.80s, not for this request",
                  p.field[2], p.field[3]);
    else if (strcmp(p.field[4], hash) != 0)
        rc = fail(error, "the credential is for another body");
    free(text);
    return rc;
}

int credential_sign_reply(const char *socket, const char *request_cred, uid_t reader,
                          unsigned status, const void *body, size_t body_len,
                          char **cred, struct credential_error *error)
{
    char request_hash[CREDENTIAL_HASH_TEXT], hash[CREDENTIAL_HASH_TEXT];
    char payload[256];

    credential_hash(request_cred, strlen(request_cred), request_hash);
    credential_hash(body, body_len, hash);
    snprintf(payload, sizeof payload, REPLY_MARK "\n%s\n%u\n%s", request_hash, status,
             hash);
    return encode(socket, &reader, payload, cred, error);
}

int credential_check_reply(const char *socket, const char *cred,
                           const char *request_cred, uid_t signer, unsigned status,
                           const void *body, size_t body_len,
                           struct credential_error *error)
{
    struct payload p;
    char request_hash[CREDENTIAL_HASH_TEXT], hash[CREDENTIAL_HASH_TEXT], number[16];
    char *text;
    uid_t uid;
    int rc = 0;

    if (decode(socket, cred, &text, &uid, error) < 0)
        return -1;
    split(text, &p);
    credential_hash(request_cred, strlen(request_cred), request_hash);
    credential_hash(body, body_len, hash);
    snprintf(number, sizeof number, "%u", status);
    if (uid != signer)
        rc = fail(error, "the reply is signed by uid %u, not by kwotad's uid %u", uid,
                  signer);
    else if (p.count != 4 || strcmp(p.field[0], REPLY_MARK) != 0)
        rc = fail(error, "the credential is not one for a kwota reply");
    else if (strcmp(p.field[1], request_hash) != 0)
        rc = fail(error, "the reply is to another request");
    else if (strcmp(p.field[2], number) != 0 || strcmp(p.field[3], hash) != 0)
        rc = fail(error, "the reply was altered on its way");
    free(text);
    return rc;
}

int credential_seal(const char *socket, uid_t reader, const char *text, char **sealed,
                    struct credential_error *error)
{
    char *payload = NULL;
    int rc;

    *sealed = NULL;
    if (asprintf(&payload, SEALED_MARK "%s", text) < 0)
        return fail(error, "out of memory for a credential");
    rc = encode(socket, &reader, payload, sealed, error);
    free(payload);
    return rc;
}

int credential_open(const char *socket, const char *sealed, uid_t signer, char **text,
                    struct credential_error *error)
{
    const size_t mark = strlen(SEALED_MARK);
    uid_t uid;
    int rc = 0;

    if (decode(socket, sealed, text, &uid, error) < 0)
        return -1;
    if (uid != signer)
        rc = fail(error, "the credential is by uid %u, not by kwotad's uid %u", uid,
                  signer);
    else if (strncmp(*text, SEALED_MARK, mark) != 0)
        rc = fail(error, "the credential is not one that kwotad sealed a text in");
    if (rc == 0) {
        memmove(*text, *text + mark, strlen(*text + mark) + 1);
        return 0;
    }
    free(*text);
    *text = NULL;
    return rc;
}
