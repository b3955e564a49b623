/* Which changed tiles go by H.264: what looks like a photo and either moves at video rate or is a large change.
 * The rest is lossless: text and drawings also when they move, and what a key press does in any case.
 * Judged for places that hang together, so that a plain part of a video goes with the video. */
#ifndef ORL_DISPLAY_CLASSIFY_H
#define ORL_DISPLAY_CLASSIFY_H
#include "display/tiles.h"

#define ORL_CLASSIFY_HITS 6 /* changes within ORL_CLASSIFY_WINDOW_MS that count as motion */
#define ORL_CLASSIFY_WINDOW_MS 500
#define ORL_CLASSIFY_STICKY_MS 500 /* what was coded so lately goes on more easily */
#define ORL_CLASSIFY_JUDGE_MS 250  /* a moving cell is looked at again so late */
#define ORL_CLASSIFY_STILL_PER_MILLE                                                               \
    50 /* of the picture: lossless up to here, if it does not move */
#define ORL_CLASSIFY_MOTION_PER_MILLE 5 /* of the picture: lossless up to here, though it moves */
#define ORL_CLASSIFY_SMALL_PX 4096      /* lossless in any case: what a key does */
/* Of 64 pixels of a tile, how many of 64 bins their colours fill: a photo in any case, and a photo where at least
 * half of the pixels differ from their neighbours. */
#define ORL_CLASSIFY_PHOTO_COLOURS 24
#define ORL_CLASSIFY_ROUGH_COLOURS 5

struct orl_classify_cell;
/* History of cells of 64 x 64 pixels. */
struct orl_classify {
    unsigned cols, rows;
    struct orl_classify_cell *cells;
    uint16_t *stack; /* as many as cells */
};
struct orl_classify_view {
    const uint8_t *pixels; /* the picture, with what changed */
    size_t stride_bytes;
    /* What only moved: what appears at the rim of a window that is dragged is no motion of its own. */
    const struct orl_region *moved;
};
ORL_NODISCARD int orl_classify_init(struct orl_classify *classify, const struct orl_tiles *tiles);
void orl_classify_fini(struct orl_classify *classify);
/* Notes the CHANGED tiles at now_us and sets CODED on those chosen for H.264. True: there are some. */
bool orl_classify_choose(struct orl_classify *classify, struct orl_tiles *tiles,
        const struct orl_classify_view *view, uint64_t now_us);
/* The tile, damaged and not looked at, is where something moves by H.264; it is noted as if it went so again. */
bool orl_classify_keeps_moving(
        struct orl_classify *classify, const struct orl_tiles *tiles, size_t tile, uint64_t now_us);

#endif
