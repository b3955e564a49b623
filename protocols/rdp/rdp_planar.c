#include "protocols/rdp/rdp_priv.h"

uint8_t *orl_rdp_planar(struct orl_viewer *v, const uint8_t *pixels, size_t stride_bytes,
        uint32_t width_px, uint32_t height_px, bool is_top_down, uint32_t *ret_len)
{
    if (height_px > ORL_RDP_PLANAR_ROWS) {
        return NULL;
    }
    if (v->planar == NULL || v->planar_width_px < width_px) {
        freerdp_bitmap_planar_context_free(v->planar);
        /* Without the graphics pipeline a client must have asked for no alpha (MS-RDPBCGR 2.2.7.1.2). */
        const bool skips_alpha = v->use_gfx || freerdp_settings_get_bool(orl_rdp_settings(v),
                                                       FreeRDP_DrawAllowSkipAlpha);
        v->planar = freerdp_bitmap_planar_context_new(
                PLANAR_FORMAT_HEADER_RLE | (skips_alpha ? PLANAR_FORMAT_HEADER_NA : 0U), width_px,
                ORL_RDP_PLANAR_ROWS);
        v->planar_width_px = v->planar != NULL ? width_px : 0;
    }
    if (v->planar == NULL) {
        return NULL;
    }
    freerdp_planar_topdown_image(v->planar, is_top_down);
    uint32_t length = 0;
    uint8_t *data = freerdp_bitmap_compress_planar(v->planar, pixels, PIXEL_FORMAT_BGRX32, width_px,
            height_px, (UINT32)stride_bytes, NULL, &length);
    if (data != NULL && length >= width_px * height_px * 4) {
        free(data);
        return NULL;
    }
    *ret_len = length;
    return data;
}
