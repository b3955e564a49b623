/* BGRX to I420. Converts only the rectangle asked for (widened to even coordinates). */
#ifndef ORL_DISPLAY_CSC_H
#define ORL_DISPLAY_CSC_H
#include "display/region.h"
#include <stddef.h>
#include <stdint.h>

/* The equations and the range of the numbers. Which one a client shows right: docs/architecture.md. */
enum orl_colours {
    ORL_COLOURS_709_LIMITED = 0,
    ORL_COLOURS_709_FULL,
    ORL_COLOURS_601_LIMITED,
    ORL_COLOURS_COUNT
};
struct orl_i420 {
    uint8_t *plane[3];
    int stride_bytes[3];
    uint32_t width_px, height_px; /* multiples of 16; the picture is padded by repeating its edge */
};
/* src is width_px x height_px (the unpadded picture). */
void orl_csc_bgrx_to_i420(const uint8_t *src, size_t src_stride, uint32_t width_px,
        uint32_t height_px, const struct orl_rect *rect, enum orl_colours colours,
        const struct orl_i420 *dst);

#endif
