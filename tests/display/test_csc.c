/* Against BT.709 and BT.601 in double precision, and the accelerated rows against the portable ones. */
#include "display/csc.h"
#include "display/csc_priv.h"
#include "test_support.h"
#include <math.h>

struct picture {
    uint32_t width, height;
    size_t stride;
    uint8_t *bgrx;
    struct orl_i420 yuv;
};

static void picture_open(struct picture *p, uint32_t width, uint32_t height, struct rng *rng)
{
    p->width = width;
    p->height = height;
    p->stride = (size_t)width * 4 + 8;
    p->bgrx = malloc(p->stride * height);
    assert_non_null(p->bgrx);
    for (size_t i = 0; i < p->stride * height; i++) {
        uint32_t v = rng_u32(rng);
        p->bgrx[i] = v % 3 == 0 ? 0 : v % 3 == 1 ? 255 : (uint8_t)(v >> 8);
    }
    p->yuv.width_px = (width + 15) / 16 * 16;
    p->yuv.height_px = (height + 15) / 16 * 16;
    for (int i = 0; i < 3; i++) {
        p->yuv.stride_bytes[i] = (int)(i == 0 ? p->yuv.width_px : p->yuv.width_px / 2);
        p->yuv.plane[i] = calloc(p->yuv.height_px, (size_t)p->yuv.stride_bytes[i]);
        assert_non_null(p->yuv.plane[i]);
    }
}

static void picture_close(struct picture *p)
{
    free(p->bgrx);
    for (int i = 0; i < 3; i++) {
        free(p->yuv.plane[i]);
    }
}

static const uint8_t *clamped_px(const struct picture *p, uint32_t x, uint32_t y)
{
    x = x < p->width ? x : p->width - 1;
    y = y < p->height ? y : p->height - 1;
    return p->bgrx + p->stride * y + (size_t)x * 4;
}

/* ITU-R BT.709-6, 3.2 and 3.4, and BT.601-7, 2.5, in doubles. */
static void reference(const double bgr[3], enum orl_colours colours, double ret_yuv[3])
{
    const bool is_full = colours == ORL_COLOURS_709_FULL;
    const double kr = colours == ORL_COLOURS_601_LIMITED ? 0.299 : 0.2126;
    const double kb = colours == ORL_COLOURS_601_LIMITED ? 0.114 : 0.0722;
    double y = (kr * bgr[2] + (1 - kr - kb) * bgr[1] + kb * bgr[0]) / 255.0;
    double u = (bgr[0] / 255.0 - y) / (2 - 2 * kb);
    double v = (bgr[2] / 255.0 - y) / (2 - 2 * kr);
    ret_yuv[0] = is_full ? 255.0 * y : 16.0 + 219.0 * y;
    ret_yuv[1] = 128.0 + (is_full ? 255.0 : 224.0) * u;
    ret_yuv[2] = 128.0 + (is_full ? 255.0 : 224.0) * v;
}

static void assert_near(uint8_t got, double wanted)
{
    if (fabs((double)got - wanted) > 1.0) {
        fail_msg("got %u, wanted %f", got, wanted);
    }
}

static void compare_with_reference(const struct picture *p, enum orl_colours colours)
{
    double yuv[3];
    for (uint32_t y = 0; y < p->yuv.height_px; y += 2) {
        for (uint32_t x = 0; x < p->yuv.width_px; x += 2) {
            double sum[3] = {0, 0, 0};
            for (uint32_t i = 0; i < 4; i++) {
                const uint8_t *px = clamped_px(p, x + (i & 1), y + (i >> 1));
                const double bgr[3] = {px[0], px[1], px[2]};
                for (int c = 0; c < 3; c++) {
                    sum[c] += bgr[c] / 4;
                }
                reference(bgr, colours, yuv);
                assert_near(p->yuv.plane[0][(size_t)p->yuv.stride_bytes[0] * (y + (i >> 1)) + x +
                                            (i & 1)],
                        yuv[0]);
            }
            reference(sum, colours, yuv);
            size_t at = (size_t)p->yuv.stride_bytes[1] * (y / 2) + x / 2;
            assert_near(p->yuv.plane[1][at], yuv[1]);
            assert_near(p->yuv.plane[2][at], yuv[2]);
        }
    }
}

static void whole_picture_is_within_one_of_the_reference(void **state)
{
    (void)state;
    struct rng rng = rng_new("csc", 1);
    static const uint32_t sizes[][2] = {{64, 32}, {65, 33}, {1, 1}, {17, 2}, {2, 17}, {130, 47}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned k = 0; k < ORL_COLOURS_COUNT; k++) {
            const enum orl_colours colours = (enum orl_colours)k;
            struct picture p;
            picture_open(&p, sizes[i][0], sizes[i][1], &rng);
            const struct orl_rect all = {0, 0, (int32_t)p.width, (int32_t)p.height};
            orl_csc_bgrx_to_i420(p.bgrx, p.stride, p.width, p.height, &all, colours, &p.yuv);
            compare_with_reference(&p, colours);
            picture_close(&p);
        }
    }
}

static void parts_give_the_same_as_the_whole_and_touch_nothing_else(void **state)
{
    (void)state;
    struct rng rng = rng_new("csc", 2);
    for (int round = 0; round < 300; round++) {
        struct picture p;
        picture_open(&p, (uint32_t)rng_in(&rng, 1, 90), (uint32_t)rng_in(&rng, 1, 40), &rng);
        const struct orl_rect all = {0, 0, (int32_t)p.width, (int32_t)p.height};
        struct orl_rect r = {rng_in(&rng, 0, all.width - 1), rng_in(&rng, 0, all.height - 1), 0, 0};
        r.width = rng_in(&rng, 1, all.width);
        r.height = rng_in(&rng, 1, all.height);
        size_t bytes = (size_t)p.yuv.stride_bytes[0] * p.yuv.height_px;
        uint8_t *part = malloc(bytes);
        assert_non_null(part);
        memset(p.yuv.plane[0], 0xAB, bytes);
        orl_csc_bgrx_to_i420(p.bgrx, p.stride, p.width, p.height, &r, ORL_COLOURS_709_FULL, &p.yuv);
        memcpy(part, p.yuv.plane[0], bytes);
        orl_csc_bgrx_to_i420(
                p.bgrx, p.stride, p.width, p.height, &all, ORL_COLOURS_709_FULL, &p.yuv);
        for (int32_t y = 0; y < (int32_t)p.yuv.height_px; y++) {
            for (int32_t x = 0; x < (int32_t)p.yuv.width_px; x++) {
                size_t i = (size_t)p.yuv.stride_bytes[0] * (size_t)y + (size_t)x;
                bool is_inside = x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height;
                assert_true(part[i] == p.yuv.plane[0][i] || (!is_inside && part[i] == 0xAB));
            }
        }
        free(part);
        picture_close(&p);
    }
}

struct rows_out {
    uint8_t y[2][512], u[256], v[256];
};

static void run_rows(orl_csc_rows_fn *convert, const struct orl_csc_matrix *m, uint8_t src[2][2048],
        unsigned blocks, struct rows_out *out)
{
    memset(out, 0x5A, sizeof(*out));
    const struct orl_csc_rows rows = {.src = {src[0], src[1]},
            .y = {out->y[0], out->y[1]},
            .u = out->u,
            .v = out->v,
            .blocks = blocks};
    convert(m, &rows);
}

static void accelerated_rows_equal_the_portable_ones(void **state)
{
    (void)state;
    orl_csc_rows_fn *fast = orl_csc_choose_rows();
    if (fast == orl_csc_rows_portable) {
        skip();
    }
    struct rng rng = rng_new("csc", 3);
    static uint8_t src[2][2048];
    static struct rows_out a;
    static struct rows_out b;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(src); i += 4) {
            uint32_t v = rng_u32(&rng);
            v = round % 4 == 0 ? v & 0x01010101U : v;
            v = round % 4 == 0 ? v * 255 : v; /* only extremes */
            memcpy(&src[0][0] + i, &v, 4);
        }
        const struct orl_csc_matrix *m = &orl_csc_matrices[round % ORL_COLOURS_COUNT];
        unsigned blocks = (unsigned)rng_in(&rng, 0, 256);
        run_rows(fast, m, src, blocks, &a);
        run_rows(orl_csc_rows_portable, m, src, blocks, &b);
        assert_memory_equal(&a, &b, sizeof(a));
    }
}

static void greys_have_no_colour_and_the_ends_are_exact(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ORL_COLOURS_COUNT; k++) {
        const bool is_full = k == ORL_COLOURS_709_FULL;
        const struct orl_csc_matrix *m = &orl_csc_matrices[k];
        static uint8_t src[2][2048];
        static struct rows_out out;
        for (int grey = 0; grey < 256; grey++) {
            memset(src, grey, sizeof(src));
            run_rows(orl_csc_rows_portable, m, src, 1, &out);
            assert_int_equal(out.u[0], 128);
            assert_int_equal(out.v[0], 128);
            assert_true(!is_full || out.y[0][0] == grey);
        }
        assert_int_equal(out.y[0][0], is_full ? 255 : 235);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(whole_picture_is_within_one_of_the_reference),
            cmocka_unit_test(parts_give_the_same_as_the_whole_and_touch_nothing_else),
            cmocka_unit_test(accelerated_rows_equal_the_portable_ones),
            cmocka_unit_test(greys_have_no_colour_and_the_ends_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
