#include "display/slots.h"
#include "test_support.h"

#define FRAME_US UINT64_C(33333)

struct stage {
    struct orl_tiles tiles;
    struct orl_slots slots;
    uint64_t now_us;
    unsigned changes; /* of rectangles in use or new ones */
};

static void stage_open(struct stage *s)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(orl_tiles_init(&s->tiles, 1366, 768), 0);
    assert_int_equal(orl_slots_init(&s->slots, &s->tiles), 0);
    s->now_us = 10000000;
}

static void stage_close(struct stage *s)
{
    orl_slots_fini(&s->slots);
    orl_tiles_fini(&s->tiles);
}

static void assert_sound(const struct stage *s)
{
    const struct orl_rect picture = {0, 0, 1366, 768};
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        const struct orl_rect *r = &s->slots.rects[i];
        if (orl_rect_is_empty(r)) {
            continue;
        }
        assert_true(orl_rect_contains(&picture, r));
        assert_true(r->x % 16 == 0 && r->y % 16 == 0);
        assert_true(r->width % 16 == 0 || r->x + r->width == 1366);
        for (unsigned k = 0; k < i; k++) {
            const struct orl_rect both = orl_rect_intersect(r, &s->slots.rects[k]);
            assert_true(orl_rect_is_empty(&both));
        }
    }
    for (size_t i = 0; i < s->tiles.count; i++) {
        bool is_inside = (s->tiles.flags[i] & ORL_TILE_CODED) == 0;
        const struct orl_rect tile = orl_tiles_rect(&s->tiles, i);
        for (unsigned k = 0; k < ORL_H264_SLOTS; k++) {
            is_inside = is_inside || orl_rect_contains(&s->slots.rects[k], &tile);
        }
        assert_true(is_inside);
    }
}

/* One frame in which these move; how many tiles are coded. */
static size_t frame(struct stage *s, const struct orl_rect *rects, unsigned count)
{
    struct orl_rect before[ORL_H264_SLOTS];
    memcpy(before, s->slots.rects, sizeof(before));
    orl_tiles_clear_all(&s->tiles, 0xFF);
    for (unsigned i = 0; i < count; i++) {
        orl_tiles_set(&s->tiles, &rects[i], ORL_TILE_CODED);
    }
    const bool is_coded = orl_slots_choose(&s->slots, &s->tiles, s->now_us);
    const size_t coded = orl_tiles_count(&s->tiles, ORL_TILE_CODED);
    assert_int_equal(is_coded, coded > 0);
    assert_sound(s);
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        s->changes += !orl_rect_is_empty(&s->slots.rects[i]) &&
                      memcmp(&before[i], &s->slots.rects[i], sizeof(before[i])) != 0;
    }
    s->now_us += FRAME_US;
    return coded;
}

static unsigned count_used(const struct stage *s)
{
    unsigned used = 0;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        used += !orl_rect_is_empty(&s->slots.rects[i]);
    }
    return used;
}

static void a_video_window_keeps_one_rectangle(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect window = {200, 104, 640, 360};
    const struct orl_rect half = {200, 104, 640, 200};
    assert_int_equal(frame(&s, &window, 1), 40 * 23 + 23);
    for (unsigned i = 0; i < 200; i++) {
        frame(&s, i % 10 == 0 ? &window : &half, 1);
    }
    assert_int_equal(s.changes, 1);
    const struct orl_rect wanted = {192, 96, 656, 368};
    assert_memory_equal(&s.slots.rects[0], &wanted, sizeof(wanted));
    stage_close(&s);
}

static void four_places_have_four_and_more_share(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect places[] = {{0, 0, 160, 160}, {1200, 0, 160, 160}, {0, 592, 160, 160},
            {1200, 592, 160, 160}, {608, 304, 160, 160}, {608, 320, 32, 32}};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(frame(&s, places, 4), 400);
        assert_int_equal(count_used(&s), 4);
    }
    assert_int_equal(s.changes, 4);
    assert_true(frame(&s, places, 5) >= 400);
    s.now_us += 600000;
    assert_int_equal(frame(&s, places, 6), 500);
    stage_close(&s);
}

static void most_of_the_picture_is_the_whole_and_it_stays_for_a_while(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect most = {0, 0, 1366, 640};
    const struct orl_rect part = {64, 64, 640, 320};
    const struct orl_rect whole = {0, 0, 1366, 768};
    for (unsigned i = 0; i < 60; i++) {
        frame(&s, &most, 1);
        assert_memory_equal(&s.slots.rects[0], &whole, sizeof(whole));
    }
    frame(&s, &part, 1);
    assert_memory_equal(&s.slots.rects[0], &whole, sizeof(whole));
    for (unsigned i = 0; i < 90; i++) {
        frame(&s, &part, 1);
    }
    assert_int_equal(count_used(&s), 1);
    assert_memory_equal(&s.slots.rects[0], &part, sizeof(part));
    assert_int_equal(s.changes, 2);
    stage_close(&s);
}

/* A video that is dragged: not a key frame for each step. */
static void what_wanders_gets_the_whole_picture(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    for (int32_t i = 0; i < 150; i++) {
        const struct orl_rect window = {i * 4, i * 2, 480, 320};
        frame(&s, &window, 1);
    }
    assert_true(s.changes <= 8);
    stage_close(&s);
}

static void a_little_outside_waits_lossless(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect parts[] = {{128, 128, 640, 320}, {128, 448, 640, 16}};
    frame(&s, parts, 1);
    assert_int_equal(frame(&s, parts, 2), 40 * 20);
    for (unsigned i = 0; i < 30; i++) {
        frame(&s, parts, 2);
    }
    assert_int_equal(frame(&s, parts, 2), 40 * 21);
    assert_int_equal(s.changes, 2);
    stage_close(&s);
}

static void a_spot_is_no_picture(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect spot = {1350, 752, 16, 16};
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(frame(&s, &spot, 1), 0);
    }
    assert_int_equal(count_used(&s), 0);
    stage_close(&s);
}

static void whatever_moves_the_rectangles_are_sound(void **state)
{
    (void)state;
    struct rng rng = rng_new("slots", 1);
    struct stage s;
    stage_open(&s);
    for (unsigned i = 0; i < 2000; i++) {
        struct orl_rect rects[8];
        const unsigned count = rng_u32(&rng) % 8;
        for (unsigned k = 0; k < count; k++) {
            rects[k].x = rng_in(&rng, 0, 1300);
            rects[k].y = rng_in(&rng, 0, 700);
            rects[k].width = rng_in(&rng, 1, 1366 - rects[k].x);
            rects[k].height = rng_in(&rng, 1, 768 - rects[k].y);
            if (rng_u32(&rng) % 4 != 0) {
                rects[k].width = rects[k].width % 100 + 1;
            }
        }
        s.now_us += rng_u32(&rng) % 16 == 0 ? 1500000 : 0;
        frame(&s, rects, count);
        if (rng_u32(&rng) % 20 == 0) {
            orl_slots_drop(&s.slots, rng_u32(&rng) % ORL_H264_SLOTS);
        }
    }
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_video_window_keeps_one_rectangle),
            cmocka_unit_test(four_places_have_four_and_more_share),
            cmocka_unit_test(most_of_the_picture_is_the_whole_and_it_stays_for_a_while),
            cmocka_unit_test(what_wanders_gets_the_whole_picture),
            cmocka_unit_test(a_little_outside_waits_lossless),
            cmocka_unit_test(a_spot_is_no_picture),
            cmocka_unit_test(whatever_moves_the_rectangles_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
