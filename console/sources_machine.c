/* QEMU's displays and VNC servers. */
#include "console/sources.h"
#include "protocols/qemu/qemu_source.h"
#include "protocols/vnc/vnc_source.h"

int orl_console_prepare_sources(struct orl_err *err)
{
    (void)err;
    orl_vnc_prepare();
    return ORL_OK;
}

int orl_console_open_source(struct orl_loop *loop, struct orl_ipc_fds *display,
        const struct orl_msg_start *start, const struct orl_source_events *events, void *ctx,
        struct orl_source_handle *ret_handle, struct orl_err *err)
{
    unsigned wanted = start->source == ORL_SOURCE_QEMU ? 2 : 1;
    if (display->count != wanted) {
        return orl_err_set(err, ORL_E_PROTO, "%u sockets of a display", display->count);
    }
    switch (start->source) {
    case ORL_SOURCE_VNC:
        return orl_vnc_source_new(
                loop, orl_ipc_fds_take(display, 0), start->password, events, ctx, ret_handle, err);
    case ORL_SOURCE_QEMU:
        return orl_qemu_source_new(loop, orl_ipc_fds_take(display, 0), orl_ipc_fds_take(display, 1),
                events, ctx, ret_handle, err);
    default:
        return orl_err_set(err, ORL_E_UNSUPPORTED, "source kind %u", start->source);
    }
}
