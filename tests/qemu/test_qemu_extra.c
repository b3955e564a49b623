/* A further listener's stream on its way to a console that is busy with something else. */
#include "base/cleanup.h"
#include "display/link.h"
#include "protocols/qemu/qemu_extra.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct rig {
    int link[2]; /* ours, the console's */
    int qemu_fd;
    struct orl_qemu_extra extra;
};

/* The handshake is done, and the console's socket full. */
static void begin(struct rig *rig)
{
    static const struct orl_link_msg wake = {.type = ORL_LINK_WAKE, .surface_fd = -1};
    assert_int_equal(
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, rig->link), 0);
    orl_qemu_extra_init(&rig->extra, &orl_qemu_extra_head, NULL);
    assert_int_equal(orl_qemu_listener_open(
                             &rig->extra.listener, rig->extra.kind->listener, &rig->qemu_fd, NULL),
            0);
    rig->extra.link_fd = rig->link[0];
    rig->extra.state = ORL_QEMU_EXTRA_READY;
    while (orl_link_send(rig->link[0], &wake) == ORL_OK) {
    }
}

static void end(struct rig *rig)
{
    orl_qemu_extra_fini(&rig->extra);
    orl_close_fd(&rig->qemu_fd);
    orl_close_fd(&rig->link[0]);
    orl_close_fd(&rig->link[1]);
}

/* The fd that came, or -1. */
static int take_head(const struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg = {.surface_fd = -1};
    while (msg.type != ORL_LINK_HEAD && orl_link_recv(rig->link[1], buf, &msg) == ORL_OK) {
    }
    return msg.type == ORL_LINK_HEAD ? msg.surface_fd : -1;
}

static void a_full_link_gets_the_stream_later_and_once(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    for (uint64_t now_us = 1; now_us < 100; now_us++) {
        assert_null(orl_qemu_extra_tick(&rig.extra, now_us));
    }
    assert_int_equal(take_head(&rig), -1);
    assert_null(orl_qemu_extra_tick(&rig.extra, 100));
    assert_null(orl_qemu_extra_tick(&rig.extra, 101));
    ORL_AUTO(orl_close_auto) int stream = take_head(&rig);
    assert_true(stream >= 0);
    assert_int_equal(take_head(&rig), -1);
    end(&rig);
}

/* Meanwhile QEMU sends, and would queue. */
static void a_console_that_never_takes_it_is_shut_out(void **state)
{
    (void)state;
    struct rig rig;
    const char *why = NULL;
    begin(&rig);
    assert_int_equal(send(rig.qemu_fd, "frame", 5, MSG_NOSIGNAL), 5);
    for (uint64_t now_us = 1; now_us < 100 && why == NULL; now_us++) {
        why = orl_qemu_extra_tick(&rig.extra, now_us);
    }
    assert_string_equal(why, "the console stopped reading");
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_full_link_gets_the_stream_later_and_once),
            cmocka_unit_test(a_console_that_never_takes_it_is_shut_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
