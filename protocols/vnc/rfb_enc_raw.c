#include "protocols/vnc/rfb_enc_priv.h"

void orl_rfb_enc_raw(
        struct orl_rfb_enc *enc, const struct orl_update *update, const struct orl_rect *r)
{
    const size_t row_bytes = (size_t)r->width * enc->pixels.bytes[ORL_RFB_PIXEL_WHOLE];
    orl_rfb_enc_rect(enc, r, ORL_RFB_RAW);
    uint8_t *at = orl_buf_extend(enc->buf, row_bytes * (size_t)r->height);
    for (int32_t y = 0; at != NULL && y < r->height; y++) {
        const uint8_t *row =
                update->pixels + update->stride_bytes * (size_t)(r->y + y) + (size_t)r->x * 4;
        at = orl_rfb_pixels_put(&enc->pixels, ORL_RFB_PIXEL_WHOLE, row, (size_t)r->width, at);
    }
}
