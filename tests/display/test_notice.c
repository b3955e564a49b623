#include "base/utf8.h"
#include "display/font.h"
#include "display/notice.h"
#include "test_support.h"

struct picture {
    uint32_t width, height;
    size_t stride;
    uint8_t *px;
};

static void picture_open(struct picture *p, uint32_t width, uint32_t height)
{
    p->width = width;
    p->height = height;
    p->stride = (size_t)width * 4 + 16;
    p->px = malloc(p->stride * height);
    assert_non_null(p->px);
    memset(p->px, 0xEE, p->stride * height);
}

static uint32_t px_at(const struct picture *p, uint32_t x, uint32_t y)
{
    uint32_t v;
    memcpy(&v, p->px + p->stride * y + (size_t)x * 4, 4);
    return v;
}

static struct orl_rect draw(struct picture *p, const struct orl_notice *n, bool only_elapsed)
{
    return orl_notice_draw(n, p->px, p->stride, p->width, p->height, only_elapsed);
}

static size_t count_ink(const struct picture *p)
{
    size_t ink = 0;
    for (uint32_t y = 0; y < p->height; y++) {
        for (uint32_t x = 0; x < p->width; x++) {
            ink += px_at(p, x, y) != px_at(p, 0, 0);
        }
    }
    return ink;
}

static void every_pixel_is_painted_and_nothing_beyond(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {
            {16, 16}, {17, 200}, {200, 17}, {640, 480}, {1366, 767}, {2560, 1440}};
    const struct orl_notice n = {"Your desktop is starting", "Please wait.", 67, "id 1"};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct picture p;
        picture_open(&p, sizes[i][0], sizes[i][1]);
        struct orl_rect r = draw(&p, &n, false);
        assert_true(r.x == 0 && r.y == 0 && r.width == (int32_t)p.width &&
                    r.height == (int32_t)p.height);
        for (uint32_t y = 0; y < p.height; y++) {
            for (uint32_t x = 0; x < p.width; x++) {
                assert_int_not_equal(px_at(&p, x, y), 0xEEEEEEEE);
            }
            for (size_t pad = 0; pad < 16; pad++) {
                assert_int_equal(p.px[p.stride * y + p.width * 4 + pad], 0xEE);
            }
        }
        assert_true(count_ink(&p) > 0);
        free(p.px);
    }
}

/* Painting only the time over an older picture gives the whole new picture. */
static void elapsed_line_alone_is_enough_for_each_second(void **state)
{
    (void)state;
    struct orl_notice n = {"Waiting", "Waiting for a desktop.", 0, "pool_full"};
    struct picture part;
    struct picture whole;
    picture_open(&part, 800, 600);
    picture_open(&whole, 800, 600);
    draw(&part, &n, false);
    static const int64_t seconds[] = {1, 59, 60, 3599, 360000, 9, INT64_MAX};
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        n.elapsed_s = seconds[i];
        struct orl_rect r = draw(&part, &n, true);
        assert_true(r.width < 400 && r.height < 60 && r.x >= 0 && r.y >= 0);
        draw(&whole, &n, false);
        assert_memory_equal(part.px, whole.px, part.stride * part.height);
    }
    free(part.px);
    free(whole.px);
}

static void different_times_differ(void **state)
{
    (void)state;
    struct orl_notice n = {"Waiting", "x", 7, NULL};
    struct picture a;
    struct picture b;
    picture_open(&a, 640, 480);
    picture_open(&b, 640, 480);
    draw(&a, &n, false);
    n.elapsed_s = 8;
    draw(&b, &n, false);
    assert_memory_not_equal(a.px, b.px, a.stride * a.height);
    n.elapsed_s = -1;
    draw(&b, &n, false);
    assert_true(count_ink(&b) < count_ink(&a));
    free(a.px);
    free(b.px);
}

static void long_unbroken_and_broken_texts_stay_inside(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'W', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    const struct orl_notice unbroken = {text, text, 1, text};
    const struct orl_notice invalid = {"\xFF\xC0\x80", "a\n\n\nb \xE4\xB8\xAD \xF0\x9F", 0, ""};
    const struct orl_notice nothing = {NULL, NULL, -1, NULL};
    for (uint32_t side = 16; side < 500; side += 37) {
        struct picture p;
        picture_open(&p, side, 500 - side + 16);
        draw(&p, &unbroken, false);
        draw(&p, &invalid, false);
        draw(&p, &nothing, false);
        assert_int_equal(count_ink(&p), 0);
        draw(&p, &nothing, true);
        free(p.px);
    }
}

static void fonts_have_the_letters(void **state)
{
    (void)state;
    static const struct orl_font *const fonts[] = {
            &orl_font_16, &orl_font_16_bold, &orl_font_24, &orl_font_32_bold};
    for (size_t i = 0; i < sizeof(fonts) / sizeof(fonts[0]); i++) {
        for (uint32_t c = 0x20; c < 0x7F; c++) {
            assert_non_null(orl_font_glyph(fonts[i], c));
        }
        assert_non_null(orl_font_glyph(fonts[i], 0xE4));
        assert_non_null(orl_font_glyph(fonts[i], 0x20AC));
        assert_null(orl_font_glyph(fonts[i], 0x4E2D));
        assert_null(orl_font_glyph(fonts[i], UINT32_MAX));
        for (uint32_t k = 1; k < fonts[i]->map_count; k++) {
            assert_true(fonts[i]->map[k - 1].codepoint < fonts[i]->map[k].codepoint);
        }
    }
    static const uint8_t letter_l[] = {
            0, 0, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x7E, 0, 0, 0, 0};
    assert_memory_equal(orl_font_glyph(&orl_font_16, 'L'), letter_l, sizeof(letter_l));
}

static void utf8_is_decoded_strictly_and_bounded(void **state)
{
    (void)state;
    uint32_t cp[8];
    assert_int_equal(orl_utf8_decode("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", cp, 8), 4);
    assert_true(cp[0] == 'a' && cp[1] == 0xE4 && cp[2] == 0x20AC && cp[3] == 0x1F600);
    static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
            "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xE2\x82", "\xFF", "\xC3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t count = orl_utf8_decode(bad[i], cp, 8);
        assert_int_equal(count, strlen(bad[i]));
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(cp[k], ORL_UTF8_REPLACEMENT);
        }
    }
    assert_int_equal(orl_utf8_decode("aaaaaaaaaaaa", cp, 8), 8);
    assert_int_equal(orl_utf8_decode("", cp, 8), 0);
}

static void a_band_covers_its_rectangle_and_no_more(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{16, 16}, {300, 60}, {1024, 768}, {2560, 1440}};
    static const char text[] = "Nobody has used this desktop for a while. Press a key to stay.";
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct picture p;
        picture_open(&p, sizes[i][0], sizes[i][1]);
        const struct orl_rect r = orl_notice_band_rect(text, p.width, p.height);
        orl_notice_draw_band(text, p.px, p.stride, p.width, p.height);
        assert_true(r.width > 0 && r.height > 0 && r.y == 0);
        for (uint32_t y = 0; y < p.height; y++) {
            for (uint32_t x = 0; x < p.width; x++) {
                bool is_inside =
                        (int32_t)x >= r.x && (int32_t)x < r.x + r.width && (int32_t)y < r.height;
                assert_int_equal(px_at(&p, x, y) != 0xEEEEEEEE, is_inside);
            }
        }
        free(p.px);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_band_covers_its_rectangle_and_no_more),
            cmocka_unit_test(every_pixel_is_painted_and_nothing_beyond),
            cmocka_unit_test(elapsed_line_alone_is_enough_for_each_second),
            cmocka_unit_test(different_times_differ),
            cmocka_unit_test(long_unbroken_and_broken_texts_stay_inside),
            cmocka_unit_test(fonts_have_the_letters),
            cmocka_unit_test(utf8_is_decoded_strictly_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
