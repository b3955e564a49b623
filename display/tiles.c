/* Flags are scanned 32 at a time: a still picture of 4K costs a microsecond. */
#include "display/tiles.h"
#include <stdlib.h>
#include <string.h>

#define JOIN_FREE_PX 512 /* about what the headers of one more rectangle cost */
#define TIGHT_MAX_RECTS 64

int orl_tiles_init(struct orl_tiles *tiles, uint32_t width_px, uint32_t height_px)
{
    memset(tiles, 0, sizeof(*tiles));
    tiles->width_px = width_px;
    tiles->height_px = height_px;
    tiles->cols = (width_px + ORL_TILE_PX - 1) / ORL_TILE_PX;
    tiles->rows = (height_px + ORL_TILE_PX - 1) / ORL_TILE_PX;
    tiles->count = (size_t)tiles->cols * tiles->rows;
    tiles->flags = calloc(tiles->count, 1);
    tiles->boxes = calloc(tiles->count, sizeof(*tiles->boxes));
    if (tiles->flags == NULL || tiles->boxes == NULL) {
        orl_tiles_fini(tiles);
        return ORL_E_NOMEM;
    }
    return ORL_OK;
}

void orl_tiles_fini(struct orl_tiles *tiles)
{
    free(tiles->flags);
    free(tiles->boxes);
    memset(tiles, 0, sizeof(*tiles));
}

static uint64_t word_at(const struct orl_tiles *tiles, size_t index)
{
    uint64_t word;
    memcpy(&word, tiles->flags + index, sizeof(word));
    return word;
}

static uint64_t eight_times(uint8_t flags)
{
    return flags * UINT64_C(0x0101010101010101);
}

size_t orl_tiles_find(const struct orl_tiles *tiles, size_t from, uint8_t mask)
{
    const uint64_t wide = eight_times(mask);
    size_t i = from;
    while (i + 32 <= tiles->count && ((word_at(tiles, i) | word_at(tiles, i + 8) |
                                              word_at(tiles, i + 16) | word_at(tiles, i + 24)) &
                                             wide) == 0) {
        i += 32;
    }
    while (i + 8 <= tiles->count && (word_at(tiles, i) & wide) == 0) {
        i += 8;
    }
    while (i < tiles->count && (tiles->flags[i] & mask) == 0) {
        i++;
    }
    return i;
}

size_t orl_tiles_count(const struct orl_tiles *tiles, uint8_t mask)
{
    const uint64_t wide = eight_times(mask);
    size_t count = 0;
    size_t i = 0;
    for (; i + 8 <= tiles->count; i += 8) {
        uint64_t any = word_at(tiles, i) & wide;
        any |= any >> 4 & eight_times(0x0F);
        any |= any >> 2 & eight_times(0x03);
        any |= any >> 1;
        any &= eight_times(1);
        count += any * eight_times(1) >> 56;
    }
    for (; i < tiles->count; i++) {
        count += (tiles->flags[i] & mask) != 0;
    }
    return count;
}

void orl_tiles_set_all(struct orl_tiles *tiles, uint8_t flags)
{
    for (size_t i = 0; i < tiles->count; i++) {
        tiles->flags[i] |= flags;
    }
}

void orl_tiles_clear_all(struct orl_tiles *tiles, uint8_t flags)
{
    const uint64_t wide = eight_times(flags);
    for (size_t i = orl_tiles_find(tiles, 0, flags); i < tiles->count;
            i = orl_tiles_find(tiles, i, flags)) {
        if (i + 8 <= tiles->count) {
            const uint64_t left = word_at(tiles, i) & ~wide;
            memcpy(tiles->flags + i, &left, sizeof(left));
            i += 8;
        } else {
            tiles->flags[i++] &= (uint8_t)~flags;
        }
    }
}

void orl_tiles_set_where(struct orl_tiles *tiles, uint8_t mask, uint8_t flags)
{
    for (size_t i = orl_tiles_find(tiles, 0, mask); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, mask)) {
        tiles->flags[i] |= flags;
    }
}

static void set_run(struct orl_tiles *tiles, size_t row, size_t from, size_t to, uint8_t flags)
{
    uint8_t *at = tiles->flags + row * tiles->cols;
    for (size_t col = from; col < to; col++) {
        at[col] |= flags;
    }
}

void orl_tiles_set_around(struct orl_tiles *tiles, uint8_t mask, uint8_t flags)
{
    size_t i = orl_tiles_find(tiles, 0, mask);
    while (i < tiles->count) {
        size_t row = i / tiles->cols;
        size_t from = i % tiles->cols;
        size_t to = from;
        while (to < tiles->cols && (tiles->flags[row * tiles->cols + to] & mask) != 0) {
            to++;
        }
        i = orl_tiles_find(tiles, row * tiles->cols + to, mask);
        from -= from > 0;
        to += to < tiles->cols;
        for (size_t y = row - (row > 0); y <= row + 1 && y < tiles->rows; y++) {
            set_run(tiles, y, from, to, flags);
        }
    }
}

void orl_tiles_set(struct orl_tiles *tiles, const struct orl_rect *r, uint8_t flags)
{
    if (orl_rect_is_empty(r)) {
        return;
    }
    unsigned col0 = (unsigned)r->x / ORL_TILE_PX;
    unsigned row0 = (unsigned)r->y / ORL_TILE_PX;
    unsigned col1 = (unsigned)(r->x + r->width - 1) / ORL_TILE_PX;
    unsigned row1 = (unsigned)(r->y + r->height - 1) / ORL_TILE_PX;
    for (unsigned row = row0; row <= row1; row++) {
        for (unsigned col = col0; col <= col1; col++) {
            tiles->flags[(size_t)row * tiles->cols + col] |= flags;
        }
    }
}

void orl_tiles_clear_inside(struct orl_tiles *tiles, const struct orl_rect *r, uint8_t flags)
{
    if (orl_rect_is_empty(r)) {
        return;
    }
    unsigned col0 = ((unsigned)r->x + ORL_TILE_PX - 1) / ORL_TILE_PX;
    unsigned row0 = ((unsigned)r->y + ORL_TILE_PX - 1) / ORL_TILE_PX;
    uint32_t right = (uint32_t)(r->x + r->width);
    uint32_t bottom = (uint32_t)(r->y + r->height);
    unsigned col1 = right >= tiles->width_px ? tiles->cols : right / ORL_TILE_PX;
    unsigned row1 = bottom >= tiles->height_px ? tiles->rows : bottom / ORL_TILE_PX;
    for (unsigned row = row0; row < row1; row++) {
        for (unsigned col = col0; col < col1; col++) {
            tiles->flags[(size_t)row * tiles->cols + col] &= (uint8_t)~flags;
        }
    }
}

static struct orl_rect clip_to_picture(const struct orl_tiles *tiles, struct orl_rect r)
{
    const struct orl_rect picture = {0, 0, (int32_t)tiles->width_px, (int32_t)tiles->height_px};
    return orl_rect_intersect(&r, &picture);
}

struct orl_rect orl_tiles_rect(const struct orl_tiles *tiles, size_t index)
{
    struct orl_rect r = {(int32_t)(index % tiles->cols) * ORL_TILE_PX,
            (int32_t)(index / tiles->cols) * ORL_TILE_PX, ORL_TILE_PX, ORL_TILE_PX};
    return clip_to_picture(tiles, r);
}

/* A grid of cells of 2^shift tiles a side. */
struct grid {
    const struct orl_tiles *tiles;
    uint8_t mask;
    unsigned shift;
    unsigned cols, rows;
};

static bool is_cell_set(const struct grid *g, unsigned col, unsigned row)
{
    unsigned row1 = (row + 1) << g->shift;
    unsigned col0 = col << g->shift;
    unsigned col1 = (col + 1) << g->shift;
    row1 = row1 < g->tiles->rows ? row1 : g->tiles->rows;
    col1 = col1 < g->tiles->cols ? col1 : g->tiles->cols;
    for (unsigned y = row << g->shift; y < row1; y++) {
        const uint8_t *flags = g->tiles->flags + (size_t)y * g->tiles->cols;
        for (unsigned x = col0; x < col1; x++) {
            if ((flags[x] & g->mask) != 0) {
                return true;
            }
        }
    }
    return false;
}

/* Adds a run of cells in one row: to the rectangle that ends just above it with the same sides, if any. */
static bool add_run(struct orl_rect *cells, unsigned *count, unsigned max, struct orl_rect run)
{
    for (unsigned i = 0; i < *count; i++) {
        if (cells[i].x == run.x && cells[i].width == run.width &&
                cells[i].y + cells[i].height == run.y) {
            cells[i].height++;
            return true;
        }
    }
    if (*count == max) {
        return false;
    }
    cells[(*count)++] = run;
    return true;
}

/* The first row of cells at or after `row` in which there is something. */
static unsigned next_row(const struct grid *g, unsigned row)
{
    const struct orl_tiles *tiles = g->tiles;
    const size_t at = orl_tiles_find(tiles, (size_t)(row << g->shift) * tiles->cols, g->mask);
    return at < tiles->count ? (unsigned)(at / tiles->cols) >> g->shift : g->rows;
}

static bool cover(const struct grid *g, struct orl_rect *cells, unsigned *ret_count, unsigned max)
{
    *ret_count = 0;
    for (unsigned row = next_row(g, 0); row < g->rows; row = next_row(g, row + 1)) {
        unsigned col = 0;
        while (col < g->cols) {
            if (!is_cell_set(g, col, row)) {
                col++;
                continue;
            }
            unsigned from = col;
            while (col < g->cols && is_cell_set(g, col, row)) {
                col++;
            }
            const struct orl_rect run = {(int32_t)from, (int32_t)row, (int32_t)(col - from), 1};
            if (!add_run(cells, ret_count, max, run)) {
                return false;
            }
        }
    }
    return true;
}

static struct orl_rect trim(const struct orl_tiles *tiles, const struct orl_rect *cells)
{
    struct orl_rect all = {0, 0, 0, 0};
    for (int32_t row = cells->y; row < cells->y + cells->height; row++) {
        for (int32_t col = cells->x; col < cells->x + cells->width; col++) {
            const struct orl_tile_box *box = &tiles->boxes[(size_t)row * tiles->cols + (size_t)col];
            const struct orl_rect r = {col * ORL_TILE_PX + box->x0, row * ORL_TILE_PX + box->y0,
                    box->x1 - box->x0, box->y1 - box->y0};
            all = orl_rect_union(&all, &r);
        }
    }
    return clip_to_picture(tiles, all);
}

/* A rectangle of changed pixels in a rectangle of tiles. */
struct tight {
    struct orl_rect cells, px;
    int64_t changed_px; /* of the tiles' boxes */
};

static struct orl_rect box_of(const struct orl_tiles *tiles, size_t index)
{
    const struct orl_tile_box *box = &tiles->boxes[index];
    const struct orl_rect r = {(int32_t)(index % tiles->cols) * ORL_TILE_PX + box->x0,
            (int32_t)(index / tiles->cols) * ORL_TILE_PX + box->y0, box->x1 - box->x0,
            box->y1 - box->y0};
    return r;
}

/* Whether one rectangle around both is worth what it has beyond them: one of text is, an L of strips not. */
static bool try_join(struct tight *a, const struct tight *b)
{
    const struct orl_rect px = orl_rect_union(&a->px, &b->px);
    const int64_t changed_px = a->changed_px + b->changed_px;
    if (orl_rect_area(&px) - changed_px > JOIN_FREE_PX + changed_px / 2) {
        return false;
    }
    a->px = px;
    a->changed_px = changed_px;
    a->cells = orl_rect_union(&a->cells, &b->cells);
    return true;
}

static bool add_tight(struct tight *all, unsigned *count, unsigned max, const struct tight *run)
{
    for (unsigned i = 0; i < *count; i++) {
        if (all[i].cells.x == run->cells.x && all[i].cells.width == run->cells.width &&
                all[i].cells.y + all[i].cells.height == run->cells.y && try_join(&all[i], run)) {
            return true;
        }
    }
    if (*count == max) {
        return false;
    }
    all[(*count)++] = *run;
    return true;
}

/* Rectangles that fit the changed pixels; false: more than max. */
static bool cover_tight(const struct orl_tiles *tiles, uint8_t mask, struct orl_rect *ret_rects,
        unsigned *ret_count, unsigned max)
{
    struct tight all[TIGHT_MAX_RECTS];
    unsigned count = 0;
    max = max < TIGHT_MAX_RECTS ? max : TIGHT_MAX_RECTS;
    struct tight run = {.changed_px = 0};
    for (size_t i = orl_tiles_find(tiles, 0, mask); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, mask)) {
        const struct orl_rect px = box_of(tiles, i);
        const struct tight one = {{(int32_t)(i % tiles->cols), (int32_t)(i / tiles->cols), 1, 1},
                px, orl_rect_area(&px)};
        const bool is_next = run.changed_px > 0 && run.cells.y == one.cells.y &&
                             run.cells.x + run.cells.width == one.cells.x;
        if (is_next && try_join(&run, &one)) {
            continue;
        }
        if (run.changed_px > 0 && !add_tight(all, &count, max, &run)) {
            return false;
        }
        run = one;
    }
    if (run.changed_px > 0 && !add_tight(all, &count, max, &run)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        ret_rects[i] = clip_to_picture(tiles, all[i].px);
    }
    *ret_count = count;
    return true;
}

unsigned orl_tiles_rects(const struct orl_tiles *tiles, uint8_t mask, bool is_tight,
        struct orl_rect *ret_rects, unsigned max)
{
    unsigned count = 0;
    struct grid g = {.tiles = tiles, .mask = mask};
    if (is_tight && cover_tight(tiles, mask, ret_rects, &count, max)) {
        return count;
    }
    for (;; g.shift++) {
        unsigned round = (1U << g.shift) - 1;
        g.cols = (tiles->cols + round) >> g.shift;
        g.rows = (tiles->rows + round) >> g.shift;
        if (cover(&g, ret_rects, &count, max)) {
            break;
        }
    }
    const int32_t cell_px = ORL_TILE_PX << g.shift;
    for (unsigned i = 0; i < count; i++) {
        struct orl_rect *r = &ret_rects[i];
        if (is_tight && g.shift == 0) {
            *r = trim(tiles, r);
            continue;
        }
        const struct orl_rect px = {
                r->x * cell_px, r->y * cell_px, r->width * cell_px, r->height * cell_px};
        *r = clip_to_picture(tiles, px);
    }
    return count;
}
