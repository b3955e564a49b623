/* The picture as 16 x 16 tiles (H.264's macroblocks), each with a few flags: exact bookkeeping that
 * never grows, however scattered the damage. Private to the planner's files. */
#ifndef ORL_DISPLAY_TILES_H
#define ORL_DISPLAY_TILES_H
#include "base/err.h"
#include "display/region.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_TILE_PX 16
#define ORL_TILE_AREA_PX 256

enum {
    ORL_TILE_DAMAGED = 1, /* reported; not yet compared */
    ORL_TILE_CHANGED = 2, /* differs from what the client has; box says where (one frame) */
    ORL_TILE_MUST = 4,    /* must be sent though it may not differ */
    ORL_TILE_STALE = 8,   /* changed since the encoder was fed */
    ORL_TILE_LOSSY = 16,  /* the client shows H.264 or a photo there */
    ORL_TILE_CODED = 32,  /* CHANGED and chosen for H.264 (one frame) */
    ORL_TILE_PICK = 64,   /* chosen: for lossless while ops are made, may have moved in scroll.c */
    ORL_TILE_SHOWN = 128, /* covered by the last update's ops */
};

/* Within the tile, right and bottom exclusive; valid while CHANGED. */
struct orl_tile_box {
    uint8_t x0, y0, x1, y1;
};
struct orl_tiles {
    uint32_t width_px, height_px; /* of the picture; the last tiles may reach beyond */
    unsigned cols, rows;
    size_t count;
    uint8_t *flags; /* by rows */
    struct orl_tile_box *boxes;
};

ORL_NODISCARD int orl_tiles_init(struct orl_tiles *tiles, uint32_t width_px, uint32_t height_px);
void orl_tiles_fini(struct orl_tiles *tiles);
/* First tile at or after `from` that has any flag of mask, or count. */
size_t orl_tiles_find(const struct orl_tiles *tiles, size_t from, uint8_t mask);
size_t orl_tiles_count(const struct orl_tiles *tiles, uint8_t mask);
void orl_tiles_set_all(struct orl_tiles *tiles, uint8_t flags);
void orl_tiles_clear_all(struct orl_tiles *tiles, uint8_t flags);
/* Tiles that have any flag of mask get flags. */
void orl_tiles_set_where(struct orl_tiles *tiles, uint8_t mask, uint8_t flags);
/* Those tiles and the eight around each get flags, which are none of mask. */
void orl_tiles_set_around(struct orl_tiles *tiles, uint8_t mask, uint8_t flags);
/* Tiles that r touches, r inside the picture. */
void orl_tiles_set(struct orl_tiles *tiles, const struct orl_rect *r, uint8_t flags);
/* Tiles of which r covers every pixel of the picture. */
void orl_tiles_clear_inside(struct orl_tiles *tiles, const struct orl_rect *r, uint8_t flags);
/* What of the tile lies in the picture. */
struct orl_rect orl_tiles_rect(const struct orl_tiles *tiles, size_t index);

/* At most `max` rectangles that cover every tile with any flag of mask, not overlapping; where that
 * takes too many, on a coarser grid. is_tight: trimmed to the tiles' boxes where the grid is fine. */
unsigned orl_tiles_rects(const struct orl_tiles *tiles, uint8_t mask, bool is_tight,
        struct orl_rect *ret_rects, unsigned max);

#endif
