#include "protocols/qemu/qemu_extra.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/qemu/qemu_calls.h"
#include <fcntl.h>
#include <sys/socket.h>

#define SOUND_TRIES                                                                                \
    10 /* a second: QEMU has one listener for sound, and hears of the former's end in a thread of its own */

const struct orl_qemu_extra_kind orl_qemu_extra_head = {.path = ORL_QEMU_SECOND_PATH,
        .interface = "org.qemu.Display1.Console",
        .member = "RegisterListener",
        .listener = ORL_QEMU_LISTENER_PICTURE,
        .link_type = ORL_LINK_HEAD,
        .tries = 1,
        .late = "QEMU did not finish the second listener's handshake"};
const struct orl_qemu_extra_kind orl_qemu_extra_sound = {.path = ORL_QEMU_AUDIO_PATH,
        .interface = "org.qemu.Display1.Audio",
        .member = "RegisterOutListener",
        .listener = ORL_QEMU_LISTENER_SOUND,
        .link_type = ORL_LINK_SPEAKER,
        .tries = SOUND_TRIES};

void orl_qemu_extra_init(
        struct orl_qemu_extra *extra, const struct orl_qemu_extra_kind *kind, struct orl_loop *loop)
{
    *extra = (struct orl_qemu_extra){.kind = kind, .loop = loop, .link_fd = -1, .listener.fd = -1};
}

static void fail(struct orl_qemu_extra *e, const char *why)
{
    e->why = e->why != NULL ? e->why : why;
}

static void stop_listening(struct orl_qemu_extra *e)
{
    orl_io_close(e->io);
    e->io = NULL;
}

static void drop_listener(struct orl_qemu_extra *e)
{
    stop_listening(e);
    e->call = sd_bus_slot_unref(e->call);
    e->is_registered = e->is_asking = false;
    e->heard_us = 0;
    if (e->listener.fd >= 0) {
        (void)shutdown(e->listener.fd, SHUT_RDWR);
    }
    orl_close_fd(&e->listener.fd);
}

static void give_up(struct orl_qemu_extra *e)
{
    if (e->kind->late != NULL) {
        fail(e, e->kind->late);
    } else {
        drop_listener(e);
        e->state = ORL_QEMU_EXTRA_ABSENT;
    }
}

/* The duplicate that stays is what ends the stream of a console that does not read it. A link that is full, of a long
 * clipboard text, is tried again at the next tick. */
static void hand_out(struct orl_qemu_extra *e)
{
    struct orl_link_msg msg = {
            .type = e->kind->link_type, .surface_fd = fcntl(e->listener.fd, F_DUPFD_CLOEXEC, 0)};
    int rc = msg.surface_fd < 0 ? ORL_E_SYS : orl_link_send(e->link_fd, &msg);
    orl_close_fd(&msg.surface_fd);
    e->state = rc == ORL_E_AGAIN ? ORL_QEMU_EXTRA_READY : ORL_QEMU_EXTRA_OPEN;
    if (rc < 0 && rc != ORL_E_AGAIN) {
        fail(e, "the console does not take one of its streams");
    }
}

/* QEMU's main loop has gone on: nothing is asked any more. */
static int on_answer(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_extra *e = ctx;
    (void)m;
    (void)error;
    stop_listening(e);
    if (e->listener.fd >= 0) {
        hand_out(e);
    }
    return 0;
}

static void check_done(struct orl_qemu_extra *e)
{
    if (e->state == ORL_QEMU_EXTRA_OPENING && e->is_registered && !e->is_asking &&
            e->listener.state == ORL_QEMU_LISTENER_DONE) {
        e->is_asking = true;
        e->call = sd_bus_slot_unref(e->call);
        if (sd_bus_call_method_async(e->bus, &e->call, NULL, ORL_QEMU_CONSOLE_PATH,
                    "org.freedesktop.DBus.Properties", "Get", on_answer, e, "ss",
                    "org.qemu.Display1.Console", "Width") < 0) {
            fail(e, "QEMU closed the display");
        }
    }
}

static void on_listener(void *ctx, unsigned events)
{
    struct orl_qemu_extra *e = ctx;
    (void)events;
    int rc = orl_qemu_listener_step(&e->listener);
    bool is_done = e->listener.state == ORL_QEMU_LISTENER_DONE;
    if (is_done) {
        e->heard_us = 0;
    } else if (e->listener.is_heard && e->heard_us == 0) {
        e->heard_us = orl_clock_now_us();
    }
    if (rc != ORL_E_AGAIN) {
        stop_listening(e);
    }
    if (is_done) {
        check_done(e);
    } else if (rc != ORL_E_AGAIN && e->state == ORL_QEMU_EXTRA_OPENING) {
        give_up(e);
    }
}

static int on_registered(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_extra *e = ctx;
    (void)error;
    if (sd_bus_message_is_method_error(m, NULL) != 0) {
        drop_listener(e);
        bool is_last = ++e->tried >= e->kind->tries;
        e->state = is_last ? ORL_QEMU_EXTRA_ABSENT : ORL_QEMU_EXTRA_AGAIN;
        return 0;
    }
    e->is_registered = true;
    check_done(e);
    return 0;
}

static void register_listener(struct orl_qemu_extra *e)
{
    ORL_AUTO(orl_close_auto) int qemu_fd = -1;
    e->state = ORL_QEMU_EXTRA_OPENING;
    if (orl_qemu_listener_open(&e->listener, e->kind->listener, &qemu_fd, NULL) < 0 ||
            orl_io_open(e->loop, e->listener.fd, ORL_IO_READ, on_listener, e, &e->io, NULL) < 0 ||
            sd_bus_call_method_async(e->bus, &e->call, NULL, e->kind->path, e->kind->interface,
                    e->kind->member, on_registered, e, "h", qemu_fd) < 0) {
        fail(e, "no further listener could be made");
    }
}

void orl_qemu_extra_open(struct orl_qemu_extra *extra, sd_bus *bus, int link_fd)
{
    if (extra->state == ORL_QEMU_EXTRA_NONE) {
        extra->bus = bus;
        extra->link_fd = link_fd;
        extra->tried = 0;
        register_listener(extra);
    }
}

void orl_qemu_extra_close(struct orl_qemu_extra *extra)
{
    if (extra->state != ORL_QEMU_EXTRA_NONE && extra->state != ORL_QEMU_EXTRA_ABSENT) {
        drop_listener(extra);
        extra->state = ORL_QEMU_EXTRA_NONE;
    }
}

static bool is_streaming(const struct orl_qemu_extra *e)
{
    return e->state == ORL_QEMU_EXTRA_READY || e->state == ORL_QEMU_EXTRA_OPEN;
}

const char *orl_qemu_extra_tick(struct orl_qemu_extra *extra, uint64_t now_us)
{
    if (extra->state == ORL_QEMU_EXTRA_OPENING && extra->heard_us != 0 &&
            now_us - extra->heard_us > ORL_QEMU_HANDSHAKE_MAX_US) {
        give_up(extra);
    } else if (is_streaming(extra) && extra->why == NULL) {
        extra->why = orl_qemu_listener_stall(&extra->listener);
    } else if (extra->state == ORL_QEMU_EXTRA_AGAIN) {
        register_listener(extra);
    }
    if (extra->state == ORL_QEMU_EXTRA_READY && extra->why == NULL) {
        hand_out(extra);
    }
    return extra->why;
}

void orl_qemu_extra_fini(struct orl_qemu_extra *extra)
{
    drop_listener(extra);
}
