/* How much of a screen is painted, from pictures in both formats, whole and in pieces, sound and not. */
#include "base/buf.h"
#include "vmpool/paint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { WIDTH = 8, HEIGHT = 10, BUF_MAX = 1 << 20, NOT_READ = 1000 };

/* Black, with so many white rows at its end. */
static uint8_t colour_at(unsigned y, unsigned white_rows)
{
    return y >= HEIGHT - white_rows ? 0xff : 0;
}

static void put_ppm(struct orl_buf *out, unsigned white_rows)
{
    static const char head[] = "P6\n8 10\n255\n";
    orl_buf_put(out, head, sizeof head - 1);
    for (unsigned i = 0; i < WIDTH * HEIGHT * 3; i++) {
        orl_buf_put_u8(out, colour_at(i / (WIDTH * 3), white_rows));
    }
}

static void put_chunk(struct orl_buf *out, const char *type, const uint8_t *data, size_t len)
{
    orl_buf_put_u32be(out, (uint32_t)len);
    orl_buf_put(out, type, 4);
    orl_buf_put(out, data, len);
    orl_buf_put_u32be(out, 0);
}

struct png {
    uint8_t filter, pixel_bytes, depth, colour, interlace;
    uint32_t width, height;
};

static uint8_t filtered(const struct png *png, unsigned x, unsigned y, unsigned white_rows)
{
    unsigned n = png->pixel_bytes;
    uint8_t here = colour_at(y, white_rows);
    uint8_t left = x < n ? 0 : here;
    uint8_t up = y == 0 ? 0 : colour_at(y - 1, white_rows);
    int guess = png->filter == 1   ? left
                : png->filter == 2 ? up
                : png->filter == 3 ? (left + up) / 2
                : png->filter == 4 ? (x < n ? up : left) /* nearest of left, up, up */
                                   : 0;
    return (uint8_t)(here - guess);
}

static void put_png(struct orl_buf *out, const struct png *png, unsigned white_rows)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t ihdr[13] = {0, 0, (uint8_t)(png->width >> 8), (uint8_t)png->width, 0, 0,
            (uint8_t)(png->height >> 8), (uint8_t)png->height, png->depth, png->colour, 0, 0,
            png->interlace};
    uint8_t raw[HEIGHT * (WIDTH * 4 + 1)];
    uint8_t packed[4096];
    uLongf packed_len = sizeof packed;
    size_t len = 0;
    for (unsigned y = 0; y < HEIGHT; y++) {
        raw[len++] = png->filter;
        for (unsigned x = 0; x < WIDTH * png->pixel_bytes; x++) {
            raw[len++] = filtered(png, x, y, white_rows);
        }
    }
    assert_int_equal(compress(packed, &packed_len, raw, len), Z_OK);
    orl_buf_put(out, signature, sizeof signature);
    put_chunk(out, "IHDR", ihdr, sizeof ihdr);
    put_chunk(out, "pHYs", ihdr, 9);
    put_chunk(out, "IDAT", packed, packed_len / 2);
    put_chunk(out, "IDAT", packed + packed_len / 2, packed_len - packed_len / 2);
    put_chunk(out, "IEND", packed, 0);
}

static const struct png plain = {
        .pixel_bytes = 3, .depth = 8, .colour = 2, .width = WIDTH, .height = HEIGHT};

/* Per cent, NOT_READ (not whole), or an error. */
static int read_in_steps(const struct orl_buf *in, size_t step)
{
    struct orl_paint *paint = NULL;
    assert_int_equal(orl_paint_new(&paint, NULL), 0);
    int r = 0;
    for (size_t at = 0; at < in->len && r == 0; at += step) {
        r = orl_paint_feed(paint, in->data + at, in->len - at < step ? in->len - at : step);
    }
    r = r < 0 ? r : orl_paint_is_done(paint) ? (int)orl_paint_percent(paint) : NOT_READ;
    orl_paint_free(paint);
    return r;
}

static void expect(const struct orl_buf *in, int result)
{
    for (size_t step = 1; step < 9; step++) {
        assert_int_equal(read_in_steps(in, step), result);
    }
    assert_int_equal(read_in_steps(in, in->len), result);
}

static void a_ppm_is_counted_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (unsigned rows = 0; rows <= HEIGHT; rows += 5) {
        struct orl_buf buf;
        orl_buf_init(&buf, BUF_MAX);
        put_ppm(&buf, rows);
        expect(&buf, (int)rows * 10);
        orl_buf_fini(&buf);
    }
}

static void a_png_is_counted_with_every_filter(void **state)
{
    (void)state;
    for (uint8_t filter = 0; filter <= 4; filter++) {
        struct png png = plain;
        struct orl_buf buf;
        orl_buf_init(&buf, BUF_MAX);
        png.filter = filter;
        put_png(&buf, &png, 3);
        expect(&buf, 30);
        orl_buf_reset(&buf);
        png.pixel_bytes = 4;
        png.colour = 6;
        put_png(&buf, &png, 7);
        expect(&buf, 70);
        orl_buf_fini(&buf);
    }
}

static void half_a_picture_is_not_done(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, BUF_MAX);
    put_ppm(&buf, HEIGHT);
    buf.len--;
    expect(&buf, NOT_READ);
    orl_buf_reset(&buf);
    put_png(&buf, &plain, HEIGHT);
    buf.len -= 24;
    expect(&buf, NOT_READ);
    orl_buf_fini(&buf);
}

static void what_is_no_picture_of_a_screen_is_refused(void **state)
{
    (void)state;
    static const char *const ppms[] = {"P5\n8 10\n255\n", "P6 0 10 255\n", "P6 8 99999 255 ",
            "P6 8 10 65535 ", "P6x8 10 255 ", "P6 -8 10 255\n", "P6 16384 16384 255\n",
            "P6 100000 1 255\n"};
    struct orl_buf buf;
    orl_buf_init(&buf, BUF_MAX);
    for (size_t i = 0; i < sizeof ppms / sizeof ppms[0]; i++) {
        orl_buf_reset(&buf);
        orl_buf_put(&buf, ppms[i], strlen(ppms[i]));
        expect(&buf, ORL_E_PROTO);
    }
    struct png pngs[] = {plain, plain, plain, plain, plain, plain};
    pngs[0].depth = 16;
    pngs[1].colour = 3;
    pngs[2].interlace = 1;
    pngs[3].filter = 5;
    pngs[4].width = 0;
    pngs[5].height = 0xffff;
    for (size_t i = 0; i < sizeof pngs / sizeof pngs[0]; i++) {
        orl_buf_reset(&buf);
        put_png(&buf, &pngs[i], 1);
        expect(&buf, ORL_E_PROTO);
    }
    orl_buf_fini(&buf);
}

static void a_broken_png_is_refused(void **state)
{
    (void)state;
    struct orl_buf buf;
    orl_buf_init(&buf, BUF_MAX);
    put_png(&buf, &plain, 1);
    buf.data[4] ^= 1; /* its signature */
    expect(&buf, ORL_E_PROTO);
    orl_buf_reset(&buf);
    put_png(&buf, &plain, 1);
    buf.data[8] = 0x7f; /* the first chunk's length */
    expect(&buf, ORL_E_PROTO);
    orl_buf_reset(&buf);
    put_png(&buf, &plain, 1);
    buf.data[8 + 25 + 21 + 8] ^= 0xff; /* zlib's header */
    expect(&buf, ORL_E_PROTO);
    orl_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_ppm_is_counted_in_pieces_of_any_size),
            cmocka_unit_test(a_png_is_counted_with_every_filter),
            cmocka_unit_test(half_a_picture_is_not_done),
            cmocka_unit_test(what_is_no_picture_of_a_screen_is_refused),
            cmocka_unit_test(a_broken_png_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
