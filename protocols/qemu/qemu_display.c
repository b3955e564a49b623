#include "protocols/qemu/qemu_display.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/qemu/qemu_calls.h"
#include "protocols/qemu/qemu_clipboard.h"
#include "protocols/qemu/qemu_extra.h"
#include "protocols/qemu/qemu_listener.h"
#include "protocols/qemu/qemu_locks.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#define OPEN_MAX_US (5 * ORL_US_PER_S) /* a guest under emulation keeps QEMU busy */
#define LEAVE_MAX_US (500 * ORL_US_PER_MS)
#define TICK_US (100 * ORL_US_PER_MS)
#define PING_US (1 * ORL_US_PER_S)
#define ANSWER_MAX_US (5 * ORL_US_PER_S) /* QEMU's main loop stands still, perhaps for us */
#define BUS_TURNS 32
#define INPUTS_PER_WAKE 64
#define QUEUED_MAX 64 /* calls that QEMU has not read; input waits beyond */
#define REGISTER_TRIES 3
#define ROUNDS_AFTER 2 /* QEMU closes a socket in another thread than it answers in */

/* Each step but REGISTER and OPEN ends with an answer to ask(): a round through QEMU's main loop, so that all that we did before
 * it has taken effect there. QEMU 7.2 knows a listener by one name for all: a new one must come when the end of
 * the former, of this or another process, is over, or it ends with it. */
enum step { CONNECT = 0, BEFORE, REGISTER, AFTER, OPEN };

struct orl_qemu_display {
    struct orl_loop *loop;
    const struct orl_qemu_display_events *events;
    void *ctx;
    sd_bus *bus;
    struct orl_io *bus_io;
    struct orl_timer *tick;
    struct orl_qemu_listener listener; /* its fd is the kept duplicate of what the console reads */
    struct orl_io *listener_io;        /* until the stream is handed out */
    enum step step;
    bool is_asking, is_registered, is_leaving, is_closed;
    unsigned tries, rounds;
    int input_fd;
    struct orl_io *input_io;
    struct orl_qemu_calls calls;
    struct orl_qemu_locks locks;
    struct orl_qemu_clipboard clipboard;
    bool is_input_first; /* what the guest's paste waits for is behind input that must wait */
    uint64_t started_us, heard_us, left_us, asked_us;
    struct orl_qemu_extra second, sound;
    bool has_sound, is_sound_wanted;
    const char *why; /* set: over; told when no call of ours is on the stack */
};

static int on_answer(sd_bus_message *m, void *ctx, sd_bus_error *error);

static void fail(struct orl_qemu_display *d, const char *why)
{
    d->why = d->why != NULL ? d->why : why;
}

/* What is pressed is released, and QEMU's word for it waited for: it reads no further where it can't write an answer. */
static void leave(struct orl_qemu_display *d)
{
    static const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
    d->is_leaving = true;
    d->left_us = orl_clock_now_us();
    orl_io_close(d->listener_io);
    orl_io_close(d->input_io);
    d->listener_io = d->input_io = NULL;
    if (d->listener.fd >= 0) {
        (void)shutdown(d->listener.fd, SHUT_RDWR);
    }
    orl_qemu_extra_fini(&d->second);
    orl_qemu_extra_fini(&d->sound);
    orl_qemu_clipboard_fini(&d->clipboard);
    orl_qemu_locks_close(&d->locks);
    if (d->step == OPEN && sd_bus_is_ready(d->bus) > 0) {
        orl_qemu_calls_input(&d->calls, &release);
    }
}

/* Last in every callback of the loop: the owner may free us. */
static void settle(struct orl_qemu_display *d)
{
    if (d->why == NULL || d->is_closed) {
        return;
    }
    if (!d->is_leaving) {
        leave(d);
    }
    if (d->calls.unanswered == 0 || sd_bus_is_ready(d->bus) <= 0 ||
            orl_clock_now_us() - d->left_us > LEAVE_MAX_US) {
        d->is_closed = true;
        orl_timer_stop(d->tick);
        orl_io_close(d->bus_io);
        d->bus_io = NULL;
        d->events->on_closed(d->ctx, d->why);
    }
}

static size_t queued(const struct orl_qemu_display *d)
{
    uint64_t count = 0;
    return sd_bus_get_n_queued_write(d->bus, &count) < 0 ? 0 : (size_t)count;
}

static bool takes_input(const struct orl_qemu_display *d)
{
    return queued(d) < QUEUED_MAX && !orl_qemu_calls_are_busy(&d->calls);
}

/* A paste holds QEMU's main loop, and so the answer to a key: its text must not wait for that. */
static bool takes_paste(struct orl_qemu_display *d)
{
    uint8_t type[2] = {0};
    if (d->clipboard.paste == NULL || d->is_input_first) {
        return false;
    }
    ssize_t n = recv(d->input_fd, type, sizeof(type), MSG_PEEK | MSG_DONTWAIT);
    d->is_input_first = n == sizeof(type) && (type[0] | type[1] << 8) != ORL_LINK_CLIPBOARD;
    return n == sizeof(type) && !d->is_input_first;
}

static bool wants_input(const struct orl_qemu_display *d)
{
    return takes_input(d) || (d->clipboard.paste != NULL && !d->is_input_first);
}

static void watch(struct orl_qemu_display *d)
{
    int events = sd_bus_get_events(d->bus);
    if (events < 0) {
        fail(d, "QEMU closed the display");
        return;
    }
    orl_io_set(d->bus_io, ((events & POLLIN) != 0 ? (unsigned)ORL_IO_READ : 0U) |
                                  ((events & POLLOUT) != 0 ? (unsigned)ORL_IO_WRITE : 0U));
    if (d->input_io != NULL) {
        bool is_due = orl_qemu_copy_is_due(&d->clipboard.copy);
        orl_io_set(d->input_io, ORL_IO_HANGUP | (wants_input(d) ? (unsigned)ORL_IO_READ : 0U) |
                                        (is_due ? (unsigned)ORL_IO_WRITE : 0U));
    }
}

static void hand_out(struct orl_qemu_display *d)
{
    int pair[2];
    int stream = fcntl(d->listener.fd, F_DUPFD_CLOEXEC, 0);
    if (stream < 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        orl_close_fd(&stream);
        fail(d, "no more files can be opened");
        return;
    }
    d->step = OPEN;
    d->input_fd = pair[0];
    orl_qemu_clipboard_set_link(&d->clipboard, d->input_fd);
    d->has_sound = d->has_sound && orl_qemu_listener_is_recent(&d->listener);
    d->events->on_open(d->ctx, stream, pair[1], d->has_sound);
}

static int take_msg(struct orl_qemu_display *d, struct orl_link_msg *msg)
{
    switch (msg->type) {
    case ORL_LINK_INPUT:
        orl_qemu_calls_input(&d->calls, &msg->input);
        return ORL_OK;
    case ORL_LINK_LAYOUT:
        if (msg->layout.count > 1) {
            orl_qemu_extra_open(&d->second, d->bus, d->input_fd);
        }
        orl_qemu_calls_layout(&d->calls, &msg->layout);
        return ORL_OK;
    case ORL_LINK_WANT:
        orl_qemu_clipboard_want(&d->clipboard, msg->wants);
        d->is_sound_wanted = (msg->wants & ORL_WANT_SOUND) != 0;
        return ORL_OK;
    case ORL_LINK_CLIPBOARD:
        return orl_qemu_clipboard_take(&d->clipboard, &msg->clipboard);
    default:
        orl_close_fd(&msg->surface_fd);
        return ORL_E_PROTO;
    }
}

static void on_input(void *ctx, unsigned events)
{
    struct orl_qemu_display *d = ctx;
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    bool is_over = (events & (ORL_IO_READ | ORL_IO_WRITE)) == 0;
    int rc = is_over ? ORL_E_CLOSED : ORL_OK;
    orl_qemu_copy_flush(&d->clipboard.copy);
    for (unsigned i = 0; rc == ORL_OK && i < INPUTS_PER_WAKE && (takes_input(d) || takes_paste(d));
            i++) {
        rc = orl_link_recv(d->input_fd, buf, &msg);
        if (rc == ORL_OK) {
            rc = take_msg(d, &msg);
        }
    }
    if (rc < 0 && rc != ORL_E_AGAIN) {
        fail(d, "the console is gone");
    }
    watch(d);
    settle(d);
}

static void on_ready(void *ctx)
{
    struct orl_qemu_display *d = ctx;
    if (!d->is_closed) {
        watch(d);
        settle(d);
    }
}

static void stop_listening(struct orl_qemu_display *d)
{
    orl_io_close(d->listener_io);
    d->listener_io = NULL;
}

static void open_input(struct orl_qemu_display *d)
{
    stop_listening(d);
    if (orl_qemu_calls_init(&d->calls, d->loop, d->bus, on_ready, d, NULL) < 0) {
        fail(d, "no timer for keys");
        return;
    }
    hand_out(d);
    if (d->step == OPEN) {
        orl_qemu_locks_open(&d->locks, d->bus, d->input_fd);
    }
    if (d->step == OPEN && orl_io_open(d->loop, d->input_fd, ORL_IO_READ | ORL_IO_HANGUP, on_input,
                                   d, &d->input_io, NULL) < 0) {
        fail(d, "the loop takes no more sockets");
    }
}

static void ask(struct orl_qemu_display *d)
{
    d->is_asking = true;
    d->asked_us = orl_clock_now_us();
    if (sd_bus_call_method_async(d->bus, NULL, NULL, ORL_QEMU_CONSOLE_PATH,
                "org.freedesktop.DBus.Properties", "Get", on_answer, d, "ss",
                "org.qemu.Display1.Console", "Width") < 0) {
        fail(d, "QEMU closed the display");
    }
}

static int on_audio(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_display *d = ctx;
    (void)error;
    d->has_sound = sd_bus_message_is_method_error(m, NULL) == 0;
    return 0;
}

/* Answered before the rounds that follow. QEMU 7.2 has the object if somebody gave its display an <audio>, and dies of a
 * listener there: which QEMU it is, the handshake tells. */
static void ask_for_audio(struct orl_qemu_display *d)
{
    if (sd_bus_call_method_async(d->bus, NULL, NULL, ORL_QEMU_AUDIO_PATH,
                "org.freedesktop.DBus.Properties", "GetAll", on_audio, d, "s",
                "org.qemu.Display1.Audio") < 0) {
        fail(d, "QEMU closed the display");
    }
}

/* The handshake is done, and QEMU has said so. What it asks then is answered until its main loop has gone on. */
static void check_registered(struct orl_qemu_display *d)
{
    if (d->step == REGISTER && d->listener.state == ORL_QEMU_LISTENER_DONE && d->is_registered) {
        d->step = AFTER;
        d->rounds = 0;
        ask_for_audio(d);
        ask(d);
    }
}

static void on_listener(void *ctx, unsigned events)
{
    struct orl_qemu_display *d = ctx;
    (void)events;
    int rc = orl_qemu_listener_step(&d->listener);
    bool is_done = d->listener.state == ORL_QEMU_LISTENER_DONE;
    if (is_done) {
        d->heard_us = 0;
    } else if (d->listener.is_heard && d->heard_us == 0) {
        d->heard_us = orl_clock_now_us();
    }
    if (rc != ORL_E_AGAIN) {
        stop_listening(d);
    }
    if (is_done) {
        check_registered(d);
    } else if (rc != ORL_E_AGAIN) {
        fail(d, "QEMU did not finish the listener's handshake");
    }
    settle(d);
}

static int on_registered(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_display *d = ctx;
    (void)error;
    if (sd_bus_message_is_method_error(m, NULL) != 0) {
        fail(d, "QEMU refused the listener");
        return 0;
    }
    d->is_registered = true;
    check_registered(d);
    return 0;
}

static void register_listener(struct orl_qemu_display *d)
{
    ORL_AUTO(orl_close_auto) int qemu_fd = -1;
    d->step = REGISTER;
    d->is_registered = false;
    if (orl_qemu_listener_open(&d->listener, ORL_QEMU_LISTENER_PICTURE, &qemu_fd, NULL) < 0 ||
            orl_io_open(d->loop, d->listener.fd, ORL_IO_READ, on_listener, d, &d->listener_io,
                    NULL) < 0 ||
            sd_bus_call_method_async(d->bus, NULL, NULL, ORL_QEMU_CONSOLE_PATH,
                    "org.qemu.Display1.Console", "RegisterListener", on_registered, d, "h",
                    qemu_fd) < 0) {
        fail(d, "no listener could be made");
    }
}

static bool is_listener_dropped(const struct orl_qemu_display *d)
{
    struct pollfd pfd = {.fd = d->listener.fd};
    return poll(&pfd, 1, 0) != 0;
}

static void check_after(struct orl_qemu_display *d)
{
    bool is_dropped = is_listener_dropped(d);
    if (!is_dropped && ++d->rounds == ROUNDS_AFTER) {
        open_input(d);
    } else if (!is_dropped) {
        ask(d);
    } else if (++d->tries < REGISTER_TRIES) {
        stop_listening(d);
        orl_close_fd(&d->listener.fd);
        d->step = BEFORE;
        ask(d);
    } else {
        fail(d, "QEMU drops every listener");
    }
}

/* An error before RegisterListener: QEMU 7.2 reads calls a moment before it has the objects; on_tick() asks again. */
static int on_answer(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_display *d = ctx;
    (void)error;
    bool is_answered = sd_bus_message_is_method_error(m, NULL) == 0;
    d->is_asking = false;
    if (d->step == BEFORE && is_answered) {
        register_listener(d);
    } else if (d->step == AFTER) {
        check_after(d);
    }
    return 0;
}

static void pump(struct orl_qemu_display *d)
{
    int rc = 1;
    for (unsigned i = 0; rc > 0 && i < BUS_TURNS; i++) {
        rc = sd_bus_process(d->bus, NULL);
        if (rc >= 0 && d->step == CONNECT && sd_bus_is_ready(d->bus) > 0) {
            d->step = BEFORE;
            ask(d);
            rc = 1;
        }
    }
    if (rc < 0) {
        fail(d, "QEMU closed the display");
    }
    if (rc >= 0) {
        watch(d);
    }
}

static void on_bus(void *ctx, unsigned events)
{
    struct orl_qemu_display *d = ctx;
    (void)events;
    pump(d);
    settle(d);
}

/* All the time: whoever waits for QEMU sees that it stands still, and what it may wait for is shut down. */
static void check_alive(struct orl_qemu_display *d, uint64_t now_us)
{
    if (d->is_asking && now_us - d->asked_us > ANSWER_MAX_US) {
        fail(d, "QEMU does not answer");
    } else if (!d->is_asking && now_us - d->asked_us > PING_US) {
        ask(d);
        watch(d);
    }
}

/* QEMU sends what is played only while somebody hears it. At a tick, so that no console makes QEMU's main loop busy with
 * its listener. */
static const char *tick_sound(struct orl_qemu_display *d, uint64_t now_us)
{
    if (d->has_sound && d->is_sound_wanted) {
        orl_qemu_extra_open(&d->sound, d->bus, d->input_fd);
    } else {
        orl_qemu_extra_close(&d->sound);
    }
    return orl_qemu_extra_tick(&d->sound, now_us);
}

static void on_tick(void *ctx)
{
    struct orl_qemu_display *d = ctx;
    uint64_t now_us = orl_clock_now_us();
    if (d->step == BEFORE && !d->is_asking) {
        ask(d);
    }
    d->is_input_first = false;
    orl_qemu_clipboard_tick(&d->clipboard, now_us);
    pump(d); /* its time-outs */
    if (d->is_leaving) {
        settle(d);
        return;
    }
    if (d->step == OPEN) {
        const char *why = orl_qemu_listener_stall(&d->listener);
        why = why != NULL ? why : orl_qemu_extra_tick(&d->second, now_us);
        why = why != NULL ? why : tick_sound(d, now_us);
        if (why != NULL) {
            fail(d, why);
        } else {
            watch(d);
        }
        orl_qemu_locks_tick(&d->locks);
        check_alive(d, now_us);
    } else if (now_us - d->started_us > OPEN_MAX_US ||
               (d->heard_us != 0 && now_us - d->heard_us > ORL_QEMU_HANDSHAKE_MAX_US)) {
        fail(d, "QEMU's display did not open in time");
    }
    settle(d);
}

/* As sd-bus does it without a bus: we are the client of QEMU's own server. */
static int start_bus(struct orl_qemu_display *d, int *fd, struct orl_err *err)
{
    int rc = sd_bus_new(&d->bus);
    rc = rc < 0 ? rc : sd_bus_set_fd(d->bus, *fd, *fd);
    if (rc >= 0) {
        *fd = -1;
    }
    rc = rc < 0 ? rc : sd_bus_set_bus_client(d->bus, 0);
    rc = rc < 0 ? rc : sd_bus_negotiate_fds(d->bus, 1);
    rc = rc < 0 ? rc : sd_bus_set_trusted(d->bus, 1);
    rc = rc < 0 ? rc : sd_bus_start(d->bus);
    return rc < 0 ? orl_err_sys(err, -rc, "QEMU's D-Bus display") : ORL_OK;
}

int orl_qemu_display_new(struct orl_loop *loop, int fd,
        const struct orl_qemu_display_events *events, void *ctx,
        struct orl_qemu_display **ret_display, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int own_fd = fd;
    struct orl_qemu_display *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "QEMU display");
    }
    d->loop = loop;
    d->events = events;
    d->ctx = ctx;
    d->listener.fd = d->input_fd = -1;
    orl_qemu_extra_init(&d->second, &orl_qemu_extra_head, loop);
    orl_qemu_extra_init(&d->sound, &orl_qemu_extra_sound, loop);
    d->started_us = orl_clock_now_us();
    int rc = start_bus(d, &own_fd, err);
    orl_qemu_clipboard_init(&d->clipboard, d->bus);
    rc = rc < 0 ? rc
                : orl_io_open(loop, sd_bus_get_fd(d->bus), ORL_IO_READ, on_bus, d, &d->bus_io, err);
    rc = rc < 0 ? rc : orl_timer_new(loop, on_tick, d, &d->tick, err);
    if (rc < 0) {
        orl_qemu_display_free(d);
        return rc;
    }
    orl_timer_start(d->tick, 0, TICK_US); /* at once: sd-bus may have something to write */
    *ret_display = d;
    return ORL_OK;
}

void orl_qemu_display_free(struct orl_qemu_display *d)
{
    if (d == NULL) {
        return;
    }
    if (!d->is_leaving) {
        leave(d);
    }
    orl_io_close(d->bus_io);
    orl_timer_free(d->tick);
    orl_qemu_calls_fini(&d->calls);
    orl_qemu_clipboard_fini(&d->clipboard);
    orl_qemu_locks_close(&d->locks);
    sd_bus_close(d->bus);
    (void)sd_bus_unref(d->bus);
    orl_close_fd(&d->listener.fd);
    orl_close_fd(&d->input_fd);
    free(d);
}
