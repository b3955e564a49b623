/* A move: pixels of the picture that are shown elsewhere now. What `copy` does at the client, done to the
 * planner's picture and its tiles. Finding moves: display/scroll.h. Private to the planner's files. */
#ifndef ORL_DISPLAY_MOVE_H
#define ORL_DISPLAY_MOVE_H
#include "display/tiles.h"

struct orl_move {
    struct orl_rect to; /* it and where it comes from lie in the picture */
    int32_t dx, dy;     /* comes from to.x - dx, to.y - dy */
};
struct orl_rect orl_move_from(const struct orl_move *move);
/* Moves the pixels as memmove does. LOSSY goes with them, all that is touched becomes STALE, tiles at the rim
 * become DAMAGED; those inside are no longer: the caller has compared `to` with the source. */
void orl_move_apply(const struct orl_move *move, struct orl_tiles *tiles, uint8_t *picture,
        size_t stride_bytes);

#endif
