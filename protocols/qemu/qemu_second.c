#include "protocols/qemu/qemu_second.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "protocols/qemu/qemu_calls.h"
#include <fcntl.h>
#include <sys/socket.h>

void orl_qemu_second_init(struct orl_qemu_second *second, struct orl_loop *loop)
{
    *second = (struct orl_qemu_second){.loop = loop, .link_fd = -1, .listener.fd = -1};
}

static void fail(struct orl_qemu_second *s, const char *why)
{
    s->why = s->why != NULL ? s->why : why;
}

static void stop_listening(struct orl_qemu_second *s)
{
    orl_io_close(s->io);
    s->io = NULL;
}

static void drop_listener(struct orl_qemu_second *s)
{
    stop_listening(s);
    if (s->listener.fd >= 0) {
        (void)shutdown(s->listener.fd, SHUT_RDWR);
    }
    orl_close_fd(&s->listener.fd);
}

/* The duplicate that stays is what ends the stream of a console that does not read it. A link that is full, of a long
 * clipboard text, is tried again at the next tick. */
static void hand_out(struct orl_qemu_second *s)
{
    struct orl_link_msg msg = {
            .type = ORL_LINK_HEAD, .surface_fd = fcntl(s->listener.fd, F_DUPFD_CLOEXEC, 0)};
    int rc = msg.surface_fd < 0 ? ORL_E_SYS : orl_link_send(s->link_fd, &msg);
    orl_close_fd(&msg.surface_fd);
    s->state = rc == ORL_E_AGAIN ? ORL_QEMU_SECOND_READY : ORL_QEMU_SECOND_OPEN;
    if (rc < 0 && rc != ORL_E_AGAIN) {
        fail(s, "the console does not take its second head");
    }
}

/* QEMU's main loop has gone on: nothing is asked any more. */
static int on_answer(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_second *s = ctx;
    (void)m;
    (void)error;
    stop_listening(s);
    if (s->listener.fd >= 0) {
        hand_out(s);
    }
    return 0;
}

static void check_done(struct orl_qemu_second *s)
{
    if (s->state == ORL_QEMU_SECOND_OPENING && s->is_registered && !s->is_asking &&
            s->listener.state == ORL_QEMU_LISTENER_DONE) {
        s->is_asking = true;
        if (sd_bus_call_method_async(s->bus, NULL, NULL, ORL_QEMU_SECOND_PATH,
                    "org.freedesktop.DBus.Properties", "Get", on_answer, s, "ss",
                    "org.qemu.Display1.Console", "Width") < 0) {
            fail(s, "QEMU closed the display");
        }
    }
}

static void on_listener(void *ctx, unsigned events)
{
    struct orl_qemu_second *s = ctx;
    (void)events;
    int rc = orl_qemu_listener_step(&s->listener);
    bool is_done = s->listener.state == ORL_QEMU_LISTENER_DONE;
    if (is_done) {
        s->heard_us = 0;
    } else if (s->listener.is_heard && s->heard_us == 0) {
        s->heard_us = orl_clock_now_us();
    }
    if (rc != ORL_E_AGAIN) {
        stop_listening(s);
    }
    if (is_done) {
        check_done(s);
    } else if (rc != ORL_E_AGAIN) {
        fail(s, "QEMU did not finish the second listener's handshake");
    }
}

static int on_registered(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_second *s = ctx;
    (void)error;
    if (sd_bus_message_is_method_error(m, NULL) != 0) {
        drop_listener(s);
        s->state = ORL_QEMU_SECOND_ABSENT;
        return 0;
    }
    s->is_registered = true;
    check_done(s);
    return 0;
}

void orl_qemu_second_open(struct orl_qemu_second *second, sd_bus *bus, int link_fd)
{
    ORL_AUTO(orl_close_auto) int qemu_fd = -1;
    if (second->state != ORL_QEMU_SECOND_NONE) {
        return;
    }
    second->state = ORL_QEMU_SECOND_OPENING;
    second->bus = bus;
    second->link_fd = link_fd;
    if (orl_qemu_listener_open(&second->listener, &qemu_fd, NULL) < 0 ||
            orl_io_open(second->loop, second->listener.fd, ORL_IO_READ, on_listener, second,
                    &second->io, NULL) < 0 ||
            sd_bus_call_method_async(bus, NULL, NULL, ORL_QEMU_SECOND_PATH,
                    "org.qemu.Display1.Console", "RegisterListener", on_registered, second, "h",
                    qemu_fd) < 0) {
        fail(second, "no second listener could be made");
    }
}

static bool is_streaming(const struct orl_qemu_second *s)
{
    return s->state == ORL_QEMU_SECOND_READY || s->state == ORL_QEMU_SECOND_OPEN;
}

const char *orl_qemu_second_tick(struct orl_qemu_second *second, uint64_t now_us)
{
    if (second->state == ORL_QEMU_SECOND_OPENING && second->heard_us != 0 &&
            now_us - second->heard_us > ORL_QEMU_HANDSHAKE_MAX_US) {
        fail(second, "QEMU did not finish the second listener's handshake");
    } else if (is_streaming(second) && second->why == NULL) {
        second->why = orl_qemu_listener_stall(&second->listener);
    }
    if (second->state == ORL_QEMU_SECOND_READY && second->why == NULL) {
        hand_out(second);
    }
    return second->why;
}

void orl_qemu_second_fini(struct orl_qemu_second *second)
{
    drop_listener(second);
}
