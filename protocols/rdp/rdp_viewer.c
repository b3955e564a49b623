/* The life of one client: peek, FreeRDP's states, channels, frames, closing. All of it on the loop. */
#include "base/log.h"
#include "base/tcp.h"
#include "protocols/rdp/rdp_priv.h"
#include <errno.h>
#include <freerdp/channels/cliprdr.h>
#include <freerdp/channels/drdynvc.h>
#include <freerdp/channels/rdpsnd.h>
#include <freerdp/channels/wtsvc.h>
#include <freerdp/error.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <winpr/wtsapi.h>

enum {
    PDUS_PER_WAKE = 64,
    MIN_PX = 200, /* MS-RDPEDISP 2.2.2.2.1 */
};
static const uint64_t PEEK_AGAIN_US = 20000;
static const uint64_t GFX_WAIT_US =
        10 * UINT64_C(1000000); /* a slow line takes a few round trips */
static const uint64_t STALL_US = 30 * UINT64_C(1000000);
static const uint64_t STALL_CHECK_US = UINT64_C(1000000);
static const uint64_t CLOSE_US = UINT64_C(1500000);

static void run(struct orl_viewer *v);
static void on_deferred(void *ctx);

static uint32_t clamp(uint32_t value, uint32_t max)
{
    const uint32_t least = value < MIN_PX ? MIN_PX : value;
    return least > max ? max : least;
}

static uint32_t bound_of(uint32_t max_px)
{
    return max_px > 0 && max_px < ORL_SURFACE_MAX_PX ? max_px : ORL_SURFACE_MAX_PX;
}

uint32_t orl_rdp_clamp_width(const struct orl_viewer *v, uint32_t width_px)
{
    return clamp(width_px, v->max_width_px);
}

uint32_t orl_rdp_clamp_height(const struct orl_viewer *v, uint32_t height_px)
{
    return clamp(height_px, v->max_height_px);
}

bool orl_rdp_is_blocked(const struct orl_viewer *v)
{
    return v->peer->IsWriteBlocked(v->peer);
}

/* True: the kernel has little left to send. Only for clients that acknowledge nothing. */
static bool is_socket_free(const struct orl_viewer *v)
{
    struct pollfd at = {.fd = v->fd, .events = POLLOUT};
    return poll(&at, 1, 0) == 1 && (at.revents & POLLOUT) != 0;
}

/* For something that the client has to do. */
static bool is_waiting(const struct orl_viewer *v)
{
    return v->flight.count > 0 || v->wants_writable || !v->is_activated || orl_rdp_is_blocked(v);
}

static void watch(struct orl_viewer *v)
{
    if (v->io == NULL) {
        return;
    }
    const bool wants_write = orl_rdp_is_blocked(v) || v->wants_writable ||
                             orl_rdp_svc_has_more(&v->clipboard.svc) ||
                             orl_rdp_svc_has_more(&v->sound.svc);
    orl_io_set(v->io, ORL_IO_READ | (wants_write ? ORL_IO_WRITE : 0U));
    if (v->state == ORL_RDP_READY && !orl_timer_is_active(v->timer) && is_waiting(v)) {
        v->flight.progress_us = orl_loop_now_us(v->loop);
        orl_timer_start(v->timer, STALL_CHECK_US, STALL_CHECK_US);
    }
}

/* Only the newest, and only when the client reads: FreeRDP would keep all of them for it. */
static void send_cursor(struct orl_viewer *v)
{
    if (v->owes_cursor && v->state == ORL_RDP_READY && v->is_activated && !v->wants_close &&
            !orl_rdp_is_blocked(v)) {
        v->owes_cursor = false;
        orl_rdp_pointer_send(v, v->cursor);
    }
}

void orl_rdp_flush(struct orl_viewer *v)
{
    if (v->state < ORL_RDP_CONNECT || v->state == ORL_RDP_CLOSED) {
        return;
    }
    if (v->is_activated && !WTSVirtualChannelManagerCheckFileDescriptorEx(v->vcm, FALSE)) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
    }
    /* Sound first: it is late soonest. */
    if (v->is_activated &&
            (!orl_rdp_svc_flush(v, &v->sound.svc) || !orl_rdp_svc_flush(v, &v->clipboard.svc))) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
    }
    if (orl_rdp_is_blocked(v) && v->peer->DrainOutputBuffer(v->peer) < 0) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
    }
    send_cursor(v);
    watch(v);
}

static void disconnect(struct orl_viewer *v)
{
    orl_io_close(v->io);
    v->io = NULL;
    orl_timer_stop(v->timer);
    if (v->fd >= 0) {
        v->peer->Disconnect(v->peer);
        v->fd = -1;
    }
}

static void defer(struct orl_viewer *v)
{
    if (!v->is_deferred) {
        v->is_deferred = true;
        orl_loop_defer(v->loop, on_deferred, v);
    }
}

static void finish(struct orl_viewer *v)
{
    v->state = ORL_RDP_CLOSED;
    disconnect(v);
    defer(v);
}

static void destroy(struct orl_viewer *v)
{
    disconnect(v);
    orl_timer_free(v->timer);
    orl_rdp_gfx_fini(v);
    orl_rdp_dvc_close(&v->disp);
    orl_rdp_clipboard_close(v);
    orl_rdp_sound_close(v);
    if (v->vcm != NULL && v->vcm != INVALID_HANDLE_VALUE) {
        WTSCloseServer(v->vcm);
    }
    freerdp_peer_context_free(v->peer);
    freerdp_peer_free(v->peer);
    orl_rdp_planar_fini(&v->planar);
    free(v->cursor);
    free(v);
}

/* The last words: error info and disconnect, as far as this client's state allows. */
static void say_goodbye(struct orl_viewer *v)
{
    const CONNECTION_STATE at = freerdp_get_state(v->peer->context);
    if (v->is_refused || v->state < ORL_RDP_CONNECT ||
            at < CONNECTION_STATE_CAPABILITIES_EXCHANGE_DEMAND_ACTIVE) {
        return; /* Capabilities has said it, or nothing can be said yet */
    }
    /* Before Close(): after its Deactivate All clients no longer listen to it. */
    freerdp_set_error_info(v->peer->context->rdp, orl_rdp_error_info(v->close_reason));
    (void)freerdp_send_error_info(v->peer->context->rdp);
    (void)v->peer->Close(v->peer);
}

/* The rest of what we wrote must reach the client: closing a socket with unread input would reset it. */
static void linger(struct orl_viewer *v)
{
    if (!v->is_drained) {
        if (orl_rdp_is_blocked(v) && v->peer->DrainOutputBuffer(v->peer) < 0) {
            finish(v);
            return;
        }
        if (!orl_rdp_is_blocked(v)) {
            v->is_drained = true;
            (void)shutdown(v->fd, SHUT_WR);
        }
    }
    orl_io_set(v->io, ORL_IO_READ | (v->is_drained ? 0U : ORL_IO_WRITE));
    uint8_t waste[4096];
    for (int i = 0; i < 16; i++) {
        const ssize_t got = recv(v->fd, waste, sizeof(waste), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            finish(v);
            return;
        }
        if (got < 0) {
            return;
        }
    }
}

static void begin_closing(struct orl_viewer *v)
{
    if (v->state >= ORL_RDP_CLOSING) {
        return;
    }
    say_goodbye(v);
    v->state = ORL_RDP_CLOSING;
    v->is_activated = false;
    orl_timer_start(v->timer, CLOSE_US, 0);
    linger(v);
}

static void on_deferred(void *ctx)
{
    struct orl_viewer *v = ctx;
    v->is_deferred = false;
    if (v->is_freed) {
        destroy(v);
    } else if (v->state == ORL_RDP_CLOSED) {
        v->events->on_closed(v->ctx, v->close_reason, v->close_text); /* may free us */
    } else {
        run(v);
    }
}

void orl_rdp_close(struct orl_viewer *v, enum orl_reason reason, const char *text)
{
    if (v->wants_close || v->state >= ORL_RDP_CLOSING) {
        return;
    }
    v->wants_close = true;
    v->close_reason = reason;
    orl_msg_text(v->close_text, sizeof(v->close_text),
            text != NULL && text[0] != '\0' ? text : orl_reason_text(reason));
    defer(v);
}

static bool is_peer_gone(const struct orl_viewer *v)
{
    uint8_t byte = 0;
    const ssize_t got = recv(v->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* FreeRDP says only that it failed. */
static enum orl_reason failure_of(const struct orl_viewer *v)
{
    const uint32_t wanted = v->is_nla ? ORL_X224_PROTOCOL_HYBRID : ORL_X224_PROTOCOL_SSL;
    if (v->state == ORL_RDP_CONNECT && (v->request.protocols & wanted) == 0) {
        return ORL_REASON_CLIENT_UNSUPPORTED;
    }
    rdpContext *context = v->peer->context;
    /* That error is a read that failed: the end of TLS, which may come before the end of TCP. */
    if (v->has_shutdown || is_peer_gone(v) || freerdp_shall_disconnect_context(context) ||
            freerdp_get_last_error(context) == FREERDP_ERROR_CONNECT_TRANSPORT_FAILED) {
        return ORL_REASON_CLIENT_CLOSED;
    }
    return ORL_REASON_CLIENT_PROTOCOL;
}

void orl_rdp_report_caps(struct orl_viewer *v)
{
    const rdpSettings *settings = orl_rdp_settings(v);
    const bool is_gfx = v->use_gfx;
    const struct orl_viewer_caps caps = {.has_h264 = is_gfx && v->gfx.has_avc,
            .has_copy = is_gfx,
            .has_fill = is_gfx,
            .has_acks = v->has_acks,
            .has_resize = is_gfx || freerdp_settings_get_bool(settings, FreeRDP_DesktopResize),
            .has_h264_regions = true,
            .h264_colours = ORL_COLOURS_709_FULL,
            .width_px = is_gfx ? v->gfx.width_px : v->bitmap_width_px,
            .height_px = is_gfx ? v->gfx.height_px : v->bitmap_height_px,
            .layout = v->layout,
            .has_clipboard = orl_rdp_svc_is_joined(v, CLIPRDR_SVC_CHANNEL_NAME),
            .has_sound = orl_rdp_svc_is_joined(v, RDPSND_CHANNEL_NAME),
            .max_in_flight = orl_rdp_flight_max(v)};
    if (v->state == ORL_RDP_READY) {
        v->events->on_ready(v->ctx, &caps);
    }
}

static void become_ready(struct orl_viewer *v, bool use_gfx)
{
    const rdpSettings *settings = orl_rdp_settings(v);
    const uint32_t width = freerdp_settings_get_uint32(settings, FreeRDP_DesktopWidth);
    const uint32_t height = freerdp_settings_get_uint32(settings, FreeRDP_DesktopHeight);
    const uint32_t depth = freerdp_settings_get_uint32(settings, FreeRDP_ColorDepth);
    v->use_gfx = use_gfx;
    v->has_acks = use_gfx || orl_rdp_bitmap_has_acks(v);
    v->bitmap_width_px = width;
    v->bitmap_height_px = height;
    orl_rdp_login_monitors(v);
    if (use_gfx) {
        if (orl_rdp_gfx_set_size(v, width, height) < 0) {
            orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
            return;
        }
    } else if (depth < 15 || !freerdp_settings_get_bool(settings, FreeRDP_FastPathOutput)) {
        orl_rdp_close(v, ORL_REASON_CLIENT_UNSUPPORTED, NULL);
        return;
    }
    v->state = ORL_RDP_READY;
    orl_timer_stop(v->timer);
    orl_rdp_report_caps(v);
}

static bool wants_gfx(const struct orl_viewer *v)
{
    return freerdp_settings_get_bool(orl_rdp_settings(v), FreeRDP_SupportGraphicsPipeline) &&
           WTSVirtualChannelManagerIsChannelJoined(v->vcm, DRDYNVC_SVC_CHANNEL_NAME);
}

/* Opens the dynamic channels when the client has agreed to have any, and reads what came on them. */
static bool run_channels(struct orl_viewer *v)
{
    if (!v->is_activated ||
            !WTSVirtualChannelManagerIsChannelJoined(v->vcm, DRDYNVC_SVC_CHANNEL_NAME)) {
        return true;
    }
    const BYTE at = WTSVirtualChannelManagerGetDrdynvcState(v->vcm);
    if (at == DRDYNVC_STATE_NONE) {
        return WTSVirtualChannelManagerOpen(v->vcm);
    }
    if (at != DRDYNVC_STATE_READY) {
        return true;
    }
    if (!v->has_opened) {
        v->has_opened = true;
        if (wants_gfx(v)) {
            (void)orl_rdp_gfx_open(v);
        }
        (void)orl_rdp_disp_open(v);
        orl_rdp_dvc_name(v);
    }
    if (orl_rdp_gfx_run(v) < 0 || orl_rdp_disp_run(v) < 0) {
        orl_rdp_close(v, ORL_REASON_CLIENT_PROTOCOL, "graphics or display channel");
        return false;
    }
    if (v->state == ORL_RDP_ACTIVE && v->gfx.is_confirmed) {
        become_ready(v, true);
    }
    return true;
}

static void run(struct orl_viewer *v)
{
    if (v->state == ORL_RDP_CLOSING) {
        linger(v);
        return;
    }
    if (v->state == ORL_RDP_CLOSED || v->is_on_stack) {
        return;
    }
    v->is_on_stack = true;
    bool ok = true;
    bool has_more = v->state >= ORL_RDP_CONNECT && !v->wants_close;
    for (unsigned i = 0; has_more && i < PDUS_PER_WAKE; i++) {
        ok = v->peer->CheckFileDescriptor(v->peer) && run_channels(v);
        has_more = ok && !v->wants_close && v->peer->HasMoreToRead(v->peer);
    }
    if (!ok && !v->wants_close) {
        orl_rdp_close(v, failure_of(v), NULL);
    }
    if (!v->wants_close && v->state >= ORL_RDP_CONNECT) {
        orl_rdp_flight_report(v);
        orl_rdp_flush(v);
    }
    v->is_on_stack = false;
    if (v->wants_close && (v->is_activated || !ok || v->state < ORL_RDP_CONNECT || v->is_refused)) {
        begin_closing(v);
    } else if (v->wants_close) {
        /* Not yet where a reason can be shown: Capabilities will, or the timer gives up. */
        if (!orl_timer_is_active(v->timer)) {
            orl_timer_start(v->timer, CLOSE_US, 0);
        }
        if (v->peer->HasMoreToRead(v->peer)) {
            defer(v);
        }
    } else if (has_more) {
        defer(v);
    }
}

static void start_freerdp(struct orl_viewer *v)
{
    rdpSettings *settings = orl_rdp_settings(v);
    const char *user = strrchr(v->request.user, '\\');
    user = user != NULL ? user + 1 : v->request.user;
    const bool is_ticket =
            strncmp(user, ORL_RDP_TICKET_PREFIX, sizeof(ORL_RDP_TICKET_PREFIX) - 1) == 0;
    v->is_nla = v->security == ORL_RDP_SECURITY_NLA ||
                (v->security == ORL_RDP_SECURITY_AUTO && is_ticket);
    /* Never both: then the client could choose the weaker one. */
    if (!freerdp_settings_set_bool(settings, FreeRDP_NlaSecurity, v->is_nla) ||
            !freerdp_settings_set_bool(settings, FreeRDP_TlsSecurity, !v->is_nla)) {
        orl_rdp_close(v, ORL_REASON_INTERNAL, NULL);
        return;
    }
    v->state = ORL_RDP_CONNECT;
}

/* A client that sent a part and then closed: recv() with MSG_PEEK would show that part for ever. */
static bool is_half_closed(const struct orl_viewer *v)
{
    struct pollfd at = {.fd = v->fd, .events = POLLRDHUP};
    return poll(&at, 1, 0) == 1 && (at.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void peek(struct orl_viewer *v)
{
    uint8_t data[ORL_X224_REQUEST_MAX];
    const ssize_t got = recv(v->fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
        return;
    }
    const int used = got < 0 ? 0 : orl_x224_parse_request(data, (size_t)got, &v->request);
    if (used < 0) {
        orl_rdp_close(v, ORL_REASON_CLIENT_PROTOCOL, NULL);
    } else if (used > 0) {
        orl_io_set(v->io, ORL_IO_READ);
        start_freerdp(v);
        run(v);
    } else if (got > 0 && is_half_closed(v)) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
    } else if (got > 0) {
        /* The rest is on its way; the part that came would wake us without end. */
        orl_io_set(v->io, 0);
        orl_timer_start(v->timer, PEEK_AGAIN_US, 0);
    }
}

static void on_io(void *ctx, unsigned events)
{
    struct orl_viewer *v = ctx;
    if (v->state == ORL_RDP_PEEK) {
        peek(v);
        return;
    }
    run(v);
    if ((events & ORL_IO_WRITE) != 0 && v->state == ORL_RDP_READY && !v->wants_close &&
            !orl_rdp_is_blocked(v)) {
        v->flight.progress_us = orl_loop_now_us(v->loop);
        if (v->wants_writable) {
            v->wants_writable = false;
            watch(v);
            v->events->on_writable(v->ctx);
        }
    }
}

/* A client that owes nothing needs no clock: a still screen wakes nobody. */
static void check_stall(struct orl_viewer *v)
{
    if (!is_waiting(v)) {
        orl_timer_stop(v->timer);
    } else if (orl_loop_now_us(v->loop) - v->flight.progress_us > STALL_US) {
        orl_rdp_close(v, ORL_REASON_CLIENT_STALLED, NULL);
    }
}

static void on_timer(void *ctx)
{
    struct orl_viewer *v = ctx;
    if (v->state == ORL_RDP_CLOSING) {
        finish(v);
    } else if (v->wants_close) {
        v->is_refused = true;
        run(v);
    } else if (v->state == ORL_RDP_PEEK) {
        orl_io_set(v->io, ORL_IO_READ);
        peek(v);
    } else if (v->state == ORL_RDP_ACTIVE) {
        become_ready(v, false); /* it announced graphics and never opened them */
    } else if (v->state == ORL_RDP_READY) {
        check_stall(v);
    }
}

void orl_rdp_activate(struct orl_viewer *v)
{
    v->is_activated = true;
    if (v->state == ORL_RDP_CONNECT) {
        v->state = ORL_RDP_ACTIVE;
        /* A client without graphics waits for nothing. */
        orl_timer_start(v->timer, wants_gfx(v) ? GFX_WAIT_US : 1, 0);
    } else if (v->state == ORL_RDP_READY) {
        v->wants_writable = true; /* reactivated, for a new size */
        v->owes_cursor = v->cursor != NULL;
    }
}

static int op_set_size(struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    if (v->state != ORL_RDP_READY || v->wants_close) {
        return ORL_E_CLOSED;
    }
    if (width_px == 0 || height_px == 0 || width_px > ORL_SURFACE_MAX_PX ||
            height_px > ORL_SURFACE_MAX_PX) {
        return ORL_E_INVAL;
    }
    const int code = v->use_gfx ? orl_rdp_gfx_set_size(v, width_px, height_px)
                                : orl_rdp_bitmap_set_size(v, width_px, height_px);
    if (code == ORL_E_CLOSED) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
    }
    orl_rdp_flush(v);
    return code;
}

static bool may_send(struct orl_viewer *v)
{
    if (!v->is_activated || orl_rdp_is_blocked(v) || !orl_rdp_flight_has_room(v)) {
        return false;
    }
    return v->has_acks || is_socket_free(v);
}

static bool op_can_send(struct orl_viewer *v)
{
    if (may_send(v)) {
        return true;
    }
    v->wants_writable = v->is_activated && orl_rdp_flight_has_room(v);
    watch(v);
    return false;
}

static int op_send(struct orl_viewer *v, const struct orl_update *update)
{
    if (v->state != ORL_RDP_READY || v->wants_close) {
        return ORL_E_CLOSED;
    }
    if (!op_can_send(v)) {
        return ORL_E_AGAIN;
    }
    const int code = v->use_gfx ? orl_rdp_gfx_send(v, update) : orl_rdp_bitmap_send(v, update);
    if (code == 0) {
        orl_rdp_flight_add(v, update->frame_id);
    } else if (code != ORL_E_INVAL) {
        orl_rdp_close(v, ORL_REASON_CLIENT_CLOSED, NULL); /* half a frame is out */
    }
    orl_rdp_flush(v);
    return code;
}

static void op_set_cursor(struct orl_viewer *v, const struct orl_cursor *cursor)
{
    if (v->cursor == NULL) {
        v->cursor = malloc(sizeof(*v->cursor));
    }
    if (v->cursor != NULL) {
        *v->cursor = *cursor;
        v->owes_cursor = true;
    }
    if (v->state == ORL_RDP_READY && !v->wants_close) {
        orl_rdp_flush(v);
    }
}

static bool is_open(const struct orl_viewer *v)
{
    return v->state == ORL_RDP_READY && !v->wants_close;
}

static void op_permit(struct orl_viewer *v, const struct orl_permit *permit)
{
    v->permit = *permit;
    v->permit.clipboard_max_bytes = orl_permit_max_bytes(permit);
    if (is_open(v)) {
        orl_rdp_clipboard_open(v);
        orl_rdp_sound_open(v);
        orl_rdp_flush(v);
    }
}

static void op_clipboard(struct orl_viewer *v, const struct orl_clipboard *step)
{
    if (is_open(v)) {
        orl_rdp_clipboard_step(v, step);
    }
}

static void op_sound(struct orl_viewer *v, const struct orl_sound *sound)
{
    if (is_open(v)) {
        orl_rdp_sound_play(v, sound);
    }
}

static void op_close(struct orl_viewer *v, enum orl_reason reason, const char *text)
{
    orl_rdp_close(v, reason, text);
}

uint64_t orl_rdp_bytes_out(const struct orl_viewer *v)
{
    UINT64 out = 0;
    (void)freerdp_get_stats(v->peer->context->rdp, NULL, &out, NULL, NULL);
    return out;
}

static void op_probe(struct orl_viewer *v)
{
    if (v->state == ORL_RDP_READY && v->is_activated && !v->wants_close) {
        orl_rdp_flush(v);
        orl_rdp_autodetect_probe(v);
    }
}

static bool op_socket_rtt(const struct orl_viewer *v, uint64_t *ret_rtt_us, uint64_t *ret_least_us)
{
    return orl_tcp_rtt(v->fd, ret_rtt_us, ret_least_us);
}

static void op_free(struct orl_viewer *v)
{
    if (v == NULL) {
        return;
    }
    orl_assert(!v->is_on_stack);
    v->state = ORL_RDP_CLOSED;
    if (v->is_deferred) {
        v->is_freed = true;
        disconnect(v);
    } else {
        destroy(v);
    }
}

static const struct orl_viewer_ops ops = {.set_size = op_set_size,
        .send = op_send,
        .can_send = op_can_send,
        .set_cursor = op_set_cursor,
        .close = op_close,
        .permit = op_permit,
        .clipboard = op_clipboard,
        .sound = op_sound,
        .bytes_out = orl_rdp_bytes_out,
        .probe = op_probe,
        .socket_rtt = op_socket_rtt,
        .free = op_free};

int orl_rdp_viewer_new(struct orl_loop *loop, const struct orl_rdp_opts *opts,
        const struct orl_viewer_events *events, void *ctx, struct orl_viewer_handle *ret_handle,
        struct orl_err *err)
{
    struct orl_viewer *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        (void)close(opts->fd);
        return orl_err_set(err, ORL_E_NOMEM, "no memory for a viewer");
    }
    v->loop = loop;
    v->events = events;
    v->ctx = ctx;
    v->fd = -1;
    v->security = opts->security;
    v->max_width_px = bound_of(opts->max_width_px);
    v->max_height_px = bound_of(opts->max_height_px);
    v->has_clear = opts->has_clear;
    v->has_bulk_compression = opts->has_bulk_compression;
    orl_msg_text(v->planar_clients, sizeof(v->planar_clients),
            opts->planar_clients != NULL ? opts->planar_clients : "");
    orl_msg_text(v->client, sizeof(v->client), opts->client != NULL ? opts->client : "");
    int code = orl_rdp_peer_new(v, opts, err);
    if (code == 0) {
        code = orl_timer_new(loop, on_timer, v, &v->timer, err);
    }
    if (code < 0) {
        destroy(v);
        return code;
    }
    *ret_handle = (struct orl_viewer_handle){.ops = &ops, .viewer = v};
    return 0;
}

int orl_rdp_viewer_start(struct orl_viewer *v, struct orl_err *err)
{
    if (v->state != ORL_RDP_NEW) {
        return orl_err_set(err, ORL_E_INVAL, "the viewer was started before");
    }
    v->state = ORL_RDP_PEEK;
    return orl_io_open(v->loop, v->fd, ORL_IO_READ, on_io, v, &v->io, err);
}

const char *orl_rdp_viewer_route(const struct orl_viewer *v)
{
    return v->request.route;
}
