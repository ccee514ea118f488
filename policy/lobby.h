/* lobby.h - requests that wait until it is known what a token's run is
 *
 * Who asks for a decision that has not been made yet is answered when it is, and need
 * not ask again and again. Thread-safe; nobody in it takes up a thread.
 */
#ifndef KWOTA_LOBBY_H
#define KWOTA_LOBBY_H

#include <stdbool.h>
#include <stdint.h>

struct lobby;

/* Who waits; the caller's, untouched by it until `leave` is called. */
struct lobby_visitor {
    struct lobby_visitor *next;
    int64_t until_ms;
    char token[40];
    /* May not wait, nor call the lobby. */
    void (*leave)(struct lobby_visitor *visitor);
};

struct lobby *lobby_new(void);

/* Nobody may be inside. */
void lobby_free(struct lobby *lobby);

/* visitor->leave() is called once: when lobby_call() names the token, after `ms`, or by
 * lobby_close(). It may be called before this returns. false: the lobby is closed. */
bool lobby_enter(struct lobby *lobby, struct lobby_visitor *visitor, const char *token,
                 int ms);

/* Lets everyone go who waits for this token. */
void lobby_call(struct lobby *lobby, const char *token);

/* Lets everyone go, and nobody in any more. */
void lobby_close(struct lobby *lobby);

#endif
