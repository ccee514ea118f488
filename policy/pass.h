/* pass.h - signed words that let a person in for a while: a link, a session
 *
 * "KIND.UID.UNTIL.SERIAL.MAC": HMAC-SHA-256 (RFC 2104) over what stands before it, with
 * a key that only kwotad has, so nothing of it needs to be remembered. Letters, digits
 * and dots only: it can stand in a URL and in a cookie. Pure but for pass_key().
 */
#ifndef KWOTA_PASS_H
#define KWOTA_PASS_H

#include <stdint.h>
#include <sys/types.h>

#define PASS_KEY 32
#define PASS_TEXT 160

enum pass_kind { PASS_LINK, PASS_SESSION };

struct pass {
    enum pass_kind kind;
    uid_t uid;
    int64_t until_s; /* not valid from then on */
    int64_t serial;
};

enum pass_state { PASS_GOOD, PASS_EXPIRED, PASS_WRONG };

/* A new key; -1: the kernel gives none. */
int pass_key(unsigned char key[PASS_KEY]);

/* Returns text; "" if it cannot be signed. */
char *pass_write(const unsigned char key[PASS_KEY], const struct pass *pass,
                 char text[PASS_TEXT]);

/* What a text (NULL: none) is at `now_s`; *pass is set unless it is wrong: altered, of
 * another kind, or signed with another key. */
enum pass_state pass_read(const unsigned char key[PASS_KEY], enum pass_kind kind,
                          const char *text, int64_t now_s, struct pass *pass);

#endif
