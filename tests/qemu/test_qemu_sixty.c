/* Where the guest paints sixty frames a second, sixty arrive: a peer that paints as QEMU does, through a real console and a
 * session's stream to a viewer. Each frame has a number, its colour, and a place of its own. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "console/console.h"
#include "frames.h"
#include "session/stream.h"
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_US (60 * ORL_US_PER_S) /* an upper bound, never a measure */
#define FRAME_US (ORL_US_PER_S / 60)
#define FRAMES 150
#define WIDTH_PX 640
#define HEIGHT_PX 480
#define CELL_PX 32

struct rig {
    struct orl_loop *loop;
    struct orl_timer *limit, *ack;
    struct orl_console *console;
    struct orl_picture *picture;
    struct orl_stream *stream;
    pid_t pid;
    int control, input,
            shown;           /* shown: a byte for the first picture and each frame with a number */
    uint32_t frame_id, next; /* number */
    unsigned frames, most;   /* with numbers; numbers in one frame */
    bool has_picture, is_out_of_order, is_late;
};

/* ---- the peer ---- */

static uint32_t cell_x(uint32_t number)
{
    return number % (WIDTH_PX / CELL_PX) * CELL_PX;
}

static uint32_t cell_y(uint32_t number)
{
    return number / (WIDTH_PX / CELL_PX) * CELL_PX;
}

static uint32_t colour_of(uint32_t number)
{
    return 0x400000U + number * 0x101U;
}

static void put_all(int fd, const struct orl_buf *out)
{
    for (size_t at = 0; at < out->len;) {
        ssize_t n = send(fd, out->data + at, out->len - at, MSG_NOSIGNAL);
        if (n <= 0) {
            _exit(1);
        }
        at += (size_t)n;
    }
}

static void wait_until(uint64_t due_us)
{
    uint64_t now_us = orl_clock_now_us();
    if (now_us < due_us) {
        (void)usleep((useconds_t)(due_us - now_us));
    }
}

static void wait_shown(int shown)
{
    char byte = 0;
    if (read(shown, &byte, 1) != 1) {
        _exit(1);
    }
}

/* is_patient: the next frame waits until the viewer has the one before, on a machine that is slower than sixty a second. */
static void paint(int fd, int shown, bool is_patient)
{
    struct orl_buf out;
    orl_buf_init(&out, 4U << 20);
    frames_put_scanout(&out, WIDTH_PX, HEIGHT_PX, 0);
    put_all(fd, &out);
    wait_shown(shown);
    uint64_t due_us = orl_clock_now_us();
    for (uint32_t number = 1; number <= FRAMES; number++) {
        due_us += FRAME_US;
        wait_until(due_us);
        orl_buf_reset(&out);
        frames_put_update(
                &out, cell_x(number), cell_y(number), CELL_PX / 2, CELL_PX / 2, colour_of(number));
        put_all(fd, &out);
        if (is_patient) {
            wait_shown(shown);
        }
    }
    (void)pause();
    _exit(0);
}

/* ---- the viewer ---- */

static struct rig *rig_of(const struct orl_viewer *viewer)
{
    return (struct rig *)(uintptr_t)viewer;
}

static bool shows(const struct orl_update *update, uint32_t number)
{
    const struct orl_rect at = {
            (int32_t)cell_x(number), (int32_t)cell_y(number), CELL_PX / 2, CELL_PX / 2};
    uint32_t colour = 0;
    memcpy(&colour,
            update->pixels + (size_t)at.y * update->stride_bytes + (size_t)at.x * sizeof colour,
            sizeof colour);
    bool is_sent = false;
    for (unsigned i = 0; i < update->op_count; i++) {
        const struct orl_rect *r = &update->ops[i].rect;
        is_sent = is_sent || (r->x < at.x + at.width && r->x + r->width > at.x &&
                                     r->y < at.y + at.height && r->y + r->height > at.y);
    }
    return is_sent && (colour & 0xFFFFFF) == colour_of(number);
}

static int viewer_send(struct orl_viewer *viewer, const struct orl_update *update)
{
    struct rig *rig = rig_of(viewer);
    unsigned numbers = 0;
    while (rig->next <= FRAMES && shows(update, rig->next)) {
        rig->next++;
        numbers++;
    }
    for (uint32_t later = rig->next + 1; later <= FRAMES; later++) {
        rig->is_out_of_order = rig->is_out_of_order || shows(update, later);
    }
    rig->frames += numbers > 0 ? 1 : 0;
    rig->most = numbers > rig->most ? numbers : rig->most;
    rig->frame_id = update->frame_id;
    orl_timer_start(rig->ack, 1, 0);
    bool is_first = update->width_px == WIDTH_PX && !rig->has_picture;
    rig->has_picture = rig->has_picture || is_first;
    if ((is_first || numbers > 0) && write(rig->shown, "", 1) != 1) {
        orl_loop_stop(rig->loop);
    }
    return 0;
}

static const struct orl_viewer_ops viewer_ops = {.send = viewer_send};

static void on_ack(void *ctx)
{
    struct rig *rig = ctx;
    orl_stream_on_ack(rig->stream, rig->frame_id);
    if (rig->next > FRAMES) {
        orl_loop_stop(rig->loop);
    }
}

/* ---- the session ---- */

static void on_damage(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->stream != NULL) {
        orl_stream_on_damage(rig->stream);
    }
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    (void)ctx;
    (void)cursor;
}

static void on_source(void *ctx, uint32_t width_px, uint32_t height_px)
{
    struct rig *rig = ctx;
    assert_int_equal(orl_picture_set_size(rig->picture, width_px, height_px), 0);
    orl_stream_on_size(rig->stream);
}

static void on_lost(void *ctx, enum orl_reason reason)
{
    struct rig *rig = ctx;
    (void)reason;
    orl_loop_stop(rig->loop);
}

static void on_broken(void *ctx)
{
    on_lost(ctx, ORL_REASON_NONE);
}

static void on_failed(void *ctx, enum orl_reason reason, const char *text)
{
    (void)text;
    on_lost(ctx, reason);
}

static void on_limit(void *ctx)
{
    struct rig *rig = ctx;
    rig->is_late = true;
    orl_loop_stop(rig->loop);
}

static void open_session(struct rig *rig)
{
    static const struct orl_picture_events picture_events = {.on_damage = on_damage,
            .on_cursor = on_cursor,
            .on_source = on_source,
            .on_lost = on_lost,
            .on_broken = on_broken};
    static const struct orl_stream_events stream_events = {.on_failed = on_failed};
    static const struct orl_viewer_caps caps = {.has_acks = true,
            .has_resize = true,
            .has_copy = true,
            .width_px = 320,
            .height_px = 240,
            .max_in_flight = 2};
    const struct orl_viewer_handle viewer = {
            .ops = &viewer_ops, .viewer = (struct orl_viewer *)(void *)rig};
    struct orl_stream *stream = NULL;
    assert_int_equal(orl_picture_new(rig->loop, &picture_events, rig, &rig->picture, NULL), 0);
    orl_picture_notice(rig->picture, "Title", "Text", NULL, 0);
    assert_int_equal(orl_picture_set_size(rig->picture, 320, 240), 0);
    assert_int_equal(
            orl_stream_new(rig->loop, rig->picture, &viewer, 1, &stream_events, rig, &stream, NULL),
            0);
    rig->stream = stream;
    orl_stream_set_caps(stream, &caps);
}

/* As the gateway does it. */
static void connect_both(struct rig *rig)
{
    struct orl_msg msg = {.type = ORL_MSG_SURFACE};
    int link[2];
    assert_int_equal(orl_ipc_pair(link, NULL), 0);
    assert_int_equal(orl_picture_attach(rig->picture, link[0], NULL), 0);
    assert_int_equal(orl_ipc_send(rig->control, &msg, &link[1], 1), 0);
    close(link[1]);
}

static void begin(struct rig *rig, bool is_patient)
{
    int stream[2];
    int input[2];
    int shown[2];
    int control[2];
    struct orl_err err = {0};
    struct orl_msg_start start = {.source = ORL_SOURCE_QEMU};
    *rig = (struct rig){.next = 1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
    assert_int_equal(
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, input), 0);
    assert_int_equal(pipe2(shown, O_CLOEXEC), 0);
    assert_int_equal(orl_ipc_pair(control, NULL), 0);
    rig->pid = fork();
    if (rig->pid == 0) {
        close(stream[0]);
        close(shown[1]);
        paint(stream[1], shown[0], is_patient);
    }
    close(stream[1]);
    close(shown[0]);
    assert_int_equal(fcntl(stream[0], F_SETFL, O_NONBLOCK), 0);
    rig->shown = shown[1];
    rig->input = input[1];
    rig->control = control[0];
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_limit, rig, &rig->limit, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_ack, rig, &rig->ack, NULL), 0);
    struct orl_ipc_fds display = {.fd = {stream[0], input[0]}, .count = 2};
    assert_int_equal(
            orl_console_new(rig->loop, control[1], &display, &start, &rig->console, &err), 0);
    open_session(rig);
    connect_both(rig);
}

static void end(struct rig *rig)
{
    orl_stream_free(rig->stream);
    rig->stream = NULL;
    orl_picture_free(rig->picture);
    orl_console_free(rig->console);
    orl_timer_free(rig->limit);
    orl_timer_free(rig->ack);
    orl_loop_free(rig->loop);
    close(rig->control);
    close(rig->input);
    close(rig->shown);
    (void)kill(rig->pid, SIGKILL);
    (void)waitpid(rig->pid, NULL, 0);
}

static void run(struct rig *rig, bool is_patient)
{
    begin(rig, is_patient);
    orl_timer_start(rig->limit, WAIT_US, 0);
    orl_loop_run(rig->loop);
    end(rig);
    assert_false(rig->is_late);
    assert_false(rig->is_out_of_order);
    assert_int_equal(rig->next, FRAMES + 1);
}

static void each_frame_of_sixty_a_second_is_one_of_the_client_s(void **state)
{
    (void)state;
    struct rig rig;
    run(&rig, true);
    assert_int_equal(rig.frames, FRAMES);
    assert_int_equal(rig.most, 1);
}

/* Where this machine is too slow for a while, some come together: none is lost, none comes before another. */
static void what_a_guest_paints_that_waits_for_nobody_arrives_in_order(void **state)
{
    (void)state;
    struct rig rig;
    run(&rig, false);
    print_message("%d updates in %u frames\n", FRAMES, rig.frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_frame_of_sixty_a_second_is_one_of_the_client_s),
            cmocka_unit_test(what_a_guest_paints_that_waits_for_nobody_arrives_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
