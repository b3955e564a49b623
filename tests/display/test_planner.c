/* A model client applies every update; whatever happens, it never shows a wrong pixel as right. */
#include "planner_scene.h"

static struct orl_rect random_rect(const struct planner_scene *s, struct rng *rng)
{
    struct orl_rect r;
    bool is_small = rng_u32(rng) % 4 != 0;
    r.width = rng_in(rng, 1, is_small && s->width > 20 ? 20 : (int32_t)s->width);
    r.height = rng_in(rng, 1, is_small && s->height > 20 ? 20 : (int32_t)s->height);
    r.x = rng_in(rng, 0, (int32_t)s->width - r.width);
    r.y = rng_in(rng, 0, (int32_t)s->height - r.height);
    return r;
}

static void random_damage(struct planner_scene *s, struct rng *rng)
{
    for (int32_t n = rng_in(rng, 0, 6); n > 0; n--) {
        struct orl_rect r = random_rect(s, rng);
        planner_scene_paint(s, rng, &r, (enum paint)rng_in(rng, 0, 2));
        struct orl_rect wide = {r.x - rng_in(rng, 0, 9), r.y - rng_in(rng, 0, 9), r.width + 9,
                r.height + 9}; /* over-reported, maybe outside the picture */
        struct orl_rect all = orl_rect_union(&wide, &r);
        planner_scene_report(s, &all);
    }
}

static void run_random(uint32_t width, uint32_t height, bool has_h264, uint64_t seed)
{
    struct rng rng = rng_new("planner", seed);
    struct planner_scene s;
    planner_scene_open(&s, width, height, has_h264);
    for (int i = 0; i < 300; i++) {
        s.now_us += (uint64_t)rng_in(&rng, 1, 60) * 1000;
        random_damage(&s, &rng);
        if (rng_u32(&rng) % 40 == 0) {
            orl_planner_reset(s.planner, s.now_us);
            memset(s.client.is_known, 0, (size_t)width * height * sizeof(bool));
        }
        struct orl_update u;
        size_t unknown = 0;
        if (planner_scene_step(&s, rng_u32(&rng) % 5 != 0, &u) >= 0) {
            assert_int_equal(planner_scene_count_wrong(&s, &unknown), 0);
            assert_true(unknown == 0 || orl_planner_due_us(s.planner) != 0);
        }
        if (rng_u32(&rng) % 50 == 0) {
            planner_scene_settle(&s);
            planner_scene_assert_exact(&s);
        }
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void client_is_never_wrong_and_exact_at_rest_with_h264(void **state)
{
    (void)state;
    run_random(333, 221, true, 1);
    run_random(256, 256, true, 2);
}

static void client_is_never_wrong_without_h264(void **state)
{
    (void)state;
    run_random(333, 221, false, 3);
    run_random(17, 400, false, 4);
    run_random(1, 1, false, 5);
}

/* The check itself: a change that is not reported must show as a wrong pixel. */
static void change_that_is_not_reported_is_caught_by_the_model(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 6);
    struct planner_scene s;
    planner_scene_open(&s, 320, 200, true);
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    const struct orl_rect told = {0, 0, 16, 16};
    const struct orl_rect untold = {160, 100, 16, 16};
    planner_scene_paint(&s, &rng, &told, PAINT_NOISE);
    planner_scene_paint(&s, &rng, &untold, PAINT_NOISE);
    planner_scene_report(&s, &told);
    planner_scene_settle(&s);
    size_t unknown;
    assert_true(planner_scene_count_wrong(&s, &unknown) > 200);
    planner_scene_close(&s);
}

static void nothing_changed_sends_nothing(void **state)
{
    (void)state;
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    planner_scene_settle(&s);
    const struct orl_rect all = {0, 0, 640, 480};
    planner_scene_report(&s, &all);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 0);
    planner_scene_close(&s);
}

static void key_press_is_one_tight_lossless_op(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 7);
    struct planner_scene s;
    planner_scene_open(&s, 1280, 720, true);
    planner_scene_settle(&s);
    const struct orl_rect glyph = {100, 100, 8, 15};
    const struct orl_rect line = {0, 96, 1280, 32};
    planner_scene_paint(&s, &rng, &glyph, PAINT_NOISE);
    planner_scene_report(&s, &line);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_int_equal(u.op_count, 1);
    assert_int_equal(u.ops[0].kind, ORL_OP_LOSSLESS);
    assert_false(u.ops[0].is_refine);
    assert_memory_equal(&u.ops[0].rect, &glyph, sizeof(glyph));
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void one_colour_is_a_fill(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 8);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    planner_scene_settle(&s);
    const struct orl_rect r = {32, 32, 40, 20};
    planner_scene_paint(&s, &rng, &r, PAINT_FLAT);
    planner_scene_report(&s, &r);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    for (unsigned i = 0; i < u.op_count; i++) {
        assert_int_equal(u.ops[i].kind, ORL_OP_FILL);
    }
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void large_change_is_h264_and_becomes_exact_after_rest(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 9);
    struct planner_scene s;
    planner_scene_open(&s, 800, 600, true);
    planner_scene_settle(&s);
    const struct orl_rect r = {100, 100, 400, 300};
    planner_scene_paint(&s, &rng, &r, PAINT_NOISE);
    planner_scene_report(&s, &r);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_int_equal(u.ops[0].kind, ORL_OP_H264);
    assert_true(orl_rect_contains(&u.ops[0].rect, &r));
    uint64_t due_us = orl_planner_due_us(s.planner);
    assert_true(due_us >= s.now_us + 200000);
    s.now_us = due_us - 1;
    assert_int_equal(planner_scene_step(&s, true, &u), 0);
    s.now_us = due_us;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    for (unsigned i = 0; i < u.op_count; i++) {
        assert_true(u.ops[i].is_refine);
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void refinement_comes_in_bounded_pieces(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 10);
    struct planner_scene s;
    planner_scene_open(&s, 1920, 1080, true);
    const struct orl_rect all = {0, 0, 1920, 1080};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_int_equal(u.ops[0].kind, ORL_OP_H264);
    assert_true(u.ops[0].is_key);
    unsigned pieces = 0;
    for (; orl_planner_due_us(s.planner) < s.now_us + SECOND; pieces++) {
        uint64_t due_us = orl_planner_due_us(s.planner);
        s.now_us = due_us > s.now_us ? due_us : s.now_us;
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
        int64_t area = 0;
        for (unsigned i = 0; i < u.op_count; i++) {
            area += orl_rect_area(&u.ops[i].rect);
        }
        assert_true(area <= 1920 * 160);
    }
    assert_in_range(pieces, 7, 10);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void key_press_goes_before_refinement(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 11);
    struct planner_scene s;
    planner_scene_open(&s, 1920, 1080, true);
    const struct orl_rect all = {0, 0, 1920, 1080};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    s.now_us = orl_planner_due_us(s.planner);
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_true(u.ops[0].is_refine);
    const struct orl_rect glyph = {800, 900, 8, 16};
    planner_scene_paint(&s, &rng, &glyph, PAINT_NOISE);
    planner_scene_report(&s, &glyph);
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    for (unsigned i = 0; i < u.op_count; i++) {
        assert_false(u.ops[i].is_refine);
        assert_true(orl_rect_area(&u.ops[i].rect) <= 32 * 32);
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

/* A window that plays video: after the first changes it is motion, though below 5 % of the picture. */
static void small_video_becomes_h264_and_typing_beside_it_stays_lossless(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 12);
    struct planner_scene s;
    planner_scene_open(&s, 1280, 720, true);
    planner_scene_settle(&s);
    const struct orl_rect video = {640, 320, 160, 120};
    const struct orl_rect glyph = {64, 64, 8, 16};
    struct orl_update u;
    unsigned coded = 0;
    s.now_us += SECOND;
    for (int i = 0; i < 30; i++) {
        s.now_us += 33333;
        planner_scene_paint(&s, &rng, &video, PAINT_NOISE);
        planner_scene_report(&s, &video);
        if (i == 29) {
            planner_scene_paint(&s, &rng, &glyph, PAINT_NOISE);
            planner_scene_report(&s, &glyph);
        }
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
        bool has_h264 = u.ops[0].kind == ORL_OP_H264;
        assert_true(!has_h264 || i >= 5);
        coded += has_h264;
    }
    assert_true(coded >= 20);
    bool has_glyph = false;
    for (unsigned i = 1; i < u.op_count; i++) {
        has_glyph = has_glyph || orl_rect_contains(&u.ops[i].rect, &glyph);
    }
    assert_true(has_glyph);
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

/* Text elsewhere that H.264 once touched must not wait for the video's end. */
static void video_does_not_keep_the_rest_from_becoming_exact(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 13);
    struct planner_scene s;
    planner_scene_open(&s, 1280, 720, true);
    const struct orl_rect all = {0, 0, 1280, 720};
    const struct orl_rect video = {640, 320, 320, 240};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    for (int i = 0; i < 60; i++) {
        s.now_us += 33333;
        planner_scene_paint(&s, &rng, &video, PAINT_NOISE);
        planner_scene_report(&s, &video);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
    }
    for (uint32_t y = 0; y < 256; y++) {
        for (uint32_t x = 0; x < 1280; x++) {
            assert_true(s.client.is_known[y * 1280 + x]);
        }
    }
    planner_scene_close(&s);
}

static void unsent_h264_is_followed_by_a_key_frame(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 14);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    const struct orl_rect all = {0, 0, 640, 480};
    struct orl_update u;
    for (int i = 0; i < 3; i++) {
        planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
        planner_scene_report(&s, &all);
        s.now_us += FRAME_US;
        planner_scene_step(&s, i != 1, &u);
        assert_int_equal(u.ops[0].kind, ORL_OP_H264);
        assert_int_equal(u.ops[0].is_key, i != 1);
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

/* Its 35 MB are given back after a minute, or after three seconds if there was but a change or two; the next use
 * begins with a key frame. */
static void idle_encoder_is_closed_and_opened_again(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 18);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    const struct orl_rect all = {0, 0, 640, 480};
    struct orl_update u;
    static const unsigned frames[] = {1, 20};
    static const uint64_t idle_us[] = {3 * SECOND, 60 * SECOND};
    for (unsigned k = 0; k < 2; k++) {
        uint64_t used_us = 0;
        for (unsigned i = 0; i < frames[k]; i++) {
            s.now_us += FRAME_US;
            used_us = s.now_us;
            planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
            planner_scene_report(&s, &all);
            assert_int_equal(planner_scene_step(&s, true, &u), 1);
            assert_int_equal(u.ops[0].kind, ORL_OP_H264);
            assert_int_equal(u.ops[0].is_key, i == 0);
            assert_int_equal(u.h264_slots, 1);
        }
        planner_scene_settle(&s);
        if (idle_us[k] > 10 * SECOND) { /* how far planner_scene_settle() looks */
            assert_true(orl_planner_due_us(s.planner) == used_us + idle_us[k]);
            s.now_us = used_us + idle_us[k];
            assert_int_equal(planner_scene_step(&s, true, &u), 0);
        }
        assert_true(orl_planner_due_us(s.planner) == 0);
    }
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void a_planner_at_rest_has_no_encoder_and_goes_on_with_a_key_frame(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 19);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    const struct orl_rect all = {0, 0, 640, 480};
    struct orl_update u;
    for (unsigned i = 0; i < 2; i++) {
        planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
        planner_scene_report(&s, &all);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
        assert_int_equal(u.h264_slots, 1);
        assert_true(u.ops[0].is_key);
        orl_planner_rest(s.planner);
        const struct orl_rect key = {100, 100, 8, 12};
        planner_scene_paint(&s, &rng, &key, PAINT_NOISE);
        planner_scene_report(&s, &key);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
        assert_int_equal(u.h264_slots, 0); /* the client's decoder goes, too */
        s.now_us += FRAME_US;
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void unsent_area_comes_again_though_nothing_changed(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 15);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, false);
    planner_scene_settle(&s);
    const struct orl_rect r = {200, 100, 30, 30};
    planner_scene_paint(&s, &rng, &r, PAINT_NOISE);
    planner_scene_report(&s, &r);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, false, &u), -1);
    assert_true(orl_planner_due_us(s.planner) != 0 && orl_planner_due_us(s.planner) <= s.now_us);
    uint64_t seen_us = s.now_us;
    s.now_us += SECOND;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_true(u.damage_us == seen_us);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void refinement_never_comes_between_the_frames_of_motion(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 19);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    const struct orl_rect all = {0, 0, 640, 480};
    const struct orl_rect video = {64, 64, 256, 256};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    planner_scene_report(&s, &all);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    for (unsigned i = 0; i < 60; i++) {
        s.now_us += 2 * FRAME_US;
        assert_true(orl_planner_due_us(s.planner) >= s.now_us);
        planner_scene_paint(&s, &rng, &video, PAINT_NOISE);
        planner_scene_report(&s, &video);
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
        assert_int_equal(planner_scene_step(&s, true, &u), 0); /* nor when it is asked for */
    }
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

/* Each has a picture of its own; shown are the blocks, at most with one tile around them. */
static void regions_of_h264_are_disjoint_and_no_larger_than_needed(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 18);
    struct planner_scene s;
    planner_scene_open(&s, 640, 480, true);
    planner_scene_settle(&s);
    const struct orl_rect blocks[] = {{64, 64, 128, 96}, {192, 176, 96, 96}, {400, 64, 48, 224}};
    struct orl_update u = {.op_count = 0};
    for (unsigned i = 0; i < 30; i++) {
        s.now_us += 2 * FRAME_US;
        for (unsigned k = 0; k < 3; k++) {
            planner_scene_paint(&s, &rng, &blocks[k], PAINT_NOISE);
            planner_scene_report(&s, &blocks[k]);
        }
        assert_int_equal(planner_scene_step(&s, true, &u), 1);
    }
    assert_int_equal(u.op_count, 3);
    struct orl_region shown = {.count = 0};
    for (unsigned i = 0; i < u.op_count; i++) {
        assert_int_equal(u.ops[i].kind, ORL_OP_H264);
        orl_region_add_region(&shown, u.ops[i].regions);
        for (unsigned k = 0; k < i; k++) {
            const struct orl_rect both = orl_rect_intersect(&u.ops[i].picture, &u.ops[k].picture);
            assert_true(orl_rect_is_empty(&both));
        }
    }
    assert_true(orl_region_area(&shown) <= 160 * 128 + 128 * 128 - 32 * 16 + 80 * 256);
    for (unsigned k = 0; k < 3; k++) {
        struct orl_region left = {.rects = {blocks[k]}, .count = 1};
        for (unsigned i = 0; i < shown.count; i++) {
            orl_region_subtract_rect(&left, &shown.rects[i]);
        }
        assert_true(orl_region_is_empty(&left));
    }
    planner_scene_close(&s);
}

static void scattered_damage_stays_within_the_bound_of_ops(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 16);
    struct planner_scene s;
    planner_scene_open(&s, 1024, 1024, false);
    planner_scene_settle(&s);
    for (int32_t y = 0; y < 64; y++) {
        for (int32_t x = y % 2; x < 64; x += 2) {
            const struct orl_rect dot = {x * 16 + 3, y * 16 + 3, 2, 2};
            planner_scene_paint(&s, &rng, &dot, PAINT_NOISE);
        }
    }
    const struct orl_rect all = {0, 0, 1024, 1024};
    planner_scene_report(&s, &all);
    struct orl_update u;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void tall_narrow_picture_stays_within_the_bound_of_ops(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner", 17);
    struct planner_scene s;
    planner_scene_open(&s, 16, 8192, false);
    const struct orl_rect all = {0, 0, 16, 8192};
    planner_scene_paint(&s, &rng, &all, PAINT_NOISE);
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    struct orl_planner *planner = NULL;
    struct orl_planner_opts opts = {.width_px = 0, .height_px = 10, .threads = 1};
    assert_int_equal(orl_planner_new(&opts, &planner, NULL), ORL_E_INVAL);
    opts.width_px = 8193;
    assert_int_equal(orl_planner_new(&opts, &planner, NULL), ORL_E_INVAL);
    opts.width_px = 10;
    opts.threads = 0;
    assert_int_equal(orl_planner_new(&opts, &planner, NULL), ORL_E_INVAL);
    assert_null(planner);
    orl_planner_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(client_is_never_wrong_and_exact_at_rest_with_h264),
            cmocka_unit_test(client_is_never_wrong_without_h264),
            cmocka_unit_test(change_that_is_not_reported_is_caught_by_the_model),
            cmocka_unit_test(nothing_changed_sends_nothing),
            cmocka_unit_test(key_press_is_one_tight_lossless_op),
            cmocka_unit_test(one_colour_is_a_fill),
            cmocka_unit_test(large_change_is_h264_and_becomes_exact_after_rest),
            cmocka_unit_test(refinement_comes_in_bounded_pieces),
            cmocka_unit_test(key_press_goes_before_refinement),
            cmocka_unit_test(small_video_becomes_h264_and_typing_beside_it_stays_lossless),
            cmocka_unit_test(video_does_not_keep_the_rest_from_becoming_exact),
            cmocka_unit_test(unsent_h264_is_followed_by_a_key_frame),
            cmocka_unit_test(idle_encoder_is_closed_and_opened_again),
            cmocka_unit_test(a_planner_at_rest_has_no_encoder_and_goes_on_with_a_key_frame),
            cmocka_unit_test(unsent_area_comes_again_though_nothing_changed),
            cmocka_unit_test(refinement_never_comes_between_the_frames_of_motion),
            cmocka_unit_test(regions_of_h264_are_disjoint_and_no_larger_than_needed),
            cmocka_unit_test(scattered_damage_stays_within_the_bound_of_ops),
            cmocka_unit_test(tall_narrow_picture_stays_within_the_bound_of_ops),
            cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
