/* Tight (rfbproto 7.7.7): pieces that are fills, palettes, full colours or, where it may lose, JPEG. A piece is small
 * enough for paper, text and pictures to come apart, and far below the 4 MiB that a length can say. */
#include "protocols/vnc/rfb_enc_priv.h"
#include <string.h>

#define MAX_WIDTH 2048
#define PIECE_HEIGHT 64
#define PIECE_AREA (PIECE_HEIGHT * 128)
#define PHOTO_HEIGHT 128 /* a JPEG has heads of some 600 bytes */
#define PHOTO_AREA (PHOTO_HEIGHT * 256)
#define PHOTO_COLOURS 96 /* more: JPEG, where it may lose */
#define PLAIN_BYTES 12   /* less is not compressed */
#define FILTER_PALETTE 1
_Static_assert(PIECE_AREA * 4 <= ORL_RFB_RAW_BYTES, "a piece is larger than its buffer");

enum { FULL = 0, MONO = 1, INDEXED = 2 }; /* streams */
enum { CONTROL_FILTER = 0x40, CONTROL_FILL = 0x80, CONTROL_JPEG = 0x90 };

static const struct {
    int quality;
    bool has_full_colour;
} jpeg_levels[] = {{15, false}, {29, false}, {41, false}, {50, false}, {62, false}, {72, false},
        {79, false}, {86, true}, {92, true}, {98, true}};

static void put_length(struct orl_buf *buf, size_t len)
{
    orl_buf_put_u8(buf, (uint8_t)((len & 0x7F) | (len > 0x7F ? 0x80 : 0)));
    if (len > 0x7F) {
        orl_buf_put_u8(buf, (uint8_t)((len >> 7 & 0x7F) | (len > 0x3FFF ? 0x80 : 0)));
    }
    if (len > 0x3FFF) {
        orl_buf_put_u8(buf, (uint8_t)(len >> 14));
    }
}

static int put_data(struct orl_rfb_enc *enc, unsigned stream, size_t len)
{
    if (len < PLAIN_BYTES) {
        orl_buf_put(enc->buf, enc->raw, len);
        return ORL_OK;
    }
    orl_buf_reset(&enc->packed);
    const int rc =
            orl_rfb_zlib_put(&enc->tight[stream], enc->level, enc->raw, len, true, &enc->packed);
    if (rc == ORL_OK) {
        put_length(enc->buf, enc->packed.len);
        orl_buf_put(enc->buf, enc->packed.data, enc->packed.len);
    }
    return rc;
}

static void put_colour(struct orl_rfb_enc *enc, uint32_t rgb)
{
    const uint8_t bgrx[4] = {(uint8_t)rgb, (uint8_t)(rgb >> 8), (uint8_t)(rgb >> 16), 0};
    uint8_t px[4];
    orl_rfb_pixels_put(&enc->pixels, ORL_RFB_PIXEL_TIGHT, bgrx, 1, px);
    orl_buf_put(enc->buf, px, enc->pixels.bytes[ORL_RFB_PIXEL_TIGHT]);
}

static void put_palette(struct orl_rfb_enc *enc, unsigned stream)
{
    orl_buf_put_u8(enc->buf, (uint8_t)(CONTROL_FILTER | stream << 4));
    orl_buf_put_u8(enc->buf, FILTER_PALETTE);
    orl_buf_put_u8(enc->buf, (uint8_t)(enc->palette.count - 1));
    for (unsigned i = 0; i < enc->palette.count; i++) {
        put_colour(enc, enc->palette.colours[i]);
    }
}

/* One bit a pixel, rows begin on a byte. Returns the bytes. */
static size_t pack_mono(const struct orl_rfb_part *part, uint32_t second, uint8_t *ret)
{
    const size_t row_bytes = (part->width_px + 7) / 8;
    memset(ret, 0, row_bytes * part->height_px);
    for (size_t y = 0; y < part->height_px; y++, ret += row_bytes) {
        for (size_t x = 0; x < part->width_px; x++) {
            const unsigned bit = orl_rfb_part_pixel(part, x, y) == second;
            ret[x / 8] |= (uint8_t)(bit << (7 - x % 8));
        }
    }
    return row_bytes * part->height_px;
}

static int put_full(struct orl_rfb_enc *enc, const struct orl_rfb_part *part)
{
    uint8_t *end = enc->raw;
    orl_buf_put_u8(enc->buf, FULL << 4);
    for (size_t y = 0; y < part->height_px; y++) {
        end = orl_rfb_pixels_put(&enc->pixels, ORL_RFB_PIXEL_TIGHT,
                part->pixels + part->stride_bytes * y, part->width_px, end);
    }
    return put_data(enc, FULL, (size_t)(end - enc->raw));
}

static int put_few(struct orl_rfb_enc *enc, const struct orl_rfb_part *part)
{
    if (enc->palette.count == 1) {
        orl_buf_put_u8(enc->buf, CONTROL_FILL);
        put_colour(enc, enc->palette.colours[0]);
        return ORL_OK;
    }
    const unsigned stream = enc->palette.count == 2 ? MONO : INDEXED;
    put_palette(enc, stream);
    if (stream == MONO) {
        return put_data(enc, stream, pack_mono(part, enc->palette.colours[1], enc->raw));
    }
    orl_rfb_palette_index(&enc->palette, part, enc->raw);
    return put_data(enc, stream, part->width_px * part->height_px);
}

static int put_jpeg(struct orl_rfb_enc *enc, const struct orl_rfb_part *part)
{
    const struct orl_jpeg_picture picture = {
            part->pixels, part->stride_bytes, (uint32_t)part->width_px, (uint32_t)part->height_px};
    const uint8_t *data;
    size_t len;
    int rc = enc->jpeg == NULL ? orl_jpeg_new(&enc->jpeg) : ORL_OK;
    if (rc == ORL_OK) {
        rc = orl_jpeg_encode(enc->jpeg, &picture, jpeg_levels[enc->quality].quality,
                jpeg_levels[enc->quality].has_full_colour, &data, &len);
    }
    if (rc == ORL_OK) {
        orl_buf_put_u8(enc->buf, CONTROL_JPEG);
        put_length(enc->buf, len);
        orl_buf_put(enc->buf, data, len);
    }
    return rc;
}

/* Most colours of a palette that is smaller than what it saves. */
static unsigned palette_max(const struct orl_rfb_enc *enc, size_t area_px)
{
    const size_t px_bytes = enc->pixels.bytes[ORL_RFB_PIXEL_TIGHT];
    const size_t max = px_bytes == 1 ? 2 : area_px * (px_bytes - 1) / px_bytes;
    return max < 2 ? 2 : max > ORL_RFB_PALETTE_MAX ? ORL_RFB_PALETTE_MAX : (unsigned)max;
}

static int put_piece(struct orl_rfb_enc *enc, const struct orl_update *update,
        const struct orl_rect *r, bool may_lose)
{
    const struct orl_rfb_part part = orl_rfb_enc_part(update, r);
    unsigned max = palette_max(enc, part.width_px * part.height_px);
    max = may_lose && max > PHOTO_COLOURS ? PHOTO_COLOURS : max;
    orl_rfb_enc_rect(enc, r, ORL_RFB_TIGHT);
    if (orl_rfb_palette_take(&enc->palette, &part, max)) {
        return put_few(enc, &part);
    }
    return may_lose ? put_jpeg(enc, &part) : put_full(enc, &part);
}

int orl_rfb_enc_tight(struct orl_rfb_enc *enc, const struct orl_update *update,
        const struct orl_rect *r, bool may_lose)
{
    const int32_t max_height = may_lose ? PHOTO_HEIGHT : PIECE_HEIGHT;
    const int32_t height = r->height < max_height ? r->height : max_height;
    const int32_t fitting = (may_lose ? PHOTO_AREA : PIECE_AREA) / height / 16 * 16;
    const int32_t width = fitting < MAX_WIDTH ? fitting : MAX_WIDTH;
    int rc = ORL_OK;
    for (int32_t y = 0; y < r->height; y += height) {
        for (int32_t x = 0; rc == ORL_OK && x < r->width; x += width) {
            const struct orl_rect piece = {r->x + x, r->y + y,
                    r->width - x < width ? r->width - x : width,
                    r->height - y < height ? r->height - y : height};
            rc = put_piece(enc, update, &piece, may_lose);
        }
    }
    return rc;
}
