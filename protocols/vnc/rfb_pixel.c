/* Bits are looked up, scaled, shifted and in the client's byte order, once for each channel. */
#include "protocols/vnc/rfb_pixel.h"
#include <string.h>

#define BGRX_BYTES 4

const struct orl_rfb_format orl_rfb_format_bgrx = {.bits_per_pixel = 32,
        .depth = 24,
        .is_true_colour = true,
        .red_max = 255,
        .green_max = 255,
        .blue_max = 255,
        .red_shift = 16,
        .green_shift = 8,
        .blue_shift = 0};

/* Every bit of the channel lies in the pixel. */
static bool is_channel(const struct orl_rfb_format *format, uint16_t max, uint8_t shift)
{
    return max > 0 && (max & (max + 1U)) == 0 && shift < format->bits_per_pixel &&
           ((uint64_t)max << shift) >> format->bits_per_pixel == 0;
}

int orl_rfb_format_check(const struct orl_rfb_format *format, struct orl_err *err)
{
    if (!format->is_true_colour) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "the client asks for a colour map");
    }
    const unsigned bits = format->bits_per_pixel;
    if ((bits != 8 && bits != 16 && bits != 32) ||
            !is_channel(format, format->red_max, format->red_shift) ||
            !is_channel(format, format->green_max, format->green_shift) ||
            !is_channel(format, format->blue_max, format->blue_shift)) {
        return orl_err_set(err, ORL_E_PROTO, "a pixel format of %u bits with maxima %u, %u, %u",
                bits, format->red_max, format->green_max, format->blue_max);
    }
    return ORL_OK;
}

static uint32_t swap_bytes(uint32_t v, unsigned bytes)
{
    return __builtin_bswap32(v) >> (32 - 8 * bytes);
}

static void init_channel(
        uint32_t *table, const struct orl_rfb_format *format, uint16_t max, uint8_t shift)
{
    for (uint32_t v = 0; v < 256; v++) {
        const uint32_t bits = (v * max + 127) / 255 << shift;
        table[v] = format->is_big_endian ? swap_bytes(bits, format->bits_per_pixel / 8U) : bits;
    }
}

static bool is_bgrx(const struct orl_rfb_format *f)
{
    return f->bits_per_pixel == 32 && !f->is_big_endian && f->red_max == 255 &&
           f->green_max == 255 && f->blue_max == 255 && f->red_shift == 16 && f->green_shift == 8 &&
           f->blue_shift == 0;
}

/* RFC 6143 7.7.5: where the colours lie in the three lowest or the three highest bytes of a pixel of four. */
static void init_cpixel(struct orl_rfb_pixels *pixels)
{
    const struct orl_rfb_format *f = &pixels->format;
    const uint32_t used = (uint32_t)f->red_max << f->red_shift |
                          (uint32_t)f->green_max << f->green_shift |
                          (uint32_t)f->blue_max << f->blue_shift;
    const bool is_low = (used & 0xFF000000) == 0;
    const bool is_high = (used & 0xFF) == 0;
    if (f->bits_per_pixel == 32 && f->depth <= 24 && (is_low || is_high)) {
        pixels->bytes[ORL_RFB_PIXEL_ZRLE] = 3;
        pixels->offset = (f->is_big_endian ? is_high : is_low) ? 0 : 1;
    }
}

void orl_rfb_pixels_init(struct orl_rfb_pixels *pixels, const struct orl_rfb_format *format)
{
    const unsigned whole = format->bits_per_pixel / 8U;
    *pixels = (struct orl_rfb_pixels){
            .format = *format, .bytes = {whole, whole, whole}, .is_bgrx = is_bgrx(format)};
    init_channel(pixels->red, format, format->red_max, format->red_shift);
    init_channel(pixels->green, format, format->green_max, format->green_shift);
    init_channel(pixels->blue, format, format->blue_max, format->blue_shift);
    init_cpixel(pixels);
    if (whole == 4 && format->depth == 24 && format->red_max == 255 && format->green_max == 255 &&
            format->blue_max == 255) {
        pixels->bytes[ORL_RFB_PIXEL_TIGHT] = 3;
    }
}

uint32_t orl_rfb_pixels_of(const struct orl_rfb_pixels *pixels, uint32_t rgb)
{
    return pixels->red[rgb >> 16 & 0xFF] | pixels->green[rgb >> 8 & 0xFF] |
           pixels->blue[rgb & 0xFF];
}

static uint8_t *put_tight(const uint8_t *bgrx, size_t count, uint8_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        ret[3 * i] = bgrx[BGRX_BYTES * i + 2];
        ret[3 * i + 1] = bgrx[BGRX_BYTES * i + 1];
        ret[3 * i + 2] = bgrx[BGRX_BYTES * i];
    }
    return ret + 3 * count;
}

static uint8_t *put_three_of_bgrx(const uint8_t *bgrx, size_t count, uint8_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        ret[3 * i] = bgrx[BGRX_BYTES * i];
        ret[3 * i + 1] = bgrx[BGRX_BYTES * i + 1];
        ret[3 * i + 2] = bgrx[BGRX_BYTES * i + 2];
    }
    return ret + 3 * count;
}

static uint8_t *put_bytes(const struct orl_rfb_pixels *pixels, unsigned bytes, unsigned offset,
        const uint8_t *bgrx, size_t count, uint8_t *ret)
{
    for (size_t i = 0; i < count; i++, bgrx += BGRX_BYTES) {
        uint32_t px = pixels->red[bgrx[2]] | pixels->green[bgrx[1]] | pixels->blue[bgrx[0]];
        px >>= 8 * offset;
        for (unsigned k = 0; k < bytes; k++) {
            *ret++ = (uint8_t)(px >> 8 * k);
        }
    }
    return ret;
}

uint8_t *orl_rfb_pixels_put(const struct orl_rfb_pixels *pixels, enum orl_rfb_pixel_kind kind,
        const uint8_t *bgrx, size_t count, uint8_t *ret)
{
    const unsigned bytes = pixels->bytes[kind];
    if (kind == ORL_RFB_PIXEL_TIGHT && bytes == 3) {
        return put_tight(bgrx, count, ret);
    }
    if (pixels->is_bgrx && bytes == 3) {
        return put_three_of_bgrx(bgrx, count, ret);
    }
    if (pixels->is_bgrx) {
        memcpy(ret, bgrx, count * BGRX_BYTES);
        return ret + count * BGRX_BYTES;
    }
    return put_bytes(pixels, bytes, kind == ORL_RFB_PIXEL_ZRLE && bytes == 3 ? pixels->offset : 0,
            bgrx, count, ret);
}
