/* An RFB client as a viewer (display/viewer.h), by one code path: the browser's bytes on a socket pair, and native
 * viewers on TCP, in TLS.
 * Not here: how pixels become bytes (rfb_enc.h), deadlines before the first picture (the gateway has them). */
#ifndef ORL_VNC_RFB_VIEWER_H
#define ORL_VNC_RFB_VIEWER_H
#include "base/err.h"
#include "base/loop.h"
#include "base/tls.h"
#include "display/viewer.h"
#include <stdint.h>

struct orl_rfb_opts {
    int fd;     /* the client's bytes; taken, also on failure */
    int aux_fd; /* a browser's second socket (rfb_aux.h); taken; -1: none */
    const struct orl_tls_keys
            *keys; /* borrowed for life; NULL: a socket pair, whose other end has spoken TLS */
    uint32_t max_width_px, max_height_px; /* 0: no limit beyond a surface's */
};

/* Makes a viewer; nothing is read from the client yet. Works inside the sandbox. Callbacks run on the loop; in one of
 * them the viewer must not be freed, except in on_closed, which comes once, last, with nothing of the viewer on the
 * stack. */
ORL_NODISCARD int orl_rfb_viewer_new(struct orl_loop *loop, const struct orl_rfb_opts *opts,
        const struct orl_viewer_events *events, void *ctx, struct orl_viewer_handle *ret_handle,
        struct orl_err *err);
/* Says our version, and reads. The callbacks follow: on_login, on_ready, ..., on_closed. A login that is refused is
 * told to the client with the reason, where its version has room for words. */
ORL_NODISCARD int orl_rfb_viewer_start(struct orl_viewer *viewer, struct orl_err *err);

#endif
