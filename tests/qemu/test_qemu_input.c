/* A console's input, as vmpool's side reads it from the socket. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"
#include "display/link.h"
#include "protocols/qemu/qemu_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define WAIT_US (100 * ORL_US_PER_S) /* an upper bound, never a measure */
#define TYPED 300
#define KEPT 512 /* of what arrived */
#define MORE_THAN_FITS 20000

struct rig {
    struct orl_loop *loop;
    struct orl_timer *limit;
    struct orl_io *reader, *writer;
    struct orl_qemu_input *in;
    int pair[2];
    unsigned want, got;
    struct orl_input last[KEPT];
    bool is_blocked, is_late;
};

static void on_blocked(void *ctx, bool is_blocked)
{
    struct rig *rig = ctx;
    rig->is_blocked = is_blocked;
    orl_io_set(rig->writer, is_blocked ? ORL_IO_WRITE : 0);
}

static void on_writable(void *ctx, unsigned events)
{
    const struct rig *rig = ctx;
    (void)events;
    orl_qemu_input_flush(rig->in);
}

static bool take(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    if (orl_link_recv(rig->pair[1], buf, &msg) < 0) {
        return false;
    }
    rig->last[rig->got++ % KEPT] = msg.input;
    return true;
}

static void on_readable(void *ctx, unsigned events)
{
    struct rig *rig = ctx;
    (void)events;
    while (take(rig)) {
    }
    if (rig->got >= rig->want) {
        orl_loop_stop(rig->loop);
    }
}

static void on_limit(void *ctx)
{
    struct rig *rig = ctx;
    rig->is_late = true;
    orl_loop_stop(rig->loop);
}

static void run_until(struct rig *rig, unsigned count)
{
    rig->want = count;
    orl_timer_start(rig->limit, WAIT_US, 0);
    orl_io_set(rig->reader, ORL_IO_READ);
    orl_loop_run(rig->loop);
    assert_false(rig->is_late);
}

static int setup(void **state)
{
    static struct rig rig;
    rig = (struct rig){.got = 0};
    *state = &rig;
    return orl_loop_new(&rig.loop, NULL) < 0 ||
                           socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                                   rig.pair) < 0 ||
                           orl_timer_new(rig.loop, on_limit, &rig, &rig.limit, NULL) < 0 ||
                           orl_io_open(rig.loop, rig.pair[1], 0, on_readable, &rig, &rig.reader,
                                   NULL) < 0 ||
                           orl_io_open(rig.loop, rig.pair[0], 0, on_writable, &rig, &rig.writer,
                                   NULL) < 0 ||
                           (rig.in = orl_qemu_input_new(rig.pair[0], on_blocked, &rig)) == NULL
                   ? -1
                   : 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    orl_qemu_input_free(rig->in);
    orl_io_close(rig->reader);
    orl_io_close(rig->writer);
    orl_timer_free(rig->limit);
    orl_loop_free(rig->loop);
    orl_close_fd(&rig->pair[0]);
    orl_close_fd(&rig->pair[1]);
    return 0;
}

static void put(const struct rig *rig, struct orl_input input)
{
    orl_qemu_input_put(rig->in, &input);
}

static void put_key(const struct rig *rig, unsigned i)
{
    put(rig, (struct orl_input){
                     .kind = ORL_INPUT_KEY, .code = 0x10 + i / 2 % 8, .is_down = 1 - i % 2});
}

static void keys_at_once_all_arrive(void **state)
{
    struct rig *rig = *state;
    for (unsigned i = 0; i < TYPED; i++) {
        put_key(rig, i);
    }
    put(rig, (struct orl_input){.kind = ORL_INPUT_POINTER, .x = 3});
    run_until(rig, TYPED + 1);
    for (unsigned i = 0; i < TYPED; i++) {
        assert_int_equal(rig->last[i].code, 0x10 + i / 2 % 8);
        assert_int_equal(rig->last[i].is_down, 1 - i % 2);
    }
    assert_int_equal(rig->last[TYPED].kind, ORL_INPUT_POINTER); /* after the keys before it */
}

static void the_pointer_alone_waits_for_nothing(void **state)
{
    struct rig *rig = *state;
    for (int32_t i = 0; i < 50; i++) {
        put(rig, (struct orl_input){.kind = ORL_INPUT_POINTER, .x = i});
        assert_true(take(rig));
    }
    assert_int_equal(rig->last[49].x, 49);
}

static void a_full_socket_loses_moves_only(void **state)
{
    struct rig *rig = *state;
    int32_t x = 0;
    while (!rig->is_blocked) {
        put(rig, (struct orl_input){.kind = ORL_INPUT_POINTER, .x = x++ % 1000});
    }
    put(rig, (struct orl_input){.kind = ORL_INPUT_POINTER, .x = 1500});
    put(rig, (struct orl_input){.kind = ORL_INPUT_POINTER, .x = 1600});
    put(rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1});
    put(rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x1E});
    run_until(rig, (unsigned)x + 2); /* those that fitted, the last move, both keys */
    assert_int_equal(rig->got, x + 2);
    assert_int_equal(rig->last[(rig->got - 3) % KEPT].x, 1600);
    assert_int_equal(rig->last[(rig->got - 2) % KEPT].is_down, 1);
    assert_int_equal(rig->last[(rig->got - 1) % KEPT].is_down, 0);
}

static void what_is_too_much_is_lost_with_a_release(void **state)
{
    struct rig *rig = *state;
    for (unsigned i = 0; i < MORE_THAN_FITS; i++) {
        put_key(rig, i);
    }
    unsigned releases = 0;
    for (unsigned turns = 0; rig->is_blocked && turns < TYPED; turns++) {
        run_until(rig, rig->got + 1);
        for (unsigned i = 0; i < KEPT; i++) {
            releases += rig->last[i].kind == ORL_INPUT_RELEASE_ALL ? 1 : 0;
        }
    }
    assert_true(releases > 0 && !rig->is_blocked);
    assert_in_range(rig->got, 1, MORE_THAN_FITS / 2);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(keys_at_once_all_arrive),
            CASE(the_pointer_alone_waits_for_nothing),
            CASE(a_full_socket_loses_moves_only),
            CASE(what_is_too_much_is_lost_with_a_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
