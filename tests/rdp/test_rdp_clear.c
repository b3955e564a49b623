/* Held to FreeRDP's decoder: what it shows is what was encoded, whatever came before. */
#include "protocols/rdp/rdp_clear.h"
#include "text_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <freerdp/codec/clear.h>
#include <freerdp/codec/color.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    struct orl_clear *clear;
    CLEAR_CONTEXT *decoder;
    uint8_t *shown;
    size_t bytes;
    unsigned glyph_hits, bands, subcodecs;
};

static void pair_init(struct pair *pair)
{
    *pair = (struct pair){0};
    assert_int_equal(orl_clear_new(&pair->clear), 0);
    pair->decoder = clear_context_new(FALSE);
    pair->shown = malloc((size_t)4 * ORL_CLEAR_MAX_AREA_PX);
    assert_non_null(pair->decoder);
    assert_non_null(pair->shown);
}

static void pair_fini(struct pair *pair)
{
    orl_clear_free(pair->clear);
    clear_context_free(pair->decoder);
    free(pair->shown);
}

static void look_into(struct pair *pair, const uint8_t *data, size_t len)
{
    pair->bytes += len;
    pair->glyph_hits += (data[0] & 2) != 0;
    const size_t at = data[0] & 1 ? 4 : 2;
    if (len >= at + 12) {
        pair->bands += data[at + 4] != 0 || data[at + 5] != 0;
        pair->subcodecs += data[at + 8] != 0 || data[at + 9] != 0;
    }
}

/* Encodes a part of the picture, sends it, and compares every pixel. */
static size_t show(struct pair *pair, const struct text_picture *picture, uint32_t x, uint32_t y,
        uint32_t width, uint32_t height)
{
    const uint32_t *from = picture->pixels + (size_t)y * picture->width_px + x;
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(orl_clear_encode(pair->clear, (const uint8_t *)from,
                             (size_t)picture->width_px * 4, width, height, &data, &len),
            0);
    look_into(pair, data, len);
    memset(pair->shown, 0xA5, (size_t)4 * width * height);
    assert_int_equal(clear_decompress(pair->decoder, data, (UINT32)len, width, height, pair->shown,
                             PIXEL_FORMAT_BGRX32, width * 4, 0, 0, width, height, NULL),
            0);
    orl_clear_keep(pair->clear);
    unsigned wrong = 0;
    for (uint32_t row = 0; row < height; row++) {
        for (uint32_t column = 0; column < width; column++) {
            uint32_t shown = 0;
            memcpy(&shown, pair->shown + 4 * ((size_t)row * width + column), 4);
            wrong += ((shown ^ from[(size_t)row * picture->width_px + column]) & 0xFFFFFF) != 0;
        }
    }
    assert_int_equal(wrong, 0);
    return len;
}

static void paint(struct text_picture *picture)
{
    switch (text_picture_random(picture, 7)) {
    case 0:
        text_picture_noise(picture, 0);
        break;
    case 1:
        text_picture_noise(picture, 2 + text_picture_random(picture, 140));
        break;
    case 2:
        text_picture_photo(picture);
        break;
    case 3:
        text_picture_panels(picture);
        break;
    case 4:
        text_picture_plain(picture, text_picture_random(picture, 0x1000000));
        break;
    default:
        text_picture_page(picture, text_picture_random(picture, 0x400000),
                0xFFFFFF - text_picture_random(picture, 64));
        break;
    }
}

static void twenty_thousand_parts_are_exact(void **state)
{
    (void)state;
    struct pair pair;
    struct text_picture picture;
    pair_init(&pair);
    text_picture_init(&picture, 700, 200, 42);
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            paint(&picture);
        }
        const uint32_t kind = text_picture_random(&picture, 8);
        const uint32_t most_x = kind < 5 ? 40 : kind == 5 ? 300 : kind == 6 ? 2 : 60;
        const uint32_t most_y = kind < 5 ? 40 : kind == 5 ? 20 : kind == 6 ? 199 : 60;
        const uint32_t width = 1 + text_picture_random(&picture, most_x);
        const uint32_t height = 1 + text_picture_random(&picture, most_y);
        const uint32_t x = text_picture_random(&picture, picture.width_px - width + 1);
        const uint32_t y = text_picture_random(&picture, picture.height_px - height + 1);
        show(&pair, &picture, x, y, width, height);
        if (kind == 0) {
            show(&pair, &picture, x, y, width, height);
        }
    }
    assert_true(pair.glyph_hits > 500);
    assert_true(pair.bands > 5000);
    assert_true(pair.subcodecs > 300);
    text_picture_fini(&picture);
    pair_fini(&pair);
}

static void large_parts_are_exact(void **state)
{
    (void)state;
    struct pair pair;
    struct text_picture picture;
    pair_init(&pair);
    text_picture_init(&picture, 1920, 270, 7);
    for (unsigned i = 0; i < 60; i++) {
        paint(&picture);
        show(&pair, &picture, 0, 0, 1920, 1 + text_picture_random(&picture, 270));
        show(&pair, &picture, text_picture_random(&picture, 1800), 0, 120, 270);
    }
    text_picture_fini(&picture);
    pair_fini(&pair);
}

static void extreme_sides_are_exact(void **state)
{
    (void)state;
    static const uint32_t sides[][2] = {{1, 1}, {ORL_CLEAR_MAX_SIDE_PX, 1},
            {1, ORL_CLEAR_MAX_SIDE_PX}, {ORL_CLEAR_MAX_SIDE_PX, 64}, {64, ORL_CLEAR_MAX_SIDE_PX},
            {3, 2000}, {1024, 1}, {32, 32}};
    struct pair pair;
    pair_init(&pair);
    for (unsigned i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        struct text_picture picture;
        text_picture_init(&picture, sides[i][0], sides[i][1], i + 1);
        for (unsigned k = 0; k < 7; k++) {
            paint(&picture);
            show(&pair, &picture, 0, 0, sides[i][0], sides[i][1]);
        }
        text_picture_fini(&picture);
    }
    pair_fini(&pair);
}

static void caches_that_wrap_stay_exact(void **state)
{
    (void)state;
    struct pair pair;
    struct text_picture picture;
    pair_init(&pair);
    text_picture_init(&picture, 400, 48, 3);
    /* Each adds up to 400 new bars, and some of the last picture's come again. */
    for (unsigned i = 0; i < 300; i++) {
        text_picture_noise(&picture, 2);
        for (uint32_t k = 0; k < 400; k += 3) {
            for (uint32_t y = 0; y < 48; y++) {
                picture.pixels[y * 400 + k] = 0xC0FFEE + y % (2 + k % 46);
            }
        }
        show(&pair, &picture, 0, 0, 400, 48);
        show(&pair, &picture, 100, 0, 200, 48);
    }
    text_picture_fini(&picture);
    pair_fini(&pair);
}

static void what_is_dropped_leaves_no_trace(void **state)
{
    (void)state;
    struct pair pair;
    struct text_picture picture;
    pair_init(&pair);
    text_picture_init(&picture, 600, 100, 11);
    for (unsigned i = 0; i < 1500; i++) {
        if (i % 10 == 0) {
            paint(&picture);
        }
        const uint8_t *data = NULL;
        size_t len = 0;
        const uint32_t width = 1 + text_picture_random(&picture, i % 3 == 0 ? 600 : 40);
        const uint32_t height = 1 + text_picture_random(&picture, i % 3 == 0 ? 100 : 25);
        assert_int_equal(orl_clear_encode(pair.clear, (const uint8_t *)picture.pixels, 2400, width,
                                 height, &data, &len),
                0);
        if (text_picture_random(&picture, 2) == 0) {
            uint8_t *copy = malloc(len);
            memcpy(copy, data, len);
            orl_clear_drop(pair.clear);
            const uint8_t *again = NULL;
            size_t again_len = 0;
            assert_int_equal(orl_clear_encode(pair.clear, (const uint8_t *)picture.pixels, 2400,
                                     width, height, &again, &again_len),
                    0);
            if (i < 100) { /* before the caches wrap, the same bytes */
                assert_int_equal(again_len, len);
                assert_memory_equal(again, copy, len);
            }
            free(copy);
        }
        orl_clear_drop(pair.clear);
        show(&pair, &picture, 0, 0, width, height);
    }
    text_picture_fini(&picture);
    pair_fini(&pair);
}

static void a_glyph_that_comes_again_takes_four_bytes(void **state)
{
    (void)state;
    struct pair pair;
    struct text_picture picture;
    pair_init(&pair);
    text_picture_init(&picture, 8, 16, 1);
    text_picture_glyph(&picture, 0, 0, 'e', 0, 0xFFFFFF);
    const size_t first = show(&pair, &picture, 0, 0, 8, 16);
    assert_true(first > 4 && first < 250);
    assert_int_equal(show(&pair, &picture, 0, 0, 8, 16), 4);
    text_picture_fini(&picture);
    pair_fini(&pair);
}

static void a_line_that_moved_is_made_of_known_bars(void **state)
{
    (void)state;
    struct pair pair;
    struct text_picture picture;
    pair_init(&pair);
    text_picture_init(&picture, 600, 60, 5);
    text_picture_plain(&picture, 0xFFFFFF);
    for (uint32_t i = 0; i < 26; i++) {
        text_picture_glyph(&picture, 8 + 16 * i, 3, 'a' + i, 0, 0xFFFFFF);
    }
    const size_t first = show(&pair, &picture, 0, 0, 600, 24);
    memmove(picture.pixels + (size_t)31 * 600, picture.pixels, (size_t)24 * 600 * 4);
    const size_t moved = show(&pair, &picture, 0, 25, 600, 35);
    assert_true(moved < 26 * (16 * 2 + 13));
    assert_true(moved * 2 < first);
    text_picture_fini(&picture);
    pair_fini(&pair);
}

static void sizes_out_of_bounds_are_refused(void **state)
{
    (void)state;
    struct orl_clear *clear = NULL;
    const uint8_t pixel[4] = {0};
    const uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(orl_clear_new(&clear), 0);
    assert_int_equal(orl_clear_encode(clear, pixel, 4, 0, 1, &data, &len), ORL_E_INVAL);
    assert_int_equal(orl_clear_encode(clear, pixel, 4, 1, 0, &data, &len), ORL_E_INVAL);
    assert_int_equal(orl_clear_encode(clear, pixel, 4, ORL_CLEAR_MAX_SIDE_PX + 1, 1, &data, &len),
            ORL_E_INVAL);
    assert_int_equal(orl_clear_encode(clear, pixel, 4, 1024, 1024, &data, &len), ORL_E_INVAL);
    orl_clear_free(clear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(twenty_thousand_parts_are_exact),
            cmocka_unit_test(large_parts_are_exact),
            cmocka_unit_test(extreme_sides_are_exact),
            cmocka_unit_test(caches_that_wrap_stay_exact),
            cmocka_unit_test(what_is_dropped_leaves_no_trace),
            cmocka_unit_test(a_glyph_that_comes_again_takes_four_bytes),
            cmocka_unit_test(a_line_that_moved_is_made_of_known_bars),
            cmocka_unit_test(sizes_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
