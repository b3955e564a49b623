/* Coarse times over exact tiles: a neighbour's motion may delay a refresh, never lose one. */
#include "display/refine.h"
#include "base/clock.h"
#include <stdlib.h>

#define CELL_TILES 4
#define REST_US (ORL_REFINE_REST_MS * ORL_US_PER_MS)

int orl_refine_init(struct orl_refine *refine, const struct orl_tiles *tiles)
{
    refine->cols = (tiles->cols + CELL_TILES - 1) / CELL_TILES;
    refine->rows = (tiles->rows + CELL_TILES - 1) / CELL_TILES;
    refine->touched_us = calloc((size_t)refine->cols * refine->rows, sizeof(*refine->touched_us));
    return refine->touched_us == NULL ? ORL_E_NOMEM : ORL_OK;
}

void orl_refine_fini(struct orl_refine *refine)
{
    free(refine->touched_us);
    refine->touched_us = NULL;
}

static uint64_t *touched_of(
        const struct orl_refine *refine, const struct orl_tiles *tiles, size_t tile)
{
    size_t col = tile % tiles->cols / CELL_TILES;
    size_t row = tile / tiles->cols / CELL_TILES;
    return &refine->touched_us[row * refine->cols + col];
}

void orl_refine_touch(
        struct orl_refine *refine, const struct orl_tiles *tiles, uint8_t mask, uint64_t now_us)
{
    for (size_t i = orl_tiles_find(tiles, 0, mask); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, mask)) {
        *touched_of(refine, tiles, i) = now_us;
    }
}

bool orl_refine_pick(const struct orl_refine *refine, struct orl_tiles *tiles, uint64_t now_us,
        int64_t budget_px)
{
    int64_t picked_px = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_LOSSY);
            i < tiles->count && picked_px < budget_px;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_LOSSY)) {
        if (now_us >= *touched_of(refine, tiles, i) + REST_US) {
            tiles->flags[i] |= ORL_TILE_PICK;
            picked_px += ORL_TILE_AREA_PX;
        }
    }
    return picked_px > 0;
}

uint64_t orl_refine_due_us(const struct orl_refine *refine, const struct orl_tiles *tiles)
{
    uint64_t due_us = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_LOSSY); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_LOSSY)) {
        uint64_t at_us = *touched_of(refine, tiles, i) + REST_US;
        due_us = due_us == 0 || at_us < due_us ? at_us : due_us;
    }
    return due_us;
}
