/* web.sock: where oriel-web hands over browsers' desktops, a WEB message with two fds each, and hears why one is
 * over. Believes one user. Not here: what becomes of a desktop (gateway_sessions.c). */
#ifndef ORL_GATEWAY_WEB_CLIENTS_H
#define ORL_GATEWAY_WEB_CLIENTS_H
#include "base/ipc.h"
#include <sys/socket.h>

struct orl_web_clients;
struct orl_web_link; /* one oriel-web; valid until on_gone */
struct orl_web_desktop {
    uint32_t conn; /* oriel-web's number */
    const struct orl_msg_web *web;
    struct sockaddr_storage addr; /* web->client's */
    socklen_t addr_len;
    int stream_fd; /* taken by on_desktop */
    int aux_fd;    /* the same */
};
struct orl_web_clients_events {
    void (*on_desktop)(void *ctx, struct orl_web_link *link, const struct orl_web_desktop *desktop);
    void (*on_gone)(void *ctx, struct orl_web_link *link);
};
struct orl_web_clients_opts {
    const char *path; /* borrowed for life */
    const char *user; /* root's and our own are believed too; borrowed for life */
};
/* Listens as soon as the folder is there: a broker that starts later makes it. */
ORL_NODISCARD int orl_web_clients_new(struct orl_loop *loop,
        const struct orl_web_clients_opts *opts, const struct orl_web_clients_events *events,
        void *ctx, struct orl_web_clients **ret_clients, struct orl_err *err);
void orl_web_clients_tell(struct orl_web_link *link, const struct orl_msg *msg);
void orl_web_clients_free(struct orl_web_clients *clients); /* without on_gone */

#endif
