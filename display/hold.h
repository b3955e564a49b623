/* While the line is full, what moves and what is large waits and what is small goes. Tiles that wait are set aside
 * before the comparison, so that they cost nothing, and come back after it. Private to the planner's files. */
#ifndef ORL_DISPLAY_HOLD_H
#define ORL_DISPLAY_HOLD_H
#include "display/classify.h"
#include "display/tiles.h"

#define ORL_HOLD_SMALL_PX 16384 /* damage up to here does not wait */

struct orl_hold {
    uint8_t *aside; /* per tile: DAMAGED and MUST as they will be */
    bool is_any;    /* false: none is aside */
};
ORL_NODISCARD int orl_hold_init(struct orl_hold *hold, const struct orl_tiles *tiles);
void orl_hold_fini(struct orl_hold *hold);
/* Marks the damage that may go and sets aside the rest, and all that was damaged or must be sent before. True: some
 * may go. */
bool orl_hold_damage(struct orl_hold *hold, struct orl_tiles *tiles, struct orl_classify *classify,
        const struct orl_region *damage, uint64_t now_us);
/* A CHANGED tile, found to be too much for now, waits: the picture has it, the client has not. */
void orl_hold_changed(struct orl_hold *hold, struct orl_tiles *tiles, size_t tile);
/* All those with CODED. */
void orl_hold_coded(struct orl_hold *hold, struct orl_tiles *tiles);
void orl_hold_end(struct orl_hold *hold, struct orl_tiles *tiles);

#endif
