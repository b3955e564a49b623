/* A connection to the broker or the vmpool that comes back by itself. Whoever listens there is
 * believed only with the right user id. */
#ifndef ORL_BASE_CONTROL_LINK_H
#define ORL_BASE_CONTROL_LINK_H
#include "base/ipc.h"
#include "base/log.h"

struct orl_control_link;
struct orl_control_link_events {
    void (*on_up)(void *ctx);
    void (*on_down)(void *ctx);
    void (*on_msg)(void *ctx, struct orl_msg *msg, struct orl_ipc_fds *fds); /* take fds you keep */
};
struct orl_control_link_opts {
    const char *name; /* "broker"; borrowed for life */
    const char *path; /* borrowed for life */
    uid_t uid;        /* whose it is; root's and our own are believed too */
};
/* Connects soon, not yet here. */
ORL_NODISCARD int orl_control_link_new(struct orl_loop *loop,
        const struct orl_control_link_opts *opts, const struct orl_control_link_events *events,
        void *ctx, struct orl_control_link **ret_link, struct orl_err *err);
/* False: down, msg is lost. */
bool orl_control_link_post(struct orl_control_link *link, const struct orl_msg *msg);
bool orl_control_link_is_up(const struct orl_control_link *link);
void orl_control_link_free(struct orl_control_link *link); /* no callback comes after it */

#endif
