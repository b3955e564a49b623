/* Build to lossless: what H.264 touched and then stayed at rest is made exact, a piece at a time. */
#ifndef ORL_DISPLAY_REFINE_H
#define ORL_DISPLAY_REFINE_H
#include "display/tiles.h"

#define ORL_REFINE_REST_MS 200
#define ORL_REFINE_BUDGET_PX (256 * 1024)     /* of one update at rest: 128 rows of 1080p */
#define ORL_REFINE_BUDGET_BUSY_PX (48 * 1024) /* beside H.264 elsewhere */

/* When cells of 64 x 64 pixels were last touched. */
struct orl_refine {
    unsigned cols, rows;
    uint64_t *touched_us;
};
ORL_NODISCARD int orl_refine_init(struct orl_refine *refine, const struct orl_tiles *tiles);
void orl_refine_fini(struct orl_refine *refine);
/* Tiles with any flag of mask begin their rest at now_us. */
void orl_refine_touch(
        struct orl_refine *refine, const struct orl_tiles *tiles, uint8_t mask, uint64_t now_us);
/* Sets PICK on LOSSY tiles at rest, from the top, until budget_px is reached. True: there are some. */
bool orl_refine_pick(const struct orl_refine *refine, struct orl_tiles *tiles, uint64_t now_us,
        int64_t budget_px);
/* When the first LOSSY tile will be at rest; 0: there is none. */
uint64_t orl_refine_due_us(const struct orl_refine *refine, const struct orl_tiles *tiles);

#endif
