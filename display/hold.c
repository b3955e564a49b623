#include "display/hold.h"
#include <stdlib.h>
#include <string.h>

int orl_hold_init(struct orl_hold *hold, const struct orl_tiles *tiles)
{
    hold->aside = calloc(tiles->count, 1);
    return hold->aside == NULL ? ORL_E_NOMEM : ORL_OK;
}

void orl_hold_fini(struct orl_hold *hold)
{
    free(hold->aside);
    hold->aside = NULL;
}

static void set_aside(struct orl_hold *hold, struct orl_tiles *tiles, size_t i)
{
    const uint8_t flags = tiles->flags[i] & (ORL_TILE_DAMAGED | ORL_TILE_MUST);
    hold->aside[i] |= flags;
    hold->is_any = true;
    tiles->flags[i] &= (uint8_t)~flags;
}

static void hold_all(struct orl_hold *hold, struct orl_tiles *tiles)
{
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_DAMAGED | ORL_TILE_MUST); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_DAMAGED | ORL_TILE_MUST)) {
        set_aside(hold, tiles, i);
    }
}

static void mark_damage(struct orl_tiles *tiles, const struct orl_region *damage, bool is_small)
{
    for (unsigned i = 0; i < damage->count; i++) {
        if ((orl_rect_area(&damage->rects[i]) <= ORL_HOLD_SMALL_PX) == is_small) {
            orl_tiles_set(tiles, &damage->rects[i], ORL_TILE_DAMAGED);
        }
    }
}

/* True: something is damaged where nothing moves. What moves is set aside. */
static bool part_moving(struct orl_hold *hold, struct orl_tiles *tiles,
        struct orl_classify *classify, uint64_t now_us)
{
    bool is_any_still = false;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_DAMAGED); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_DAMAGED)) {
        if (orl_classify_keeps_moving(classify, tiles, i, now_us)) {
            set_aside(hold, tiles, i);
        } else {
            is_any_still = true;
        }
    }
    return is_any_still;
}

bool orl_hold_damage(struct orl_hold *hold, struct orl_tiles *tiles, struct orl_classify *classify,
        const struct orl_region *damage, uint64_t now_us)
{
    hold_all(hold, tiles);
    mark_damage(tiles, damage, false);
    (void)part_moving(hold, tiles, classify, now_us); /* what waits still moves */
    hold_all(hold, tiles);
    mark_damage(tiles, damage, true);
    return part_moving(hold, tiles, classify, now_us);
}

void orl_hold_changed(struct orl_hold *hold, struct orl_tiles *tiles, size_t tile)
{
    tiles->flags[tile] &= (uint8_t) ~(ORL_TILE_CHANGED | ORL_TILE_CODED);
    hold->aside[tile] |= ORL_TILE_MUST;
    hold->is_any = true;
}

void orl_hold_coded(struct orl_hold *hold, struct orl_tiles *tiles)
{
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_CODED); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_CODED)) {
        orl_hold_changed(hold, tiles, i);
    }
}

void orl_hold_end(struct orl_hold *hold, struct orl_tiles *tiles)
{
    if (!hold->is_any) {
        return;
    }
    for (size_t i = 0; i < tiles->count; i++) {
        tiles->flags[i] |= hold->aside[i];
    }
    memset(hold->aside, 0, tiles->count);
    hold->is_any = false;
}
