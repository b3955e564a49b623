/* src is another process's memory: each piece is copied first, and only the copy is looked at. */
#include "display/damage.h"
#include <string.h>

#define PX_BYTES 4
#define TILE_BYTES 64U /* of one row of a tile */

static bool is_same_tile_row(const uint8_t *a, const uint8_t *b)
{
    uint64_t x[TILE_BYTES / 8];
    uint64_t y[TILE_BYTES / 8];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    uint64_t diff = 0;
    for (unsigned i = 0; i < TILE_BYTES / 8; i++) {
        diff |= x[i] ^ y[i];
    }
    return diff == 0;
}

static void widen_box(struct orl_tile_box *box, const uint8_t *fresh, const uint8_t *old,
        unsigned width, unsigned y)
{
    box->y0 = y < box->y0 ? (uint8_t)y : box->y0;
    box->y1 = (uint8_t)(y + 1);
    if (box->x0 == 0 && box->x1 == width) {
        return;
    }
    unsigned x0 = 0;
    unsigned x1 = width;
    while (x0 + 1 < x1 &&
            memcmp(fresh + (size_t)x0 * PX_BYTES, old + (size_t)x0 * PX_BYTES, PX_BYTES) == 0) {
        x0++;
    }
    while (x1 > x0 + 1 && memcmp(fresh + (size_t)(x1 - 1) * PX_BYTES,
                                  old + (size_t)(x1 - 1) * PX_BYTES, PX_BYTES) == 0) {
        x1--;
    }
    box->x0 = x0 < box->x0 ? (uint8_t)x0 : box->x0;
    box->x1 = x1 > box->x1 ? (uint8_t)x1 : box->x1;
}

/* One row of pixels of one tile. */
static bool compare_row(
        struct orl_tile_box *box, const uint8_t *src, uint8_t *old, unsigned width, unsigned y)
{
    uint8_t fresh[TILE_BYTES];
    size_t bytes = (size_t)width * PX_BYTES;
    if (width == ORL_TILE_PX) {
        memcpy(fresh, src, TILE_BYTES);
        if (is_same_tile_row(fresh, old)) {
            return false;
        }
    } else {
        memcpy(fresh, src, bytes);
        if (memcmp(fresh, old, bytes) == 0) {
            return false;
        }
    }
    widen_box(box, fresh, old, width, y);
    memcpy(old, fresh, bytes);
    return true;
}

/* The damaged tiles from..to of one row of tiles, pixel row by pixel row. */
static void compare_run(struct orl_tiles *tiles, size_t from, size_t to, const uint8_t *src,
        size_t src_stride, uint8_t *picture, size_t stride_bytes)
{
    const struct orl_rect first = orl_tiles_rect(tiles, from);
    for (size_t i = from; i < to; i++) {
        tiles->boxes[i] = (struct orl_tile_box){ORL_TILE_PX, ORL_TILE_PX, 0, 0};
    }
    for (unsigned y = 0; y < (unsigned)first.height; y++) {
        size_t line = (size_t)first.y + y;
        size_t x = (size_t)first.x;
        for (size_t i = from; i < to; i++, x += ORL_TILE_PX) {
            unsigned left = tiles->width_px - (unsigned)x;
            unsigned width = left < ORL_TILE_PX ? left : ORL_TILE_PX;
            if (compare_row(&tiles->boxes[i], src + line * src_stride + x * PX_BYTES,
                        picture + line * stride_bytes + x * PX_BYTES, width, y)) {
                tiles->flags[i] |= ORL_TILE_CHANGED | ORL_TILE_STALE;
            }
        }
    }
}

static void take_must(struct orl_tiles *tiles)
{
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_MUST); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_MUST)) {
        const struct orl_rect r = orl_tiles_rect(tiles, i);
        tiles->boxes[i] = (struct orl_tile_box){0, 0, (uint8_t)r.width, (uint8_t)r.height};
        tiles->flags[i] |= ORL_TILE_CHANGED;
    }
}

bool orl_damage_compare(struct orl_tiles *tiles, const uint8_t *src, size_t src_stride,
        uint8_t *picture, size_t stride_bytes)
{
    size_t i = orl_tiles_find(tiles, 0, ORL_TILE_DAMAGED);
    while (i < tiles->count) {
        size_t row_end = (i / tiles->cols + 1) * tiles->cols;
        size_t to = i;
        while (to < row_end && (tiles->flags[to] & ORL_TILE_DAMAGED) != 0) {
            to++;
        }
        compare_run(tiles, i, to, src, src_stride, picture, stride_bytes);
        i = orl_tiles_find(tiles, to, ORL_TILE_DAMAGED);
    }
    take_must(tiles);
    orl_tiles_clear_all(tiles, ORL_TILE_DAMAGED | ORL_TILE_MUST);
    return orl_tiles_find(tiles, 0, ORL_TILE_CHANGED) < tiles->count;
}
