/* Properties against a bitmap: nothing is lost, and what is subtracted is gone while there is room. */
#include "display/region.h"
#include "test_support.h"

#define SIDE 64

static struct orl_rect rect(int32_t x, int32_t y, int32_t width, int32_t height)
{
    struct orl_rect r = {x, y, width, height};
    return r;
}

static bool covers(const struct orl_region *region, int32_t x, int32_t y)
{
    const struct orl_rect px = {x, y, 1, 1};
    return orl_region_intersects(region, &px);
}

static void rect_intersection_and_union_are_exact(void **state)
{
    (void)state;
    struct orl_rect a = rect(0, 0, 10, 10);
    struct orl_rect b = rect(5, 6, 10, 10);
    struct orl_rect both = orl_rect_intersect(&a, &b);
    assert_true(both.x == 5 && both.y == 6 && both.width == 5 && both.height == 4);
    struct orl_rect all = orl_rect_union(&a, &b);
    assert_true(all.x == 0 && all.y == 0 && all.width == 15 && all.height == 16);
    struct orl_rect apart = rect(10, 0, 5, 5);
    both = orl_rect_intersect(&a, &apart);
    assert_true(orl_rect_is_empty(&both));
    struct orl_rect empty = rect(100, 100, 0, 5);
    all = orl_rect_union(&a, &empty);
    assert_memory_equal(&all, &a, sizeof(a));
    assert_true(orl_rect_contains(&a, &empty));
    assert_false(orl_rect_contains(&a, &b));
}

static void rect_at_the_ends_of_the_number_range_does_not_overflow(void **state)
{
    (void)state;
    struct orl_rect a = rect(INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX);
    struct orl_rect b = rect(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
    struct orl_rect both = orl_rect_intersect(&a, &b);
    assert_true(orl_rect_is_empty(&both));
    struct orl_rect all = orl_rect_union(&a, &b);
    assert_true(all.x == INT32_MIN && all.width == INT32_MAX);
    struct orl_rect picture = rect(0, 0, 100, 100);
    struct orl_rect huge = rect(50, 50, INT32_MAX, INT32_MAX);
    both = orl_rect_intersect(&huge, &picture);
    assert_true(both.x == 50 && both.width == 50 && both.height == 50);
    assert_true(orl_rect_area(&huge) == (int64_t)INT32_MAX * INT32_MAX);
}

static void region_never_loses_what_was_added(void **state)
{
    (void)state;
    struct rng rng = rng_new("region", 1);
    for (int round = 0; round < 30; round++) {
        struct orl_region region = {.count = 0};
        bool map[SIDE][SIDE] = {{false}};
        for (int i = 0; i < 200; i++) {
            struct orl_rect r = rect(rng_in(&rng, 0, SIDE - 3), rng_in(&rng, 0, SIDE - 3), 0, 0);
            r.width = rng_in(&rng, 0, 3);
            r.height = rng_in(&rng, 0, 3);
            orl_region_add(&region, &r);
            assert_true(region.count <= ORL_REGION_MAX);
            for (int32_t y = r.y; y < r.y + r.height; y++) {
                for (int32_t x = r.x; x < r.x + r.width; x++) {
                    map[y][x] = true;
                }
            }
        }
        for (int32_t y = 0; y < SIDE; y++) {
            for (int32_t x = 0; x < SIDE; x++) {
                assert_true(!map[y][x] || covers(&region, x, y));
            }
        }
    }
}

static void region_stays_exact_while_there_is_room(void **state)
{
    (void)state;
    struct rng rng = rng_new("region", 2);
    for (int round = 0; round < 200; round++) {
        struct orl_region region = {.count = 0};
        bool map[SIDE][SIDE] = {{false}};
        for (int i = 0; i < 10; i++) {
            struct orl_rect r = rect(rng_in(&rng, 0, SIDE - 1), rng_in(&rng, 0, SIDE - 1), 0, 0);
            r.width = rng_in(&rng, 1, SIDE - r.x);
            r.height = rng_in(&rng, 1, SIDE - r.y);
            bool is_add = i % 4 != 3;
            if (is_add) {
                orl_region_add(&region, &r);
            } else {
                orl_region_subtract_rect(&region, &r);
            }
            for (int32_t y = r.y; y < r.y + r.height; y++) {
                for (int32_t x = r.x; x < r.x + r.width; x++) {
                    map[y][x] = is_add;
                }
            }
        }
        for (int32_t y = 0; region.count < ORL_REGION_MAX && y < SIDE; y++) {
            for (int32_t x = 0; x < SIDE; x++) {
                assert_int_equal(map[y][x], covers(&region, x, y));
            }
        }
    }
}

static void contained_rectangles_are_dropped(void **state)
{
    (void)state;
    struct orl_region region = {.count = 0};
    struct orl_rect small = rect(10, 10, 5, 5);
    struct orl_rect large = rect(0, 0, 50, 50);
    orl_region_add(&region, &small);
    orl_region_add(&region, &large);
    orl_region_add(&region, &small);
    assert_int_equal(region.count, 1);
    assert_memory_equal(&region.rects[0], &large, sizeof(large));
}

static void full_region_merges_the_cheapest_pair(void **state)
{
    (void)state;
    struct orl_region region = {.count = 0};
    for (int32_t i = 0; i < ORL_REGION_MAX; i++) {
        struct orl_rect r = rect(i * 100, 0, 10, 10);
        orl_region_add(&region, &r);
    }
    struct orl_rect near = rect(312, 0, 10, 10);
    orl_region_add(&region, &near);
    assert_int_equal(region.count, ORL_REGION_MAX);
    assert_true(orl_region_area(&region) == (int64_t)ORL_REGION_MAX * 100 + 100 + 20);
}

static void clip_and_bounds(void **state)
{
    (void)state;
    struct orl_region region = {.count = 0};
    struct orl_rect a = rect(-10, -10, 20, 20);
    struct orl_rect b = rect(200, 200, 10, 10);
    struct orl_rect picture = rect(0, 0, 100, 100);
    orl_region_add(&region, &a);
    orl_region_add(&region, &b);
    orl_region_clip(&region, &picture);
    assert_int_equal(region.count, 1);
    struct orl_rect bounds = orl_region_bounds(&region);
    assert_true(bounds.x == 0 && bounds.y == 0 && bounds.width == 10 && bounds.height == 10);
    orl_region_subtract_rect(&region, &picture);
    assert_true(orl_region_is_empty(&region));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(rect_intersection_and_union_are_exact),
            cmocka_unit_test(rect_at_the_ends_of_the_number_range_does_not_overflow),
            cmocka_unit_test(region_never_loses_what_was_added),
            cmocka_unit_test(region_stays_exact_while_there_is_room),
            cmocka_unit_test(contained_rectangles_are_dropped),
            cmocka_unit_test(full_region_merges_the_cheapest_pair),
            cmocka_unit_test(clip_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
