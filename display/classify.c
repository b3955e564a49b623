/* Thresholds: a lossless 64 x 32 costs 0.04 ms, any encode of 1080p at least 6. */
#include "display/classify.h"
#include "base/clock.h"
#include <stdlib.h>

#define CELL_TILES 4

struct orl_classify_cell {
    uint32_t at_ms[ORL_CLASSIFY_HITS]; /* ring of the last changes */
    uint8_t next;
    uint8_t hits; /* entries of the ring in use */
};

int orl_classify_init(struct orl_classify *classify, const struct orl_tiles *tiles)
{
    classify->cols = (tiles->cols + CELL_TILES - 1) / CELL_TILES;
    classify->rows = (tiles->rows + CELL_TILES - 1) / CELL_TILES;
    classify->cells = calloc((size_t)classify->cols * classify->rows, sizeof(*classify->cells));
    return classify->cells == NULL ? ORL_E_NOMEM : ORL_OK;
}

void orl_classify_fini(struct orl_classify *classify)
{
    free(classify->cells);
    classify->cells = NULL;
}

static struct orl_classify_cell *cell_of(
        const struct orl_classify *classify, const struct orl_tiles *tiles, size_t tile)
{
    size_t col = tile % tiles->cols / CELL_TILES;
    size_t row = tile / tiles->cols / CELL_TILES;
    return &classify->cells[row * classify->cols + col];
}

/* Once for each time, however many tiles of the cell changed. */
static void note(struct orl_classify_cell *cell, uint32_t now_ms)
{
    unsigned last = (cell->next + ORL_CLASSIFY_HITS - 1U) % ORL_CLASSIFY_HITS;
    if (cell->hits > 0 && cell->at_ms[last] == now_ms) {
        return;
    }
    cell->at_ms[cell->next] = now_ms;
    cell->next = (uint8_t)((cell->next + 1U) % ORL_CLASSIFY_HITS);
    cell->hits = cell->hits < ORL_CLASSIFY_HITS ? (uint8_t)(cell->hits + 1U) : cell->hits;
}

static bool is_moving(const struct orl_classify_cell *cell, uint32_t now_ms)
{
    return cell->hits == ORL_CLASSIFY_HITS &&
           now_ms - cell->at_ms[cell->next] <= ORL_CLASSIFY_WINDOW_MS;
}

static int64_t part_of(const struct orl_tiles *tiles, int64_t per_mille)
{
    int64_t px = (int64_t)tiles->width_px * tiles->height_px * per_mille / 1000;
    return px > ORL_CLASSIFY_SMALL_PX ? px : ORL_CLASSIFY_SMALL_PX;
}

bool orl_classify_choose(struct orl_classify *classify, struct orl_tiles *tiles,
        const struct orl_region *moved, uint64_t now_us)
{
    const uint32_t now_ms = (uint32_t)(now_us / ORL_US_PER_MS);
    int64_t changed_px = 0;
    int64_t moving_px = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_CHANGED); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_CHANGED)) {
        struct orl_classify_cell *cell = cell_of(classify, tiles, i);
        const struct orl_rect tile = orl_tiles_rect(tiles, i);
        if (!orl_region_intersects(moved, &tile)) {
            note(cell, now_ms);
        }
        changed_px += ORL_TILE_AREA_PX;
        if (is_moving(cell, now_ms)) {
            moving_px += ORL_TILE_AREA_PX;
            tiles->flags[i] |= ORL_TILE_CODED;
        }
    }
    const bool has_motion = moving_px > part_of(tiles, ORL_CLASSIFY_MOTION_PER_MILLE);
    const int64_t rest_px = has_motion ? changed_px - moving_px : changed_px;
    /* The encoder takes all that changed in any case: beside motion, lossless costs its bytes on top. */
    const int64_t lossless_max =
            has_motion ? ORL_CLASSIFY_SMALL_PX : part_of(tiles, ORL_CLASSIFY_STILL_PER_MILLE);
    if (rest_px > lossless_max) {
        orl_tiles_set_where(tiles, ORL_TILE_CHANGED, ORL_TILE_CODED);
        return true;
    }
    if (!has_motion) {
        orl_tiles_clear_all(tiles, ORL_TILE_CODED);
    }
    return has_motion;
}
