/* While the line is full, small things go first and nothing is lost. */
#include "planner_scene.h"

static const struct orl_rect film = {160, 96, 320, 208};
static const struct orl_rect key = {16, 16, 24, 16};

static void play(struct planner_scene *s, struct rng *rng)
{
    planner_scene_paint(s, rng, &film, PAINT_NOISE);
    planner_scene_report(s, &film);
    s->now_us += 2 * FRAME_US;
}

static void press(struct planner_scene *s, struct rng *rng)
{
    planner_scene_paint(s, rng, &key, PAINT_FLAT);
    planner_scene_report(s, &key);
}

static bool has_h264(const struct orl_update *u)
{
    for (unsigned i = 0; i < u->op_count; i++) {
        if (u->ops[i].kind == ORL_OP_H264) {
            return true;
        }
    }
    return false;
}

static void a_key_goes_while_a_film_waits(void **state)
{
    (void)state;
    struct rng rng = rng_new("hold", 1);
    struct planner_scene s;
    struct orl_update u;
    planner_scene_open(&s, 640, 400, true);
    planner_scene_settle(&s);
    for (unsigned i = 0; i < 12; i++) {
        play(&s, &rng);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
    }
    assert_true(has_h264(&u));
    orl_planner_hold(s.planner, true);
    for (unsigned i = 0; i < 12; i++) {
        play(&s, &rng);
        assert_int_equal(planner_scene_step(&s, true, &u), 0);
        press(&s, &rng);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
        for (unsigned k = 0; k < u.op_count; k++) {
            assert_true(orl_rect_contains(&key, &u.ops[k].rect));
        }
    }
    orl_planner_hold(s.planner, false);
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_true(has_h264(&u)); /* it still counts as a film */
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void what_is_large_comes_in_parts(void **state)
{
    (void)state;
    struct rng rng = rng_new("hold", 2);
    struct planner_scene s;
    struct orl_update u;
    const int64_t max_px = 8192;
    unsigned updates = 0;
    planner_scene_open(&s, 640, 400, false);
    planner_scene_settle(&s);
    orl_planner_set_lossless(s.planner, max_px, max_px);
    planner_scene_paint(&s, &rng, &film, PAINT_NOISE);
    planner_scene_report(&s, &film);
    while (planner_scene_step(&s, true, &u) == 1) {
        int64_t px = 0;
        for (unsigned i = 0; i < u.op_count; i++) {
            px += orl_rect_area(&u.ops[i].rect);
        }
        assert_true(px <= max_px);
        updates++;
    }
    assert_int_equal(updates, (orl_rect_area(&film) + max_px - 1) / max_px);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void whatever_waits_and_for_how_long_at_rest_all_is_exact(void **state)
{
    (void)state;
    struct rng rng = rng_new("hold", 3);
    struct planner_scene s;
    planner_scene_open(&s, 333, 221, true);
    for (unsigned i = 0; i < 400; i++) {
        struct orl_rect r = {rng_in(&rng, 0, 200), rng_in(&rng, 0, 150), rng_in(&rng, 1, 130),
                rng_in(&rng, 1, 70)};
        struct orl_update u;
        s.now_us += (uint64_t)rng_in(&rng, 1, 60) * 1000;
        planner_scene_paint(&s, &rng, &r, (enum paint)rng_in(&rng, 0, 2));
        planner_scene_report(&s, &r);
        orl_planner_hold(s.planner, rng_u32(&rng) % 2 == 0);
        orl_planner_set_lossless(s.planner, rng_in(&rng, 256, 20000), rng_in(&rng, 256, 20000));
        (void)planner_scene_step(&s, rng_u32(&rng) % 5 != 0, &u);
        if (i % 50 == 49) {
            orl_planner_hold(s.planner, false);
            planner_scene_settle(&s);
            planner_scene_assert_exact(&s);
        }
    }
    planner_scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_key_goes_while_a_film_waits),
            cmocka_unit_test(what_is_large_comes_in_parts),
            cmocka_unit_test(whatever_waits_and_for_how_long_at_rest_all_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
