/* One listening TCP socket: accepts a bounded number per wake, and lives through a lack of fds. */
#ifndef ORL_BASE_LISTENER_H
#define ORL_BASE_LISTENER_H
#include "base/loop.h"
#include <sys/socket.h>

struct orl_listener;
/* fd is taken. */
typedef void (*orl_listener_fn)(void *ctx, int fd, const struct sockaddr *addr, socklen_t len);

/* Binds; needs no loop, so that it can be done as root. address: numeric, or "*" for all. */
ORL_NODISCARD int orl_listener_bind(
        const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct orl_err *err);
/* Takes fd, also on failure. */
ORL_NODISCARD int orl_listener_new(struct orl_loop *loop, int fd, orl_listener_fn fn, void *ctx,
        struct orl_listener **ret_listener, struct orl_err *err);
void orl_listener_free(struct orl_listener *listener);

#endif
