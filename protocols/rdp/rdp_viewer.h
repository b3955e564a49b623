/* An RDP client as a viewer (display/viewer.h), over FreeRDP 3's peer: TLS or NLA, RDPGFX with AVC420,
 * ClearCodec and planar, or plain bitmaps for clients without it.
 * Not here: deadlines before activation (the gateway has them), policy about logins (the broker). */
#ifndef ORL_PROTOCOLS_RDP_RDP_VIEWER_H
#define ORL_PROTOCOLS_RDP_RDP_VIEWER_H
#include "base/err.h"
#include "base/ipc_msgs.h"
#include "base/loop.h"
#include "display/viewer.h"
#include <stdint.h>

/* Users whose names start so are tickets: they come by NLA (MS-RDPBCGR 2.2.1.1, mstshash cookie). */
#define ORL_RDP_TICKET_PREFIX "t-"

struct orl_rdp_opts {
    enum orl_rdp_security
            security;     /* AUTO: NLA for a ticket's cookie, else TLS; never a choice of both */
    int fd;               /* the client's socket; taken, also on failure */
    const char *cert_pem; /* borrowed; text, leaf first */
    const char *key_pem;  /* borrowed; text, RSA or EC */
    unsigned threads;     /* for whoever encodes; 1 .. 4 */
    uint32_t max_width_px, max_height_px; /* 0: no limit beyond ORL_SURFACE_MAX_PX */
    const char *client;                   /* borrowed; "203.0.113.7:4711", for log lines */
    bool has_clear; /* ClearCodec for text; false: planar, for a client whose decoder is broken */
    /* RDP 8 bulk compression of lossless frames. It and ClearCodec's caches let the lengths of messages tell what
     * the screen has in common with what was on it before: docs/security.md. */
    bool has_bulk_compression;
    const char *
            planar_clients; /* borrowed; who gets neither (protocols/rdp/rdp_client_match.h). NULL: nobody */
};

/* Once per process, before the sandbox and before any viewer: loads what FreeRDP and WinPR would open
 * later (crypto providers, registry file, time zone) and silences their log below warnings. */
ORL_NODISCARD int orl_rdp_init(struct orl_err *err);

/* Makes a viewer; nothing is read from the client yet. Works inside the sandbox. Callbacks run on the loop; in one of
 * them the viewer must not be freed, except in on_closed, which comes once, last, with nothing of the
 * viewer on the stack. */
ORL_NODISCARD int orl_rdp_viewer_new(struct orl_loop *loop, const struct orl_rdp_opts *opts,
        const struct orl_viewer_events *events, void *ctx, struct orl_viewer_handle *ret_handle,
        struct orl_err *err);
/* Starts to read: peeks the connection request, then runs FreeRDP on the loop. Does not wait. The
 * callbacks follow: on_proof (NLA) or on_login (TLS), on_ready, ..., on_closed.
 * close() before on_ready, or in on_login's and on_proof's answer, is a refusal that the client shows;
 * after close() on_closed follows within two seconds, with the reason given to close(). */
ORL_NODISCARD int orl_rdp_viewer_start(struct orl_viewer *viewer, struct orl_err *err);

/* What was found in the connection request; valid after on_login or on_proof began. Never NULL. */
const char *orl_rdp_viewer_route(const struct orl_viewer *viewer); /* routing token or "" */

#endif
