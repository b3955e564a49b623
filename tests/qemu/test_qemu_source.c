/* The source, fed by a peer that writes as QEMU does: what is sent arrives, each frame by itself. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "frames.h"
#include "protocols/qemu/qemu_source.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#define WAIT_US (60 * ORL_US_PER_S) /* an upper bound, never a measure */
#define FRAMES 600                  /* ten seconds of 60 a second, as fast as they go */
#define SIDE_PX 128

struct rig {
    struct orl_loop *loop;
    struct orl_timer *limit;
    struct orl_source_handle source;
    const struct orl_surface *surface;
    pid_t pid;
    unsigned frames, wrong;
    bool is_closed, is_late;
};

/* Every third the whole screen, which QEMU 7.2 sends as another kind of message. */
static void play(int fd)
{
    struct orl_buf out;
    for (uint32_t i = 0; i < FRAMES; i++) {
        orl_buf_init(&out, 1U << 20);
        if (i % 3 == 0) {
            frames_put_scanout(&out, SIDE_PX, SIDE_PX, i);
        } else {
            frames_put_update(&out, 0, 0, SIDE_PX, SIDE_PX / 2, i);
        }
        for (size_t at = 0; at < out.len;) {
            ssize_t n = send(fd, out.data + at, out.len - at, MSG_NOSIGNAL);
            if (n <= 0) {
                _exit(1);
            }
            at += (size_t)n;
        }
        orl_buf_fini(&out);
    }
    _exit(0);
}

static void count_frame(struct rig *rig)
{
    uint32_t colour = 0;
    memcpy(&colour, orl_surface_pixels(rig->surface), sizeof colour);
    rig->wrong += (colour & 0xFFFFFF) != rig->frames ? 1 : 0;
    rig->frames++;
}

static void on_surface(void *ctx, struct orl_surface *surface)
{
    struct rig *rig = ctx;
    rig->surface = surface;
    count_frame(rig);
}

static void on_damage(void *ctx)
{
    count_frame(ctx);
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct rig *rig = ctx;
    (void)reason;
    (void)text;
    rig->is_closed = true;
    orl_loop_stop(rig->loop);
}

static void on_limit(void *ctx)
{
    struct rig *rig = ctx;
    rig->is_late = true;
    orl_loop_stop(rig->loop);
}

static const struct orl_source_events events = {
        .on_surface = on_surface, .on_damage = on_damage, .on_closed = on_closed};

static void as_many_frames_arrive_as_were_sent(void **state)
{
    (void)state;
    struct rig rig = {.frames = 0};
    int stream[2];
    int input[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
    assert_int_equal(
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, input), 0);
    assert_int_equal(fcntl(stream[0], F_SETFL, O_NONBLOCK), 0);
    rig.pid = fork();
    if (rig.pid == 0) {
        close(stream[0]);
        play(stream[1]);
    }
    close(stream[1]);
    assert_int_equal(orl_loop_new(&rig.loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig.loop, on_limit, &rig, &rig.limit, NULL), 0);
    assert_int_equal(
            orl_qemu_source_new(rig.loop, stream[0], input[0], &events, &rig, &rig.source, NULL),
            0);
    orl_timer_start(rig.limit, WAIT_US, 0);
    orl_loop_run(rig.loop); /* until the peer has written all, and ended */
    assert_true(rig.is_closed && !rig.is_late);
    assert_int_equal(rig.frames, FRAMES);
    assert_int_equal(rig.wrong, 0);
    rig.source.ops->free(rig.source.source);
    orl_timer_free(rig.limit);
    orl_loop_free(rig.loop);
    close(input[1]);
    (void)kill(rig.pid, SIGKILL);
    (void)waitpid(rig.pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_many_frames_arrive_as_were_sent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
