#include "display/scale.h"
#include "test_support.h"

struct stage {
    struct orl_scale scale;
    uint8_t *src, *dst;
    size_t src_stride, dst_stride;
};

static void stage_open(struct stage *s, struct rng *rng, const int32_t src[2], const int32_t dst[2])
{
    orl_scale_init(
            &s->scale, (uint32_t)src[0], (uint32_t)src[1], (uint32_t)dst[0], (uint32_t)dst[1]);
    s->src_stride = (size_t)src[0] * 4;
    s->dst_stride = (size_t)dst[0] * 4;
    s->src = malloc(s->src_stride * (size_t)src[1]);
    s->dst = malloc(s->dst_stride * (size_t)dst[1]);
    assert_true(s->src != NULL && s->dst != NULL);
    for (size_t i = 0; i < s->src_stride * (size_t)src[1]; i++) {
        s->src[i] = (uint8_t)(rng_u32(rng) | 1); /* nowhere black */
    }
}

static void stage_close(struct stage *s)
{
    free(s->src);
    free(s->dst);
}

static void paint(struct stage *s, uint8_t *dst, const struct orl_rect *r)
{
    orl_scale_paint(&s->scale, s->src, s->src_stride, dst, s->dst_stride, r);
}

static struct orl_rect whole_dst(const struct stage *s)
{
    return (struct orl_rect){0, 0, (int32_t)s->scale.dst_width_px, (int32_t)s->scale.dst_height_px};
}

static void picture_is_placed_in_proportion_in_the_middle(void **state)
{
    (void)state;
    struct orl_scale s;
    orl_scale_init(&s, 1024, 768, 1920, 1080);
    assert_true(s.placed.x == 240 && s.placed.y == 0);
    assert_true(s.placed.width == 1440 && s.placed.height == 1080);
    orl_scale_init(&s, 1920, 1080, 1024, 768);
    assert_true(s.placed.x == 0 && s.placed.y == 96);
    assert_true(s.placed.width == 1024 && s.placed.height == 576);
    orl_scale_init(&s, 8192, 16, 16, 8192);
    assert_true(s.placed.width == 16 && s.placed.height == 1);
    orl_scale_init(&s, 800, 600, 800, 600);
    assert_true(orl_scale_is_identity(&s));
}

static void same_size_is_a_copy(void **state)
{
    (void)state;
    struct rng rng = rng_new("scale", 1);
    struct stage s;
    const int32_t size[2] = {61, 37};
    stage_open(&s, &rng, size, size);
    struct orl_rect all = whole_dst(&s);
    paint(&s, s.dst, &all);
    assert_memory_equal(s.src, s.dst, s.src_stride * 37);
    stage_close(&s);
}

static void whole_is_painted_black_only_in_the_bars(void **state)
{
    (void)state;
    struct rng rng = rng_new("scale", 2);
    static const int32_t sizes[][2][2] = {{{100, 50}, {64, 64}}, {{30, 90}, {200, 100}},
            {{16, 16}, {333, 200}}, {{200, 100}, {17, 300}}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct stage s;
        stage_open(&s, &rng, sizes[i][0], sizes[i][1]);
        struct orl_rect all = whole_dst(&s);
        memset(s.dst, 0xEE, s.dst_stride * (size_t)all.height);
        paint(&s, s.dst, &all);
        for (int32_t y = 0; y < all.height; y++) {
            for (int32_t x = 0; x < all.width; x++) {
                const struct orl_rect px = {x, y, 1, 1};
                uint8_t v = s.dst[s.dst_stride * (size_t)y + (size_t)x * 4];
                assert_int_equal(v != 0, orl_rect_contains(&s.scale.placed, &px));
            }
        }
        stage_close(&s);
    }
}

/* Change a part of the source, repaint what the mapping says: equal to painting it all. */
static void damage_maps_to_every_pixel_that_depends_on_it(void **state)
{
    (void)state;
    struct rng rng = rng_new("scale", 3);
    for (int round = 0; round < 400; round++) {
        const int32_t src[2] = {rng_in(&rng, 1, 120), rng_in(&rng, 1, 90)};
        const int32_t dst[2] = {rng_in(&rng, 1, 150), rng_in(&rng, 1, 120)};
        struct stage s;
        stage_open(&s, &rng, src, dst);
        struct orl_rect all = whole_dst(&s);
        paint(&s, s.dst, &all);
        struct orl_rect r = {rng_in(&rng, 0, src[0] - 1), rng_in(&rng, 0, src[1] - 1), 0, 0};
        r.width = rng_in(&rng, 1, src[0] - r.x);
        r.height = rng_in(&rng, 1, src[1] - r.y);
        for (int32_t y = r.y; y < r.y + r.height; y++) {
            memset(s.src + s.src_stride * (size_t)y + (size_t)r.x * 4, round, (size_t)r.width * 4);
        }
        struct orl_region damage = {.rects = {r}, .count = 1};
        struct orl_region mapped;
        orl_scale_region_to_dst(&s.scale, &damage, &mapped);
        for (unsigned i = 0; i < mapped.count; i++) {
            assert_true(orl_rect_contains(&s.scale.placed, &mapped.rects[i]));
            paint(&s, s.dst, &mapped.rects[i]);
        }
        size_t bytes = s.dst_stride * (size_t)dst[1];
        uint8_t *whole = malloc(bytes);
        assert_non_null(whole);
        paint(&s, whole, &all);
        assert_memory_equal(s.dst, whole, bytes);
        free(whole);
        stage_close(&s);
    }
}

static void points_map_back_into_the_source(void **state)
{
    (void)state;
    struct orl_scale s;
    int32_t x;
    int32_t y;
    orl_scale_init(&s, 1024, 768, 1920, 1080);
    orl_scale_point_to_src(&s, 240, 0, &x, &y);
    assert_true(x == 0 && y == 0);
    orl_scale_point_to_src(&s, 1679, 1079, &x, &y);
    assert_true(x == 1023 && y == 767);
    orl_scale_point_to_src(&s, 960, 540, &x, &y);
    assert_true(x == 512 && y == 384);
    orl_scale_point_to_src(&s, 0, -5, &x, &y);
    assert_true(x == 0 && y == 0);
    orl_scale_point_to_src(&s, INT32_MAX, INT32_MIN, &x, &y);
    assert_true(x == 1023 && y == 0);
    orl_scale_init(&s, 800, 600, 800, 600);
    for (int32_t i = 0; i < 600; i++) {
        orl_scale_point_to_src(&s, i, i, &x, &y);
        assert_true(x == i && y == i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(picture_is_placed_in_proportion_in_the_middle),
            cmocka_unit_test(same_size_is_a_copy),
            cmocka_unit_test(whole_is_painted_black_only_in_the_bars),
            cmocka_unit_test(damage_maps_to_every_pixel_that_depends_on_it),
            cmocka_unit_test(points_map_back_into_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
