/* Which changed tiles go by H.264: large changes, and what moves at video rate. The rest is lossless:
 * a key press must never reach the encoder. */
#ifndef ORL_DISPLAY_CLASSIFY_H
#define ORL_DISPLAY_CLASSIFY_H
#include "display/tiles.h"

#define ORL_CLASSIFY_HITS 6 /* changes within ORL_CLASSIFY_WINDOW_MS that count as motion */
#define ORL_CLASSIFY_WINDOW_MS 500
#define ORL_CLASSIFY_STILL_PER_MILLE                                                               \
    50 /* of the picture: lossless up to here, if it does not move */
#define ORL_CLASSIFY_MOTION_PER_MILLE 5 /* of the picture: lossless up to here, though it moves */
#define ORL_CLASSIFY_SMALL_PX 4096 /* lossless in any case, also beside motion: what a key does */

struct orl_classify_cell;
/* History of cells of 64 x 64 pixels. */
struct orl_classify {
    unsigned cols, rows;
    struct orl_classify_cell *cells;
};
ORL_NODISCARD int orl_classify_init(struct orl_classify *classify, const struct orl_tiles *tiles);
void orl_classify_fini(struct orl_classify *classify);
/* Notes the CHANGED tiles at now_us and sets CODED on those chosen for H.264. True: there are some. Not noted
 * are those in `moved`: what appears at the rim of a window that is dragged is no motion of its own. */
bool orl_classify_choose(struct orl_classify *classify, struct orl_tiles *tiles,
        const struct orl_region *moved, uint64_t now_us);

#endif
