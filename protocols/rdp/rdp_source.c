#include "protocols/rdp/rdp_source.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "protocols/rdp/rdp_source_priv.h"
#include <errno.h>
#include <freerdp/event.h>
#include <freerdp/gdi/gdi.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <winpr/synch.h>

#define BEGIN_US (1 * ORL_US_PER_S) /* without a layout by then: any size */
#define HANDSHAKE_MAX_US (30 * ORL_US_PER_S)
#define WRITE_MAX_US (10 * ORL_US_PER_S)
#define WATCH_US (1 * ORL_US_PER_S)
#define OUT_MAX_BYTES (72U << 20) /* the longest paste; input stops far below */
#define PDUS_PER_WAKE 32
#define WAKE_MAX_US (10 * ORL_US_PER_MS)

void orl_rdp_source_give_up(struct orl_source *s, enum orl_reason reason, const char *text)
{
    if (s->reason == ORL_REASON_NONE) {
        s->reason = reason;
        (void)snprintf(s->text, sizeof(s->text), "%s", text);
    }
}

static void watch_clock(struct orl_source *s)
{
    if (!orl_timer_is_active(s->watch)) {
        orl_timer_start(s->watch, WATCH_US, WATCH_US);
    }
}

static void close_now(struct orl_source *s)
{
    const char *text = "";
    if (s->state == ORL_RDP_SOURCE_CLOSED) {
        return;
    }
    const enum orl_reason reason = orl_rdp_source_reason(s, &text);
    s->state = ORL_RDP_SOURCE_CLOSED;
    orl_timer_stop(s->watch);
    orl_io_set(s->socket_io, 0);
    for (unsigned i = 0; i < s->io_count; i++) {
        orl_io_set(s->ios[i], 0);
    }
    s->events->on_closed(s->ctx, reason, text); /* last: the owner may free us */
}

void orl_rdp_source_flush(struct orl_source *s)
{
    const bool is_ok = orl_rdp_source_wire_send(s);
    const bool is_waiting = is_ok && s->wire.out.len > 0;
    if (is_waiting) {
        watch_clock(s);
    }
    orl_io_set(s->socket_io, ORL_IO_READ | (is_waiting ? (unsigned)ORL_IO_WRITE : 0U));
}

/* False: it is over. */
static bool run_freerdp(struct orl_source *s)
{
    const rdpContext *context = s->instance->context;
    HANDLE handles[ORL_RDP_SOURCE_HANDLES];
    const uint64_t end_us = orl_clock_now_us() + WAKE_MAX_US;
    bool is_more = true;
    s->is_on_stack = true;
    for (unsigned i = 0; is_more && i < PDUS_PER_WAKE && orl_clock_now_us() < end_us; i++) {
        if (!freerdp_check_event_handles(s->instance->context) ||
                freerdp_shall_disconnect_context(context) || s->reason != ORL_REASON_NONE) {
            s->is_on_stack = false;
            return false;
        }
        const DWORD count =
                freerdp_get_event_handles(s->instance->context, handles, ORL_RDP_SOURCE_HANDLES);
        is_more = count > 0 && WaitForMultipleObjects(count, handles, FALSE, 0) != WAIT_TIMEOUT;
    }
    s->is_on_stack = false;
    return true;
}

static void on_ready(void *ctx, unsigned events)
{
    struct orl_source *s = ctx;
    (void)events;
    if (s->state != ORL_RDP_SOURCE_UP) {
        return;
    }
    if (!run_freerdp(s)) {
        close_now(s);
        return;
    }
    orl_rdp_source_move_due(s);
    orl_rdp_source_flush(s);
}

/* FreeRDP's events beside the socket; they stay the same until it ends. */
static int watch_handles(struct orl_source *s, struct orl_err *err)
{
    HANDLE handles[ORL_RDP_SOURCE_HANDLES];
    const DWORD count =
            freerdp_get_event_handles(s->instance->context, handles, ORL_RDP_SOURCE_HANDLES);
    int rc = count > 0 ? ORL_OK : ORL_E_BACKEND;
    for (DWORD i = 0; rc == ORL_OK && i < count; i++) {
        const int fd = GetEventFileDescriptor(handles[i]);
        if (fd >= 0 && fd != s->wire.fd) {
            rc = orl_io_open(s->loop, fd, ORL_IO_READ, on_ready, s, &s->ios[s->io_count], err);
            s->io_count += rc == ORL_OK ? 1 : 0;
        }
    }
    return rc;
}

static void set_suppressed(struct orl_source *s)
{
    rdpContext *context = s->instance->context;
    const RECTANGLE_16 all = {.right = (UINT16)orl_surface_width(s->screen.surface),
            .bottom = (UINT16)orl_surface_height(s->screen.surface)};
    (void)context->update->SuppressOutput(context, s->is_viewed, &all);
}

static void start_up(struct orl_source *s)
{
    struct orl_err err = {0};
    s->state = ORL_RDP_SOURCE_UP;
    if (watch_handles(s, &err) < 0) {
        orl_rdp_source_give_up(s, ORL_REASON_INTERNAL, err.text);
        close_now(s);
        return;
    }
    s->events->on_surface(s->ctx, s->screen.surface);
    if (!s->is_viewed) {
        set_suppressed(s);
    }
    if (s->later.count > 0) {
        orl_rdp_source_size_want(s, &s->later);
    }
    if (s->clip.format != 0) { /* offered before anybody could be told */
        const struct orl_clipboard offer = {
                .step = ORL_CLIPBOARD_OFFER, .serial = s->clip.serial, .has_text = true};
        s->events->on_clipboard(s->ctx, &offer);
    }
    on_ready(s, 0);
}

static void *connect_main(void *arg)
{
    struct orl_source *s = arg;
    s->is_connected = freerdp_connect(s->instance) != FALSE;
    orl_wake_send(s->wake);
    return NULL;
}

static void on_connected(void *ctx)
{
    struct orl_source *s = ctx;
    if (!s->has_thread) {
        return;
    }
    (void)pthread_join(s->thread, NULL);
    s->has_thread = false;
    orl_rdp_source_drop_password(s);
    if (s->is_late) {
        orl_rdp_source_give_up(
                s, ORL_REASON_CONSOLE_PROTOCOL, "the display did not finish its handshake in time");
    }
    if (!s->is_connected || s->reason != ORL_REASON_NONE || s->screen.surface == NULL) {
        close_now(s);
    } else {
        start_up(s);
    }
}

static void set_first_size(struct orl_source *s)
{
    rdpSettings *settings = s->instance->context->settings;
    const struct orl_rect *head = &s->size.wanted.heads[0];
    if (s->size.wanted.count > 0) {
        (void)freerdp_settings_set_uint32(
                settings, FreeRDP_DesktopWidth, (UINT32)head->width & ~1U);
        (void)freerdp_settings_set_uint32(settings, FreeRDP_DesktopHeight, (UINT32)head->height);
    }
}

static void begin(void *ctx)
{
    struct orl_source *s = ctx;
    if (s->state != ORL_RDP_SOURCE_WAITING) {
        return;
    }
    orl_timer_stop(s->begin);
    set_first_size(s);
    s->state = ORL_RDP_SOURCE_CONNECTING;
    s->started_us = orl_clock_now_us();
    watch_clock(s);
    s->has_thread = pthread_create(&s->thread, NULL, connect_main, s) == 0;
    if (!s->has_thread) {
        orl_rdp_source_give_up(s, ORL_REASON_INTERNAL, "no thread for the handshake");
        close_now(s);
    }
}

static void on_watch(void *ctx)
{
    struct orl_source *s = ctx;
    const uint64_t now_us = orl_clock_now_us();
    if (s->state == ORL_RDP_SOURCE_CONNECTING) {
        if (now_us - s->started_us > HANDSHAKE_MAX_US) {
            s->is_late = true;
            (void)shutdown(s->wire.fd, SHUT_RDWR); /* its thread meets the end */
        }
    } else if (s->wire.out_since_us == 0) {
        orl_timer_stop(s->watch);
    } else if (now_us - s->wire.out_since_us > WRITE_MAX_US) {
        orl_rdp_source_give_up(s, ORL_REASON_CONSOLE_LOST, "the display stopped reading");
        close_now(s);
    }
}

static bool is_usable(const struct orl_source *s)
{
    return s->state == ORL_RDP_SOURCE_UP && !s->is_on_stack;
}

static void source_input(struct orl_source *s, const struct orl_input *input)
{
    if (is_usable(s)) {
        orl_rdp_source_input(s, input);
        orl_rdp_source_flush(s);
    }
}

static void source_set_layout(struct orl_source *s, const struct orl_layout *layout)
{
    if (s->state == ORL_RDP_SOURCE_CONNECTING) {
        s->later = *layout;
        return;
    }
    orl_rdp_source_size_want(s, layout);
    if (s->state == ORL_RDP_SOURCE_WAITING) {
        orl_timer_start(s->begin, 0, 0);
    } else if (is_usable(s)) {
        orl_rdp_source_flush(s);
    }
}

static void source_set_viewed(struct orl_source *s, bool is_viewed)
{
    const bool was_viewed = s->is_viewed;
    s->is_viewed = is_viewed;
    if (is_usable(s) && was_viewed != is_viewed) {
        set_suppressed(s);
        orl_rdp_source_flush(s);
    }
}

static void source_clipboard(struct orl_source *s, const struct orl_clipboard *step)
{
    if (s->state == ORL_RDP_SOURCE_UP) {
        orl_rdp_source_clip_step(s, step);
        if (!s->is_on_stack) {
            on_ready(s, 0); /* FreeRDP queues what channels write */
        }
    }
}

static void source_set_wanted(struct orl_source *s, uint32_t wants)
{
    s->sound.is_wanted = (wants & ORL_WANT_SOUND) != 0;
}

static void source_free(struct orl_source *s)
{
    if (s == NULL) {
        return;
    }
    if (s->state == ORL_RDP_SOURCE_UP) {
        static const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
        source_input(s, &release);
    }
    s->state = ORL_RDP_SOURCE_CLOSED;
    orl_io_close(s->socket_io);
    for (unsigned i = 0; i < s->io_count; i++) {
        orl_io_close(s->ios[i]);
    }
    if (s->has_thread) {
        (void)shutdown(s->wire.fd, SHUT_RDWR);
        (void)pthread_join(s->thread, NULL);
    }
    orl_rdp_source_client_free(s);
    orl_wake_free(s->wake);
    orl_timer_free(s->watch);
    orl_timer_free(s->begin);
    orl_surface_free(s->screen.surface);
    orl_rdp_source_clip_fini(s);
    orl_buf_wipe(&s->wire.out);
    orl_buf_fini(&s->wire.out);
    orl_close_fd(&s->wire.fd);
    free(s);
}

static const struct orl_source_ops ops = {
        .input = source_input,
        .set_layout = source_set_layout,
        .set_viewed = source_set_viewed,
        .clipboard = source_clipboard,
        .set_wanted = source_set_wanted,
        .free = source_free,
};

static int start(struct orl_source *s, const struct orl_rdp_source_opts *opts, struct orl_err *err)
{
    int rc = orl_io_open(s->loop, s->wire.fd, 0, on_ready, s, &s->socket_io, err);
    if (rc == ORL_OK) {
        rc = orl_wake_new(s->loop, on_connected, s, &s->wake, err);
    }
    if (rc == ORL_OK) {
        rc = orl_timer_new(s->loop, on_watch, s, &s->watch, err);
    }
    if (rc == ORL_OK) {
        rc = orl_timer_new(s->loop, begin, s, &s->begin, err);
    }
    return rc == ORL_OK ? orl_rdp_source_client_new(s, opts, err) : rc;
}

int orl_rdp_source_new(struct orl_loop *loop, const struct orl_rdp_source_opts *opts,
        const struct orl_source_events *events, void *ctx, struct orl_source_handle *ret_handle,
        struct orl_err *err)
{
    struct orl_source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(opts->fd);
        return orl_err_set(err, ORL_E_NOMEM, "RDP source");
    }
    s->loop = loop;
    s->wire.fd = opts->fd;
    s->events = events;
    s->ctx = ctx;
    orl_buf_init(&s->wire.out, OUT_MAX_BYTES);
    int rc = start(s, opts, err);
    if (rc < 0) {
        source_free(s);
        return rc;
    }
    orl_timer_start(s->begin, BEGIN_US, 0);
    ret_handle->ops = &ops;
    ret_handle->source = s;
    return ORL_OK;
}
