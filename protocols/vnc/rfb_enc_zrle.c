/* ZRLE (RFC 6143 7.7.6): tiles of 64 x 64, each in the smallest of its forms, all through one zlib stream. */
#include "protocols/vnc/rfb_enc_priv.h"

#define TILE_PX 64
#define PACKED_COLOURS 16
#define RLE_COLOURS 127
#define LENGTH_BYTES 4
#define TILE_MAX_BYTES (1 + TILE_PX * TILE_PX * 4)

enum form { FORM_RAW = 0, FORM_SOLID = 1, FORM_PALETTE, FORM_RLE = 128, FORM_PALETTE_RLE = 129 };

/* What the forms cost. */
struct runs {
    size_t single, longer;
    size_t length_bytes; /* of the longer ones */
};

static size_t length_bytes(size_t run)
{
    return (run - 1) / 255 + 1;
}

static void end_run(struct runs *runs, size_t run)
{
    runs->single += run == 1;
    runs->longer += run > 1;
    runs->length_bytes += run > 1 ? length_bytes(run) : 0;
}

static struct runs count_runs(const struct orl_rfb_part *part)
{
    struct runs runs = {0};
    uint32_t before = orl_rfb_part_pixel(part, 0, 0);
    size_t run = 0;
    for (size_t y = 0; y < part->height_px; y++) {
        for (size_t x = 0; x < part->width_px; x++) {
            const uint32_t px = orl_rfb_part_pixel(part, x, y);
            if (px != before) {
                end_run(&runs, run);
                run = 0;
                before = px;
            }
            run++;
        }
    }
    end_run(&runs, run);
    return runs;
}

static unsigned bits_of(unsigned colours)
{
    return colours <= 2 ? 1 : colours <= 4 ? 2 : 4;
}

static enum form choose(const struct orl_rfb_enc *enc, const struct orl_rfb_part *part, bool is_few)
{
    const size_t px_bytes = enc->pixels.bytes[ORL_RFB_PIXEL_ZRLE];
    const unsigned colours = enc->palette.count;
    if (is_few && colours == 1) {
        return FORM_SOLID;
    }
    const struct runs runs = count_runs(part);
    enum form best = FORM_RAW;
    size_t least = part->width_px * part->height_px * px_bytes;
    const size_t rle = (runs.single + runs.longer) * px_bytes + runs.single + runs.length_bytes;
    if (rle < least) {
        least = rle;
        best = FORM_RLE;
    }
    const size_t few_rle = colours * px_bytes + runs.single + runs.longer + runs.length_bytes;
    if (is_few && few_rle < least) {
        least = few_rle;
        best = FORM_PALETTE_RLE;
    }
    const size_t row_bytes = (part->width_px * bits_of(colours) + 7) / 8;
    if (is_few && colours <= PACKED_COLOURS &&
            colours * px_bytes + row_bytes * part->height_px < least) {
        best = FORM_PALETTE;
    }
    return best;
}

static uint8_t *put_colour(const struct orl_rfb_enc *enc, uint32_t rgb, uint8_t *at)
{
    const uint8_t bgrx[4] = {(uint8_t)rgb, (uint8_t)(rgb >> 8), (uint8_t)(rgb >> 16), 0};
    return orl_rfb_pixels_put(&enc->pixels, ORL_RFB_PIXEL_ZRLE, bgrx, 1, at);
}

static uint8_t *put_colours(const struct orl_rfb_enc *enc, uint8_t *at)
{
    for (unsigned i = 0; i < enc->palette.count; i++) {
        at = put_colour(enc, enc->palette.colours[i], at);
    }
    return at;
}

static uint8_t *put_raw(const struct orl_rfb_enc *enc, const struct orl_rfb_part *part, uint8_t *at)
{
    for (size_t y = 0; y < part->height_px; y++) {
        at = orl_rfb_pixels_put(&enc->pixels, ORL_RFB_PIXEL_ZRLE,
                part->pixels + part->stride_bytes * y, part->width_px, at);
    }
    return at;
}

static uint8_t *put_packed(
        const uint8_t *indexes, const struct orl_rfb_part *part, unsigned bits, uint8_t *at)
{
    for (size_t y = 0; y < part->height_px; y++) {
        unsigned filled = 0;
        unsigned byte = 0;
        for (size_t x = 0; x < part->width_px; x++) {
            byte = byte << bits | *indexes++;
            filled += bits;
            if (filled == 8) {
                *at++ = (uint8_t)byte;
                filled = byte = 0;
            }
        }
        if (filled > 0) {
            *at++ = (uint8_t)(byte << (8 - filled));
        }
    }
    return at;
}

static uint8_t *put_length(size_t run, uint8_t *at)
{
    size_t left = run - 1;
    for (; left >= 255; left -= 255) {
        *at++ = 255;
    }
    *at++ = (uint8_t)left;
    return at;
}

static uint8_t *put_rle(const struct orl_rfb_enc *enc, const struct orl_rfb_part *part, uint8_t *at)
{
    uint32_t before = orl_rfb_part_pixel(part, 0, 0);
    size_t run = 0;
    for (size_t y = 0; y < part->height_px; y++) {
        for (size_t x = 0; x < part->width_px; x++) {
            const uint32_t px = orl_rfb_part_pixel(part, x, y);
            if (px != before) {
                at = put_length(run, put_colour(enc, before, at));
                run = 0;
                before = px;
            }
            run++;
        }
    }
    return put_length(run, put_colour(enc, before, at));
}

static uint8_t *put_palette_rle(const uint8_t *indexes, size_t area, uint8_t *at)
{
    for (size_t i = 0; i < area;) {
        size_t end = i + 1;
        while (end < area && indexes[end] == indexes[i]) {
            end++;
        }
        if (end - i == 1) {
            *at++ = indexes[i];
        } else {
            *at++ = indexes[i] | 128;
            at = put_length(end - i, at);
        }
        i = end;
    }
    return at;
}

/* Writes at most TILE_MAX_BYTES. */
static uint8_t *put_tile(struct orl_rfb_enc *enc, const struct orl_rfb_part *part, uint8_t *at)
{
    uint8_t indexes[TILE_PX * TILE_PX];
    const bool is_few = orl_rfb_palette_take(&enc->palette, part, RLE_COLOURS);
    const enum form form = choose(enc, part, is_few);
    const unsigned colours = enc->palette.count;
    if (form == FORM_PALETTE || form == FORM_PALETTE_RLE) {
        orl_rfb_palette_index(&enc->palette, part, indexes);
    }
    switch (form) {
    case FORM_SOLID:
        *at++ = FORM_SOLID;
        return put_colours(enc, at);
    case FORM_PALETTE:
        *at++ = (uint8_t)colours;
        return put_packed(indexes, part, bits_of(colours), put_colours(enc, at));
    case FORM_PALETTE_RLE:
        *at++ = (uint8_t)(128 + colours);
        return put_palette_rle(indexes, part->width_px * part->height_px, put_colours(enc, at));
    case FORM_RLE:
        *at++ = FORM_RLE;
        return put_rle(enc, part, at);
    case FORM_RAW:
        break;
    }
    *at++ = FORM_RAW;
    return put_raw(enc, part, at);
}

static void put_length_at(struct orl_buf *buf, size_t at)
{
    const uint32_t len = __builtin_bswap32((uint32_t)(buf->len - at - LENGTH_BYTES));
    if (!buf->is_failed) {
        __builtin_memcpy(buf->data + at, &len, sizeof(len));
    }
}

int orl_rfb_enc_zrle(
        struct orl_rfb_enc *enc, const struct orl_update *update, const struct orl_rect *r)
{
    uint8_t *end = enc->raw;
    int rc = ORL_OK;
    orl_rfb_enc_rect(enc, r, ORL_RFB_ZRLE);
    const size_t length_at = enc->buf->len;
    orl_buf_put_u32be(enc->buf, 0);
    for (int32_t y = 0; y < r->height; y += TILE_PX) {
        for (int32_t x = 0; rc == ORL_OK && x < r->width; x += TILE_PX) {
            const struct orl_rect tile = {r->x + x, r->y + y,
                    r->width - x < TILE_PX ? r->width - x : TILE_PX,
                    r->height - y < TILE_PX ? r->height - y : TILE_PX};
            const struct orl_rfb_part part = orl_rfb_enc_part(update, &tile);
            if ((size_t)(end - enc->raw) > ORL_RFB_RAW_BYTES - TILE_MAX_BYTES) {
                rc = orl_rfb_zlib_put(&enc->zrle, enc->level, enc->raw, (size_t)(end - enc->raw),
                        false, enc->buf);
                end = enc->raw;
            }
            end = put_tile(enc, &part, end);
        }
    }
    if (rc == ORL_OK) {
        rc = orl_rfb_zlib_put(
                &enc->zrle, enc->level, enc->raw, (size_t)(end - enc->raw), true, enc->buf);
        put_length_at(enc->buf, length_at);
    }
    return rc;
}
