/* The sessions of a console: what one of them does to its end of the link must not hold the console. */
#include "base/cleanup.h"
#include "base/ipc.h"
#include "console/links.h"
#include "display/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { WAKES = 20000, SOUNDS = 2000, TEXT_BYTES = 2 * 1024 * 1024, TURNS_MAX = 20000 };

static const struct orl_permit all_permit = {
        .clipboard = ORL_CLIPBOARD_BOTH, .clipboard_max_bytes = TEXT_BYTES, .has_sound = 1};

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    (void)input;
}

static void on_count(void *ctx, unsigned count)
{
    *(unsigned *)ctx = count;
}

static void on_want(void *ctx, unsigned link, uint32_t wants)
{
    (void)ctx;
    (void)link;
    (void)wants;
}

static void on_clipboard(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    (void)ctx;
    (void)link;
    (void)step;
}

static const struct orl_links_events quiet_events = {.on_input = on_input,
        .on_count = on_count,
        .on_want = on_want,
        .on_clipboard = on_clipboard};

static void session_that_reads_nothing_never_blocks_the_console(void **state)
{
    struct orl_loop *loop = NULL;
    struct orl_links *links = NULL;
    struct orl_surface *surface = NULL;
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    unsigned count = 0;
    int pair[2];
    (void)state;
    assert_int_equal(orl_loop_new(&loop, NULL), 0);
    assert_int_equal(orl_links_new(loop, &quiet_events, &count, &links, NULL), 0);
    assert_int_equal(orl_surface_create(64, 64, &surface, NULL), 0);
    assert_int_equal(orl_ipc_pair(pair, NULL), 0);
    assert_int_equal(orl_links_add(links, pair[1], &all_permit, NULL), 0);
    orl_links_set_surface(links, surface);
    /* All that a hostile session can do to what the two share: its own end, made blocking. */
    assert_int_equal(fcntl(pair[0], F_SETFL, 0), 0);
    for (unsigned i = 0; i < WAKES; i++) {
        orl_links_wake(links);
    }
    assert_int_equal(count, 1);
    assert_int_equal(orl_link_recv(pair[0], buf, &msg), 0);
    assert_int_equal(msg.type, ORL_LINK_SURFACE);
    close(msg.surface_fd);
    unsigned wakes = 0;
    while (orl_link_recv(pair[0], buf, &msg) == 0) {
        assert_int_equal(msg.type, ORL_LINK_WAKE);
        wakes++;
    }
    assert_in_range(wakes, 1, WAKES - 1); /* it was full, and lost nothing by it */
    orl_links_wake(links);
    assert_int_equal(orl_link_recv(pair[0], buf, &msg), 0);
    orl_links_free(links);
    orl_surface_free(surface);
    close(pair[0]);
    orl_loop_free(loop);
}

/* A console's side of links with a session at the other end, as the loop runs. */
struct rig {
    struct orl_loop *loop;
    struct orl_links *links;
    struct orl_timer *turn;
    int fd; /* the session's */
    unsigned count, turns, inputs, layouts;
    uint32_t wants;
    unsigned steps, texts;
    bool is_enough;
    void (*each_turn)(struct rig *rig);
};

static void rig_count(void *ctx, unsigned count)
{
    struct rig *rig = ctx;
    rig->count = count;
}

static void rig_want(void *ctx, unsigned link, uint32_t wants)
{
    struct rig *rig = ctx;
    assert_int_equal(link, 0);
    rig->wants = wants;
}

static void rig_clipboard(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    assert_int_equal(link, 0);
    rig->steps++;
    rig->texts += step->has_text && step->len > 0 ? 1 : 0;
}

static void rig_input(void *ctx, const struct orl_input *input)
{
    struct rig *rig = ctx;
    assert_int_equal(input->code, 0x1E);
    rig->inputs++;
}

static void rig_layout(void *ctx, const struct orl_layout *layout)
{
    struct rig *rig = ctx;
    assert_int_equal(layout->count, 1);
    rig->layouts++;
}

static const struct orl_links_events rig_events = {.on_input = rig_input,
        .on_layout = rig_layout,
        .on_count = rig_count,
        .on_want = rig_want,
        .on_clipboard = rig_clipboard};

static void on_turn(void *ctx)
{
    struct rig *rig = ctx;
    rig->each_turn(rig);
    if (rig->is_enough || ++rig->turns >= TURNS_MAX) {
        orl_loop_stop(rig->loop);
    }
}

static void rig_open(struct rig *rig, const struct orl_permit *permit)
{
    int pair[2];
    *rig = (struct rig){.fd = -1};
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_links_new(rig->loop, &rig_events, rig, &rig->links, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, on_turn, rig, &rig->turn, NULL), 0);
    assert_int_equal(orl_ipc_pair(pair, NULL), 0);
    assert_int_equal(orl_links_add(rig->links, pair[1], permit, NULL), 0);
    rig->fd = pair[0];
}

static void rig_run(struct rig *rig, void (*each_turn)(struct rig *rig))
{
    rig->each_turn = each_turn;
    rig->is_enough = false;
    rig->turns = 0;
    orl_timer_start(rig->turn, 1, 1000);
    orl_loop_run(rig->loop);
    orl_timer_stop(rig->turn);
    assert_true(rig->is_enough);
}

static void rig_close(struct rig *rig)
{
    orl_timer_free(rig->turn);
    orl_links_free(rig->links);
    orl_close_fd(&rig->fd);
    orl_loop_free(rig->loop);
}

static void say_want(struct rig *rig, uint32_t wants)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_WANT, .wants = wants, .surface_fd = -1};
    assert_int_equal(orl_link_send(rig->fd, &msg), 0);
}

static void until_wanted(struct rig *rig)
{
    rig->is_enough = rig->wants != 0;
}

static void until_tick(struct rig *rig)
{
    rig->is_enough = true;
}

static void want_is_cut_to_the_permit(void **state)
{
    static const struct orl_permit deaf = {
            .clipboard = ORL_CLIPBOARD_TO_CLIENT, .clipboard_max_bytes = 100};
    struct rig rig;
    (void)state;
    rig_open(&rig, &deaf);
    say_want(&rig, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    rig_run(&rig, until_wanted);
    assert_int_equal(rig.wants, ORL_WANT_CLIPBOARD);
    assert_int_equal(orl_links_wants(rig.links), ORL_WANT_CLIPBOARD);
    rig_close(&rig);
}

static void sound_that_nobody_reads_is_dropped_and_the_wake_is_not(void **state)
{
    static const uint8_t samples[ORL_SOUND_MAX_BYTES];
    static const struct orl_sound sound = {
            .rate_hz = 48000, .channels = 2, .samples = samples, .len = sizeof(samples)};
    struct rig rig;
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    (void)state;
    rig_open(&rig, &all_permit);
    say_want(&rig, ORL_WANT_SOUND);
    rig_run(&rig, until_wanted);
    for (unsigned i = 0; i < SOUNDS; i++) {
        orl_links_sound(rig.links, &sound);
    }
    orl_links_wake(rig.links); /* finds no room */
    unsigned sounds = 0;
    while (orl_link_recv(rig.fd, buf, &msg) == 0) {
        assert_int_equal(msg.type, ORL_LINK_SOUND);
        sounds++;
    }
    assert_in_range(sounds, 1, SOUNDS - 1);
    for (int rc = ORL_E_AGAIN; rc != ORL_OK;) {
        rig_run(&rig, until_tick);
        rc = orl_link_recv(rig.fd, buf, &msg);
    }
    assert_int_equal(msg.type, ORL_LINK_WAKE);
    rig_close(&rig);
}

/* The session reads its text part by part. */
static struct orl_clipboard_in session_text;
static size_t session_text_len;

static void read_text(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    struct orl_clipboard step;
    while (orl_link_recv(rig->fd, buf, &msg) == 0) {
        assert_int_equal(msg.type, ORL_LINK_CLIPBOARD);
        int rc = orl_clipboard_in_add(&session_text, &msg.clipboard, &step, NULL);
        assert_in_range(rc, 0, 1);
        if (rc == 1 && step.step == ORL_CLIPBOARD_DATA) {
            session_text_len = step.len;
            assert_int_equal(step.serial, 7);
            rig->is_enough = true;
        }
    }
}

static void text_of_many_parts_arrives_whole_and_a_longer_one_not(void **state)
{
    struct rig rig;
    (void)state;
    char *text = malloc(TEXT_BYTES + 1);
    assert_non_null(text);
    memset(text, 'o', TEXT_BYTES + 1);
    rig_open(&rig, &all_permit);
    orl_clipboard_in_init(&session_text, TEXT_BYTES);
    struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
            .serial = 7,
            .has_text = true,
            .text = text,
            .len = TEXT_BYTES};
    orl_links_clipboard(rig.links, 0, &data);
    rig_run(&rig, read_text);
    assert_int_equal(session_text_len, TEXT_BYTES);
    data.len++;
    orl_links_clipboard(rig.links, 0, &data);
    rig_run(&rig, read_text);
    assert_int_equal(session_text_len, 0);
    orl_clipboard_in_fini(&session_text);
    free(text);
    rig_close(&rig);
}

static void until_gone(struct rig *rig)
{
    rig->is_enough = rig->count == 0;
}

static void text_that_is_not_utf8_ends_that_link_only_after_it_wants_any(void **state)
{
    struct rig rig;
    (void)state;
    const struct orl_link_msg lie = {.type = ORL_LINK_CLIPBOARD,
            .clipboard = {.step = ORL_CLIPBOARD_DATA,
                    .serial = 1,
                    .has_text = 1,
                    .total = 1,
                    .data = (const uint8_t *)"\xFF",
                    .len = 1},
            .surface_fd = -1};
    rig_open(&rig, &all_permit);
    assert_int_equal(orl_link_send(rig.fd, &lie), 0); /* passed over */
    say_want(&rig, ORL_WANT_CLIPBOARD);
    rig_run(&rig, until_wanted);
    assert_int_equal(rig.count, 1);
    assert_int_equal(orl_link_send(rig.fd, &lie), 0);
    rig_run(&rig, until_gone);
    assert_int_equal(rig.wants, 0);
    assert_int_equal(rig.steps, 0);
    rig_close(&rig);
}

static void until_read(struct rig *rig)
{
    rig->is_enough = rig->turns >= 100;
}

static void send_key_and_layout(struct rig *rig)
{
    const struct orl_link_msg key = {.type = ORL_LINK_INPUT,
            .input = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1},
            .surface_fd = -1};
    const struct orl_link_msg layout = {.type = ORL_LINK_LAYOUT,
            .layout = {.count = 1, .heads = {{0, 0, 800, 600}}},
            .surface_fd = -1};
    assert_int_equal(orl_link_send(rig->fd, &key), 0);
    assert_int_equal(orl_link_send(rig->fd, &layout), 0);
    say_want(rig, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    rig_run(rig, until_read);
}

/* Whatever its session sends: a console knows by the gateway's word who only looks. */
static void who_only_looks_reaches_neither_guest_nor_its_clipboard(void **state)
{
    struct orl_permit view = all_permit;
    struct rig rig;
    (void)state;
    rig_open(&rig, &all_permit);
    send_key_and_layout(&rig);
    assert_int_equal(rig.inputs, 1);
    assert_int_equal(rig.layouts, 1);
    assert_int_equal(rig.wants, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    rig_close(&rig);
    view.is_view_only = 1;
    rig_open(&rig, &view);
    send_key_and_layout(&rig);
    assert_int_equal(rig.inputs, 0);
    assert_int_equal(rig.layouts, 0);
    assert_int_equal(rig.wants, 0);
    assert_int_equal(
            orl_links_count(rig.links), 1); /* passed over: a hand on the mouse is no fault */
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(session_that_reads_nothing_never_blocks_the_console),
            cmocka_unit_test(want_is_cut_to_the_permit),
            cmocka_unit_test(sound_that_nobody_reads_is_dropped_and_the_wake_is_not),
            cmocka_unit_test(text_of_many_parts_arrives_whole_and_a_longer_one_not),
            cmocka_unit_test(text_that_is_not_utf8_ends_that_link_only_after_it_wants_any),
            cmocka_unit_test(who_only_looks_reaches_neither_guest_nor_its_clipboard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
