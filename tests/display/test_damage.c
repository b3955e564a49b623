#include "display/damage.h"
#include "test_support.h"

#define WIDTH 75
#define HEIGHT 41
#define SRC_STRIDE (WIDTH * 4 + 4)
#define STRIDE 320

struct stage {
    struct orl_tiles tiles;
    uint8_t src[SRC_STRIDE * HEIGHT];
    uint8_t picture[STRIDE * HEIGHT];
};

static void stage_open(struct stage *s)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(orl_tiles_init(&s->tiles, WIDTH, HEIGHT), 0);
}

static bool compare(struct stage *s)
{
    return orl_damage_compare(&s->tiles, s->src, SRC_STRIDE, s->picture, STRIDE);
}

static void only_damaged_tiles_are_looked_at(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    memset(s.src, 7, sizeof(s.src));
    s.tiles.flags[6] = ORL_TILE_DAMAGED;
    assert_true(compare(&s));
    assert_int_equal(s.tiles.flags[6], ORL_TILE_CHANGED | ORL_TILE_STALE);
    assert_true(orl_tiles_count(&s.tiles, 0xFF) == 1);
    assert_int_equal(s.picture[STRIDE * 16 + 16 * 4], 7);
    assert_int_equal(s.picture[STRIDE * 16 + 15 * 4], 0);
    assert_int_equal(s.picture[STRIDE * 15 + 16 * 4], 0);
    assert_int_equal(s.picture[STRIDE * 16 + 32 * 4], 0);
    orl_tiles_fini(&s.tiles);
}

static void equal_tiles_are_not_changed_unless_they_must(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    orl_tiles_set_all(&s.tiles, ORL_TILE_DAMAGED);
    assert_false(compare(&s));
    assert_true(orl_tiles_count(&s.tiles, 0xFF) == 0);
    s.tiles.flags[s.tiles.count - 1] = ORL_TILE_MUST;
    assert_true(compare(&s));
    assert_int_equal(s.tiles.flags[s.tiles.count - 1], ORL_TILE_CHANGED);
    const struct orl_tile_box *box = &s.tiles.boxes[s.tiles.count - 1];
    assert_true(box->x0 == 0 && box->y0 == 0 && box->x1 == WIDTH % 16 && box->y1 == HEIGHT % 16);
    orl_tiles_fini(&s.tiles);
}

/* Every single pixel, also of the partial tiles: found, with a box of exactly that pixel. */
static void each_pixel_is_found_in_its_tile(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++) {
            s.src[SRC_STRIDE * y + x * 4 + (x + y) % 4] ^= 1;
            orl_tiles_set_all(&s.tiles, ORL_TILE_DAMAGED);
            assert_true(compare(&s));
            size_t i = (size_t)(y / 16) * s.tiles.cols + x / 16;
            assert_true(orl_tiles_find(&s.tiles, 0, ORL_TILE_CHANGED) == i);
            assert_true(orl_tiles_count(&s.tiles, ORL_TILE_CHANGED) == 1);
            const struct orl_tile_box *box = &s.tiles.boxes[i];
            assert_true(box->x0 == x % 16 && box->x1 == x % 16 + 1);
            assert_true(box->y0 == y % 16 && box->y1 == y % 16 + 1);
            orl_tiles_clear_all(&s.tiles, 0xFF);
        }
    }
    for (unsigned y = 0; y < HEIGHT; y++) {
        assert_memory_equal(s.src + SRC_STRIDE * y, s.picture + STRIDE * y, WIDTH * 4);
    }
    orl_tiles_fini(&s.tiles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(only_damaged_tiles_are_looked_at),
            cmocka_unit_test(equal_tiles_are_not_changed_unless_they_must),
            cmocka_unit_test(each_pixel_is_found_in_its_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
