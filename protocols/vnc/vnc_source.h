/* A VNC server as a source (display/source.h): QEMU's, x11vnc, any.
 * libvncclient reads in one thread (vnc_reader.h); the loop writes. Authentication: none, or VNC. */
#ifndef ORL_PROTOCOLS_VNC_VNC_SOURCE_H
#define ORL_PROTOCOLS_VNC_VNC_SOURCE_H
#include "display/source.h"

/* Once per process, before the sandbox: what the libraries must load or open. */
void orl_vnc_prepare(void);
/* Takes fd, a connected stream socket, also on failure. password: NULL or what the server may ask for.
 * Starts a thread: after the sandbox. events are called from the loop only, never from here. */
ORL_NODISCARD int orl_vnc_source_new(struct orl_loop *loop, int fd, const char *password,
        const struct orl_source_events *events, void *ctx, struct orl_source_handle *ret_handle,
        struct orl_err *err);

#endif
