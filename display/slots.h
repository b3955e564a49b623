/* Where the pictures of H.264 lie: around what moves, at most ORL_H264_SLOTS of them, or one for the whole picture where
 * most of it moves. A rectangle stays as long as it can, because another one begins with a key frame.
 * Knows neither encoder nor pixels. Private to the planner's files. */
#ifndef ORL_DISPLAY_SLOTS_H
#define ORL_DISPLAY_SLOTS_H
#include "display/plan.h"
#include "display/tiles.h"

#define ORL_SLOTS_WINDOW_MS 1000   /* what moved in this window and the last one counts */
#define ORL_SLOTS_PATIENCE_MS 500  /* between two changes, if what lies outside is small */
#define ORL_SLOTS_OUTSIDE_TILES 64 /* small */
#define ORL_SLOTS_MIN_TILES 16     /* below, a place is no picture of its own */
#define ORL_SLOTS_WHOLE_PERCENT 75 /* of the picture: from here the whole of it */
#define ORL_SLOTS_PARTS_PERCENT 45 /* down to here it stays whole */
#define ORL_SLOTS_RESTLESS 4       /* changes within two windows: the whole picture, for a while */
#define ORL_SLOTS_RESTLESS_MS 4000

struct orl_slots {
    struct orl_rect
            rects[ORL_H264_SLOTS]; /* on the tiles' grid, clipped to the picture; empty: free */
    uint64_t used_us[ORL_H264_SLOTS];
    struct orl_tiles recent; /* flags: 1 CODED in this window, 2 in the last one */
    uint64_t window_us;      /* when this window began */
    uint64_t changed_us;     /* when a rectangle in use was last changed */
    uint64_t whole_until_us; /* restless */
    unsigned changes[2];     /* in this window and the last one */
};
ORL_NODISCARD int orl_slots_init(struct orl_slots *slots, const struct orl_tiles *tiles);
void orl_slots_fini(struct orl_slots *slots);
/* Chooses rectangles for the CODED tiles. Those that get none (yet) lose CODED. True: some are left. */
bool orl_slots_choose(struct orl_slots *slots, struct orl_tiles *tiles, uint64_t now_us);
/* Nothing moves there any more. */
void orl_slots_drop(struct orl_slots *slots, unsigned slot);

#endif
