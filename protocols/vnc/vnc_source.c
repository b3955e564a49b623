#include "protocols/vnc/vnc_source.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/vnc/vnc_clipboard.h"
#include "protocols/vnc/vnc_keyboard.h"
#include "protocols/vnc/vnc_reader.h"
#include "protocols/vnc/vnc_wire.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define HANDSHAKE_MAX_US (10 * ORL_US_PER_S)
#define MESSAGE_MAX_US                                                                             \
    (30 * ORL_US_PER_S) /* 160 MiB at 50 Mbit/s: the largest picture over a slow line */
#define WRITE_MAX_US (10 * ORL_US_PER_S)
#define WATCH_US (1 * ORL_US_PER_S)
#define SETTLE_US (300 * ORL_US_PER_MS)
#define SOUND_MAX_BYTES (ORL_SOUND_MAX_BYTES - ORL_SOUND_MAX_BYTES % ORL_VNC_SOUND_FRAME_BYTES)
#define OUT_MAX_BYTES 65536
#define OUT_FULL_BYTES 49152 /* no more pointer moves beyond; keys still have room */
#define WHEEL_NOTCH 120
#define WHEEL_MAX_NOTCHES 20

enum {
    BUTTON_WHEEL_UP = 8,
    BUTTON_WHEEL_DOWN = 16,
    BUTTON_WHEEL_LEFT = 32,
    BUTTON_WHEEL_RIGHT = 64,
    BUTTON_SIDE = 128,
    BUTTON_EXTRA = 256
};

struct pointer {
    int32_t x, y;
    uint32_t buttons;         /* RFB's bits */
    bool is_due;              /* moved while the server did not read; sent when it does */
    int32_t wheel_x, wheel_y; /* rests below a notch */
};
struct orl_source {
    struct orl_loop *loop;
    const struct orl_source_events *events;
    void *ctx;
    int fd;
    struct orl_io *io;
    struct orl_wake *wake;
    struct orl_timer *watch;
    struct orl_vnc_reader *reader;
    struct orl_surface *surface;
    struct orl_buf out;
    uint64_t out_since_us; /* when the server stopped reading; 0: it reads */
    struct orl_vnc_keyboard keyboard;
    struct pointer pointer;
    int guest_locks; /* -1: the server does not say */
    int leds_seen;
    bool is_lent; /* small updates are read here */
    bool is_up, is_viewed, is_request_out, want_full;
    bool has_ext_buttons, has_ext_size;
    bool has_extras; /* asked for: clipboard and sound */
    struct orl_vnc_clipboard clipboard;
    size_t cut_sent; /* of clipboard.out; until it is all of it nothing else may go */
    bool is_sound_wanted, has_ext_sound, is_sound_on;
    uint64_t started_us, up_us;
    enum orl_reason reason; /* ours, when we shut the socket down; else the reader's */
    const char *text;
    bool is_closed;
};

/* The reader sees the end of the socket and reports; the reason is ours. */
static void give_up(struct orl_source *s, enum orl_reason reason, const char *text)
{
    if (s->reason == ORL_REASON_NONE) {
        s->reason = reason;
        s->text = text;
    }
    (void)shutdown(s->fd, SHUT_RDWR);
}

static void put_pointer(struct orl_source *s)
{
    uint32_t max_x = s->surface != NULL ? orl_surface_width(s->surface) - 1 : UINT16_MAX;
    uint32_t max_y = s->surface != NULL ? orl_surface_height(s->surface) - 1 : UINT16_MAX;
    uint32_t x = (uint32_t)s->pointer.x < max_x ? (uint32_t)s->pointer.x : max_x;
    uint32_t y = (uint32_t)s->pointer.y < max_y ? (uint32_t)s->pointer.y : max_y;
    orl_rfb_put_pointer(&s->out, (uint16_t)x, (uint16_t)y, s->pointer.buttons, s->has_ext_buttons);
    s->pointer.is_due = false;
}

/* Runs while the server owes something: a handshake, the rest of a message, reading. */
static void watch_clock(struct orl_source *s)
{
    if (!orl_timer_is_active(s->watch)) {
        orl_timer_start(s->watch, WATCH_US, WATCH_US);
    }
}

/* Sends what the socket takes; negative when the connection is broken (the reader will say so). */
static ssize_t send_bytes(struct orl_source *s, const uint8_t *data, size_t len)
{
    ssize_t n = 0;
    do {
        n = send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        s->out_since_us = 0;
    }
    return n < 0 && errno == EAGAIN ? 0 : n;
}

/* All at once: text is long, and what is left of it would be moved each time. */
static ssize_t send_cut(struct orl_source *s)
{
    struct orl_buf *cut = &s->clipboard.out;
    ssize_t n = send_bytes(s, cut->data + s->cut_sent, cut->len - s->cut_sent);
    s->cut_sent += n > 0 ? (size_t)n : 0;
    if (s->cut_sent == cut->len) {
        orl_buf_wipe(cut);
        orl_buf_fini(cut);
        s->cut_sent = 0;
    }
    return n;
}

static bool is_cut_waiting(const struct orl_source *s)
{
    return s->clipboard.out.len > 0;
}

/* False: the connection is broken. */
static bool send_some(struct orl_source *s)
{
    ssize_t n = 1;
    while (n > 0 && (s->out.len > 0 || is_cut_waiting(s))) {
        if (s->cut_sent > 0 || s->out.len == 0) {
            n = send_cut(s);
        } else {
            n = send_bytes(s, s->out.data, s->out.len);
            orl_buf_consume(&s->out, n > 0 ? (size_t)n : 0);
        }
    }
    return n >= 0;
}

static void flush(struct orl_source *s)
{
    if (!s->is_up || s->is_closed) {
        return;
    }
    if (s->out.is_failed) {
        give_up(s, ORL_REASON_CONSOLE_LOST, "the display stopped reading");
        return;
    }
    bool is_ok = send_some(s);
    if (is_ok && s->out.len == 0 && s->pointer.is_due) {
        put_pointer(s);
        is_ok = send_some(s);
    }
    bool is_waiting = is_ok && (s->out.len > 0 || is_cut_waiting(s));
    if (is_waiting && s->out_since_us == 0) {
        s->out_since_us = orl_clock_now_us();
        watch_clock(s);
    }
    orl_io_set(s->io,
            (is_waiting ? (unsigned)ORL_IO_WRITE : 0U) | (s->is_lent ? (unsigned)ORL_IO_READ : 0U));
}

/* One request outstanding, none while nobody looks. */
static void request_update(struct orl_source *s)
{
    if (!s->is_up || s->surface == NULL || s->is_request_out || !s->is_viewed) {
        return;
    }
    orl_rfb_put_update_request(
            &s->out, !s->want_full, orl_surface_width(s->surface), orl_surface_height(s->surface));
    s->want_full = false;
    s->is_request_out = true;
}

static void take_small(struct orl_source *s)
{
    const enum orl_vnc_small taken = orl_vnc_reader_take_small(s->reader);
    s->is_lent = taken != ORL_VNC_SMALL_NONE;
    if (taken == ORL_VNC_SMALL_UPDATED) {
        s->is_request_out = false;
        s->events->on_damage(s->ctx);
        request_update(s);
    } else if (taken == ORL_VNC_SMALL_PART) {
        watch_clock(s);
    }
    flush(s);
}

static void on_socket(void *ctx, unsigned events)
{
    struct orl_source *s = ctx;
    if (s->is_lent && (events & ORL_IO_READ) != 0) {
        take_small(s);
    } else if ((events & ORL_IO_WRITE) != 0) {
        flush(s);
    } else {
        orl_io_set(s->io, 0); /* hung up: the reader reports it */
    }
}

static void take_surface(struct orl_source *s)
{
    struct orl_surface *fresh = orl_vnc_reader_take_surface(s->reader);
    if (fresh == NULL) {
        return;
    }
    struct orl_surface *old = s->surface;
    s->surface = fresh;
    s->want_full = true;
    s->is_request_out = false; /* what was asked for the old size may never be answered */
    s->events->on_surface(s->ctx, fresh);
    orl_surface_free(old);
}

static void start_talking(struct orl_source *s)
{
    s->is_up = true;
    s->up_us = orl_clock_now_us();
    orl_rfb_put_pixel_format(&s->out);
    orl_rfb_put_encodings(&s->out, false);
}

/* Once and late: QEMU 6 registers a clipboard with each SetEncodings that names it, and by now the one that
 * take_features() sends is out. */
static void ask_extras(struct orl_source *s)
{
    s->has_extras = true;
    orl_rfb_put_encodings(&s->out, true);
    flush(s);
}

static void set_sound(struct orl_source *s)
{
    bool is_on = s->is_sound_wanted && s->has_ext_sound;
    if (is_on != s->is_sound_on) {
        s->is_sound_on = is_on;
        orl_vnc_sound_put_on(&s->out, is_on);
    }
}

static void take_sound(struct orl_source *s, unsigned flags)
{
    uint8_t samples[SOUND_MAX_BYTES];
    struct orl_sound sound = {.rate_hz = ORL_VNC_SOUND_RATE_HZ, .channels = ORL_VNC_SOUND_CHANNELS};
    struct orl_vnc_sound_ring *ring = orl_vnc_reader_sound(s->reader);
    for (unsigned i = 0; i <= ORL_VNC_SOUND_RING_BYTES / SOUND_MAX_BYTES; i++) {
        sound.len = orl_vnc_sound_take(ring, samples, sizeof(samples));
        sound.samples = samples;
        if (sound.len == 0) {
            break;
        }
        if (s->is_sound_on) {
            s->events->on_sound(s->ctx, &sound);
        }
    }
    if ((flags & ORL_VNC_SOUND_OVER) != 0) {
        sound.samples = NULL;
        sound.len = 0;
        s->events->on_sound(s->ctx, &sound);
    }
}

static void take_cuts(struct orl_source *s)
{
    for (unsigned kind = 0; kind < ORL_VNC_CUT_KIND_COUNT; kind++) {
        struct orl_vnc_cut *cut = orl_vnc_reader_take_cut(s->reader, (enum orl_vnc_cut_kind)kind);
        if (cut != NULL) {
            orl_vnc_clipboard_from_server(&s->clipboard, cut);
            orl_vnc_cut_free(cut);
        }
    }
}

static void take_leds(struct orl_source *s)
{
    int leds = orl_vnc_reader_leds(s->reader);
    if (leds != s->leds_seen) {
        s->leds_seen = leds;
        s->guest_locks = leds;
        if (leds >= 0 && s->events->on_locks != NULL) {
            s->events->on_locks(s->ctx, (uint32_t)leds & ORL_LOCKS_ALL);
        }
    }
}

static void take_features(struct orl_source *s, unsigned flags)
{
    s->keyboard.has_scancodes |= (flags & ORL_VNC_EXT_KEYS) != 0;
    s->has_ext_buttons |= (flags & ORL_VNC_EXT_BUTTONS) != 0;
    s->has_ext_size |= (flags & ORL_VNC_EXT_SIZE) != 0;
    s->clipboard.is_qemu |= (flags & ORL_VNC_IS_QEMU) != 0;
    s->has_ext_sound |= (flags & ORL_VNC_EXT_SOUND) != 0;
    set_sound(s);
    take_leds(s);
}

static void close_now(struct orl_source *s)
{
    const struct orl_vnc_result *result = orl_vnc_reader_result(s->reader);
    s->is_closed = true;
    orl_timer_stop(s->watch);
    orl_io_set(s->io, 0);
    bool is_ours = s->reason != ORL_REASON_NONE;
    s->events->on_closed(
            s->ctx, is_ours ? s->reason : result->reason, is_ours ? s->text : result->text);
}

static void on_reader(void *ctx)
{
    struct orl_source *s = ctx;
    if (s->is_closed) {
        return;
    }
    unsigned flags = orl_vnc_reader_take_flags(s->reader);
    if ((flags & ORL_VNC_UP) != 0) {
        start_talking(s);
    }
    take_surface(s);
    if (s->is_up) {
        take_features(s, flags);
    }
    if ((flags & ORL_VNC_UPDATED) != 0) {
        s->is_request_out = false;
    }
    s->is_lent |= (flags & ORL_VNC_LENT) != 0;
    if ((flags & (ORL_VNC_UPDATED | ORL_VNC_CURSOR)) != 0) {
        s->events->on_damage(s->ctx);
    }
    if ((flags & ORL_VNC_CUT) != 0) {
        take_cuts(s);
    }
    if ((flags & (ORL_VNC_SOUND | ORL_VNC_SOUND_OVER)) != 0) {
        take_sound(s, flags);
    }
    if ((flags & ORL_VNC_WAITS) != 0) {
        watch_clock(s);
    }
    request_update(s);
    flush(s);
    if ((flags & ORL_VNC_DONE) != 0) {
        close_now(s); /* last: the owner may free us */
    }
}

static void on_watch(void *ctx)
{
    struct orl_source *s = ctx;
    uint64_t now_us = orl_clock_now_us();
    uint64_t busy_us = orl_vnc_reader_busy_since_us(s->reader);
    if (!s->is_up && now_us - s->started_us > HANDSHAKE_MAX_US) {
        give_up(s, ORL_REASON_CONSOLE_PROTOCOL, "the display did not finish its handshake in time");
    } else if (busy_us != 0 && now_us > busy_us && now_us - busy_us > MESSAGE_MAX_US) {
        give_up(s, ORL_REASON_CONSOLE_PROTOCOL, "the display stopped in the middle of a message");
    } else if (s->out_since_us != 0 && now_us - s->out_since_us > WRITE_MAX_US) {
        give_up(s, ORL_REASON_CONSOLE_LOST, "the display stopped reading");
    } else if (s->is_up && !s->has_extras && now_us - s->up_us > SETTLE_US) {
        ask_extras(s);
    } else if (s->has_extras && busy_us == 0 && s->out_since_us == 0) {
        orl_timer_stop(s->watch);
    }
}

static void input_pointer(struct orl_source *s, const struct orl_input *input)
{
    uint32_t b = input->code;
    uint32_t buttons = (b & (ORL_BUTTON_LEFT | ORL_BUTTON_MIDDLE | ORL_BUTTON_RIGHT)) |
                       ((b & ORL_BUTTON_SIDE) != 0 ? (uint32_t)BUTTON_SIDE : 0U) |
                       ((b & ORL_BUTTON_EXTRA) != 0 ? (uint32_t)BUTTON_EXTRA : 0U);
    if (input->kind == ORL_INPUT_POINTER) {
        s->pointer.x = input->x;
        s->pointer.y = input->y;
    }
    if (buttons == s->pointer.buttons && s->out.len > 0) {
        s->pointer.is_due = true; /* only the last place counts */
        return;
    }
    s->pointer.buttons = buttons;
    put_pointer(s);
}

static void turn_wheel(
        struct orl_source *s, int32_t *rest, int32_t by, uint32_t more, uint32_t less)
{
    *rest += by;
    int32_t notches = *rest / WHEEL_NOTCH;
    *rest -= notches * WHEEL_NOTCH;
    uint32_t button = notches > 0 ? more : less;
    int32_t count = notches < 0 ? -notches : notches;
    uint32_t held = s->pointer.buttons;
    for (int32_t i = 0; i < count && i < WHEEL_MAX_NOTCHES && s->out.len < OUT_FULL_BYTES; i++) {
        s->pointer.buttons = held | button;
        put_pointer(s);
        s->pointer.buttons = held;
        put_pointer(s);
    }
}

/* One screen: QEMU's server shows one head. */
static void source_set_layout(struct orl_source *s, const struct orl_layout *layout)
{
    const struct orl_rect *head = &layout->heads[0];
    bool is_same = s->surface != NULL && orl_surface_width(s->surface) == (uint32_t)head->width &&
                   orl_surface_height(s->surface) == (uint32_t)head->height;
    if (!s->is_up || s->is_closed || !s->has_ext_size || is_same || s->out.len >= OUT_FULL_BYTES) {
        return;
    }
    uint64_t packed = orl_vnc_reader_screen(s->reader);
    struct orl_rfb_screen screen = {.id = (uint32_t)(packed >> 32), .flags = (uint32_t)packed};
    orl_rfb_put_desktop_size(&s->out, (uint16_t)head->width, (uint16_t)head->height, &screen);
    flush(s);
}

static void source_input(struct orl_source *s, const struct orl_input *input)
{
    if (!s->is_up || s->is_closed) {
        return;
    }
    if (s->pointer.is_due && input->kind != ORL_INPUT_POINTER && s->out.len < OUT_FULL_BYTES) {
        put_pointer(s); /* before what comes after it */
    }
    switch (input->kind) {
    case ORL_INPUT_KEY:
        orl_vnc_keyboard_key(&s->keyboard, input->code, input->is_down != 0, &s->out);
        break;
    case ORL_INPUT_KEYSYM:
        orl_vnc_keyboard_sym(&s->keyboard, input->code, input->is_down != 0, &s->out);
        break;
    case ORL_INPUT_POINTER:
    case ORL_INPUT_RELATIVE: /* RFB has no relative pointer: the buttons only */
        input_pointer(s, input);
        break;
    case ORL_INPUT_WHEEL:
        turn_wheel(s, &s->pointer.wheel_y, input->y, BUTTON_WHEEL_UP, BUTTON_WHEEL_DOWN);
        turn_wheel(s, &s->pointer.wheel_x, input->x, BUTTON_WHEEL_RIGHT, BUTTON_WHEEL_LEFT);
        break;
    case ORL_INPUT_LOCKS:
        s->guest_locks =
                orl_vnc_keyboard_set_locks(&s->keyboard, input->code, s->guest_locks, &s->out);
        break;
    case ORL_INPUT_RELEASE_ALL:
        orl_vnc_keyboard_release_all(&s->keyboard, &s->out);
        if (s->pointer.buttons != 0) {
            s->pointer.buttons = 0;
            put_pointer(s);
        }
        break;
    default:
        break;
    }
    flush(s);
}

static void source_set_viewed(struct orl_source *s, bool is_viewed)
{
    s->is_viewed = is_viewed;
    request_update(s);
    flush(s);
}

static void on_cut_step(void *ctx, const struct orl_clipboard *step)
{
    const struct orl_source *s = ctx;
    s->events->on_clipboard(s->ctx, step);
}

static void source_clipboard(struct orl_source *s, const struct orl_clipboard *step)
{
    if (s->is_up && !s->is_closed) {
        orl_vnc_clipboard_from_client(&s->clipboard, step);
        flush(s);
    }
}

static void source_set_wanted(struct orl_source *s, uint32_t wants)
{
    s->is_sound_wanted = (wants & ORL_WANT_SOUND) != 0;
    if (s->is_up && !s->is_closed) {
        set_sound(s);
        flush(s);
    }
}

static void source_free(struct orl_source *s)
{
    if (s == NULL) {
        return;
    }
    if (s->is_up && !s->is_closed) {
        orl_vnc_keyboard_release_all(&s->keyboard, &s->out);
        (void)send_some(s);
    }
    orl_io_close(s->io);
    orl_vnc_reader_free(s->reader); /* joins: after it nobody sends wake */
    orl_wake_free(s->wake);
    orl_timer_free(s->watch);
    orl_surface_free(s->surface);
    orl_buf_wipe(&s->out);
    orl_buf_fini(&s->out);
    orl_vnc_clipboard_fini(&s->clipboard);
    orl_close_fd(&s->fd);
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

static int start(struct orl_source *s, const char *password, struct orl_err *err)
{
    int rc = orl_io_open(s->loop, s->fd, 0, on_socket, s, &s->io, err);
    /* The loop made it non-blocking; the reader's thread blocks, and writes say MSG_DONTWAIT. */
    int mode = fcntl(s->fd, F_GETFL);
    if (rc == ORL_OK && (mode < 0 || fcntl(s->fd, F_SETFL, mode & ~O_NONBLOCK) < 0)) {
        rc = orl_err_sys(err, errno, "the display's socket");
    }
    if (rc == ORL_OK) {
        rc = orl_wake_new(s->loop, on_reader, s, &s->wake, err);
    }
    if (rc == ORL_OK) {
        rc = orl_timer_new(s->loop, on_watch, s, &s->watch, err);
    }
    if (rc == ORL_OK) {
        rc = orl_vnc_reader_new(s->fd, password, s->wake, &s->reader, err);
    }
    return rc;
}

int orl_vnc_source_new(struct orl_loop *loop, int fd, const char *password,
        const struct orl_source_events *events, void *ctx, struct orl_source_handle *ret_handle,
        struct orl_err *err)
{
    struct orl_source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_NOMEM, "VNC source");
    }
    s->loop = loop;
    s->fd = fd;
    s->events = events;
    s->ctx = ctx;
    s->guest_locks = -1;
    s->leds_seen = -1;
    s->want_full = true;
    s->started_us = orl_clock_now_us();
    orl_buf_init(&s->out, OUT_MAX_BYTES);
    orl_vnc_clipboard_init(&s->clipboard, on_cut_step, s);
    int rc = start(s, password, err);
    if (rc < 0) {
        source_free(s);
        return rc;
    }
    watch_clock(s);
    ret_handle->ops = &ops;
    ret_handle->source = s;
    return ORL_OK;
}
