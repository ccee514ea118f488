/* credential.h - MUNGE credentials over requests and replies (API.md, section 2)
 *
 * Used by kwotad, kwota-meter and the kwota command. Thread-safe: every call makes its
 * own munge context. Errors come back as -1 and a sentence in `error`.
 */
#ifndef KWOTA_CREDENTIAL_H
#define KWOTA_CREDENTIAL_H

#include <stddef.h>
#include <sys/types.h>

#define CREDENTIAL_HEADER "Kwota-Credential"
#define CREDENTIAL_HASH_TEXT 65 /* SHA-256 in hex and its NUL */

struct credential_error {
    char text[256];
};

/* Lower-case hex SHA-256 of len bytes (libgcrypt). */
void credential_hash(const void *data, size_t len, char out[CREDENTIAL_HASH_TEXT]);

/* Signs a request for `server` (the host name the client was told). `socket` is
 * munged's socket or NULL for the default. On success *cred is a malloc'd string the
 * caller frees. */
int credential_sign_request(const char *socket, const char *server, const char *method,
                            const char *path, const void *body, size_t body_len,
                            char **cred, struct credential_error *error);

/* Checks a request's credential: decodes it (so: present, fresh, never seen before by
 * this munged) and compares what it signs. `names` is a NULL-terminated list of the
 * names this server answers to. Sets *uid to the requester. */
int credential_check_request(const char *socket, const char *cred,
                             const char *const *names, const char *method,
                             const char *path, const void *body, size_t body_len,
                             uid_t *uid, struct credential_error *error);

/* Signs a reply to the request that carried `request_cred`, readable by `reader` only.
 */
int credential_sign_reply(const char *socket, const char *request_cred, uid_t reader,
                          unsigned status, const void *body, size_t body_len,
                          char **cred, struct credential_error *error);

/* Checks that `cred` is a reply by `signer` to the request that carried `request_cred`.
 */
int credential_check_reply(const char *socket, const char *cred,
                           const char *request_cred, uid_t signer, unsigned status,
                           const void *body, size_t body_len,
                           struct credential_error *error);

/* Encrypts a text (shorter than 64 KiB) so that `reader` alone can open it, once. */
int credential_seal(const char *socket, uid_t reader, const char *text, char **sealed,
                    struct credential_error *error);

/* The other way round: *text is a malloc'd string that `signer` sealed for the caller.
 */
int credential_open(const char *socket, const char *sealed, uid_t signer, char **text,
                    struct credential_error *error);

#endif
