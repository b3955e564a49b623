/* Exact comparison of the source with the picture at another place. For scroll.c. */
#ifndef ORL_DISPLAY_SCROLL_PRIV_H
#define ORL_DISPLAY_SCROLL_PRIV_H
#include "display/scroll.h"

#define ORL_SCROLL_PX_BYTES 4
#define ORL_SCROLL_TILE_BYTES 64 /* of one row of a tile */

static inline const uint8_t *orl_scroll_src(const struct orl_scroll_view *v, int32_t x, int32_t y)
{
    return v->src + (size_t)y * v->src_stride_bytes + (size_t)x * ORL_SCROLL_PX_BYTES;
}
static inline const uint8_t *orl_scroll_picture(
        const struct orl_scroll_view *v, int32_t x, int32_t y)
{
    return v->picture + (size_t)y * v->stride_bytes + (size_t)x * ORL_SCROLL_PX_BYTES;
}
/* How many of `count` pixels from x, y of the source to the right equal the picture's from old_x, old_y. */
int32_t orl_scroll_equal_right(const struct orl_scroll_view *v, int32_t x, int32_t y, int32_t old_x,
        int32_t old_y, int32_t count);
/* Whether the source's tile is what the picture has at the offset; false if that is outside. */
bool orl_scroll_is_tile_moved(
        const struct orl_scroll_view *v, const struct orl_rect *tile, int32_t dx, int32_t dy);
/* A large rectangle around *tile, inside *bounds, in which the source is what the picture has at the offset,
 * each pixel compared. Empty: the source changed meanwhile. *bounds shifted back lies in the picture. */
struct orl_rect orl_scroll_grow(const struct orl_scroll_view *v, const struct orl_rect *tile,
        const struct orl_rect *bounds, int32_t dx, int32_t dy);

#endif
