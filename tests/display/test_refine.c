#include "display/refine.h"
#include "test_support.h"

#define REST_US (ORL_REFINE_REST_MS * UINT64_C(1000))

struct stage {
    struct orl_tiles tiles;
    struct orl_refine refine;
};

static void stage_open(struct stage *s)
{
    assert_int_equal(orl_tiles_init(&s->tiles, 640, 480), 0);
    assert_int_equal(orl_refine_init(&s->refine, &s->tiles), 0);
}

static void stage_close(struct stage *s)
{
    orl_refine_fini(&s->refine);
    orl_tiles_fini(&s->tiles);
}

static void exact_picture_is_never_due(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    assert_true(orl_refine_due_us(&s.refine, &s.tiles) == 0);
    assert_false(orl_refine_pick(&s.refine, &s.tiles, UINT64_C(1) << 40, 1 << 20));
    stage_close(&s);
}

static void lossy_tiles_are_picked_after_their_rest(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    const struct orl_rect early = {0, 0, 64, 64};
    const struct orl_rect late = {320, 320, 64, 64};
    orl_tiles_set(&s.tiles, &early, ORL_TILE_LOSSY | ORL_TILE_SHOWN);
    orl_refine_touch(&s.refine, &s.tiles, ORL_TILE_SHOWN, 1000);
    orl_tiles_clear_all(&s.tiles, ORL_TILE_SHOWN);
    orl_tiles_set(&s.tiles, &late, ORL_TILE_LOSSY | ORL_TILE_SHOWN);
    orl_refine_touch(&s.refine, &s.tiles, ORL_TILE_SHOWN, 50000);
    assert_true(orl_refine_due_us(&s.refine, &s.tiles) == 1000 + REST_US);
    assert_false(orl_refine_pick(&s.refine, &s.tiles, 999 + REST_US, 1 << 20));
    assert_true(orl_refine_pick(&s.refine, &s.tiles, 1000 + REST_US, 1 << 20));
    assert_true(orl_tiles_count(&s.tiles, ORL_TILE_PICK) == 16);
    orl_tiles_clear_inside(&s.tiles, &early, ORL_TILE_LOSSY);
    assert_true(orl_refine_due_us(&s.refine, &s.tiles) == 50000 + REST_US);
    stage_close(&s);
}

static void budget_bounds_what_is_picked_and_damage_delays_it(void **state)
{
    (void)state;
    struct stage s;
    stage_open(&s);
    orl_tiles_set_all(&s.tiles, ORL_TILE_LOSSY);
    assert_true(orl_refine_pick(&s.refine, &s.tiles, REST_US, 1000));
    assert_true(orl_tiles_count(&s.tiles, ORL_TILE_PICK) == 4);
    assert_true(orl_tiles_find(&s.tiles, 4, ORL_TILE_PICK) == s.tiles.count);
    orl_tiles_clear_all(&s.tiles, ORL_TILE_PICK);
    orl_tiles_set_all(&s.tiles, ORL_TILE_CHANGED);
    orl_refine_touch(&s.refine, &s.tiles, ORL_TILE_CHANGED, REST_US);
    assert_false(orl_refine_pick(&s.refine, &s.tiles, REST_US, 1000));
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(exact_picture_is_never_due),
            cmocka_unit_test(lossy_tiles_are_picked_after_their_rest),
            cmocka_unit_test(budget_bounds_what_is_picked_and_damage_delays_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
