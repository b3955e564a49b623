/* Finds what only moved: text that was scrolled, windows that were dragged. A guess that is wrong costs bytes,
 * never pixels: a move is used only where the source was compared with it, all else is compared after it.
 * Private to the planner's files. */
#ifndef ORL_DISPLAY_SCROLL_H
#define ORL_DISPLAY_SCROLL_H
#include "display/move.h"

#define ORL_SCROLL_MIN_PX 8192 /* of damage: below, finding costs more than it saves */
#define ORL_SCROLL_MAX_MOVES 12

/* The source, which may change while it is read, and the picture as the client has it. */
struct orl_scroll_view {
    const uint8_t *src;
    size_t src_stride_bytes;
    uint8_t *picture;
    size_t stride_bytes;
    struct orl_tiles *tiles;
    int32_t guess_dx, guess_dy; /* tried first; 0, 0: none */
};
/* Looks at DAMAGED tiles; no tile may be MUST. Makes the moves in picture and tiles, in the order given back;
 * what is still DAMAGED must be compared. */
unsigned orl_scroll_take(
        const struct orl_scroll_view *view, struct orl_move ret_moves[ORL_SCROLL_MAX_MOVES]);

#endif
