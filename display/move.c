/* Both walks go against the move, so that nothing is overwritten before it was read. */
#include "display/move.h"
#include <string.h>

#define PX_BYTES 4

struct orl_rect orl_move_from(const struct orl_move *move)
{
    struct orl_rect r = move->to;
    r.x -= move->dx;
    r.y -= move->dy;
    return r;
}

static void move_pixels(const struct orl_move *move, uint8_t *picture, size_t stride_bytes)
{
    const struct orl_rect from = orl_move_from(move);
    for (int32_t i = 0; i < from.height; i++) {
        const size_t row = (size_t)(move->dy > 0 ? from.height - 1 - i : i);
        memmove(picture + ((size_t)move->to.y + row) * stride_bytes + (size_t)move->to.x * PX_BYTES,
                picture + ((size_t)from.y + row) * stride_bytes + (size_t)from.x * PX_BYTES,
                (size_t)from.width * PX_BYTES);
    }
}

static bool is_lossy(const struct orl_tiles *tiles, const struct orl_rect *r)
{
    const unsigned col1 = (unsigned)(r->x + r->width - 1) / ORL_TILE_PX;
    const unsigned row1 = (unsigned)(r->y + r->height - 1) / ORL_TILE_PX;
    for (unsigned row = (unsigned)r->y / ORL_TILE_PX; row <= row1; row++) {
        for (unsigned col = (unsigned)r->x / ORL_TILE_PX; col <= col1; col++) {
            if ((tiles->flags[(size_t)row * tiles->cols + col] & ORL_TILE_LOSSY) != 0) {
                return true;
            }
        }
    }
    return false;
}

static void move_flags(const struct orl_move *move, struct orl_tiles *tiles, size_t index,
        bool is_whole, bool may_be_lossy)
{
    const struct orl_rect tile = orl_tiles_rect(tiles, index);
    const struct orl_rect part = orl_rect_intersect(&tile, &move->to);
    const struct orl_rect from = {part.x - move->dx, part.y - move->dy, part.width, part.height};
    const bool comes_lossy = may_be_lossy && is_lossy(tiles, &from);
    uint8_t *flags = &tiles->flags[index];
    *flags |= ORL_TILE_STALE;
    if (is_whole || orl_rect_contains(&move->to, &tile)) {
        *flags &= (uint8_t) ~(ORL_TILE_DAMAGED | ORL_TILE_PICK | ORL_TILE_LOSSY);
    } else {
        *flags |= ORL_TILE_DAMAGED;
    }
    if (comes_lossy) {
        *flags |= ORL_TILE_LOSSY;
    }
}

void orl_move_apply(
        const struct orl_move *move, struct orl_tiles *tiles, uint8_t *picture, size_t stride_bytes)
{
    move_pixels(move, picture, stride_bytes);
    const bool may_be_lossy = orl_tiles_find(tiles, 0, ORL_TILE_LOSSY) < tiles->count;
    const unsigned col0 = (unsigned)move->to.x / ORL_TILE_PX;
    const unsigned row0 = (unsigned)move->to.y / ORL_TILE_PX;
    const unsigned cols = (unsigned)(move->to.x + move->to.width - 1) / ORL_TILE_PX + 1 - col0;
    const unsigned rows = (unsigned)(move->to.y + move->to.height - 1) / ORL_TILE_PX + 1 - row0;
    for (unsigned i = 0; i < rows; i++) {
        const unsigned row = move->dy > 0 ? rows - 1 - i : i;
        for (unsigned k = 0; k < cols; k++) {
            const unsigned col = move->dx > 0 ? cols - 1 - k : k;
            const bool is_whole = row > 0 && row + 1 < rows && col > 0 && col + 1 < cols;
            const size_t index = (size_t)(row0 + row) * tiles->cols + col0 + col;
            if (is_whole && !may_be_lossy) {
                tiles->flags[index] = (uint8_t)((tiles->flags[index] | ORL_TILE_STALE) &
                                                ~(ORL_TILE_DAMAGED | ORL_TILE_PICK));
            } else {
                move_flags(move, tiles, index, is_whole, may_be_lossy);
            }
        }
    }
}
