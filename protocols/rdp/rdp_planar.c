#include "protocols/rdp/rdp_planar.h"
#include "base/heap.h"
#include <freerdp/codec/color.h>
#include <stdlib.h>

enum {
    KEPT_WIDTH_PX = 256,
    IDLE_FRAMES = 8,
};

void orl_rdp_planar_fini(struct orl_rdp_planar *planar)
{
    freerdp_bitmap_planar_context_free(planar->context);
    *planar = (struct orl_rdp_planar){0};
}

void orl_rdp_planar_frame(struct orl_rdp_planar *planar)
{
    if (planar->width_px > KEPT_WIDTH_PX && planar->idle_frames++ == IDLE_FRAMES) {
        orl_rdp_planar_fini(planar);
        orl_heap_trim();
    }
}

uint8_t *orl_rdp_planar_encode(struct orl_rdp_planar *planar, const uint8_t *pixels,
        size_t stride_bytes, uint32_t width_px, uint32_t height_px, bool is_top_down,
        bool skips_alpha, uint32_t *ret_len)
{
    if (height_px > ORL_RDP_PLANAR_ROWS) {
        return NULL;
    }
    if (planar->context == NULL || planar->width_px < width_px) {
        freerdp_bitmap_planar_context_free(planar->context);
        planar->context = freerdp_bitmap_planar_context_new(
                PLANAR_FORMAT_HEADER_RLE | (skips_alpha ? PLANAR_FORMAT_HEADER_NA : 0U), width_px,
                ORL_RDP_PLANAR_ROWS);
        planar->width_px = planar->context != NULL ? width_px : 0;
    }
    if (planar->context == NULL) {
        return NULL;
    }
    if (width_px > KEPT_WIDTH_PX) {
        planar->idle_frames = 0;
    }
    freerdp_planar_topdown_image(planar->context, is_top_down);
    uint32_t length = 0;
    uint8_t *data = freerdp_bitmap_compress_planar(planar->context, pixels, PIXEL_FORMAT_BGRX32,
            width_px, height_px, (UINT32)stride_bytes, NULL, &length);
    if (data != NULL && length >= width_px * height_px * 4) {
        free(data);
        return NULL;
    }
    *ret_len = length;
    return data;
}
