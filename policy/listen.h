/* listen.h - a TCP socket that others can connect to */
#ifndef KWOTA_LISTEN_H
#define KWOTA_LISTEN_H

/* A listening socket, or -1 with the reason in the log. `what` is the setting that says
 * where, as the log names it; `queue`: so many wait in the kernel. */
int listen_tcp(const char *what, const char *address, int port, int queue);

#endif
