/* Encoding 50 (rfbproto, "Open H.264"): a picture with the context that its rectangle names. Our page gets, before the
 * picture, an SEI message (ISO/IEC 14496-10 D.1.7, user data) that says which parts of it are to be shown. */
#include "protocols/vnc/rfb_enc_priv.h"
#include <string.h>

#define FLAG_RESET_CONTEXT 1
#define FLAG_RESET_ALL 2
#define NAL_SEI 6
#define SEI_USER_DATA 5
#define UUID_BYTES 16
#define SEI_MAX_BYTES (UUID_BYTES + 2 + 8 * ORL_REGION_MAX)

static const uint8_t uuid[UUID_BYTES] = {0x6f, 0x72, 0x69, 0x65, 0x6c, 0x2d, 0x72, 0x65, 0x67, 0x69,
        0x6f, 0x6e, 0x73, 0x00, 0x00, 0x01};

static uint8_t *put_u16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
    return at + 2;
}

static size_t write_regions(const struct orl_op *op, uint8_t ret[SEI_MAX_BYTES])
{
    memcpy(ret, uuid, UUID_BYTES);
    uint8_t *at = put_u16(ret + UUID_BYTES, op->regions->count);
    for (unsigned i = 0; i < op->regions->count; i++) {
        const struct orl_rect *r = &op->regions->rects[i];
        at = put_u16(at, (uint32_t)(r->x - op->picture.x));
        at = put_u16(at, (uint32_t)(r->y - op->picture.y));
        at = put_u16(at, (uint32_t)r->width);
        at = put_u16(at, (uint32_t)r->height);
    }
    return (size_t)(at - ret);
}

/* 7.4.1: no start code may come about in the payload. */
static void put_escaped(struct orl_buf *buf, const uint8_t *data, size_t len)
{
    unsigned zeros = 0;
    for (size_t i = 0; i < len; i++) {
        if (zeros == 2 && data[i] <= 3) {
            orl_buf_put_u8(buf, 3);
            zeros = 0;
        }
        orl_buf_put_u8(buf, data[i]);
        zeros = data[i] == 0 ? zeros + 1 : 0;
    }
}

static void put_sei(struct orl_buf *buf, const struct orl_op *op)
{
    static const uint8_t begin[] = {0, 0, 0, 1, NAL_SEI};
    uint8_t sei[8 + SEI_MAX_BYTES];
    uint8_t regions[SEI_MAX_BYTES];
    const size_t len = write_regions(op, regions);
    uint8_t *at = sei;
    *at++ = SEI_USER_DATA;
    size_t left = len;
    for (; left >= 255; left -= 255) {
        *at++ = 255;
    }
    *at++ = (uint8_t)left;
    memcpy(at, regions, len);
    at += len;
    *at++ = 0x80; /* rbsp_trailing_bits */
    orl_buf_put(buf, begin, sizeof(begin));
    put_escaped(buf, sei, (size_t)(at - sei));
}

static void put_u32_at(struct orl_buf *buf, size_t at, uint32_t v)
{
    if (!buf->is_failed) {
        put_u16(put_u16(buf->data + at, v >> 16), v & 0xFFFF);
    }
}

int orl_rfb_enc_h264(struct orl_rfb_enc *enc, const struct orl_op *op)
{
    struct orl_buf *buf = enc->buf;
    uint32_t flags = op->is_key ? FLAG_RESET_CONTEXT : 0;
    if (op->is_key && enc->reset_h264) {
        flags = FLAG_RESET_ALL;
        enc->reset_h264 = false;
    }
    orl_rfb_enc_rect(enc, &op->picture, ORL_RFB_H264);
    const size_t length_at = buf->len;
    orl_buf_put_u32be(buf, 0);
    orl_buf_put_u32be(buf, flags);
    const size_t begin = buf->len;
    if (enc->is_web) {
        put_sei(buf, op);
    }
    orl_buf_put(buf, op->data, op->data_len);
    put_u32_at(buf, length_at, (uint32_t)(buf->len - begin));
    return buf->is_failed ? ORL_E_LIMIT : ORL_OK;
}
