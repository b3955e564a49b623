/* The source, fed by a peer that writes as QEMU does: what is sent arrives, each frame by itself. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "frames.h"
#include "protocols/qemu/qemu_source.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* A source whose picture has not come yet, with its keeper's end of the link. */
struct ears {
    struct rig rig;
    struct orl_timer *pause;
    int stream, link;
    size_t len;
    unsigned ends;
};

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    struct ears *ears = ctx;
    assert_true(orl_sound_is_valid(sound));
    ears->len += sound->len;
    ears->ends += sound->len == 0 ? 1 : 0;
}

static const struct orl_source_events ears_events = {
        .on_surface = on_surface, .on_sound = on_sound, .on_closed = on_closed};

static void on_pause(void *ctx)
{
    struct ears *ears = ctx;
    orl_loop_stop(ears->rig.loop);
}

/* What lies in the sockets is read: a timer that is due comes before them, so one more. */
static void turn(struct ears *ears)
{
    for (unsigned i = 0; i < 3 && !ears->rig.is_closed; i++) {
        orl_timer_start(ears->pause, 1, 0);
        orl_loop_run(ears->rig.loop);
    }
}

static void open_ears(struct ears *ears)
{
    int stream[2];
    int input[2];
    *ears = (struct ears){.len = 0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, stream), 0);
    assert_int_equal(
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, input), 0);
    ears->stream = stream[1];
    ears->link = input[1];
    assert_int_equal(orl_loop_new(&ears->rig.loop, NULL), 0);
    assert_int_equal(orl_timer_new(ears->rig.loop, on_pause, ears, &ears->pause, NULL), 0);
    assert_int_equal(orl_qemu_source_new(ears->rig.loop, stream[0], input[0], &ears_events, ears,
                             &ears->rig.source, NULL),
            0);
}

static void close_ears(struct ears *ears)
{
    ears->rig.source.ops->free(ears->rig.source.source);
    orl_timer_free(ears->pause);
    orl_loop_free(ears->rig.loop);
    close(ears->stream);
    close(ears->link);
}

static uint32_t take_wants(struct ears *ears)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    assert_int_equal(orl_link_recv(ears->link, buf, &msg), 0);
    assert_int_equal(msg.type, ORL_LINK_WANT);
    return msg.wants;
}

/* QEMU's end of it. */
static int give_speaker(struct ears *ears)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    const struct orl_link_msg msg = {.type = ORL_LINK_SPEAKER, .surface_fd = pair[0]};
    assert_int_equal(orl_link_send(ears->link, &msg), 0);
    close(pair[0]);
    turn(ears);
    return pair[1];
}

static void say(struct ears *ears, int fd, uint32_t len)
{
    static const struct frames_voice voice = {
            .id = 7, .bits = 16, .is_signed = true, .rate_hz = 48000, .channels = 2};
    struct orl_buf out;
    orl_buf_init(&out, 4096);
    frames_put_voice_init(&out, &voice);
    frames_put_voice_write(&out, voice.id, "abcdefgh", len);
    ssize_t n = send(fd, out.data, out.len, MSG_NOSIGNAL);
    assert_int_equal(n, out.len);
    orl_buf_fini(&out);
    turn(ears);
}

static void expect_heard(struct ears *ears, size_t len, unsigned ends)
{
    assert_false(ears->rig.is_closed || ears->rig.is_late);
    assert_int_equal(ears->len, len);
    assert_int_equal(ears->ends, ends);
}

/* As vmpool hands it over; what QEMU writes is heard while it is wanted. */
static void the_keeper_brings_a_stream_of_sound(void **state)
{
    (void)state;
    struct ears ears;
    open_ears(&ears);
    ears.rig.source.ops->set_wanted(ears.rig.source.source, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    assert_int_equal(take_wants(&ears), ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    int first = give_speaker(&ears);
    say(&ears, first, 8);
    expect_heard(&ears, 8, 0);
    int second = give_speaker(&ears); /* QEMU had another listener */
    say(&ears, second, 4);
    expect_heard(&ears, 12, 0);
    close(second);
    turn(&ears);
    expect_heard(&ears, 12, 1);
    ears.rig.source.ops->set_wanted(ears.rig.source.source, 0);
    assert_int_equal(take_wants(&ears), 0);
    second = give_speaker(&ears); /* it crossed the word that nobody listens */
    say(&ears, second, 4);
    expect_heard(&ears, 12, 1);
    close(first);
    close(second);
    close_ears(&ears);
}

static void what_is_no_sound_ends_the_display(void **state)
{
    (void)state;
    struct ears ears;
    open_ears(&ears);
    int fd = give_speaker(&ears);
    assert_int_equal(send(fd, "nonsense nonsense", 17, MSG_NOSIGNAL), 17);
    turn(&ears);
    assert_true(ears.rig.is_closed);
    close(fd);
    close_ears(&ears);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(as_many_frames_arrive_as_were_sent),
            cmocka_unit_test(the_keeper_brings_a_stream_of_sound),
            cmocka_unit_test(what_is_no_sound_ends_the_display),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
