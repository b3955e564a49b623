/* The pointer's shape, in one of three forms: colours and a mask (RFC 6143 7.8.1), or with an alpha channel (VMware's,
 * and rfbproto's Cursor With Alpha, which is premultiplied). One that is not shown is a transparent pixel. */
#include "protocols/vnc/rfb_enc_priv.h"

#define VMWARE_ALPHA 1
#define OPAQUE_FROM 128

static void put_rgba(struct orl_buf *buf, uint32_t argb, uint32_t part)
{
    orl_buf_put_u8(buf, (uint8_t)((argb >> 16 & 0xFF) * part / 255));
    orl_buf_put_u8(buf, (uint8_t)((argb >> 8 & 0xFF) * part / 255));
    orl_buf_put_u8(buf, (uint8_t)((argb & 0xFF) * part / 255));
    orl_buf_put_u8(buf, (uint8_t)(argb >> 24));
}

static void put_masked(struct orl_rfb_enc *enc, const struct orl_cursor *cursor, size_t count)
{
    const unsigned bytes = enc->pixels.bytes[ORL_RFB_PIXEL_WHOLE];
    for (size_t i = 0; i < count; i++) {
        const uint32_t px = orl_rfb_pixels_of(&enc->pixels, cursor->pixels[i]);
        for (unsigned k = 0; k < bytes; k++) {
            orl_buf_put_u8(enc->buf, (uint8_t)(px >> 8 * k));
        }
    }
    for (size_t y = 0; y < cursor->height_px; y++) {
        const uint32_t *row = cursor->pixels + y * cursor->width_px;
        for (size_t x = 0; x < cursor->width_px; x += 8) {
            unsigned bits = 0;
            for (size_t b = 0; b < 8 && x + b < cursor->width_px; b++) {
                bits |= (row[x + b] >> 24 >= OPAQUE_FROM ? 0x80U : 0) >> b;
            }
            orl_buf_put_u8(enc->buf, (uint8_t)bits);
        }
    }
}

static void put_shape(struct orl_rfb_enc *enc, const struct orl_cursor *cursor)
{
    const size_t count = (size_t)cursor->width_px * cursor->height_px;
    const struct orl_rect r = {(int32_t)cursor->hot_x, (int32_t)cursor->hot_y,
            (int32_t)cursor->width_px, (int32_t)cursor->height_px};
    orl_rfb_enc_rect(enc, &r, enc->cursor);
    if (enc->cursor == ORL_RFB_CURSOR) {
        put_masked(enc, cursor, count);
        return;
    }
    if (enc->cursor == ORL_RFB_VMWARE_CURSOR) {
        orl_buf_put_u8(enc->buf, VMWARE_ALPHA);
        orl_buf_put_u8(enc->buf, 0);
    } else {
        orl_buf_put_u32be(enc->buf, ORL_RFB_RAW);
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t argb = cursor->pixels[i];
        put_rgba(enc->buf, argb, enc->cursor == ORL_RFB_VMWARE_CURSOR ? 255 : argb >> 24);
    }
}

void orl_rfb_enc_cursor_rect(struct orl_rfb_enc *enc, const struct orl_cursor *cursor)
{
    static const struct orl_cursor none = {.width_px = 1, .height_px = 1};
    put_shape(enc, cursor->is_visible ? cursor : &none);
}
