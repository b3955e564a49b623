/* The trusted side against a peer that plays QEMU. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "frames.h"
#include "peer.h"
#include "protocols/qemu/qemu_display.h"
#include "protocols/qemu/qemu_listener.h"
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
    struct orl_qemu_display *display;
    pid_t pid;
    int notes;
    int stream, input;
    char why[96];
    bool stops_at_open;
    char noted[8192];
    size_t noted_len;
    const char *last; /* of what is to be noted */
};

static void on_limit(void *ctx)
{
    struct rig *rig = ctx;
    orl_loop_stop(rig->loop);
}

static void on_open(void *ctx, int stream_fd, int input_fd, bool has_sound)
{
    struct rig *rig = ctx;
    (void)has_sound;
    rig->stream = stream_fd;
    rig->input = input_fd;
    if (rig->stops_at_open) {
        orl_loop_stop(rig->loop);
    }
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
}

static void begin(struct rig *rig, enum peer_manner manner, bool stops_at_open)
{
    int pair[2];
    int notes[2];
    *rig = (struct rig){.stream = -1, .input = -1, .stops_at_open = stops_at_open};
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
}

static void end(struct rig *rig)
{
    orl_qemu_display_free(rig->display);
    orl_timer_free(rig->limit);
    orl_loop_free(rig->loop);
    orl_close_fd(&rig->stream);
    orl_close_fd(&rig->input);
    orl_close_fd(&rig->notes);
    (void)kill(rig->pid, SIGKILL);
    (void)waitpid(rig->pid, NULL, 0);
}

/* The stream is whole, from its first byte. */
static void expect_first_frame(const struct rig *rig)
{
    struct orl_buf frame;
    uint8_t head[128];
    assert_true(rig->stream >= 0 && rig->input >= 0);
    orl_buf_init(&frame, 4U << 20);
    frames_put_scanout(&frame, PEER_FRAME_PX, PEER_FRAME_PX, PEER_COLOUR);
    size_t len = 0;
    while (len < sizeof head) { /* it is not blocking */
        ssize_t n = recv(rig->stream, head + len, sizeof head - len, 0);
        len += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(head, frame.data, sizeof head);
    orl_buf_fini(&frame);
}

static void the_stream_begins_with_the_first_frame(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, RIGHT, true);
    expect_first_frame(&rig);
    end(&rig);
}

static void send_input(const struct rig *rig, struct orl_input input)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_INPUT, .input = input, .surface_fd = -1};
    assert_int_equal(orl_link_send(rig->input, &msg), 0);
}

static void expect_notes(const struct rig *rig, const char *text)
{
    char got[512] = "";
    size_t len = 0;
    while (strstr(got, text) == NULL && len < sizeof got - 1) {
        ssize_t n = recv(rig->notes, got + len, sizeof got - 1 - len, 0);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    if (strstr(got, text) == NULL) {
        print_message("got: %s\n", got);
    }
    assert_non_null(strstr(got, text));
}

static void what_a_dead_console_pressed_is_released(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, RIGHT, true);
    send_input(&rig, (struct orl_input){
                             .kind = ORL_INPUT_POINTER, .code = ORL_BUTTON_RIGHT, .x = 7, .y = 9});
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_WHEEL, .y = 240});
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x11D, .is_down = 1});
    orl_close_fd(&rig.input);
    run(&rig);
    assert_string_equal(rig.why, "the console is gone");
    expect_notes(&rig, "SetAbsPosition 7;Press 2;Press 3;Release 3;Press 3;Release 3;Press 157;"
                       "Release 157;Release 2;");
    end(&rig);
}

static void what_is_no_input_ends_the_display(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, RIGHT, true);
    assert_int_equal(send(rig.input, "nonsense", 8, MSG_NOSIGNAL), 8);
    run(&rig);
    assert_string_equal(rig.why, "the console is gone");
    end(&rig);
}

static void a_console_that_does_not_read_is_shut_out(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, FLOODS, true);
    assert_true(rig.stream >= 0);
    run(&rig);
    assert_string_equal(rig.why, "the console stopped reading");
    int status = -1; /* QEMU's send has failed: nothing queues */
    assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
    assert_int_equal(status, 0);
    end(&rig);
}

static void a_qemu_that_stands_still_is_left(void **state)
{
    (void)state;
    struct rig rig;
    char byte = 0;
    begin(&rig, MUTE, true);
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x10, .is_down = 1});
    run(&rig);
    assert_string_equal(rig.why, "QEMU does not answer");
    assert_int_equal(recv(rig.stream, &byte, 1, 0), 0); /* shut down, not just left */
    end(&rig);
}

static void a_peer_that_stops_or_lies_gives_no_stream(void **state)
{
    (void)state;
    static const struct {
        enum peer_manner manner;
        const char *why;
    } cases[] = {{HALF, "QEMU's display did not open in time"},
            {SILENT, "QEMU's display did not open in time"},
            {NO_QUESTION, "QEMU did not finish the listener's handshake"},
            {REFUSES, "QEMU refused the listener"}, {DROPS_ALL, "QEMU drops every listener"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig rig;
        begin(&rig, cases[i].manner, false);
        assert_string_equal(rig.why, cases[i].why);
        assert_int_equal(rig.stream, -1);
        end(&rig);
    }
}

static void on_note(void *ctx, unsigned io)
{
    struct rig *rig = ctx;
    (void)io;
    ssize_t n = recv(
            rig->notes, rig->noted + rig->noted_len, sizeof rig->noted - 1 - rig->noted_len, 0);
    rig->noted_len += n > 0 ? (size_t)n : 0;
    if (n <= 0 || strstr(rig->noted, rig->last) != NULL) {
        orl_loop_stop(rig->loop);
    }
}

static void on_stream(void *ctx, unsigned io)
{
    const struct rig *rig = ctx;
    char bytes[16384];
    (void)io;
    while (recv(rig->stream, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
}

/* As a console that lives: it reads its stream. */
static void run_until(struct rig *rig, const char *last)
{
    struct orl_io *notes = NULL;
    struct orl_io *stream = NULL;
    rig->last = last;
    assert_int_equal(
            orl_io_open(rig->loop, rig->notes, ORL_IO_READ, on_note, rig, &notes, NULL), 0);
    assert_int_equal(
            orl_io_open(rig->loop, rig->stream, ORL_IO_READ, on_stream, rig, &stream, NULL), 0);
    run(rig);
    orl_io_close(stream);
    orl_io_close(notes);
    assert_string_equal(rig->why, "");
}

static void a_key_goes_when_the_one_before_was_answered(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, SLOW, true);
    for (uint32_t i = 0; i < 64; i++) {
        send_input(&rig,
                (struct orl_input){
                        .kind = ORL_INPUT_KEY, .code = 0x10 + i / 2 % 16, .is_down = 1 - i % 2});
    }
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_POINTER, .x = 7});
    run_until(&rig, "Release 31;");
    char expected[64 * 12] = "ready;";
    for (uint32_t i = 0; i < 32; i++) {
        size_t at = strlen(expected);
        (void)snprintf(expected + at, sizeof expected - at, "%s %u;",
                i % 2 == 0 ? "Press" : "Release", 0x10 + i / 2);
    }
    rig.noted[strlen(expected)] = '\0';
    assert_string_equal(rig.noted, expected);
    end(&rig);
}

/* QEMU's thread takes all that comes, however far behind its main loop is. */
static void no_more_calls_go_than_qemu_may_have_to_queue(void **state)
{
    (void)state;
    enum { NOTCHES = 150, CALLS_MAX = 256 };
    struct rig rig;
    char expected[NOTCHES * 24] = "ready;";
    begin(&rig, SLOW, true);
    for (unsigned i = 1; i <= NOTCHES; i++) {
        size_t at = strlen(expected);
        send_input(&rig, (struct orl_input){.kind = ORL_INPUT_WHEEL, .y = 120});
        (void)snprintf(expected + at, sizeof expected - at, "Press 3;Release 3;%s",
                2 * i == CALLS_MAX ? "answered;" : "");
    }
    send_input(&rig, (struct orl_input){.kind = ORL_INPUT_KEY, .code = 0x10, .is_down = 1});
    (void)snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "Press 16;");
    run_until(&rig, "Press 16;");
    assert_string_equal(rig.noted, expected);
    end(&rig);
}

/* Somebody else may have had it on: another display of this machine, or a vmpool that died. */
static void one_monitor_switches_the_second_head_off(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, RIGHT, true);
    const struct orl_link_msg msg = {
            .type = ORL_LINK_LAYOUT, .layout = orl_layout_one(800, 600), .surface_fd = -1};
    assert_int_equal(orl_link_send(rig.input, &msg), 0);
    run_until(&rig, "Console_1 0x0;");
    assert_non_null(strstr(rig.noted, "Console_0 800x600;Console_1 0x0;"));
    end(&rig);
}

static void fill(int fd)
{
    static const char small[100];
    while (send(fd, small, sizeof small, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

/* Small messages take more room in the kernel than they have bytes: such a socket is full and does not look so. */
static void a_reader_of_a_byte_at_a_time_does_not_live(void **state)
{
    (void)state;
    struct orl_qemu_listener listener;
    int qemu_fd = -1;
    const char *why = NULL;
    char byte = 0;
    assert_int_equal(
            orl_qemu_listener_open(&listener, ORL_QEMU_LISTENER_PICTURE, &qemu_fd, NULL), 0);
    for (unsigned i = 0; i < 40 && why == NULL; i++) {
        fill(qemu_fd);
        assert_int_equal(recv(listener.fd, &byte, 1, MSG_DONTWAIT), 1);
        why = orl_qemu_listener_stall(&listener);
    }
    assert_non_null(why);
    close(qemu_fd);
    close(listener.fd);
}

/* Between two looks it empties the socket, and QEMU has filled it again. */
static void a_reader_that_empties_the_socket_lives(void **state)
{
    (void)state;
    struct orl_qemu_listener listener;
    int qemu_fd = -1;
    char data[4096];
    assert_int_equal(
            orl_qemu_listener_open(&listener, ORL_QEMU_LISTENER_PICTURE, &qemu_fd, NULL), 0);
    for (unsigned i = 0; i < 100; i++) {
        while (recv(listener.fd, data, sizeof data, MSG_DONTWAIT) > 0) {
        }
        assert_true(send(qemu_fd, data, i % 2 == 0 ? 100 : 150, MSG_NOSIGNAL) > 0);
        assert_null(orl_qemu_listener_stall(&listener));
    }
    close(qemu_fd);
    close(listener.fd);
}

static void a_dropped_listener_is_followed_by_another(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, DROPS_ONE, true);
    expect_first_frame(&rig);
    expect_notes(&rig, "ready;ready;");
    end(&rig);
}

/* The peer's main loop stands still until both are answered, and nobody else could answer by then. */
static void a_second_question_is_answered_too(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, ASKS_TWICE, true);
    expect_first_frame(&rig);
    expect_notes(&rig, "ready;ready;");
    end(&rig);
}

/* The console, which is not there yet, has it all to read: the message and its fd. */
static void a_first_shared_picture_holds_nobody_up(void **state)
{
    (void)state;
    struct rig rig;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    uint8_t head[16];
    begin(&rig, SHARES, true);
    assert_true(rig.stream >= 0 && rig.input >= 0);
    expect_notes(&rig, "ready;ready;done;");
    struct iovec iov = {head, sizeof head};
    struct msghdr hdr = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof control.bytes};
    assert_int_equal(recvmsg(rig.stream, &hdr, MSG_CMSG_CLOEXEC), sizeof head);
    assert_memory_equal(head, "l\1\0\1\30\0\0", 7); /* wants an answer; 24 bytes follow */
    const struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
    int fd = -1;
    if (cmsg != NULL && cmsg->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(cmsg), sizeof fd);
    }
    assert_true(fd >= 0);
    close(fd);
    end(&rig);
}

static void who_passes_no_fds_is_offered_no_map(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, NO_FDS, true);
    expect_first_frame(&rig);
    expect_notes(&rig, "ready without map;");
    end(&rig);
}

static void no_listener_before_there_are_objects(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, LATE, true);
    expect_first_frame(&rig);
    char text[64] = "";
    assert_true(recv(rig.notes, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "ready;");
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_stream_begins_with_the_first_frame),
            cmocka_unit_test(what_a_dead_console_pressed_is_released),
            cmocka_unit_test(what_is_no_input_ends_the_display),
            cmocka_unit_test(a_console_that_does_not_read_is_shut_out),
            cmocka_unit_test(a_qemu_that_stands_still_is_left),
            cmocka_unit_test(a_peer_that_stops_or_lies_gives_no_stream),
            cmocka_unit_test(a_key_goes_when_the_one_before_was_answered),
            cmocka_unit_test(no_more_calls_go_than_qemu_may_have_to_queue),
            cmocka_unit_test(one_monitor_switches_the_second_head_off),
            cmocka_unit_test(a_reader_of_a_byte_at_a_time_does_not_live),
            cmocka_unit_test(a_reader_that_empties_the_socket_lives),
            cmocka_unit_test(a_dropped_listener_is_followed_by_another),
            cmocka_unit_test(a_second_question_is_answered_too),
            cmocka_unit_test(a_first_shared_picture_holds_nobody_up),
            cmocka_unit_test(who_passes_no_fds_is_offered_no_map),
            cmocka_unit_test(no_listener_before_there_are_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
