/* The monitors that a viewer wants, or has: heads of one desktop, in pixels of the whole picture. */
#ifndef ORL_DISPLAY_LAYOUT_H
#define ORL_DISPLAY_LAYOUT_H
#include "display/region.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_HEADS_MAX 2

struct orl_layout {
    uint32_t count;                       /* 1 .. ORL_HEADS_MAX */
    struct orl_rect heads[ORL_HEADS_MAX]; /* the first is the primary one; the others are zero */
};
struct orl_layout orl_layout_one(uint32_t width_px, uint32_t height_px);
/* Sizes in a surface's range, no overlap, and the smallest x and y are 0; what comes from another process must
 * pass it. */
bool orl_layout_is_valid(const struct orl_layout *layout);
/* The smallest picture that holds all heads. */
void orl_layout_bounds(
        const struct orl_layout *layout, uint32_t *ret_width_px, uint32_t *ret_height_px);
bool orl_layout_is_equal(const struct orl_layout *a, const struct orl_layout *b);

#endif
