/* The RDP viewer's graphics pipeline on a channel of the test's own (WinPR lets one be registered): what it writes
 * goes to a gfx_client at once, what the client says waits until gfx_server_deliver(). */
#ifndef ORL_TESTS_MODEL_GFX_SERVER_H
#define ORL_TESTS_MODEL_GFX_SERVER_H
#include "protocols/rdp/rdp_priv.h"
#include "tests/model/gfx_client.h"

struct gfx_server {
    struct orl_viewer viewer; /* as far as its graphics need it */
    freerdp_peer peer;
    struct orl_buf inbox, message; /* to the viewer: u32 length, then bytes */
    struct gfx_client *client;
    bool is_undecodable; /* a message was */
    uint64_t messages, bytes;
    struct orl_buf out; /* a message of the viewer, of several PDUs */
    size_t out_total;   /* 0: none is begun */
};
struct gfx_server_opts {
    bool has_clear, has_bulk_compression;
};

/* Once per process, before orl_rdp_init(). */
void gfx_server_init_once(void);
void gfx_server_open(struct gfx_server *server, const struct gfx_server_opts *opts,
        const struct gfx_client_opts *client_opts, struct orl_loop *loop,
        const struct orl_viewer_events *events, void *ctx);
void gfx_server_close(struct gfx_server *server);
/* A message of the client reaches the viewer. False: it broke the protocol. */
bool gfx_server_deliver(struct gfx_server *server, const uint8_t *data, size_t len);

#endif
