/* QEMU's D-Bus display as a source (display/source.h): frames from a listener whose handshake vmpool did, input to
 * vmpool (display/link.h), which makes the calls. Nothing this process does, or does not do, can freeze QEMU. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_SOURCE_H
#define ORL_PROTOCOLS_QEMU_QEMU_SOURCE_H
#include "display/source.h"

/* Takes both fds, also on failure: the listener's stream, and the socket for input. */
ORL_NODISCARD int orl_qemu_source_new(struct orl_loop *loop, int stream_fd, int input_fd,
        const struct orl_source_events *events, void *ctx, struct orl_source_handle *ret_handle,
        struct orl_err *err);

#endif
