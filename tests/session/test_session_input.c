/* Input through a real link, of which the test holds the console's end. */
#include "base/ipc.h"
#include "display/link.h"
#include "session/input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    struct orl_loop *loop;
    struct orl_picture *picture;
    struct orl_session_input input;
    int console;
    unsigned sources, losses, breaks, damages;
};

static void on_damage(void *ctx)
{
    struct rig *rig = ctx;
    rig->damages++;
    orl_loop_stop(rig->loop);
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    (void)ctx;
    (void)cursor;
}

static void on_source(void *ctx, uint32_t width_px, uint32_t height_px)
{
    struct rig *rig = ctx;
    assert_int_equal(width_px, 400);
    assert_int_equal(height_px, 300);
    rig->sources++;
    orl_loop_stop(rig->loop);
}

static void on_lost(void *ctx, enum orl_reason reason)
{
    struct rig *rig = ctx;
    (void)reason;
    rig->losses++;
    orl_loop_stop(rig->loop);
}

static void on_broken(void *ctx)
{
    ((struct rig *)ctx)->breaks++;
}

static void on_writable(void *ctx)
{
    struct rig *rig = ctx;
    orl_session_input_flush(&rig->input);
    if (rig->input.count == 0) {
        orl_loop_stop(rig->loop);
    }
}

static void send_surface(struct rig *rig)
{
    struct orl_surface *surface = NULL;
    assert_int_equal(orl_surface_create(400, 300, &surface, NULL), 0);
    struct orl_link_msg msg = {.type = ORL_LINK_SURFACE, .surface_fd = orl_surface_fd(surface)};
    assert_int_equal(orl_link_send(rig->console, &msg), 0);
    orl_surface_free(surface);
}

static void begin(struct rig *rig, bool is_live)
{
    static const struct orl_picture_events events = {.on_damage = on_damage,
            .on_cursor = on_cursor,
            .on_source = on_source,
            .on_lost = on_lost,
            .on_broken = on_broken,
            .on_writable = on_writable};
    int fds[2];
    *rig = (struct rig){.console = -1};
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_picture_new(rig->loop, &events, rig, &rig->picture, NULL), 0);
    assert_int_equal(orl_picture_set_size(rig->picture, 800, 600), 0);
    orl_session_input_init(&rig->input, rig->picture);
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    assert_int_equal(orl_picture_attach(rig->picture, fds[0], NULL), 0);
    rig->console = fds[1];
    if (is_live) {
        send_surface(rig);
        orl_loop_run(rig->loop);
        assert_int_equal(rig->sources, 1);
    }
}

static void finish(struct rig *rig)
{
    orl_picture_free(rig->picture);
    orl_loop_free(rig->loop);
    if (rig->console >= 0) {
        close(rig->console);
    }
}

static struct orl_input pointer(int32_t x, int32_t y, uint32_t buttons)
{
    return (struct orl_input){.kind = ORL_INPUT_POINTER, .code = buttons, .x = x, .y = y};
}

static struct orl_input key(uint32_t code, bool is_down)
{
    return (struct orl_input){.kind = ORL_INPUT_KEY, .code = code, .is_down = is_down};
}

static bool receive(struct rig *rig, struct orl_input *ret_input)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    if (orl_link_recv(rig->console, buf, &msg) != 0) {
        return false;
    }
    assert_int_equal(msg.type, ORL_LINK_INPUT);
    *ret_input = msg.input;
    return true;
}

static void pointer_is_mapped_into_the_sources_picture(void **state)
{
    (void)state;
    struct rig rig;
    struct orl_input got;
    begin(&rig, true);
    const struct orl_input at = pointer(400, 300, ORL_BUTTON_LEFT);
    orl_session_input_send(&rig.input, &at);
    assert_true(receive(&rig, &got));
    assert_int_equal(got.x, 200);
    assert_int_equal(got.y, 150);
    assert_int_equal(got.code, ORL_BUTTON_LEFT);
    finish(&rig);
}

static void keys_do_not_reach_a_console_that_is_not_shown(void **state)
{
    (void)state;
    struct rig rig;
    struct orl_input got;
    begin(&rig, false);
    const struct orl_input down = key(0x1E, true);
    orl_session_input_send(&rig.input, &down);
    assert_false(receive(&rig, &got));
    const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
    orl_session_input_send(&rig.input, &release);
    assert_true(receive(&rig, &got));
    assert_int_equal(got.kind, ORL_INPUT_RELEASE_ALL);
    finish(&rig);
}

/* Fills the socket until the first input waits in the queue. */
static void fill(struct rig *rig)
{
    for (unsigned i = 0; rig->input.count == 0; i++) {
        const struct orl_input down = key(0x1E, i % 2 == 0);
        orl_session_input_send(&rig->input, &down);
        assert_true(i < 100000);
    }
}

static void moves_merge_while_the_console_does_not_read(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, true);
    fill(&rig);
    unsigned before = rig.input.count;
    for (int32_t i = 0; i < 500; i++) {
        const struct orl_input at = pointer(i, i, 0);
        orl_session_input_send(&rig.input, &at);
    }
    assert_int_equal(rig.input.count, before + 1);
    const struct orl_input press = pointer(499, 499, ORL_BUTTON_LEFT);
    orl_session_input_send(&rig.input, &press);
    assert_int_equal(rig.input.count, before + 2); /* a click is not a move */
    finish(&rig);
}

static void lost_keys_are_released_before_anything_else(void **state)
{
    (void)state;
    struct rig rig;
    struct orl_input got = {0};
    begin(&rig, true);
    fill(&rig);
    for (unsigned i = 0; i < 3 * ORL_SESSION_INPUT_MAX; i++) {
        const struct orl_input down = key(1 + i % 0x50, i % 2 == 0);
        orl_session_input_send(&rig.input, &down);
        assert_true(rig.input.count <= ORL_SESSION_INPUT_MAX);
    }
    assert_true(rig.input.has_overflowed);
    while (receive(&rig, &got)) {
    }
    orl_session_input_flush(&rig.input);
    assert_true(receive(&rig, &got));
    assert_int_equal(got.kind, ORL_INPUT_RELEASE_ALL);
    assert_int_equal(rig.input.count, 0);
    assert_false(rig.input.has_overflowed);
    finish(&rig);
}

static void what_waits_goes_in_order_when_the_console_reads_again(void **state)
{
    (void)state;
    struct rig rig;
    struct orl_input got = {0};
    begin(&rig, true);
    fill(&rig);
    const struct orl_input last = key(0x39, true);
    orl_session_input_send(&rig.input, &last);
    while (receive(&rig, &got)) {
    }
    orl_loop_run(rig.loop); /* until on_writable has emptied the queue */
    while (receive(&rig, &got)) {
    }
    assert_int_equal(got.code, 0x39);
    finish(&rig);
}

static void a_console_that_goes_leaves_a_text_screen(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, true);
    close(rig.console);
    rig.console = -1;
    orl_loop_run(rig.loop);
    assert_int_equal(rig.losses, 1);
    assert_int_equal(rig.breaks, 0);
    assert_false(orl_picture_is_live(rig.picture));
    struct orl_region region = {.count = 0};
    size_t stride = 0;
    orl_picture_take_damage(rig.picture, &region);
    assert_false(orl_region_is_empty(&region));
    assert_non_null(orl_picture_pixels(rig.picture, &stride));
    finish(&rig);
}

static void a_console_that_breaks_the_links_rules_is_noticed(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, true);
    assert_true(write(rig.console, "garbage", 7) == 7);
    orl_loop_run(rig.loop);
    assert_int_equal(rig.breaks, 1);
    finish(&rig);
}

static void many_wakes_are_one_look(void **state)
{
    struct rig rig;
    const struct orl_link_msg wake = {.type = ORL_LINK_WAKE, .surface_fd = -1};
    (void)state;
    begin(&rig, true);
    rig.damages = 0;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(orl_link_send(rig.console, &wake), 0);
    }
    orl_loop_run(rig.loop);
    assert_int_equal(rig.damages, 1);
    assert_int_equal(rig.breaks, 0);
    finish(&rig);
}

static void a_wake_without_a_surface_breaks_the_rules(void **state)
{
    struct rig rig;
    const struct orl_link_msg wake = {.type = ORL_LINK_WAKE, .surface_fd = -1};
    (void)state;
    begin(&rig, false);
    assert_int_equal(orl_link_send(rig.console, &wake), 0);
    orl_loop_run(rig.loop);
    assert_int_equal(rig.losses, 1);
    assert_int_equal(rig.breaks, 1);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(pointer_is_mapped_into_the_sources_picture),
            cmocka_unit_test(keys_do_not_reach_a_console_that_is_not_shown),
            cmocka_unit_test(moves_merge_while_the_console_does_not_read),
            cmocka_unit_test(lost_keys_are_released_before_anything_else),
            cmocka_unit_test(what_waits_goes_in_order_when_the_console_reads_again),
            cmocka_unit_test(a_console_that_goes_leaves_a_text_screen),
            cmocka_unit_test(many_wakes_are_one_look),
            cmocka_unit_test(a_wake_without_a_surface_breaks_the_rules),
            cmocka_unit_test(a_console_that_breaks_the_links_rules_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
