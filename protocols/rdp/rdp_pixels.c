#include "protocols/rdp/rdp_pixels.h"
#include "protocols/rdp/rdp_gfx_wire.h"
#include <stdlib.h>
#include <string.h>

enum {
    CELL_PX = 64,
    FEW_COLOURS = 32,
    TABLE_SLOTS = 64,
    RUN_MAX_PX = 47, /* of planar's longest run, MS-RDPEGDI 2.2.2.5.1.1 */
};

int orl_rdp_pixels_init(struct orl_rdp_pixels *codecs, bool has_clear)
{
    *codecs = (struct orl_rdp_pixels){0};
    return has_clear ? orl_clear_new(&codecs->clear) : 0;
}

void orl_rdp_pixels_fini(struct orl_rdp_pixels *codecs)
{
    orl_clear_free(codecs->clear);
    codecs->clear = NULL;
    orl_rdp_planar_fini(&codecs->planar);
}

static const uint8_t *at(const struct orl_rdp_picture *picture, int32_t x, int32_t y)
{
    return picture->pixels + (size_t)y * picture->stride_bytes + (size_t)x * 4;
}

static uint32_t colour_at(const uint8_t *pixel)
{
    return pixel[0] | (uint32_t)pixel[1] << 8 | (uint32_t)pixel[2] << 16;
}

int32_t orl_rdp_pixels_rows(const struct orl_rdp_picture *picture, const struct orl_rect *rect)
{
    if (rect->height <= ORL_RDP_PLANAR_ROWS) {
        return rect->height;
    }
    for (int32_t rows = ORL_RDP_PLANAR_ROWS; rows > ORL_RDP_PLANAR_ROWS / 2; rows--) {
        const uint8_t *row = at(picture, rect->x, rect->y + rows - 1);
        if (memcmp(row, row + 4, ((size_t)rect->width - 1) * 4) == 0) {
            return rows;
        }
    }
    return ORL_RDP_PLANAR_ROWS;
}

/* Colours of a cell as far as they are few. */
struct colours {
    uint32_t table[TABLE_SLOTS]; /* colour + 1 */
    unsigned count;
};

static void count_colour(struct colours *colours, uint32_t colour)
{
    unsigned slot = (colour * UINT32_C(2654435761)) >> 26;
    while (colours->table[slot] != 0 && colours->table[slot] != colour + 1) {
        slot = (slot + 1) % TABLE_SLOTS;
    }
    colours->count += colours->table[slot] == 0;
    colours->table[slot] = colour + 1;
}

/* Text has plain paper between the letters, or few colours. A quarter of the rows tells. */
static bool is_text_like(const struct orl_rdp_picture *picture, const struct orl_rect *cell)
{
    struct colours colours = {0};
    unsigned same = 0;
    unsigned all = 0;
    for (int32_t y = cell->y; y < cell->y + cell->height; y += 4) {
        uint32_t left = colour_at(at(picture, cell->x, y));
        count_colour(&colours, left);
        for (int32_t x = 1; x < cell->width; x++) {
            const uint32_t colour = colour_at(at(picture, cell->x + x, y));
            same += colour == left;
            all++;
            if (colour != left && colours.count <= FEW_COLOURS) {
                count_colour(&colours, colour);
            }
            left = colour;
        }
    }
    return colours.count <= FEW_COLOURS || same * 5 >= all * 2;
}

/* Planar cannot be that short: a byte whose delta to the row above differs from its left neighbour's
 * is sent as it is (MS-RDPEGDI 3.1.9.2.3), and each row takes its runs. */
static bool is_beyond_planar(
        const struct orl_rdp_picture *picture, const struct orl_rect *rect, size_t bytes)
{
    const size_t width = (size_t)rect->width;
    size_t raw = 3 * (size_t)rect->height * ((width + RUN_MAX_PX - 1) / RUN_MAX_PX);
    if (raw >= bytes) {
        return true;
    }
    raw = 0;
    for (int32_t y = 1; y < rect->height && raw < bytes; y++) {
        const uint8_t *row = at(picture, rect->x, rect->y + y);
        const uint8_t *above = row - picture->stride_bytes;
        for (size_t i = 1; i < width; i++) {
            for (size_t k = 4 * i; k < 4 * i + 3; k++) {
                raw += (uint8_t)(row[k] - above[k]) != (uint8_t)(row[k - 4] - above[k - 4]);
            }
        }
    }
    return raw >= bytes;
}

static void put_raw(struct orl_buf *pdus, uint16_t surface, const struct orl_rdp_picture *picture,
        const struct orl_rect *rect)
{
    const size_t row_bytes = (size_t)rect->width * 4;
    orl_gfx_put_wire(
            pdus, surface, ORL_GFX_CODEC_UNCOMPRESSED, rect, row_bytes * (size_t)rect->height);
    for (int32_t y = 0; y < rect->height; y++) {
        orl_buf_put(pdus, at(picture, rect->x, rect->y + y), row_bytes);
    }
}

/* Returns false, and has put nothing, when planar takes limit bytes or more. */
static bool put_planar(struct orl_rdp_pixels *codecs, struct orl_buf *pdus, uint16_t surface,
        const struct orl_rdp_picture *picture, const struct orl_rect *rect, size_t limit)
{
    uint32_t length = 0;
    uint8_t *data = orl_rdp_planar_encode(&codecs->planar, at(picture, rect->x, rect->y),
            picture->stride_bytes, (uint32_t)rect->width, (uint32_t)rect->height, true, true,
            &length);
    const bool is_put = data != NULL && length < limit;
    if (is_put) {
        orl_gfx_put_wire(pdus, surface, ORL_GFX_CODEC_PLANAR, rect, length);
        orl_buf_put(pdus, data, length);
    }
    free(data);
    return is_put;
}

/* ClearCodec unless planar is smaller by more than a thirtieth: the next picture gains from the caches. */
static bool put_clear(struct orl_rdp_pixels *codecs, struct orl_buf *pdus, uint16_t surface,
        const struct orl_rdp_picture *picture, const struct orl_rect *rect)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    if (orl_clear_encode(codecs->clear, at(picture, rect->x, rect->y), picture->stride_bytes,
                (uint32_t)rect->width, (uint32_t)rect->height, &data, &len) < 0) {
        return false;
    }
    const size_t limit = len - len / 32;
    if (!is_beyond_planar(picture, rect, limit) &&
            put_planar(codecs, pdus, surface, picture, rect, limit)) {
        orl_clear_drop(codecs->clear);
        return true;
    }
    if (len >= (size_t)rect->width * (size_t)rect->height * 4) {
        orl_clear_drop(codecs->clear);
        return false;
    }
    orl_gfx_put_wire(pdus, surface, ORL_GFX_CODEC_CLEAR, rect, len);
    orl_buf_put(pdus, data, len);
    orl_clear_keep(codecs->clear);
    return true;
}

static void put_part(struct orl_rdp_pixels *codecs, struct orl_buf *pdus, uint16_t surface,
        const struct orl_rdp_picture *picture, const struct orl_rect *rect, bool is_text)
{
    if (!(is_text && put_clear(codecs, pdus, surface, picture, rect)) &&
            !put_planar(codecs, pdus, surface, picture, rect, SIZE_MAX)) {
        put_raw(pdus, surface, picture, rect);
    }
}

void orl_rdp_pixels_put(struct orl_rdp_pixels *codecs, struct orl_buf *pdus, uint16_t surface,
        const struct orl_rdp_picture *picture, const struct orl_rect *rect)
{
    if (codecs->clear == NULL) {
        put_part(codecs, pdus, surface, picture, rect, false);
        return;
    }
    struct orl_rect part = *rect;
    part.width = 0;
    bool is_text = false;
    for (int32_t x = rect->x; x < rect->x + rect->width; x = part.x + part.width) {
        struct orl_rect cell = {x, rect->y, rect->x + rect->width - x, rect->height};
        if (cell.width >= 2 * CELL_PX) { /* the last one takes the rest */
            cell.width = CELL_PX;
        }
        const bool is_cell_text = is_text_like(picture, &cell);
        if (part.width > 0 && is_cell_text != is_text) {
            put_part(codecs, pdus, surface, picture, &part, is_text);
            part.x = cell.x;
            part.width = 0;
        }
        is_text = is_cell_text;
        part.width += cell.width;
    }
    put_part(codecs, pdus, surface, picture, &part, is_text);
}
