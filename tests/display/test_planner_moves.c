/* What only moved is copied by the client; the model client shows whether that is exact. */
#include "planner_scene.h"

static void random_moves(struct planner_scene *s, struct rng *rng)
{
    for (int32_t n = rng_in(rng, 1, 3); n > 0; n--) {
        struct orl_rect r = {0, 0, rng_in(rng, 100, 400), rng_in(rng, 100, 300)};
        r.width = r.width < (int32_t)s->width ? r.width : (int32_t)s->width;
        r.height = r.height < (int32_t)s->height ? r.height : (int32_t)s->height;
        r.x = rng_in(rng, 0, (int32_t)s->width - r.width);
        r.y = rng_in(rng, 0, (int32_t)s->height - r.height);
        const int32_t reach = rng_u32(rng) % 2 == 0 ? 20 : 90;
        const uint32_t kind = rng_u32(rng) % 3;
        planner_scene_shift(s, &r, kind == 0 ? 0 : rng_in(rng, -reach, reach),
                kind == 1 ? 0 : rng_in(rng, -reach, reach));
    }
}

/* Also small changes, updates that are not sent, and forgetting everything. */
static void run_random(uint32_t width, uint32_t height, bool has_h264, uint64_t seed)
{
    struct rng rng = rng_new("planner moves", seed);
    struct planner_scene s;
    planner_scene_open(&s, width, height, has_h264);
    const struct orl_rect all = {0, 0, (int32_t)width, (int32_t)height};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    for (int i = 0; i < 100; i++) {
        s.now_us += (uint64_t)rng_in(&rng, 1, 60) * 1000;
        const struct orl_rect r = {rng_in(&rng, 0, 300), rng_in(&rng, 0, 200), 40, 50};
        if (rng_u32(&rng) % 2 == 0) {
            planner_scene_paint(&s, &rng, &r, PAINT_NOISE);
            planner_scene_report(&s, &r);
        }
        random_moves(&s, &rng);
        if (rng_u32(&rng) % 40 == 0) {
            orl_planner_reset(s.planner, s.now_us);
            memset(s.client.is_known, 0, (size_t)width * height * sizeof(bool));
        }
        struct orl_update u;
        size_t unknown = 0;
        if (planner_scene_step(&s, rng_u32(&rng) % 6 != 0, &u) >= 0) {
            assert_int_equal(planner_scene_count_wrong(&s, &unknown), 0);
            assert_true(unknown == 0 || orl_planner_due_us(s.planner) != 0);
        }
        if (rng_u32(&rng) % 8 == 0) {
            planner_scene_settle(&s);
            planner_scene_assert_exact(&s);
        }
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    assert_true(s.client.copies > 30);
    planner_scene_close(&s);
}

static void client_is_never_wrong_and_exact_at_rest_with_h264(void **state)
{
    (void)state;
    run_random(640, 400, true, 20);
}

static void client_is_never_wrong_without_h264(void **state)
{
    (void)state;
    run_random(601, 437, false, 21);
}

/* Noise scrolled by 12 px: one copy, and the strip below it. */
static void scroll(struct planner_scene *s, struct rng *rng, struct orl_update *ret_update)
{
    const struct orl_rect all = {0, 0, (int32_t)s->width, (int32_t)s->height};
    const struct orl_rect below = {0, 12, all.width, all.height - 12};
    const struct orl_rect strip = {0, all.height - 12, all.width, 12};
    s->now_us += FRAME_US;
    planner_scene_shift(s, &below, 0, -12);
    planner_scene_paint(s, rng, &strip, PAINT_NOISE);
    planner_scene_report(s, &all);
    assert_int_equal(planner_scene_step(s, true, ret_update), 1);
}

static struct rng open_with_noise(struct planner_scene *s, bool has_h264)
{
    struct rng rng = rng_new("planner moves", 23);
    planner_scene_open(s, 640, 480, has_h264);
    const struct orl_rect all = {0, 0, 640, 480};
    planner_scene_paint(s, &rng, &all, PAINT_NOISE);
    return rng;
}

static void scrolled_page_is_a_copy_and_a_strip_and_no_h264(void **state)
{
    (void)state;
    struct planner_scene s;
    struct rng rng = open_with_noise(&s, true);
    planner_scene_settle(&s);
    for (int i = 0; i < 20; i++) { /* at video rate, and it never becomes motion */
        struct orl_update u;
        scroll(&s, &rng, &u);
        assert_int_equal(u.op_count, 2);
        assert_int_equal(u.ops[0].kind, ORL_OP_COPY);
        const struct orl_rect to = {0, 0, 640, 468};
        const struct orl_rect strip = {0, 468, 640, 12};
        assert_memory_equal(&u.ops[0].rect, &to, sizeof(to));
        assert_true(u.ops[0].from_x == 0 && u.ops[0].from_y == 12);
        assert_int_equal(u.ops[1].kind, ORL_OP_LOSSLESS);
        assert_memory_equal(&u.ops[1].rect, &strip, sizeof(strip));
        planner_scene_assert_exact(&s);
    }
    planner_scene_close(&s);
}

static void copy_of_what_h264_shows_is_made_exact_later(void **state)
{
    (void)state;
    struct planner_scene s;
    struct rng rng = open_with_noise(&s, true);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_int_equal(u.ops[0].kind, ORL_OP_H264);
    scroll(&s, &rng, &u);
    assert_int_equal(u.ops[0].kind, ORL_OP_COPY);
    size_t unknown;
    assert_int_equal(planner_scene_count_wrong(&s, &unknown), 0);
    assert_true(unknown >= 640 * 400);
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

/* A window that H.264 showed first is dragged without a rest: its inside is made exact on the way. */
static void dragged_window_becomes_exact_while_it_moves(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner moves", 31);
    struct planner_scene s;
    planner_scene_open(&s, 640, 400, true);
    const struct orl_rect all = {0, 0, 640, 400};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    planner_scene_report(&s, &all);
    struct orl_rect window = {40, 40, 320, 240};
    struct orl_update u;
    size_t unknown = 0;
    for (int i = 0; i < 40; i++) {
        assert_int_not_equal(planner_scene_step(&s, true, &u), -1);
        s.now_us += FRAME_US;
        planner_scene_shift(&s, &window, 4, 2);
        window.x += 4;
        window.y += 2;
        assert_int_not_equal(planner_scene_step(&s, true, &u), -1);
        s.now_us += FRAME_US;
        assert_int_equal(planner_scene_count_wrong(&s, &unknown), 0);
    }
    for (int32_t y = window.y + 64; y < window.y + window.height - 64; y++) {
        for (int32_t x = window.x + 64; x < window.x + window.width - 64; x++) {
            assert_true(s.client.is_known[(size_t)y * s.width + (size_t)x]);
        }
    }
    planner_scene_close(&s);
}

static void copy_that_was_not_sent_is_sent_as_pixels(void **state)
{
    (void)state;
    struct planner_scene s;
    (void)open_with_noise(&s, false);
    planner_scene_settle(&s);
    const struct orl_rect below = {0, 12, 640, 468};
    planner_scene_shift(&s, &below, 0, -12);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, false, &u), -1);
    assert_int_equal(u.ops[0].kind, ORL_OP_COPY);
    planner_scene_shift(&s, &below, 0, -12); /* the client has none of it: nothing can be copied */
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_int_equal(s.client.copies, 0);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void client_without_copy_gets_none(void **state)
{
    (void)state;
    struct planner_scene s;
    struct rng rng = open_with_noise(&s, false);
    orl_planner_free(s.planner);
    const struct orl_planner_opts opts = {.width_px = 640, .height_px = 480, .threads = 1};
    assert_int_equal(orl_planner_new(&opts, &s.planner, NULL), 0);
    planner_scene_settle(&s);
    struct orl_update u;
    s.last_id = 0;
    scroll(&s, &rng, &u);
    assert_int_equal(s.client.copies, 0);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

/* The check itself: a copy from one pixel beside must show. */
static void copy_from_beside_is_caught_by_the_model(void **state)
{
    (void)state;
    struct planner_scene s;
    struct rng rng = open_with_noise(&s, true);
    planner_scene_settle(&s);
    s.client.fault = 1;
    struct orl_update u;
    scroll(&s, &rng, &u);
    size_t unknown;
    assert_true(planner_scene_count_wrong(&s, &unknown) > 200000);
    planner_scene_close(&s);
}

/* A video makes the planner look for moves less often; a scroll after it is found soon all the same. */
static void scroll_after_a_video_is_found_within_eight_updates(void **state)
{
    (void)state;
    struct planner_scene s;
    struct rng rng = open_with_noise(&s, false);
    const struct orl_rect all = {0, 0, 640, 480};
    planner_scene_settle(&s);
    struct orl_update u;
    for (int i = 0; i < 40; i++) {
        s.now_us += FRAME_US;
        planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
        planner_scene_report(&s, &all);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
    }
    unsigned before = 0;
    for (scroll(&s, &rng, &u); u.ops[0].kind != ORL_OP_COPY; scroll(&s, &rng, &u)) {
        assert_true(++before < 8);
        planner_scene_assert_exact(&s);
    }
    scroll(&s, &rng, &u);
    assert_int_equal(u.ops[0].kind, ORL_OP_COPY); /* and then every time */
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(client_is_never_wrong_and_exact_at_rest_with_h264),
            cmocka_unit_test(client_is_never_wrong_without_h264),
            cmocka_unit_test(scroll_after_a_video_is_found_within_eight_updates),
            cmocka_unit_test(scrolled_page_is_a_copy_and_a_strip_and_no_h264),
            cmocka_unit_test(copy_of_what_h264_shows_is_made_exact_later),
            cmocka_unit_test(dragged_window_becomes_exact_while_it_moves),
            cmocka_unit_test(copy_that_was_not_sent_is_sent_as_pixels),
            cmocka_unit_test(client_without_copy_gets_none),
            cmocka_unit_test(copy_from_beside_is_caught_by_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
