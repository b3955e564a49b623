/* Sound on the trusted side, against a peer that plays QEMU: only while somebody listens, only where it does no harm. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "peer.h"
#include "protocols/qemu/qemu_display.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_US (100 * ORL_US_PER_S) /* an upper bound, never a measure */

struct rig {
    struct orl_loop *loop;
    struct orl_timer *limit;
    struct orl_io *io, *notes_io;
    struct orl_qemu_display *display;
    pid_t pid;
    int notes, stream, input;
    int speaker; /* came over the link */
    bool has_sound, is_late;
    char why[96], noted[1024];
    size_t noted_len;
    const char *last; /* of what is to be noted */
};

static void on_limit(void *ctx)
{
    struct rig *rig = ctx;
    rig->is_late = true;
    orl_loop_stop(rig->loop);
}

static void on_open(void *ctx, int stream_fd, int input_fd, bool has_sound)
{
    struct rig *rig = ctx;
    rig->stream = stream_fd;
    rig->input = input_fd;
    rig->has_sound = has_sound;
    orl_loop_stop(rig->loop);
}

static void on_closed(void *ctx, const char *why)
{
    struct rig *rig = ctx;
    (void)snprintf(rig->why, sizeof rig->why, "%s", why);
    orl_qemu_display_free(rig->display);
    rig->display = NULL;
    orl_loop_stop(rig->loop);
}

static const struct orl_qemu_display_events events = {.on_open = on_open, .on_closed = on_closed};

static void run(struct rig *rig)
{
    orl_timer_start(rig->limit, WAIT_US, 0);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->limit);
    assert_false(rig->is_late);
}

/* The console's end of the link. */
static void on_link(void *ctx, unsigned io)
{
    struct rig *rig = ctx;
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    (void)io;
    if (orl_link_recv(rig->input, buf, &msg) == ORL_OK && msg.type == ORL_LINK_SPEAKER) {
        orl_close_fd(&rig->speaker);
        rig->speaker = msg.surface_fd;
        orl_loop_stop(rig->loop);
    }
}

static void on_note(void *ctx, unsigned io)
{
    struct rig *rig = ctx;
    (void)io;
    ssize_t n = recv(
            rig->notes, rig->noted + rig->noted_len, sizeof rig->noted - 1 - rig->noted_len, 0);
    rig->noted_len += n > 0 ? (size_t)n : 0;
    rig->noted[rig->noted_len] = '\0';
    if (n <= 0) {
        orl_io_set(rig->notes_io, 0);
    } else if (rig->last != NULL && strstr(rig->noted, rig->last) != NULL) {
        orl_loop_stop(rig->loop);
    }
}

static void begin(struct rig *rig, enum peer_manner manner)
{
    int pair[2];
    int notes[2];
    *rig = (struct rig){.stream = -1, .input = -1, .speaker = -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, notes), 0);
    rig->pid = fork();
    if (rig->pid == 0) {
        close(pair[0]);
        close(notes[0]);
        peer_play(pair[1], manner, notes[1]);
    }
    close(pair[1]);
    close(notes[1]);
    rig->notes = notes[0];
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_limit, rig, &rig->limit, NULL), 0);
    assert_int_equal(
            orl_qemu_display_new(rig->loop, pair[0], &events, rig, &rig->display, NULL), 0);
    run(rig);
    assert_true(rig->stream >= 0);
    assert_int_equal(
            orl_io_open(rig->loop, rig->input, ORL_IO_READ, on_link, rig, &rig->io, NULL), 0);
    assert_int_equal(
            orl_io_open(rig->loop, rig->notes, ORL_IO_READ, on_note, rig, &rig->notes_io, NULL), 0);
}

static void end(struct rig *rig)
{
    orl_io_close(rig->io);
    orl_io_close(rig->notes_io);
    orl_qemu_display_free(rig->display);
    orl_timer_free(rig->limit);
    orl_loop_free(rig->loop);
    orl_close_fd(&rig->stream);
    orl_close_fd(&rig->input);
    orl_close_fd(&rig->notes);
    orl_close_fd(&rig->speaker);
    (void)kill(rig->pid, SIGKILL);
    (void)waitpid(rig->pid, NULL, 0);
}

static void want(const struct rig *rig, uint32_t wants)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_WANT, .wants = wants, .surface_fd = -1};
    assert_int_equal(orl_link_send(rig->input, &msg), 0);
}

static void run_until(struct rig *rig, const char *last)
{
    rig->last = last;
    while (strstr(rig->noted, last) == NULL) {
        run(rig);
    }
}

static void press(struct rig *rig, uint32_t code, const char *note)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_INPUT,
            .input = {.kind = ORL_INPUT_KEY, .code = code, .is_down = 1},
            .surface_fd = -1};
    assert_int_equal(orl_link_send(rig->input, &msg), 0);
    run_until(rig, note);
}

/* The console reads from the first call on, and its end comes when nobody listens. */
static void expect_stream(const struct rig *rig)
{
    static const char first[] = "org.qemu.Display1.AudioOutListener";
    char head[160];
    size_t len = 0;
    assert_true(rig->speaker >= 0);
    while (len < sizeof head) { /* it is not blocking */
        ssize_t n = recv(rig->speaker, head + len, sizeof head - len, 0);
        len += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(head, "l\1\1\1", 4);
    assert_non_null(memmem(head, sizeof head, first, sizeof first));
    assert_non_null(memmem(head, sizeof head, "Init", 5));
}

static void sound_comes_while_it_is_wanted(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, SOUNDS);
    assert_true(rig.has_sound);
    want(&rig, ORL_WANT_CLIPBOARD);
    press(&rig, 16, "Press 16;");
    assert_null(strstr(rig.noted, "sound;"));
    for (unsigned i = 0; i < 2; i++) {
        rig.noted[rig.noted_len = 0] = '\0';
        want(&rig, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
        run(&rig);
        expect_stream(&rig);
        want(&rig, ORL_WANT_CLIPBOARD);
        run_until(&rig, "quiet;");
        char data[4096];
        ssize_t n = 0;
        do {
            n = recv(rig.speaker, data, sizeof data, 0);
        } while (n > 0);
        assert_int_equal(n, 0);
        assert_non_null(strstr(rig.noted, "ready without map;")); /* and it was no picture's */
    }
    assert_string_equal(rig.why, "");
    end(&rig);
}

static void who_has_not_seen_the_former_go_is_asked_again(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, SOUNDS_SOON);
    want(&rig, ORL_WANT_SOUND);
    run(&rig);
    expect_stream(&rig);
    end(&rig);
}

/* It has the object, and would die. */
static void an_old_qemu_is_not_asked(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, SOUNDS_OLD);
    assert_false(rig.has_sound);
    want(&rig, ORL_WANT_SOUND);
    press(&rig, 16, "Press 16;");
    assert_null(strstr(rig.noted, "sound;"));
    end(&rig);
}

static void without_a_card_nothing_is_asked(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, ASKS_TWICE);
    assert_false(rig.has_sound);
    want(&rig, ORL_WANT_SOUND);
    press(&rig, 16, "Press 16;");
    assert_null(strstr(rig.noted, "sound;"));
    end(&rig);
}

static void a_console_that_does_not_hear_is_shut_out(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, SOUNDS_FAST);
    want(&rig, ORL_WANT_SOUND);
    run(&rig);
    assert_true(rig.speaker >= 0);
    while (rig.display != NULL) {
        run(&rig);
    }
    run_until(&rig, "quiet;");
    assert_string_equal(rig.why, "the console stopped reading");
    end(&rig);
}

/* QEMU's main loop stands in it: it is left, the picture goes on. */
static void a_handshake_that_stops_costs_the_sound_only(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, SOUNDS_NOT);
    want(&rig, ORL_WANT_SOUND);
    run_until(&rig, "let go;");
    press(&rig, 16, "Press 16;");
    want(&rig, 0);
    want(&rig, ORL_WANT_SOUND);
    press(&rig, 17, "Press 17;");
    assert_string_equal(rig.why, "");
    assert_int_equal(rig.speaker, -1);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sound_comes_while_it_is_wanted),
            cmocka_unit_test(who_has_not_seen_the_former_go_is_asked_again),
            cmocka_unit_test(an_old_qemu_is_not_asked),
            cmocka_unit_test(without_a_card_nothing_is_asked),
            cmocka_unit_test(a_console_that_does_not_hear_is_shut_out),
            cmocka_unit_test(a_handshake_that_stops_costs_the_sound_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
