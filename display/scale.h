/* For a source that refuses the client's size: its picture is kept and fitted into the client's, in
 * proportion, with bars where it does not reach. Sizes 1 .. ORL_SURFACE_MAX_PX. */
#ifndef ORL_DISPLAY_SCALE_H
#define ORL_DISPLAY_SCALE_H
#include "display/region.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_scale {
    uint32_t src_width_px, src_height_px;
    uint32_t dst_width_px, dst_height_px;
    struct orl_rect placed; /* where the source's picture lies in the destination */
};
void orl_scale_init(struct orl_scale *scale, uint32_t src_width_px, uint32_t src_height_px,
        uint32_t dst_width_px, uint32_t dst_height_px);
/* True: same sizes; the caller need not scale at all. */
bool orl_scale_is_identity(const struct orl_scale *scale);
/* Every destination pixel that depends on a pixel of r (in the source); may be a little more. */
struct orl_rect orl_scale_rect_to_dst(const struct orl_scale *scale, const struct orl_rect *r);
void orl_scale_region_to_dst(const struct orl_scale *scale, const struct orl_region *region,
        struct orl_region *ret_region);
/* From the client's coordinates to the source's; outside the picture: its nearest pixel. */
void orl_scale_point_to_src(
        const struct orl_scale *scale, int32_t x, int32_t y, int32_t *ret_x, int32_t *ret_y);
/* Paints r (in the destination, clipped): bilinear; bars are black. A part gives the same pixels as the
 * whole. src may change while it is read. */
void orl_scale_paint(const struct orl_scale *scale, const uint8_t *src, size_t src_stride,
        uint8_t *dst, size_t dst_stride, const struct orl_rect *r);

#endif
