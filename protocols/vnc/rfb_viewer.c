/* The life of one RFB client: handshake, frames, closing. All of it on the loop. */
#include "base/cleanup.h"
#include "base/secret.h"
#include "base/tcp.h"
#include "protocols/vnc/rfb_priv.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    START_WIDTH_PX = 1024, /* until there is a desktop's picture */
    START_HEIGHT_PX = 768,
    READS_PER_WAKE = 4,
    SAVING_KBIT_S = 2000,
    ANSWERS_MAX_BYTES = 64 * 1024,      /* then its questions wait until it has read */
    EXTRA_OUT_BYTES = 40 * 1024 * 1024, /* clipboard texts, and what else is no frame */
};
static const uint64_t STALL_US = 30 * UINT64_C(1000000);
static const uint64_t HIDDEN_US = 20 * UINT64_C(1000000); /* asks for no update: shows none */
static const uint64_t CHECK_US = UINT64_C(1000000);
static const uint64_t CLOSE_US = UINT64_C(1500000);

static void run(struct orl_viewer *v);
static void on_deferred(void *ctx);

static bool is_open(const struct orl_viewer *v)
{
    return v->state == ORL_RFB_READY && !v->wants_close;
}

/* ---- closing ---- */

static void defer(struct orl_viewer *v)
{
    if (!v->is_deferred) {
        v->is_deferred = true;
        orl_loop_defer(v->loop, on_deferred, v);
    }
}

static void disconnect(struct orl_viewer *v)
{
    orl_io_close(v->io);
    v->io = NULL;
    orl_timer_stop(v->timer);
    orl_rfb_stream_close(&v->stream);
    orl_rfb_aux_free(v->aux);
    v->aux = NULL;
}

static void destroy(struct orl_viewer *v)
{
    disconnect(v);
    orl_timer_free(v->timer);
    orl_rfb_clipboard_fini(v);
    orl_rfb_enc_free(v->enc);
    orl_rfb_auth_fini(&v->auth);
    free(v->cursor);
    free(v);
}

static void finish(struct orl_viewer *v)
{
    v->state = ORL_RFB_CLOSED;
    disconnect(v);
    defer(v);
}

void orl_rfb_close(struct orl_viewer *v, enum orl_reason reason, const char *text)
{
    if (v->wants_close || v->state >= ORL_RFB_CLOSING) {
        return;
    }
    v->wants_close = true;
    v->close_reason = reason;
    orl_msg_text(v->close_text, sizeof(v->close_text),
            text != NULL && text[0] != '\0' ? text : orl_reason_text(reason));
    defer(v);
}

/* The rest of what we wrote must reach the client: closing a socket with unread input would reset it. */
static void linger(struct orl_viewer *v)
{
    int wrote = 1;
    while (!v->is_drained && wrote > 0) {
        wrote = orl_rfb_stream_write(&v->stream);
        if (wrote < 0) {
            finish(v);
            return;
        }
        if (orl_rfb_stream_waiting(&v->stream) == 0) {
            v->is_drained = true;
            if (v->stream.tls != NULL) {
                orl_tls_shutdown(v->stream.tls);
            }
            (void)shutdown(v->stream.fd, SHUT_WR);
        }
    }
    orl_io_set(v->io, ORL_IO_READ | (v->is_drained ? 0U : ORL_IO_WRITE));
    uint8_t waste[4096];
    for (int i = 0; i < 16; i++) {
        const ssize_t got = recv(v->stream.fd, waste, sizeof(waste), MSG_DONTWAIT);
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
    v->state = ORL_RFB_CLOSING;
    orl_timer_start(v->timer, CLOSE_US, 0);
    linger(v);
}

static void on_deferred(void *ctx)
{
    struct orl_viewer *v = ctx;
    v->is_deferred = false;
    if (v->is_freed) {
        destroy(v);
    } else if (v->state == ORL_RFB_CLOSED) {
        v->events->on_closed(v->ctx, v->close_reason, v->close_text); /* may free us */
    } else if (v->wants_close && v->state < ORL_RFB_CLOSING) {
        begin_closing(v);
    } else {
        run(v);
    }
}

/* ---- writing ---- */

bool orl_rfb_may_update(const struct orl_viewer *v)
{
    return is_open(v) && (v->is_continuous || v->has_request);
}

static bool owes(const struct orl_viewer *v)
{
    const struct orl_rfb_owed *owed = &v->owed;
    return owed->size || owed->name || owed->ext_key || owed->ext_buttons || owed->led;
}

static void used_request(struct orl_viewer *v)
{
    v->has_request = false;
    v->request_us = orl_loop_now_us(v->loop);
}

/* In an update of their own: what follows a new size is of that size. */
static void put_owed(struct orl_viewer *v)
{
    struct orl_rfb_owed *owed = &v->owed;
    const bool has_size = owed->size && (v->ext.has_ext_size || v->ext.has_desktop_size);
    const unsigned rects = (owed->name ? 1U : 0U) + (owed->ext_key ? 1U : 0U) +
                           (owed->ext_buttons ? 1U : 0U) + (owed->led ? 1U : 0U) +
                           (has_size ? 1U : 0U);
    if (rects > 0) {
        orl_rfb_put_update(&v->stream.out, (uint16_t)rects);
        used_request(v);
    }
    if (owed->ext_key) {
        orl_rfb_put_acknowledged(&v->stream.out, ORL_RFB_QEMU_KEY);
    }
    if (owed->ext_buttons) {
        orl_rfb_put_acknowledged(&v->stream.out, ORL_RFB_EXT_MOUSE_BUTTONS);
    }
    if (owed->name) {
        orl_rfb_put_desktop_name(&v->stream.out, v->name);
    }
    if (owed->led) {
        orl_rfb_put_led_state(&v->stream.out, v->locks);
    }
    if (has_size) {
        orl_rfb_size_put(v); /* RFC 6143 7.8.2: the last one of its update */
    }
    *owed = (struct orl_rfb_owed){.cursor = owed->cursor};
}

/* Only the newest, and only when the client has read all before. */
static void put_cursor(struct orl_viewer *v)
{
    v->owed.cursor = false;
    const size_t before = v->stream.out.len;
    const int code = orl_rfb_enc_cursor(v->enc, v->cursor, &v->stream.out);
    if (code == ORL_OK && v->stream.out.len > before) {
        used_request(v);
    }
}

static void put_due(struct orl_viewer *v)
{
    if (is_open(v) && orl_rfb_stream_waiting(&v->stream) == 0) {
        orl_rfb_clipboard_put(v);
    }
    if (orl_rfb_may_update(v) && owes(v)) {
        put_owed(v);
    }
    if (orl_rfb_may_update(v) && v->owed.cursor && orl_rfb_stream_waiting(&v->stream) == 0) {
        put_cursor(v);
    }
}

/* For something that the client, or who follows its wish, has to do. */
static bool is_waiting(const struct orl_viewer *v)
{
    return v->flight.count > 0 || orl_rfb_stream_waiting(&v->stream) > 0;
}

static bool needs_clock(const struct orl_viewer *v)
{
    return is_waiting(v) || v->is_size_asked ||
           (!v->is_continuous && !v->has_request && !v->is_hidden);
}

static bool is_reading(const struct orl_viewer *v)
{
    return v->answer_bytes <= ANSWERS_MAX_BYTES;
}

static void watch(struct orl_viewer *v)
{
    if (v->io == NULL) {
        return;
    }
    const bool wants_write = orl_rfb_stream_waiting(&v->stream) > 0 || v->wants_writable ||
                             (v->is_handshaking && orl_tls_wants_write(v->stream.tls));
    orl_io_set(v->io, (is_reading(v) ? (unsigned)ORL_IO_READ : 0U) |
                              (wants_write ? (unsigned)ORL_IO_WRITE : 0U));
    if (is_open(v) && !orl_timer_is_active(v->timer) && needs_clock(v)) {
        v->progress_us = orl_loop_now_us(v->loop);
        orl_timer_start(v->timer, CHECK_US, CHECK_US);
    }
}

static bool write_out(struct orl_viewer *v)
{
    int wrote = 1;
    while (wrote > 0) {
        wrote = orl_rfb_stream_write(&v->stream);
        if (wrote > 0) {
            v->progress_us = orl_loop_now_us(v->loop);
        }
    }
    if (orl_rfb_stream_waiting(&v->stream) == 0) {
        v->answer_bytes = 0;
    }
    return wrote == 0;
}

void orl_rfb_flush(struct orl_viewer *v)
{
    if (v->state >= ORL_RFB_CLOSING || v->state == ORL_RFB_NEW || v->is_handshaking) {
        return;
    }
    put_due(v);
    if (v->stream.out.is_failed) {
        orl_rfb_close(v, ORL_REASON_INTERNAL, "more to write than we keep");
    } else if (!write_out(v)) {
        orl_rfb_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
    }
    watch(v);
}

/* ---- handshake ---- */

static void log_in(struct orl_viewer *v)
{
    struct orl_viewer_login_answer answer = {.reason = ORL_REASON_AUTH_FAILED};
    struct orl_msg_login login = {.protocol = ORL_PROTOCOL_VNC};
    char text[ORL_TEXT_MAX + 64];
    orl_msg_text(login.user, sizeof(login.user), v->auth.user);
    orl_msg_text(login.password, sizeof(login.password), v->auth.password);
    v->events->on_login(v->ctx, &login, &answer);
    orl_secret_wipe(&login, sizeof(login));
    (void)snprintf(text, sizeof(text), "%s (%s)",
            answer.text[0] != '\0' ? answer.text : orl_reason_text(answer.reason),
            orl_reason_code(answer.reason));
    orl_rfb_auth_answer(&v->auth, answer.is_accepted ? NULL : text, &v->stream.out);
    if (!answer.is_accepted) {
        orl_rfb_close(v, answer.reason, answer.text);
    }
}

static void begin_tls(struct orl_viewer *v)
{
    struct orl_err err = {0};
    /* What we said before goes in the clear; a few bytes, which every socket has room for. */
    if (!write_out(v) || orl_rfb_stream_waiting(&v->stream) > 0) {
        orl_rfb_close(v, ORL_REASON_CLIENT_CLOSED, NULL);
        return;
    }
    const int code = orl_rfb_stream_secure(&v->stream, v->keys, &err);
    if (code < 0) {
        orl_rfb_close(v, code == ORL_E_PROTO ? ORL_REASON_CLIENT_PROTOCOL : ORL_REASON_INTERNAL,
                err.text);
        return;
    }
    v->is_handshaking = true;
}

static void shake_hands(struct orl_viewer *v)
{
    const int code = orl_tls_handshake(v->stream.tls);
    if (code == ORL_OK) {
        v->is_handshaking = false;
        orl_rfb_auth_secured(&v->auth);
    } else if (code != ORL_E_AGAIN) {
        orl_rfb_close(v,
                code == ORL_E_CLOSED ? ORL_REASON_CLIENT_CLOSED : ORL_REASON_CLIENT_PROTOCOL,
                "TLS");
    }
}

static void begin_desktop(struct orl_viewer *v)
{
    v->width_px = v->max_width_px != 0 && v->max_width_px < START_WIDTH_PX ? v->max_width_px
                                                                           : START_WIDTH_PX;
    v->height_px = v->max_height_px != 0 && v->max_height_px < START_HEIGHT_PX ? v->max_height_px
                                                                               : START_HEIGHT_PX;
    orl_rfb_put_server_init(&v->stream.out, (uint16_t)v->width_px, (uint16_t)v->height_px,
            &orl_rfb_format_bgrx, v->name);
    v->state = ORL_RFB_INIT;
}

static int take_step(struct orl_viewer *v, const uint8_t *data, size_t len)
{
    const int used = orl_rfb_auth_step(&v->auth, data, len, &v->stream.out);
    if (used == ORL_E_UNSUPPORTED) {
        orl_rfb_close(v, ORL_REASON_CLIENT_UNSUPPORTED, NULL);
    } else if (used < 0) {
        orl_rfb_close(v, ORL_REASON_CLIENT_PROTOCOL, "RFB handshake");
    } else if (v->auth.state == ORL_RFB_AUTH_LOGIN) {
        log_in(v);
    } else if (v->auth.state == ORL_RFB_AUTH_DONE) {
        begin_desktop(v);
    }
    return used;
}

void orl_rfb_become_ready(struct orl_viewer *v)
{
    v->state = ORL_RFB_READY;
    orl_rfb_report_caps(v);
}

void orl_rfb_report_caps(struct orl_viewer *v)
{
    struct orl_rfb_enc_caps enc;
    orl_rfb_enc_caps(v->enc, &enc);
    const bool may_lose = v->quality != ORL_AUX_QUALITY_SHARP;
    const struct orl_viewer_caps caps = {.has_h264 = enc.has_h264 && may_lose,
            .has_copy = enc.has_copy,
            .has_fill = true,
            .has_acks = v->ext.has_fence,
            .has_resize = v->ext.has_desktop_size || v->ext.has_ext_size,
            .has_h264_regions = v->is_web,
            .has_photo = enc.has_photo && may_lose,
            .h264_colours = ORL_COLOURS_601_LIMITED,
            .width_px = v->width_px,
            .height_px = v->height_px,
            .layout = v->layout,
            .has_clipboard = true,
            .has_sound = orl_rfb_aux_plays(v->aux),
            .max_kbit_s = v->quality == ORL_AUX_QUALITY_SAVING ? SAVING_KBIT_S : 0,
            .max_in_flight = v->is_web ? ORL_RFB_PAGE_FLIGHT_MAX : ORL_RFB_FLIGHT_MAX};
    if (is_open(v)) {
        v->events->on_ready(v->ctx, &caps);
    }
}

/* ---- reading ---- */

static size_t skip(struct orl_viewer *v, size_t len)
{
    const size_t skipped = len < v->skip_bytes ? len : v->skip_bytes;
    v->skip_bytes -= skipped;
    return skipped;
}

static int take_one(struct orl_viewer *v, const uint8_t *data, size_t len)
{
    struct orl_rfb_msg msg;
    if (v->skip_bytes > 0) {
        return (int)skip(v, len);
    }
    if (v->state == ORL_RFB_TALKING) {
        return take_step(v, data, len);
    }
    const int used = orl_rfb_parse(&v->wire, data, len, &msg);
    if (used < 0) {
        orl_rfb_close(v, ORL_REASON_CLIENT_PROTOCOL, "RFB message");
    } else if (used > 0) {
        orl_rfb_on_msg(v, &msg);
    }
    return used;
}

/* Takes what lies in `in`, until it has no whole message, or has asked for more answers than it reads. */
static void take_in(struct orl_viewer *v)
{
    size_t at = 0;
    int used = 1;
    while (used > 0 && at < v->stream.in.len && !v->wants_close && !v->is_handshaking &&
            is_reading(v)) {
        const uint64_t before = orl_rfb_stream_bytes_out(&v->stream);
        used = take_one(v, v->stream.in.data + at, v->stream.in.len - at);
        at += used > 0 ? (size_t)used : 0;
        if (v->state == ORL_RFB_TALKING && v->auth.state == ORL_RFB_AUTH_TLS && !v->wants_close) {
            orl_rfb_stream_used(&v->stream, at);
            at = 0;
            begin_tls(v);
        } else if (v->state != ORL_RFB_TALKING) {
            v->answer_bytes += (size_t)(orl_rfb_stream_bytes_out(&v->stream) - before);
        }
    }
    orl_rfb_stream_used(&v->stream, at);
}

static void read_in(struct orl_viewer *v)
{
    int got = 1;
    for (unsigned i = 0; i < READS_PER_WAKE && got > 0 && !v->wants_close; i++) {
        if (v->is_handshaking) {
            shake_hands(v);
        }
        if (v->is_handshaking || !is_reading(v)) {
            return;
        }
        got = orl_rfb_stream_read(&v->stream);
        if (got > 0) {
            take_in(v);
        }
    }
    if (got < 0) {
        orl_rfb_close(v, got == ORL_E_PROTO ? ORL_REASON_CLIENT_PROTOCOL : ORL_REASON_CLIENT_CLOSED,
                NULL);
    }
}

/* When all that came is read: whoever is told encodes a frame, and that would make what was not yet read look late. */
static void report_acks(struct orl_viewer *v)
{
    if (v->flight.has_acked) {
        v->flight.has_acked = false;
        if (is_open(v)) {
            v->events->on_ack(v->ctx, v->flight.acked);
        }
    }
}

/* True: the kernel has little left to send. For clients that acknowledge nothing. */
static bool is_socket_free(const struct orl_viewer *v)
{
    struct pollfd at = {.fd = v->stream.fd, .events = POLLOUT};
    return poll(&at, 1, 0) == 1 && (at.revents & POLLOUT) != 0;
}

static bool may_send(const struct orl_viewer *v)
{
    return orl_rfb_may_update(v) && !owes(v) && orl_rfb_stream_waiting(&v->stream) == 0 &&
           (v->ext.has_fence ? orl_rfb_flight_has_room(v) : is_socket_free(v));
}

static void report_writable(struct orl_viewer *v)
{
    if (v->wants_writable && may_send(v)) {
        v->wants_writable = false;
        v->events->on_writable(v->ctx);
    }
}

static void run(struct orl_viewer *v)
{
    if (v->state == ORL_RFB_CLOSING) {
        linger(v);
        return;
    }
    if (v->state == ORL_RFB_CLOSED || v->state == ORL_RFB_NEW || v->is_on_stack) {
        return;
    }
    v->is_on_stack = true;
    orl_rfb_flush(v);
    take_in(v);
    read_in(v);
    orl_rfb_flush(v);
    report_acks(v);
    report_writable(v);
    orl_rfb_flush(v);
    v->is_on_stack = false;
}

static void on_io(void *ctx, unsigned events)
{
    (void)events;
    run(ctx);
}

/* ---- clock ---- */

/* A client that owes nothing needs no clock: a still screen wakes nobody. */
static void check(struct orl_viewer *v)
{
    const uint64_t now_us = orl_loop_now_us(v->loop);
    if (is_waiting(v) && now_us - v->progress_us > STALL_US) {
        orl_rfb_close(v, ORL_REASON_CLIENT_STALLED, NULL);
        return;
    }
    orl_rfb_size_overdue(v);
    if (!v->is_continuous && !v->has_request && !v->is_hidden &&
            now_us - v->request_us > HIDDEN_US) {
        v->is_hidden = true;
        v->events->on_visible(v->ctx, false);
    }
    if (!needs_clock(v)) {
        orl_timer_stop(v->timer);
    }
    orl_rfb_flush(v);
}

static void on_timer(void *ctx)
{
    struct orl_viewer *v = ctx;
    if (v->state == ORL_RFB_CLOSING) {
        finish(v);
    } else if (is_open(v)) {
        check(v);
    }
}

/* ---- what the session asks ---- */

static int op_set_size(struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    if (!is_open(v)) {
        return ORL_E_CLOSED;
    }
    if (width_px == 0 || height_px == 0 || width_px > ORL_SURFACE_MAX_PX ||
            height_px > ORL_SURFACE_MAX_PX) {
        return ORL_E_INVAL;
    }
    if (!v->ext.has_desktop_size && !v->ext.has_ext_size) {
        return ORL_E_UNSUPPORTED;
    }
    orl_rfb_size_set(v, width_px, height_px);
    orl_rfb_flush(v);
    return ORL_OK;
}

static bool op_can_send(struct orl_viewer *v)
{
    if (may_send(v)) {
        return true;
    }
    v->wants_writable = !v->ext.has_fence || orl_rfb_flight_has_room(v);
    watch(v);
    return false;
}

static int op_send(struct orl_viewer *v, const struct orl_update *update)
{
    if (!is_open(v)) {
        return ORL_E_CLOSED;
    }
    if (!op_can_send(v)) {
        return ORL_E_AGAIN;
    }
    const int code = orl_rfb_enc_update(v->enc, update, &v->stream.out);
    if (code < 0) {
        orl_rfb_close(v, ORL_REASON_INTERNAL, "an update can't be written");
        return code;
    }
    used_request(v);
    orl_rfb_page_count(v, update);
    if (v->ext.has_fence) {
        const uint8_t payload[4] = {(uint8_t)(update->frame_id >> 24),
                (uint8_t)(update->frame_id >> 16), (uint8_t)(update->frame_id >> 8),
                (uint8_t)update->frame_id};
        orl_rfb_put_fence(&v->stream.out, ORL_RFB_FENCE_REQUEST | ORL_RFB_FENCE_BLOCK_BEFORE,
                payload, sizeof(payload));
        orl_rfb_flight_add(v, update->frame_id);
    }
    orl_rfb_flush(v);
    return ORL_OK;
}

static void op_set_cursor(struct orl_viewer *v, const struct orl_cursor *cursor)
{
    if (v->cursor == NULL) {
        v->cursor = malloc(sizeof(*v->cursor));
    }
    if (v->cursor != NULL) {
        *v->cursor = *cursor;
        v->owed.cursor = true;
    }
    orl_rfb_flush(v);
}

static void op_set_locks(struct orl_viewer *v, uint32_t locks)
{
    v->has_locks = true;
    v->locks = locks;
    v->owed.led = v->ext.has_led;
    orl_rfb_flush(v);
}

static void op_set_name(struct orl_viewer *v, const char *name)
{
    const bool is_new = strcmp(v->name, name) != 0;
    orl_msg_text(v->name, sizeof(v->name), name);
    v->owed.name = v->owed.name || (is_new && v->ext.has_name);
    orl_rfb_flush(v);
}

static void op_permit(struct orl_viewer *v, const struct orl_permit *permit)
{
    v->permit = *permit;
    v->permit.clipboard_max_bytes = orl_permit_max_bytes(permit);
    if (is_open(v)) {
        orl_rfb_clipboard_open(v);
    }
}

static void op_clipboard(struct orl_viewer *v, const struct orl_clipboard *step)
{
    if (is_open(v)) {
        orl_rfb_clipboard_step(v, step);
    }
}

static void op_sound(struct orl_viewer *v, const struct orl_sound *sound)
{
    if (is_open(v) && v->permit.has_sound != 0) {
        orl_rfb_aux_sound(v->aux, sound);
    }
}

/* TCP's; what is between a browser and oriel-web is not known. */
static bool op_socket_rtt(const struct orl_viewer *v, uint64_t *ret_rtt_us, uint64_t *ret_least_us)
{
    return orl_tcp_rtt(v->stream.fd, ret_rtt_us, ret_least_us);
}

static void op_say(struct orl_viewer *v, const char *text)
{
    orl_rfb_aux_say(v->aux, text);
}

static void op_close(struct orl_viewer *v, enum orl_reason reason, const char *text)
{
    orl_rfb_close(v, reason, text);
}

static uint64_t op_bytes_out(const struct orl_viewer *v)
{
    return orl_rfb_stream_bytes_out(&v->stream);
}

static void op_free(struct orl_viewer *v)
{
    if (v == NULL) {
        return;
    }
    orl_assert(!v->is_on_stack);
    v->state = ORL_RFB_CLOSED;
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
        .set_locks = op_set_locks,
        .set_name = op_set_name,
        .close = op_close,
        .permit = op_permit,
        .clipboard = op_clipboard,
        .sound = op_sound,
        .say = op_say,
        .bytes_out = op_bytes_out,
        .socket_rtt = op_socket_rtt,
        .free = op_free};

/* Security None is for a pair between our own processes, whatever the caller thinks that it has. */
static bool is_pair(int fd)
{
    int domain = 0;
    socklen_t len = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

static int make_parts(struct orl_viewer *v, int aux_fd, struct orl_err *err)
{
    if (v->is_web && !is_pair(v->stream.fd)) {
        orl_close_fd(&aux_fd);
        return orl_err_set(err, ORL_E_DENIED, "no key, and the client is no process of ours");
    }
    const uint32_t max_height_px = ORL_SURFACE_MAX_PIXELS / ORL_SURFACE_MAX_PX;
    int code = orl_rfb_enc_new(v->is_web, &v->enc);
    if (code < 0) {
        orl_close_fd(&aux_fd);
        return orl_err_set(err, code, "no memory for an encoder");
    }
    v->stream.out.max_len =
            orl_rfb_enc_max_bytes(ORL_SURFACE_MAX_PX, max_height_px) + EXTRA_OUT_BYTES;
    if (aux_fd >= 0) {
        code = orl_rfb_page_open(v, aux_fd, err);
    }
    return code < 0 ? code : orl_timer_new(v->loop, on_timer, v, &v->timer, err);
}

int orl_rfb_viewer_new(struct orl_loop *loop, const struct orl_rfb_opts *opts,
        const struct orl_viewer_events *events, void *ctx, struct orl_viewer_handle *ret_handle,
        struct orl_err *err)
{
    struct orl_viewer *v = calloc(1, sizeof(*v));
    int aux_fd = opts->aux_fd;
    if (v == NULL) {
        (void)close(opts->fd);
        orl_close_fd(&aux_fd);
        return orl_err_set(err, ORL_E_NOMEM, "no memory for a viewer");
    }
    v->loop = loop;
    v->events = events;
    v->ctx = ctx;
    v->keys = opts->keys;
    v->is_web = opts->keys == NULL;
    v->max_width_px = opts->max_width_px;
    v->max_height_px = opts->max_height_px;
    v->wire.cut_max = ORL_RFB_SMALL_MAX;
    orl_msg_text(v->name, sizeof(v->name), "Oriel");
    orl_rfb_stream_init(&v->stream, opts->fd, (size_t)2 * ORL_RFB_SMALL_MAX, 0);
    const int code = make_parts(v, aux_fd, err);
    if (code < 0) {
        destroy(v);
        return code;
    }
    *ret_handle = (struct orl_viewer_handle){.ops = &ops, .viewer = v};
    return ORL_OK;
}

int orl_rfb_viewer_start(struct orl_viewer *v, struct orl_err *err)
{
    if (v->state != ORL_RFB_NEW) {
        return orl_err_set(err, ORL_E_INVAL, "the viewer was started before");
    }
    v->state = ORL_RFB_TALKING;
    orl_rfb_auth_begin(&v->auth, v->is_web, &v->stream.out);
    const int code = orl_io_open(v->loop, v->stream.fd, ORL_IO_READ, on_io, v, &v->io, err);
    if (code == ORL_OK) {
        orl_rfb_flush(v);
    }
    return code;
}
