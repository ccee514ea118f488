/* pass.c - signed words that let a person in for a while: a link, a session */
#include "policy/pass.h"

#include <gcrypt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "policy/secret.h"

#define MAC_BYTES 32

static const char *const kinds[] = {"link", "session"};

int pass_key(unsigned char key[PASS_KEY])
{
    return getrandom(key, PASS_KEY, 0) == PASS_KEY ? 0 : -1;
}

/* Adds ".MAC" to the words; -1: it cannot be worked out. */
static int sign(const unsigned char key[PASS_KEY], char text[PASS_TEXT])
{
    unsigned char mac[MAC_BYTES];
    size_t size = sizeof mac, len = strlen(text);
    gcry_mac_hd_t handle;
    int rc;

    /* Asking for the version is how libgcrypt is initialised; it is idempotent. */
    gcry_check_version(NULL);
    if (gcry_mac_open(&handle, GCRY_MAC_HMAC_SHA256, 0, NULL))
        return -1;
    rc = gcry_mac_setkey(handle, key, PASS_KEY) || gcry_mac_write(handle, text, len) ||
         gcry_mac_read(handle, mac, &size);
    gcry_mac_close(handle);
    if (rc || len + 2 + 2 * sizeof mac > PASS_TEXT)
        return -1;
    text[len++] = '.';
    for (size_t i = 0; i < sizeof mac; i++)
        snprintf(text + len + 2 * i, 3, "%02x", mac[i]);
    return 0;
}

char *pass_write(const unsigned char key[PASS_KEY], const struct pass *pass,
                 char text[PASS_TEXT])
{
    snprintf(text, PASS_TEXT, "%s.%" PRIu64 ".%" PRId64 ".%" PRId64, kinds[pass->kind],
             (uint64_t)pass->uid, pass->until_s, pass->serial);
    if (sign(key, text) < 0)
        text[0] = '\0';
    return text;
}

enum pass_state pass_read(const unsigned char key[PASS_KEY], enum pass_kind kind,
                          const char *text, int64_t now_s, struct pass *pass)
{
    struct pass told = {.kind = kind};
    char again[PASS_TEXT];
    unsigned uid;

    if (!text || !strchr(text, '.') ||
        sscanf(strchr(text, '.'), ".%10u.%19" SCNd64 ".%19" SCNd64 ".", &uid,
               &told.until_s, &told.serial) != 3)
        return PASS_WRONG;
    told.uid = uid;
    /* What it says, written and signed anew, is the same text or it is not ours. */
    if (!pass_write(key, &told, again)[0] || !secret_same(again, text))
        return PASS_WRONG;
    *pass = told;
    return now_s < told.until_s ? PASS_GOOD : PASS_EXPIRED;
}
