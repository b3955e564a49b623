/* Clients that are not ours: without H.264 what moves is sent as photos, and who shows all of an H.264 picture is sent
 * all of it again exactly. */
#include "planner_scene.h"

#define WIDTH 640
#define HEIGHT 352
#define KINDS (ORL_OP_PHOTO + 1)

static struct orl_planner_opts opts_for(bool shows_all, bool has_photo)
{
    return (struct orl_planner_opts){.width_px = WIDTH,
            .height_px = HEIGHT,
            .has_h264 = shows_all,
            .h264_shows_all = true,
            .has_photo = has_photo,
            .has_copy = true,
            .colours = ORL_COLOURS_709_FULL,
            .threads = 1};
}

/* A film of `frames` in r; counts the updates that had each kind of operation. */
static void play(struct planner_scene *s, struct rng *rng, const struct orl_rect *r, int frames,
        unsigned counts[KINDS])
{
    for (int i = 0; i < frames; i++) {
        struct orl_update u;
        s->now_us += 2 * FRAME_US;
        planner_scene_paint(s, rng, r, PAINT_NOISE);
        planner_scene_report(s, r);
        assert_int_equal(planner_scene_step(s, true, &u), 1);
        bool has[KINDS] = {0};
        for (unsigned k = 0; k < u.op_count; k++) {
            has[u.ops[k].kind] = true;
        }
        for (unsigned k = 0; k < KINDS; k++) {
            counts[k] += has[k];
        }
    }
}

static void open_and_show(struct planner_scene *s, const struct orl_planner_opts *opts)
{
    planner_scene_open_as(s, opts);
    planner_scene_settle(s);
    planner_scene_assert_exact(s);
}

static void what_moves_is_photos_and_exact_at_rest(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_photo", 3);
    struct planner_scene s;
    unsigned counts[KINDS] = {0};
    const struct orl_planner_opts opts = opts_for(false, true);
    const struct orl_rect film = {64, 48, 256, 192};
    open_and_show(&s, &opts);
    play(&s, &rng, &film, 30, counts);
    assert_true(counts[ORL_OP_PHOTO] > 20);
    assert_int_equal(counts[ORL_OP_H264], 0);
    size_t unknown;
    assert_int_equal(planner_scene_count_wrong(&s, &unknown), 0);
    assert_true(unknown > 0 && unknown <= (256 + 32) * (192 + 32));
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void without_either_all_is_lossless(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_photo none", 4);
    struct planner_scene s;
    unsigned counts[KINDS] = {0};
    const struct orl_planner_opts opts = opts_for(false, false);
    const struct orl_rect film = {0, 0, WIDTH, HEIGHT};
    open_and_show(&s, &opts);
    play(&s, &rng, &film, 12, counts);
    assert_int_equal(counts[ORL_OP_LOSSLESS], 12);
    assert_int_equal(counts[ORL_OP_PHOTO] + counts[ORL_OP_H264], 0);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void all_that_a_picture_shows_becomes_exact_again(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_photo all", 5);
    struct planner_scene s;
    struct orl_update u;
    unsigned counts[KINDS] = {0};
    const struct orl_planner_opts opts = opts_for(true, true);
    const struct orl_rect film = {0, 0, WIDTH, HEIGHT / 2};
    const struct orl_rect letter = {600, 330, 9, 14};
    open_and_show(&s, &opts);
    play(&s, &rng, &film, 20, counts);
    assert_true(counts[ORL_OP_H264] > 12);
    planner_scene_paint(&s, &rng, &film, PAINT_NOISE);
    planner_scene_paint(&s, &rng, &letter, PAINT_NOISE);
    planner_scene_report(&s, &film);
    planner_scene_report(&s, &letter);
    s.now_us += 2 * FRAME_US;
    assert_int_equal(planner_scene_step(&s, true, &u), 1);
    assert_int_equal(u.ops[0].kind, ORL_OP_H264);
    assert_int_equal(u.ops[0].regions->count, 1);
    const struct orl_rect all = {0, 0, WIDTH, HEIGHT};
    assert_memory_equal(&u.ops[0].regions->rects[0], &all, sizeof(all));
    assert_memory_equal(&u.ops[0].picture, &all, sizeof(all));
    assert_true(u.op_count > 1); /* over it: what changed beside the film is exact at once */
    for (int32_t y = letter.y; y < letter.y + letter.height; y++) {
        assert_true(s.client.is_known[y * WIDTH + letter.x]);
    }
    assert_false(s.client.is_known[(HEIGHT - 60) * WIDTH + 20]); /* still, and yet touched */
    planner_scene_settle(&s);
    planner_scene_assert_exact(&s);
    planner_scene_close(&s);
}

static void a_small_film_does_not_cost_the_whole_picture(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_photo small", 6);
    const struct orl_rect film = {64, 48, 192, 160};
    for (int has_photo = 0; has_photo < 2; has_photo++) {
        struct planner_scene s;
        unsigned counts[KINDS] = {0};
        const struct orl_planner_opts opts = opts_for(true, has_photo != 0);
        open_and_show(&s, &opts);
        play(&s, &rng, &film, 20, counts);
        assert_int_equal(counts[ORL_OP_H264], 0);
        assert_true((counts[ORL_OP_PHOTO] > 12) == (has_photo != 0));
        planner_scene_settle(&s);
        planner_scene_assert_exact(&s);
        planner_scene_close(&s);
    }
}

static void a_picture_of_odd_size_is_not_coded(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_photo odd", 7);
    struct planner_scene s;
    unsigned counts[KINDS] = {0};
    struct orl_planner_opts opts = opts_for(true, true);
    opts.height_px = HEIGHT - 1;
    const struct orl_rect film = {0, 0, WIDTH, HEIGHT - 1};
    open_and_show(&s, &opts);
    play(&s, &rng, &film, 20, counts);
    assert_int_equal(counts[ORL_OP_H264], 0);
    assert_true(counts[ORL_OP_PHOTO] > 12);
    planner_scene_close(&s);
}

static struct orl_rect random_rect(struct rng *rng)
{
    struct orl_rect r = {0, 0, rng_in(rng, 1, WIDTH), rng_in(rng, 1, HEIGHT)};
    if (rng_u32(rng) % 3 != 0) {
        r.width = rng_in(rng, 1, WIDTH / 3);
        r.height = rng_in(rng, 1, HEIGHT / 3);
    }
    r.x = rng_in(rng, 0, WIDTH - r.width);
    r.y = rng_in(rng, 0, HEIGHT - r.height);
    return r;
}

static void whatever_happens_nothing_wrong_is_shown_as_right(void **state)
{
    (void)state;
    struct rng rng = rng_new("planner_photo any", 8);
    for (int shows_all = 0; shows_all < 2; shows_all++) {
        struct planner_scene s;
        const struct orl_planner_opts opts = opts_for(shows_all != 0, true);
        open_and_show(&s, &opts);
        unsigned photos = 0;
        for (int i = 0; i < 250; i++) {
            struct orl_rect r = i % 5 < 3 ? (struct orl_rect){96, 32, 300, 250} : random_rect(&rng);
            struct orl_update u;
            size_t unknown;
            s.now_us += (uint64_t)rng_in(&rng, 5, 60) * 1000;
            if (rng_u32(&rng) % 5 == 0) {
                planner_scene_shift(&s, &r, rng_in(&rng, -30, 30), rng_in(&rng, -40, 40));
            } else {
                planner_scene_paint(
                        &s, &rng, &r, rng_u32(&rng) % 4 == 0 ? PAINT_FLAT : PAINT_NOISE);
                planner_scene_report(&s, &r);
            }
            if (planner_scene_step(&s, rng_u32(&rng) % 8 != 0, &u) == 1) {
                assert_int_equal(planner_scene_count_wrong(&s, &unknown), 0);
                photos += u.ops[u.op_count - 1].kind == ORL_OP_PHOTO;
            }
        }
        assert_true(photos > 5 || shows_all != 0);
        planner_scene_settle(&s);
        planner_scene_assert_exact(&s);
        planner_scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_moves_is_photos_and_exact_at_rest),
            cmocka_unit_test(without_either_all_is_lossless),
            cmocka_unit_test(all_that_a_picture_shows_becomes_exact_again),
            cmocka_unit_test(a_small_film_does_not_cost_the_whole_picture),
            cmocka_unit_test(a_picture_of_odd_size_is_not_coded),
            cmocka_unit_test(whatever_happens_nothing_wrong_is_shown_as_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
