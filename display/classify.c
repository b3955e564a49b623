/* Thresholds: a lossless 64 x 32 of text costs 0.02 ms, any encode at least 3 for each million pixels. */
#include "display/classify.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

#define CELL_TILES 4
#define PX_BYTES 4
#define SAMPLE_ROWS 4 /* of a tile, all 16 pixels of each */

struct orl_classify_cell {
    uint32_t at_ms[ORL_CLASSIFY_HITS]; /* ring of the last changes */
    uint32_t judged_ms, coded_ms;
    uint8_t next;
    uint8_t hits; /* entries of the ring in use */
    bool is_photo, was_coded;
    /* This frame: */
    uint8_t changed; /* tiles */
    bool is_coded, is_seen;
    bool is_row_noted; /* of a row's first cell: cells of the row were */
};

int orl_classify_init(struct orl_classify *classify, const struct orl_tiles *tiles)
{
    classify->cols = (tiles->cols + CELL_TILES - 1) / CELL_TILES;
    classify->rows = (tiles->rows + CELL_TILES - 1) / CELL_TILES;
    const size_t count = (size_t)classify->cols * classify->rows;
    classify->cells = calloc(count, sizeof(*classify->cells));
    classify->stack = calloc(count, sizeof(*classify->stack));
    return classify->cells == NULL || classify->stack == NULL ? ORL_E_NOMEM : ORL_OK;
}

void orl_classify_fini(struct orl_classify *classify)
{
    free(classify->cells);
    free(classify->stack);
    classify->cells = NULL;
    classify->stack = NULL;
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

static bool is_sticky(const struct orl_classify_cell *cell, uint32_t now_ms)
{
    return cell->was_coded && now_ms - cell->coded_ms <= ORL_CLASSIFY_STICKY_MS;
}

bool orl_classify_keeps_moving(
        struct orl_classify *classify, const struct orl_tiles *tiles, size_t tile, uint64_t now_us)
{
    const uint32_t now_ms = (uint32_t)(now_us / ORL_US_PER_MS);
    const size_t col = tile % tiles->cols / CELL_TILES;
    const size_t row = tile / tiles->cols / CELL_TILES;
    struct orl_classify_cell *cell = &classify->cells[row * classify->cols + col];
    if (!is_sticky(cell, now_ms)) {
        return false;
    }
    note(cell, now_ms);
    cell->coded_ms = now_ms;
    return true;
}

static int64_t part_of(const struct orl_tiles *tiles, int64_t per_mille)
{
    int64_t px = (int64_t)tiles->width_px * tiles->height_px * per_mille / 1000;
    return px > ORL_CLASSIFY_SMALL_PX ? px : ORL_CLASSIFY_SMALL_PX;
}

/* Text and drawings have few colours in a tile, also with smoothed edges, and plain paper between. */
static bool is_photo(
        const struct orl_tiles *tiles, const struct orl_classify_view *view, size_t tile)
{
    const struct orl_rect r = orl_tiles_rect(tiles, tile);
    uint64_t bins = 0;
    int32_t rough = 0;
    for (int32_t i = 0; i < SAMPLE_ROWS; i++) {
        const int32_t y = r.y + i * r.height / SAMPLE_ROWS;
        const uint8_t *row = view->pixels + view->stride_bytes * (size_t)y + (size_t)r.x * PX_BYTES;
        uint32_t before = 0;
        for (int32_t x = 0; x < r.width; x++) {
            uint32_t px;
            memcpy(&px, row + (size_t)x * PX_BYTES, sizeof(px));
            px &= 0xFFFFFF; /* the fourth byte never counts */
            bins |= UINT64_C(1) << ((px * UINT32_C(2654435761)) >> 26);
            rough += x > 0 && px != before;
            before = px;
        }
    }
    const int colours = __builtin_popcountll(bins);
    return colours >= ORL_CLASSIFY_PHOTO_COLOURS ||
           (colours >= ORL_CLASSIFY_ROUGH_COLOURS && rough * 2 >= SAMPLE_ROWS * r.width);
}

/* The tiles of one cell, from `first` on; how many rows and columns of them there are. */
struct block {
    size_t first;
    unsigned rows, cols;
};

static struct block block_of(const struct orl_tiles *tiles, unsigned cell_col, unsigned cell_row)
{
    const unsigned col = cell_col * CELL_TILES;
    const unsigned row = cell_row * CELL_TILES;
    const struct block block = {(size_t)row * tiles->cols + col,
            tiles->rows - row < CELL_TILES ? tiles->rows - row : CELL_TILES,
            tiles->cols - col < CELL_TILES ? tiles->cols - col : CELL_TILES};
    return block;
}

static bool has_own_motion(
        const struct orl_tiles *tiles, const struct orl_classify_view *view, size_t tile)
{
    if (view->moved->count == 0) {
        return true;
    }
    const struct orl_rect r = orl_tiles_rect(tiles, tile);
    return !orl_region_intersects(view->moved, &r);
}

/* Judged by one of the changed tiles of each row. */
static void note_cell(struct orl_classify_cell *cell, const struct orl_tiles *tiles,
        const struct block *block, const struct orl_classify_view *view, uint32_t now_ms)
{
    bool is_noted = false;
    unsigned judged = 0;
    unsigned photos = 0;
    cell->changed = 0;
    cell->is_coded = cell->is_seen = false;
    const bool is_judging =
            !is_moving(cell, now_ms) || now_ms - cell->judged_ms >= ORL_CLASSIFY_JUDGE_MS;
    for (unsigned y = 0; y < block->rows; y++) {
        for (unsigned x = 0; x < block->cols; x++) {
            const size_t i = block->first + (size_t)y * tiles->cols + x;
            if ((tiles->flags[i] & ORL_TILE_CHANGED) == 0) {
                continue;
            }
            if (!is_noted && has_own_motion(tiles, view, i)) {
                note(cell, now_ms);
                is_noted = true;
            }
            cell->changed++;
            if (is_judging && judged <= y) {
                judged++;
                photos += is_photo(tiles, view, i);
            }
        }
    }
    if (judged > 0) {
        cell->judged_ms = now_ms;
        cell->is_photo = photos * 2 >= judged;
    }
}

/* How many pixels changed where nothing moves at video rate. Rows in which nothing changes, now and the last time, are
 * left as they are. */
static int64_t note_cells(struct orl_classify *classify, const struct orl_tiles *tiles,
        const struct orl_classify_view *view, uint32_t now_ms)
{
    int64_t still_px = 0;
    size_t next = orl_tiles_find(tiles, 0, ORL_TILE_CHANGED);
    for (unsigned row = 0; row < classify->rows; row++) {
        bool *is_noted = &classify->cells[(size_t)row * classify->cols].is_row_noted;
        const size_t below = (size_t)(row + 1) * CELL_TILES * tiles->cols;
        const size_t end = below < tiles->count ? below : tiles->count;
        if (next >= end && !*is_noted) {
            continue;
        }
        *is_noted = next < end;
        next = next < end ? orl_tiles_find(tiles, end, ORL_TILE_CHANGED) : next;
        for (unsigned col = 0; col < classify->cols; col++) {
            struct orl_classify_cell *cell = &classify->cells[(size_t)row * classify->cols + col];
            const struct block block = block_of(tiles, col, row);
            note_cell(cell, tiles, &block, view, now_ms);
            still_px += is_moving(cell, now_ms) ? 0 : cell->changed * ORL_TILE_AREA_PX;
        }
    }
    return still_px;
}

/* Cells that hang together. */
struct place {
    int64_t changed_px, photo_px;
    bool has_motion, is_sticky;
};

/* What moves hangs together whatever it shows; of a large change that does not move, only what is a photo counts:
 * around it may be a whole screen of text. */
static bool is_candidate(const struct orl_classify_cell *cell, bool has_still, uint32_t now_ms)
{
    return !cell->is_seen && cell->changed > 0 &&
           (is_moving(cell, now_ms) || (has_still && cell->is_photo));
}

/* Puts the neighbours of a cell, and itself, on the stack. */
static size_t push_around(
        struct orl_classify *classify, unsigned at, bool has_still, uint32_t now_ms, size_t count)
{
    const unsigned col = at % classify->cols;
    const unsigned row = at / classify->cols;
    for (unsigned y = row - (row > 0); y <= row + 1 && y < classify->rows; y++) {
        for (unsigned x = col - (col > 0); x <= col + 1 && x < classify->cols; x++) {
            const size_t i = (size_t)y * classify->cols + x;
            struct orl_classify_cell *next = &classify->cells[i];
            if (is_candidate(next, has_still, now_ms)) {
                next->is_seen = true;
                classify->stack[count++] = (uint16_t)i;
            }
        }
    }
    return count;
}

/* From cells[first] on; those of the place are left on the stack: how many. */
static size_t walk_place(struct orl_classify *classify, size_t first, bool has_still,
        uint32_t now_ms, struct place *ret_place)
{
    size_t count = 0;
    *ret_place = (struct place){0};
    classify->cells[first].is_seen = true;
    classify->stack[count++] = (uint16_t)first;
    for (size_t at = 0; at < count; at++) {
        const struct orl_classify_cell *cell = &classify->cells[classify->stack[at]];
        const int64_t changed_px = (int64_t)cell->changed * ORL_TILE_AREA_PX;
        ret_place->changed_px += changed_px;
        ret_place->photo_px += cell->is_photo ? changed_px : 0;
        ret_place->has_motion = ret_place->has_motion || is_moving(cell, now_ms);
        ret_place->is_sticky = ret_place->is_sticky || is_sticky(cell, now_ms);
        count = push_around(classify, classify->stack[at], has_still, now_ms, count);
    }
    return count;
}

/* Below the thresholds by half where it was coded a moment ago: nothing flickers. */
static bool is_for_h264(const struct orl_tiles *tiles, const struct place *place)
{
    const int64_t min_px = part_of(tiles,
            place->has_motion ? ORL_CLASSIFY_MOTION_PER_MILLE : ORL_CLASSIFY_STILL_PER_MILLE);
    return place->is_sticky
                   ? place->photo_px * 6 >= place->changed_px && place->changed_px * 2 > min_px
                   : place->photo_px * 3 >= place->changed_px && place->changed_px > min_px;
}

/* The place of a cell, if that is a candidate. */
static bool choose_place(struct orl_classify *classify, const struct orl_tiles *tiles, size_t first,
        bool has_still, uint32_t now_ms)
{
    if (!is_candidate(&classify->cells[first], has_still, now_ms)) {
        return false;
    }
    struct place place;
    const size_t count = walk_place(classify, first, has_still, now_ms, &place);
    if (!is_for_h264(tiles, &place)) {
        return false;
    }
    for (size_t k = 0; k < count; k++) {
        struct orl_classify_cell *coded = &classify->cells[classify->stack[k]];
        coded->is_coded = coded->was_coded = true;
        coded->coded_ms = now_ms;
    }
    return true;
}

static bool choose_places(struct orl_classify *classify, const struct orl_tiles *tiles,
        bool has_still, uint32_t now_ms)
{
    bool is_any = false;
    for (unsigned row = 0; row < classify->rows; row++) {
        const size_t first = (size_t)row * classify->cols;
        const size_t end = classify->cells[first].is_row_noted ? first + classify->cols : first;
        for (size_t i = first; i < end; i++) {
            is_any = choose_place(classify, tiles, i, has_still, now_ms) || is_any;
        }
    }
    return is_any;
}

static void set_coded(const struct orl_classify *classify, struct orl_tiles *tiles)
{
    for (unsigned row = 0; row < tiles->rows; row++) {
        const struct orl_classify_cell *cells =
                classify->cells + (size_t)row / CELL_TILES * classify->cols;
        uint8_t *flags = tiles->flags + (size_t)row * tiles->cols;
        for (unsigned col = 0; col < tiles->cols; col++) {
            if ((flags[col] & ORL_TILE_CHANGED) != 0 && cells[col / CELL_TILES].is_coded) {
                flags[col] |= ORL_TILE_CODED;
            }
        }
    }
}

bool orl_classify_choose(struct orl_classify *classify, struct orl_tiles *tiles,
        const struct orl_classify_view *view, uint64_t now_us)
{
    const uint32_t now_ms = (uint32_t)(now_us / ORL_US_PER_MS);
    const int64_t still_px = note_cells(classify, tiles, view, now_ms);
    const bool has_still = still_px > part_of(tiles, ORL_CLASSIFY_STILL_PER_MILLE);
    if (!choose_places(classify, tiles, has_still, now_ms)) {
        return false;
    }
    set_coded(classify, tiles);
    return true;
}
