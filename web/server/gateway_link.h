/* oriel-web's end of web.sock: hands a desktop over, hears why one is over. Connects when it has something to
 * say; a gateway that goes closes its desktops' streams by itself. */
#ifndef ORL_WEB_GATEWAY_LINK_H
#define ORL_WEB_GATEWAY_LINK_H
#include "base/ipc.h"
#include <sys/types.h>

struct orl_gateway_link;
struct orl_gateway_link_opts {
    const char *path;  /* borrowed for life */
    uid_t gateway_uid; /* whose gateway is believed, besides root's and our own */
    void (*on_close)(void *ctx, uint32_t number, const struct orl_msg_close *close);
    void *ctx;
};
ORL_NODISCARD int orl_gateway_link_new(struct orl_loop *loop,
        const struct orl_gateway_link_opts *opts, struct orl_gateway_link **ret_link,
        struct orl_err *err);
/* fds are borrowed. Negative: there is no gateway. */
ORL_NODISCARD int orl_gateway_link_open(struct orl_gateway_link *link, uint32_t number,
        const struct orl_msg_web *web, int stream_fd, int aux_fd);
void orl_gateway_link_free(struct orl_gateway_link *link); /* NULL is fine */

#endif
