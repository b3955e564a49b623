/* RDP servers. */
#include "console/sources.h"
#include "protocols/rdp/rdp_source.h"

int orl_console_prepare_sources(struct orl_err *err)
{
    return orl_rdp_source_prepare(err);
}

int orl_console_open_source(struct orl_loop *loop, struct orl_ipc_fds *display,
        const struct orl_msg_start *start, const struct orl_source_events *events, void *ctx,
        struct orl_source_handle *ret_handle, struct orl_err *err)
{
    if (start->source != ORL_SOURCE_RDP) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "source kind %u", start->source);
    }
    if (display->count != 1) {
        return orl_err_set(err, ORL_E_PROTO, "%u sockets of a display", display->count);
    }
    const struct orl_rdp_source_opts opts = {.fd = orl_ipc_fds_take(display, 0),
            .user = start->user,
            .domain = start->domain,
            .password = start->password,
            .fingerprint = start->fingerprint};
    return orl_rdp_source_new(loop, &opts, events, ctx, ret_handle, err);
}
