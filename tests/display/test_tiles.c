#include "display/tiles.h"
#include "test_support.h"

static void flags_are_found_whatever_the_alignment(void **state)
{
    (void)state;
    struct orl_tiles t;
    assert_int_equal(orl_tiles_init(&t, 333, 77), 0);
    assert_int_equal(t.cols, 21);
    assert_int_equal(t.rows, 5);
    for (size_t i = 0; i < t.count; i++) {
        t.flags[i] = ORL_TILE_STALE;
        assert_true(orl_tiles_find(&t, 0, ORL_TILE_STALE) == i);
        assert_true(orl_tiles_find(&t, i + 1, ORL_TILE_STALE) == t.count);
        assert_true(orl_tiles_find(&t, 0, ORL_TILE_LOSSY) == t.count);
        assert_true(orl_tiles_count(&t, ORL_TILE_STALE | ORL_TILE_LOSSY) == 1);
        t.flags[i] = 0;
    }
    orl_tiles_fini(&t);
}

static void set_touches_and_clear_inside_needs_all_of_a_tile(void **state)
{
    (void)state;
    struct orl_tiles t;
    assert_int_equal(orl_tiles_init(&t, 40, 40), 0);
    const struct orl_rect middle = {15, 15, 2, 2};
    orl_tiles_set(&t, &middle, ORL_TILE_LOSSY);
    assert_true(orl_tiles_count(&t, ORL_TILE_LOSSY) == 4);
    const struct orl_rect nearly = {0, 0, 31, 16};
    orl_tiles_clear_inside(&t, &nearly, ORL_TILE_LOSSY);
    assert_true(orl_tiles_count(&t, ORL_TILE_LOSSY) == 3);
    const struct orl_rect not_first = {1, 1, 39, 39};
    orl_tiles_set_all(&t, ORL_TILE_LOSSY);
    orl_tiles_clear_inside(&t, &not_first, ORL_TILE_LOSSY);
    assert_true(orl_tiles_count(&t, ORL_TILE_LOSSY) == 5);
    orl_tiles_set_all(&t, ORL_TILE_LOSSY);
    const struct orl_rect corner = {32, 32, 8, 8}; /* the last tile ends at the picture's edge */
    orl_tiles_clear_inside(&t, &corner, ORL_TILE_LOSSY);
    assert_true(orl_tiles_count(&t, ORL_TILE_LOSSY) == 8);
    const struct orl_rect last = orl_tiles_rect(&t, 8);
    assert_memory_equal(&last, &corner, sizeof(last));
    orl_tiles_fini(&t);
}

static void check_cover(struct orl_tiles *t, unsigned max)
{
    struct orl_rect rects[64];
    unsigned count = orl_tiles_rects(t, ORL_TILE_STALE, false, rects, max);
    assert_true(count <= max);
    const struct orl_rect picture = {0, 0, (int32_t)t->width_px, (int32_t)t->height_px};
    for (unsigned i = 0; i < count; i++) {
        assert_true(orl_rect_contains(&picture, &rects[i]));
        for (unsigned k = 0; k < i; k++) {
            struct orl_rect both = orl_rect_intersect(&rects[i], &rects[k]);
            assert_true(orl_rect_is_empty(&both));
        }
    }
    for (size_t i = orl_tiles_find(t, 0, ORL_TILE_STALE); i < t->count;
            i = orl_tiles_find(t, i + 1, ORL_TILE_STALE)) {
        struct orl_rect r = orl_tiles_rect(t, i);
        bool is_covered = false;
        for (unsigned k = 0; k < count && !is_covered; k++) {
            is_covered = orl_rect_contains(&rects[k], &r);
        }
        assert_true(is_covered);
    }
}

static void rectangles_cover_every_tile_within_the_bound(void **state)
{
    (void)state;
    struct rng rng = rng_new("tiles", 1);
    for (int round = 0; round < 300; round++) {
        struct orl_tiles t;
        assert_int_equal(
                orl_tiles_init(&t, (uint32_t)rng_in(&rng, 1, 700), (uint32_t)rng_in(&rng, 1, 500)),
                0);
        uint32_t density = (uint32_t)rng_in(&rng, 1, 30);
        for (size_t i = 0; i < t.count; i++) {
            t.flags[i] = rng_u32(&rng) % density == 0 ? ORL_TILE_STALE : ORL_TILE_LOSSY;
        }
        check_cover(&t, (unsigned)rng_in(&rng, 1, 64));
        orl_tiles_fini(&t);
    }
}

static void block_of_tiles_is_one_rectangle_trimmed_to_its_boxes(void **state)
{
    (void)state;
    struct orl_tiles t;
    assert_int_equal(orl_tiles_init(&t, 160, 160), 0);
    const struct orl_rect block = {32, 16, 48, 32};
    orl_tiles_set(&t, &block, ORL_TILE_STALE);
    for (size_t i = 0; i < t.count; i++) {
        t.boxes[i] = (struct orl_tile_box){0, 0, 16, 16};
    }
    for (unsigned row = 1; row < 3; row++) {
        t.boxes[row * t.cols + 2].x0 = 5;
        t.boxes[row * t.cols + 4].x1 = 9;
    }
    struct orl_rect r;
    assert_int_equal(orl_tiles_rects(&t, ORL_TILE_STALE, false, &r, 1), 1);
    assert_memory_equal(&r, &block, sizeof(r));
    assert_int_equal(orl_tiles_rects(&t, ORL_TILE_STALE, true, &r, 1), 1);
    assert_true(r.x == 37 && r.y == 16 && r.width == 36 && r.height == 32);
    orl_tiles_fini(&t);
}

static bool has_neighbour(const struct orl_tiles *t, size_t i, uint8_t mask)
{
    const size_t col = i % t->cols;
    const size_t row = i / t->cols;
    for (size_t y = row - (row > 0); y <= row + 1 && y < t->rows; y++) {
        for (size_t x = col - (col > 0); x <= col + 1 && x < t->cols; x++) {
            if ((t->flags[y * t->cols + x] & mask) != 0) {
                return true;
            }
        }
    }
    return false;
}

static void tiles_around_are_exactly_the_neighbours(void **state)
{
    (void)state;
    struct rng rng = rng_new("tiles", 2);
    for (int round = 0; round < 300; round++) {
        struct orl_tiles t;
        assert_int_equal(
                orl_tiles_init(&t, (uint32_t)rng_in(&rng, 1, 400), (uint32_t)rng_in(&rng, 1, 300)),
                0);
        uint32_t density = (uint32_t)rng_in(&rng, 1, 40);
        for (size_t i = 0; i < t.count; i++) {
            t.flags[i] = rng_u32(&rng) % density == 0 ? ORL_TILE_CODED : ORL_TILE_LOSSY;
        }
        orl_tiles_set_around(&t, ORL_TILE_CODED, ORL_TILE_SHOWN);
        for (size_t i = 0; i < t.count; i++) {
            assert_int_equal(
                    (t.flags[i] & ORL_TILE_SHOWN) != 0, has_neighbour(&t, i, ORL_TILE_CODED));
        }
        orl_tiles_fini(&t);
    }
}

/* What a window that moved away leaves: two strips. One rectangle around them would be the whole window. */
static void l_of_strips_is_not_filled_up(void **state)
{
    (void)state;
    struct orl_tiles t;
    struct orl_rect rects[8];
    assert_int_equal(orl_tiles_init(&t, 640, 480), 0);
    for (size_t col = 4; col < 30; col++) {
        t.flags[4 * t.cols + col] = ORL_TILE_PICK;
        t.boxes[4 * t.cols + col] = (struct orl_tile_box){0, 6, 16, 11};
    }
    for (size_t row = 4; row < 20; row++) {
        t.flags[row * t.cols + 4] = ORL_TILE_PICK;
        t.boxes[row * t.cols + 4] = (struct orl_tile_box){0, row == 4 ? 6 : 0, 12, 16};
    }
    const unsigned count = orl_tiles_rects(&t, ORL_TILE_PICK, true, rects, 8);
    int64_t area = 0;
    for (unsigned i = 0; i < count; i++) {
        area += orl_rect_area(&rects[i]);
    }
    const int64_t changed = 26 * 16 * 5 + 15 * 12 * 16;
    assert_in_range(count, 2, 4);
    assert_in_range(area, changed, changed * 3 / 2);
    orl_tiles_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(flags_are_found_whatever_the_alignment),
            cmocka_unit_test(set_touches_and_clear_inside_needs_all_of_a_tile),
            cmocka_unit_test(tiles_around_are_exactly_the_neighbours),
            cmocka_unit_test(rectangles_cover_every_tile_within_the_bound),
            cmocka_unit_test(l_of_strips_is_not_filled_up),
            cmocka_unit_test(block_of_tiles_is_one_rectangle_trimmed_to_its_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
