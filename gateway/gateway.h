/* The unprivileged gateway: puts listener, admission, connections, consoles, broker and vmpool on one
 * loop. What a connection may do is in connection.c and requests.c. */
#ifndef ORL_GATEWAY_GATEWAY_H
#define ORL_GATEWAY_GATEWAY_H
#include "base/loop.h"
#include "base/shown_cert.h"
#include "gateway/config.h"

struct orl_gateway;
struct orl_gateway_opts {
    const struct orl_gateway_cfg *cfg; /* borrowed for life */
    struct orl_shown_cert *shown;      /* borrowed for life */
    uint16_t rdp_port, vnc_port;       /* as bound; 0: not served */
    int vnc_listen_fd;                 /* -1: none; taken, also on failure */
    int listen_fd;                     /* taken, also on failure */
    int spawner_fd;                    /* the same */
};
ORL_NODISCARD int orl_gateway_new(struct orl_loop *loop, const struct orl_gateway_opts *opts,
        struct orl_gateway **ret_gateway, struct orl_err *err);
/* Says goodbye to every client, then stops the loop: within three seconds. */
void orl_gateway_stop(struct orl_gateway *gateway);
/* True: it ended because its spawner was gone. */
bool orl_gateway_has_failed(const struct orl_gateway *gateway);
void orl_gateway_free(struct orl_gateway *gateway);

#endif
