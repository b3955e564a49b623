#include "display/classify.h"
#include "test_support.h"

struct stage {
    struct orl_tiles tiles;
    struct orl_classify classify;
    struct orl_region moved;
    uint64_t now_us;
    uint8_t *pixels; /* noise, which looks like a photo */
};

#define STRIDE ((size_t)1280 * 4)

static void stage_open(struct stage *s)
{
    assert_int_equal(orl_tiles_init(&s->tiles, 1280, 720), 0);
    assert_int_equal(orl_classify_init(&s->classify, &s->tiles), 0);
    s->moved.count = 0;
    s->now_us = 5000000;
    s->pixels = malloc(STRIDE * 720);
    for (uint32_t i = 0; i < STRIDE * 720; i++) {
        s->pixels[i] = (uint8_t)((i * 2654435761U) >> 24);
    }
}

/* Black on white. */
static void write_text(struct stage *s, const struct orl_rect *r)
{
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        for (int32_t x = r->x; x < r->x + r->width; x++) {
            const uint32_t noise = (uint32_t)(x + y * 1280) * 2654435761U;
            memset(s->pixels + STRIDE * (size_t)y + (size_t)x * 4, noise >> 30 == 0 ? 0 : 255, 4);
        }
    }
}

static void stage_close(struct stage *s)
{
    orl_classify_fini(&s->classify);
    orl_tiles_fini(&s->tiles);
    free(s->pixels);
}

static bool change(struct stage *s, const struct orl_rect *rects, unsigned count, uint64_t after_ms)
{
    s->now_us += after_ms * 1000;
    orl_tiles_clear_all(&s->tiles, 0xFF);
    for (unsigned i = 0; i < count; i++) {
        orl_tiles_set(&s->tiles, &rects[i], ORL_TILE_CHANGED);
    }
    const struct orl_classify_view view = {s->pixels, STRIDE, &s->moved};
    bool has_coded = orl_classify_choose(&s->classify, &s->tiles, &view, s->now_us);
    assert_int_equal(has_coded, orl_tiles_count(&s->tiles, ORL_TILE_CODED) > 0);
    return has_coded;
}

static void small_is_lossless_and_large_is_coded(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect small = {0, 0, 256, 128}; /* 3.6 % */
    const struct orl_rect large = {0, 0, 256, 192}; /* 5.3 % */
    assert_false(change(&s, &small, 1, 1000));
    assert_true(change(&s, &large, 1, 1000));
    assert_true(orl_tiles_count(&s.tiles, ORL_TILE_CODED) == 16 * 12);
    stage_close(&s);
}

static void video_rate_is_motion_and_slower_is_not(void **state)
{
    (void)state;
    const struct orl_rect window = {128, 128, 128, 128};
    for (uint64_t ms = 16; ms <= 200; ms += 23) {
        struct stage s;
        stage_open(&s);
        unsigned coded = 0;
        for (int i = 0; i < 30; i++) {
            coded += change(&s, &window, 1, ms);
        }
        assert_int_equal(coded > 0, ms * (ORL_CLASSIFY_HITS - 1) <= ORL_CLASSIFY_WINDOW_MS);
        stage_close(&s);
    }
}

static void held_key_is_never_motion(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    for (int32_t i = 0; i < 200; i++) {
        const struct orl_rect glyph = {(i * 8) % 1200, 300, 16, 16};
        assert_false(change(&s, &glyph, 1, 33));
    }
    stage_close(&s);
}

static void text_is_lossless_though_it_is_large_and_moves(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect page = {128, 64, 1024, 640};
    write_text(&s, &page);
    for (int i = 0; i < 30; i++) {
        assert_false(change(&s, &page, 1, 33));
    }
    stage_close(&s);
}

static void text_beside_motion_stays_lossless(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect both[] = {{640, 320, 256, 192}, {0, 0, 512, 256}};
    write_text(&s, &both[1]);
    for (int i = 0; i < 10; i++) {
        change(&s, both, 1, 33);
    }
    assert_true(change(&s, both, 2, 33));
    assert_true(orl_tiles_count(&s.tiles, ORL_TILE_CODED) == 16 * 12);
    assert_int_equal(s.tiles.flags[0], ORL_TILE_CHANGED);
    stage_close(&s);
}

static void a_photo_in_a_new_screen_of_text_is_coded_alone(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect all = {0, 0, 1280, 720};
    const struct orl_rect text = {0, 0, 768, 720};
    write_text(&s, &text);
    assert_true(change(&s, &all, 1, 1000));
    assert_int_equal(orl_tiles_count(&s.tiles, ORL_TILE_CODED), 32 * 45);
    assert_int_equal(s.tiles.flags[0], ORL_TILE_CHANGED);
    stage_close(&s);
}

/* A sky, a title: not lossless for a moment and coded in the next. */
static void plain_part_of_a_video_goes_with_it(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect video = {256, 128, 768, 384};
    const struct orl_rect sky = {256, 128, 768, 192};
    const struct orl_rect most = {256, 128, 768, 320};
    write_text(&s, &sky);
    for (int i = 0; i < 30; i++) {
        assert_true(change(&s, &video, 1, 33));
        assert_true(i < ORL_CLASSIFY_HITS || orl_tiles_count(&s.tiles, ORL_TILE_CODED) == 48 * 24);
    }
    write_text(&s, &most);
    for (int i = 0; i < 30; i++) {
        assert_true(change(&s, &video, 1, 33));
        assert_true(orl_tiles_count(&s.tiles, ORL_TILE_CODED) == 48 * 24);
    }
    stage_close(&s);
}

static void what_a_move_uncovers_is_no_motion_but_video_in_it_stays(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect strip = {320, 320, 128, 128};
    const struct orl_rect video = {640, 320, 128, 128};
    for (int i = 0; i < 10; i++) {
        change(&s, &video, 1, 33);
    }
    s.moved = (struct orl_region){.rects = {{300, 300, 600, 300}}, .count = 1};
    const struct orl_rect both[] = {strip, video};
    for (int i = 0; i < 10; i++) {
        assert_true(change(&s, both, 2, 1) || i > 0);
    }
    s.moved.count = 0;
    for (int i = 0; i < 10; i++) {
        s.moved = (struct orl_region){.rects = {strip}, .count = 1};
        assert_false(change(&s, &strip, 1, 33));
    }
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(small_is_lossless_and_large_is_coded),
            cmocka_unit_test(video_rate_is_motion_and_slower_is_not),
            cmocka_unit_test(held_key_is_never_motion),
            cmocka_unit_test(text_is_lossless_though_it_is_large_and_moves),
            cmocka_unit_test(text_beside_motion_stays_lossless),
            cmocka_unit_test(a_photo_in_a_new_screen_of_text_is_coded_alone),
            cmocka_unit_test(plain_part_of_a_video_goes_with_it),
            cmocka_unit_test(what_a_move_uncovers_is_no_motion_but_video_in_it_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
