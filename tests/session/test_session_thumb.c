/* Thumbnails, decoded again: their size, what they show, and that any picture fits into one message. */
#include "session/thumb.h"
#include "tests/display/test_support.h"
#include <turbojpeg.h>

struct shown {
    int width, height;
    uint8_t pixels[ORL_THUMB_WIDTH_PX * ORL_THUMB_HEIGHT_PX * 4];
};

static uint8_t *picture_new(uint32_t width, uint32_t height, struct orl_jpeg_picture *ret_picture)
{
    uint8_t *pixels = calloc(height, (size_t)width * 4 + 12);
    assert_non_null(pixels);
    *ret_picture = (struct orl_jpeg_picture){pixels, (size_t)width * 4 + 12, width, height};
    return pixels;
}

static void set_px(const struct orl_jpeg_picture *picture, uint8_t *pixels, uint32_t x, uint32_t y,
        uint32_t rgb)
{
    memcpy(pixels + picture->stride_bytes * y + (size_t)x * 4, &rgb, 4);
}

static void make(const struct orl_jpeg_picture *picture, struct shown *ret_shown)
{
    static struct orl_msg_thumb thumb;
    int sampling;
    int colours;
    assert_int_equal(orl_thumb_make(picture, &thumb), 0);
    assert_in_range(thumb.data_len, 1, ORL_THUMB_MAX);
    tjhandle turbo = tjInitDecompress();
    assert_int_equal(tjDecompressHeader3(turbo, thumb.data, thumb.data_len, &ret_shown->width,
                             &ret_shown->height, &sampling, &colours),
            0);
    assert_in_range(ret_shown->width, 1, ORL_THUMB_WIDTH_PX);
    assert_in_range(ret_shown->height, 1, ORL_THUMB_HEIGHT_PX);
    assert_int_equal(tjDecompress2(turbo, thumb.data, thumb.data_len, ret_shown->pixels,
                             ret_shown->width, 0, ret_shown->height, TJPF_BGRX, 0),
            0);
    tjDestroy(turbo);
}

static void assert_near(const struct shown *shown, int x, int y, uint32_t rgb)
{
    const uint8_t *px = shown->pixels + 4 * (y * shown->width + x);
    for (unsigned c = 0; c < 3; c++) {
        assert_in_range(px[c] - (int)(rgb >> 8 * c & 0xFF) + 16, 0, 32);
    }
}

static void a_picture_keeps_its_proportion_and_is_never_enlarged(void **state)
{
    (void)state;
    static const uint32_t sizes[][4] = {{1920, 1080, 320, 180}, {1280, 1024, 250, 200},
            {320, 200, 320, 200}, {100, 60, 100, 60}, {16, 16, 16, 16}, {8192, 16, 320, 1},
            {16, 2560, 1, 200}, {321, 201, 320, 200}};
    static struct shown shown;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct orl_jpeg_picture picture;
        uint8_t *pixels = picture_new(sizes[i][0], sizes[i][1], &picture);
        make(&picture, &shown);
        assert_int_equal(shown.width, sizes[i][2]);
        assert_int_equal(shown.height, sizes[i][3]);
        free(pixels);
    }
}

static void it_shows_what_the_picture_shows(void **state)
{
    (void)state;
    static const uint32_t colours[] = {0xC02020, 0x20C020, 0x2020C0, 0xE0E0E0};
    static struct shown shown;
    struct orl_jpeg_picture picture;
    uint8_t *pixels = picture_new(1000, 600, &picture);
    for (uint32_t y = 0; y < 600; y++) {
        for (uint32_t x = 0; x < 1000; x++) {
            set_px(&picture, pixels, x, y, colours[(y >= 300) * 2 + (x >= 500)]);
        }
    }
    make(&picture, &shown);
    assert_near(&shown, 50, 50, colours[0]);
    assert_near(&shown, shown.width - 50, 50, colours[1]);
    assert_near(&shown, 50, shown.height - 50, colours[2]);
    assert_near(&shown, shown.width - 50, shown.height - 50, colours[3]);
    for (uint32_t y = 0; y < 600; y++) { /* lines of one pixel: their mean, not one of them */
        for (uint32_t x = 0; x < 1000; x++) {
            set_px(&picture, pixels, x, y, y % 2 == 0 ? 0xFFFFFF : 0);
        }
    }
    make(&picture, &shown);
    for (int y = 20; y < shown.height - 20; y += 7) {
        const int grey = shown.pixels[4 * (y * shown.width + 33)];
        assert_in_range(grey, 80, 176);
    }
    free(pixels);
}

static void noise_fits_too(void **state)
{
    (void)state;
    struct rng rng = rng_new("thumb", 1);
    static struct shown shown;
    struct orl_jpeg_picture picture;
    uint8_t *pixels = picture_new(ORL_THUMB_WIDTH_PX, ORL_THUMB_HEIGHT_PX, &picture);
    for (uint32_t y = 0; y < ORL_THUMB_HEIGHT_PX; y++) {
        for (uint32_t x = 0; x < ORL_THUMB_WIDTH_PX; x++) {
            set_px(&picture, pixels, x, y, rng_u32(&rng));
        }
    }
    make(&picture, &shown);
    free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_picture_keeps_its_proportion_and_is_never_enlarged),
            cmocka_unit_test(it_shows_what_the_picture_shows),
            cmocka_unit_test(noise_fits_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
