/* Frames of a text screen to a viewer that takes notes, refuses, or says nothing. */
#include "base/clock.h"
#include "session/stream.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct orl_loop *loop;
    struct orl_picture *picture;
    struct orl_stream *stream;
    struct orl_timer *timer;
    unsigned sends, fails;
    uint32_t frame_id, width_px;
    uint64_t bytes, frame_bytes; /* as if each frame had so many */
    bool refuses, cannot;
};

/* The viewer's object is the rig. */
static struct rig *rig_of(const struct orl_viewer *viewer)
{
    return (struct rig *)(uintptr_t)viewer;
}

static int viewer_send(struct orl_viewer *viewer, const struct orl_update *update)
{
    struct rig *rig = rig_of(viewer);
    if (rig->refuses) {
        return ORL_E_AGAIN;
    }
    rig->sends++;
    rig->bytes += rig->frame_bytes;
    rig->frame_id = update->frame_id;
    rig->width_px = update->width_px;
    return 0;
}

static bool viewer_can_send(struct orl_viewer *viewer)
{
    return !rig_of(viewer)->cannot;
}

static uint64_t viewer_bytes_out(const struct orl_viewer *viewer)
{
    return rig_of(viewer)->bytes;
}

static const struct orl_viewer_ops viewer_ops = {
        .send = viewer_send, .can_send = viewer_can_send, .bytes_out = viewer_bytes_out};

static void on_damage(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->stream != NULL) {
        orl_stream_on_damage(rig->stream);
    }
}

static void on_failed(void *ctx, enum orl_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    ((struct rig *)ctx)->fails++;
}

static void stop(void *ctx)
{
    orl_loop_stop(((struct rig *)ctx)->loop);
}

/* Lets timers of the stream run; how long does not matter to what is asserted. */
static void run_for_ms(struct rig *rig, uint64_t ms)
{
    orl_timer_start(rig->timer, ms * 1000, 0);
    orl_loop_run(rig->loop);
}

static void set_caps(struct rig *rig, bool has_acks, unsigned max_in_flight)
{
    const struct orl_viewer_caps caps = {.has_acks = has_acks,
            .has_resize = true,
            .width_px = 640,
            .height_px = 480,
            .max_in_flight = max_in_flight};
    orl_stream_set_caps(rig->stream, &caps);
}

static void begin(struct rig *rig, unsigned max_in_flight)
{
    static const struct orl_picture_events picture_events = {.on_damage = on_damage};
    static const struct orl_stream_events stream_events = {.on_failed = on_failed};
    *rig = (struct rig){.loop = NULL};
    assert_int_equal(orl_loop_new(&rig->loop, NULL), 0);
    assert_int_equal(orl_timer_new(rig->loop, stop, rig, &rig->timer, NULL), 0);
    assert_int_equal(orl_picture_new(rig->loop, &picture_events, rig, &rig->picture, NULL), 0);
    orl_picture_notice(rig->picture, "Title", "Text", NULL, 0);
    assert_int_equal(orl_picture_set_size(rig->picture, 640, 480), 0);
    const struct orl_viewer_handle viewer = {
            .ops = &viewer_ops, .viewer = (struct orl_viewer *)(void *)rig};
    struct orl_stream *stream = NULL;
    assert_int_equal(
            orl_stream_new(rig->loop, rig->picture, &viewer, 1, &stream_events, rig, &stream, NULL),
            0);
    rig->stream = stream;
    set_caps(rig, true, max_in_flight);
}

static void finish(struct rig *rig)
{
    orl_stream_free(rig->stream);
    rig->stream = NULL;
    orl_picture_free(rig->picture);
    orl_timer_free(rig->timer);
    orl_loop_free(rig->loop);
}

static void change(struct rig *rig, const char *text)
{
    orl_picture_notice(rig->picture, "Title", text, NULL, 0);
}

/* Who acknowledges nothing is over after the time that was set; who acknowledges is not, however long it lasts. */
static void a_client_that_takes_nothing_is_over(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_set_stall(rig.stream, 100 * ORL_US_PER_MS);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    run_for_ms(&rig, 300);
    assert_int_equal(rig.fails, 0);
    change(&rig, "Other text");
    run_for_ms(&rig, 300);
    assert_int_equal(rig.fails, 1);
    finish(&rig);
}

static void the_first_frame_goes_at_once_and_a_still_picture_is_silent(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    assert_int_equal(rig.sends, 1);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    run_for_ms(&rig, 400);
    assert_int_equal(rig.sends, 1);
    finish(&rig);
}

static void no_more_than_two_frames_are_unacknowledged(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    for (unsigned i = 0; i < 6; i++) {
        change(&rig, i % 2 == 0 ? "One" : "Another");
        run_for_ms(&rig, 40);
    }
    assert_int_equal(rig.sends, 2);
    change(&rig, "The last");
    orl_stream_on_ack(rig.stream, rig.frame_id);
    assert_int_equal(rig.sends, 3); /* what came meanwhile is one frame, and it goes at once */
    run_for_ms(&rig, 40);
    assert_int_equal(rig.sends, 3);
    finish(&rig);
}

static void a_change_right_after_another_does_not_wait_for_the_frame_time(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    change(&rig, "One");
    assert_int_equal(rig.sends, 2);
    finish(&rig);
}

static void a_viewer_that_cannot_send_is_asked_before_an_update_is_made(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    const uint32_t last_id = rig.frame_id;
    rig.cannot = true;
    change(&rig, "Not now");
    run_for_ms(&rig, 40);
    rig.cannot = false;
    orl_stream_on_writable(rig.stream);
    assert_int_equal(rig.sends, 2);
    assert_int_equal(rig.frame_id, last_id + 1); /* none was made in vain */
    finish(&rig);
}

static void nothing_is_sent_while_nobody_sees_it(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    orl_stream_set_visible(rig.stream, false);
    change(&rig, "Unseen");
    run_for_ms(&rig, 60);
    assert_int_equal(rig.sends, 1);
    orl_stream_set_visible(rig.stream, true);
    run_for_ms(&rig, 60);
    assert_int_equal(rig.sends, 2);
    finish(&rig);
}

static void what_the_viewer_refused_goes_when_it_is_writable(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    rig.refuses = true;
    change(&rig, "Refused");
    run_for_ms(&rig, 60);
    assert_int_equal(rig.sends, 1);
    rig.refuses = false;
    orl_stream_on_writable(rig.stream);
    run_for_ms(&rig, 60);
    assert_int_equal(rig.sends, 2);
    assert_int_equal(rig.fails, 0);
    finish(&rig);
}

static void a_new_size_is_sent_whole(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    assert_int_equal(rig.width_px, 640);
    assert_int_equal(orl_picture_set_size(rig.picture, 800, 600), 0);
    orl_stream_on_size(rig.stream);
    run_for_ms(&rig, 60);
    assert_int_equal(rig.width_px, 800);
    assert_int_equal(rig.frame_id, 2);
    orl_stream_on_ack(rig.stream, 1); /* of the old size, late */
    assert_int_equal(orl_stream_latency_us(rig.stream), 0);
    finish(&rig);
}

static void who_stops_acknowledging_gets_nothing_again_and_waits_for_nothing(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 1);
    change(&rig, "While one is in flight");
    assert_int_equal(rig.sends, 1);
    set_caps(&rig, false, 1);
    assert_int_equal(rig.sends, 2);
    assert_int_equal(rig.frame_id, 2); /* of the same count: no new picture began */
    set_caps(&rig, true, 1);
    set_caps(&rig, false, 1);
    run_for_ms(&rig, 60);
    assert_int_equal(rig.sends, 2);
    finish(&rig);
}

static void what_a_client_says_of_itself_again_leaves_nothing_on_the_way(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    run_for_ms(&rig, 60);
    rig.frame_bytes = 1000000; /* more than may be on a line of which nothing is known */
    orl_stream_refresh(rig.stream);
    assert_int_equal(rig.sends, 2);
    set_caps(&rig, true, 2);
    set_caps(&rig, false, 2);
    set_caps(&rig, true, 2);
    orl_stream_on_ack(rig.stream, rig.frame_id);
    run_for_ms(&rig, 60);
    orl_stream_refresh(rig.stream);
    assert_int_equal(rig.sends, 3);
    finish(&rig);
}

static void a_stopped_stream_sends_nothing(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2);
    orl_stream_stop(rig.stream);
    change(&rig, "Late");
    orl_stream_on_ack(rig.stream, rig.frame_id);
    run_for_ms(&rig, 60);
    assert_int_equal(rig.sends, 1);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_client_that_takes_nothing_is_over),
            cmocka_unit_test(the_first_frame_goes_at_once_and_a_still_picture_is_silent),
            cmocka_unit_test(no_more_than_two_frames_are_unacknowledged),
            cmocka_unit_test(a_change_right_after_another_does_not_wait_for_the_frame_time),
            cmocka_unit_test(a_viewer_that_cannot_send_is_asked_before_an_update_is_made),
            cmocka_unit_test(nothing_is_sent_while_nobody_sees_it),
            cmocka_unit_test(what_the_viewer_refused_goes_when_it_is_writable),
            cmocka_unit_test(a_new_size_is_sent_whole),
            cmocka_unit_test(who_stops_acknowledging_gets_nothing_again_and_waits_for_nothing),
            cmocka_unit_test(what_a_client_says_of_itself_again_leaves_nothing_on_the_way),
            cmocka_unit_test(a_stopped_stream_sends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
