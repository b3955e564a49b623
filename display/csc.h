/* BGRX to I420, BT.709. Converts only the rectangle asked for (widened to even coordinates). */
#ifndef ORL_DISPLAY_CSC_H
#define ORL_DISPLAY_CSC_H
#include "display/region.h"
#include <stddef.h>
#include <stdint.h>

struct orl_i420 {
    uint8_t *plane[3];
    int stride_bytes[3];
    uint32_t width_px, height_px; /* multiples of 16; the picture is padded by repeating its edge */
};
/* src is width_px x height_px (the unpadded picture). */
void orl_csc_bgrx_to_i420(const uint8_t *src, size_t src_stride, uint32_t width_px,
        uint32_t height_px, const struct orl_rect *rect, bool is_full_range,
        const struct orl_i420 *dst);

#endif
