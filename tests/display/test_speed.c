#include "display/speed.h"
#include "test_support.h"

struct stage {
    struct orl_speed speed;
    uint64_t now_us;
    unsigned changes;
};

static void stage_open(struct stage *s)
{
    s->now_us = 1000000;
    s->changes = 0;
    orl_speed_init(&s->speed);
}

static void run(struct stage *s, unsigned frames, uint64_t interval_us, uint64_t encode_us)
{
    for (unsigned i = 0; i < frames; i++) {
        s->changes += orl_speed_note(&s->speed, s->now_us, encode_us);
        s->now_us += interval_us;
    }
}

static void a_video_at_its_usual_cost_changes_nothing(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    run(&s, 1000, 33333, 10000);
    run(&s, 1000, 33333, 22000);
    assert_int_equal(s.changes, 0);
    assert_int_equal(s.speed.effort, ORL_H264_USUAL);
}

static void where_time_is_short_effort_falls_and_where_it_is_left_it_rises(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    run(&s, 120, 33333, 31000);
    assert_int_equal(s.speed.effort, ORL_H264_LITTLE);
    run(&s, 600, 33333, 8000);
    assert_int_equal(s.speed.effort, ORL_H264_USUAL);
    run(&s, 600, 33333, 2000);
    assert_int_equal(s.speed.effort, ORL_H264_MUCH);
    run(&s, 60, 33333, 20000);
    assert_int_equal(s.speed.effort, ORL_H264_USUAL);
    assert_int_equal(s.changes, 4);
}

/* A cost that follows the effort, on either side of every bound: it may try once, and then waits. */
static void it_does_not_swing(void **state)
{
    (void)state;
    for (uint64_t usual_us = 500; usual_us < 60000; usual_us += 500) {
        struct stage s;
        stage_open(&s);
        for (unsigned i = 0; i < 30 * 60; i++) {
            const uint64_t cost_us = s.speed.effort == ORL_H264_LITTLE ? usual_us * 2 / 3
                                     : s.speed.effort == ORL_H264_MUCH ? usual_us * 3 / 2
                                                                       : usual_us;
            run(&s, 1, cost_us > 33333 ? cost_us : 33333, cost_us);
        }
        assert_true(s.changes <= 1);
    }
}

static void one_slow_picture_and_pauses_count_for_nothing(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    run(&s, 60, 33333, 10000);
    run(&s, 1, 33333, 150000);
    run(&s, 60, 33333, 10000);
    run(&s, 100, 400000, 100);
    assert_int_equal(s.changes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_video_at_its_usual_cost_changes_nothing),
            cmocka_unit_test(where_time_is_short_effort_falls_and_where_it_is_left_it_rises),
            cmocka_unit_test(it_does_not_swing),
            cmocka_unit_test(one_slow_picture_and_pauses_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
