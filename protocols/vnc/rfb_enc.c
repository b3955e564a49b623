/* Which encoding a part goes in; the message around them. */
#include "protocols/vnc/rfb_enc.h"
#include "protocols/vnc/rfb_enc_priv.h"
#include <stdlib.h>

#define PART_BYTES 4096 /* of heads, at the very most, for each op */
#define PACKED_MAX_BYTES ((size_t)2 * ORL_RFB_RAW_BYTES)
#define COMPRESS_LEVELS 3 /* of the client's ten, to one of zlib's */
#define COUNT_OFFSET 2

int orl_rfb_enc_new(bool is_web, struct orl_rfb_enc **ret_enc)
{
    struct orl_rfb_enc *enc = calloc(1, sizeof(*enc));
    if (enc == NULL) {
        return ORL_E_NOMEM;
    }
    enc->raw = malloc(ORL_RFB_RAW_BYTES);
    if (enc->raw == NULL) {
        free(enc);
        return ORL_E_NOMEM;
    }
    orl_buf_init(&enc->packed, PACKED_MAX_BYTES);
    enc->is_web = is_web;
    orl_rfb_pixels_init(&enc->pixels, &orl_rfb_format_bgrx);
    orl_rfb_enc_set_encodings(enc, NULL, 0);
    enc->reset_h264 = true;
    *ret_enc = enc;
    return ORL_OK;
}

void orl_rfb_enc_free(struct orl_rfb_enc *enc)
{
    if (enc == NULL) {
        return;
    }
    for (unsigned i = 0; i < ORL_RFB_TIGHT_STREAMS; i++) {
        orl_rfb_zlib_fini(&enc->tight[i]);
    }
    orl_rfb_zlib_fini(&enc->zrle);
    orl_jpeg_free(enc->jpeg);
    orl_buf_fini(&enc->packed);
    free(enc->raw);
    free(enc);
}

/* The three by how much of a cursor they carry; of two that carry the same, the simpler one. */
static int cursor_rank(int32_t encoding)
{
    switch (encoding) {
    case ORL_RFB_VMWARE_CURSOR:
        return 3;
    case ORL_RFB_CURSOR_ALPHA:
        return 2;
    case ORL_RFB_CURSOR:
        return 1;
    default:
        return 0;
    }
}

static void take_encoding(struct orl_rfb_enc *enc, int32_t encoding)
{
    if (encoding == ORL_RFB_COPY_RECT) {
        enc->caps.has_copy = true;
    } else if (encoding == ORL_RFB_H264) {
        enc->caps.has_h264 = true;
    } else if (encoding >= ORL_RFB_QUALITY_0 && encoding <= ORL_RFB_QUALITY_9) {
        enc->quality = encoding - ORL_RFB_QUALITY_0;
    } else if (encoding >= ORL_RFB_COMPRESS_0 && encoding <= ORL_RFB_COMPRESS_9) {
        enc->level = 1 + (encoding - ORL_RFB_COMPRESS_0) / COMPRESS_LEVELS;
    } else if (cursor_rank(encoding) > cursor_rank(enc->cursor)) {
        enc->cursor = encoding;
        enc->caps.has_cursor = true;
    }
}

static bool is_lossless(int32_t encoding)
{
    return encoding == ORL_RFB_TIGHT || encoding == ORL_RFB_ZRLE || encoding == ORL_RFB_RAW;
}

void orl_rfb_enc_set_encodings(struct orl_rfb_enc *enc, const int32_t *encodings, size_t count)
{
    enc->caps = (struct orl_rfb_enc_caps){.has_copy = false};
    enc->lossless = ORL_RFB_RAW;
    enc->cursor = 0;
    enc->quality = -1;
    enc->level = 1;
    bool has_lossless = false;
    for (size_t i = 0; i < count; i++) {
        if (!has_lossless && is_lossless(encodings[i])) {
            enc->lossless = encodings[i];
            has_lossless = true;
        }
        take_encoding(enc, encodings[i]);
    }
}

int orl_rfb_enc_set_format(
        struct orl_rfb_enc *enc, const struct orl_rfb_format *format, struct orl_err *err)
{
    const int rc = orl_rfb_format_check(format, err);
    if (rc == ORL_OK) {
        orl_rfb_pixels_init(&enc->pixels, format);
    }
    return rc;
}

void orl_rfb_enc_caps(const struct orl_rfb_enc *enc, struct orl_rfb_enc_caps *ret_caps)
{
    *ret_caps = enc->caps;
    ret_caps->has_photo = enc->lossless == ORL_RFB_TIGHT && enc->quality >= 0 &&
                          enc->pixels.bytes[ORL_RFB_PIXEL_WHOLE] > 1;
}

void orl_rfb_enc_reset_h264(struct orl_rfb_enc *enc)
{
    enc->reset_h264 = true;
}

/* Each pixel once in a lossless form, which may grow a little, and once in H.264. */
size_t orl_rfb_enc_max_bytes(uint32_t width_px, uint32_t height_px)
{
    return (size_t)width_px * height_px * 8 + (size_t)ORL_UPDATE_MAX_OPS * PART_BYTES;
}

void orl_rfb_enc_rect(struct orl_rfb_enc *enc, const struct orl_rect *r, int32_t encoding)
{
    orl_buf_put_u16be(enc->buf, (uint16_t)r->x);
    orl_buf_put_u16be(enc->buf, (uint16_t)r->y);
    orl_buf_put_u16be(enc->buf, (uint16_t)r->width);
    orl_buf_put_u16be(enc->buf, (uint16_t)r->height);
    orl_buf_put_u32be(enc->buf, (uint32_t)encoding);
    enc->rects++;
}

static void put_copy(struct orl_rfb_enc *enc, const struct orl_op *op)
{
    orl_rfb_enc_rect(enc, &op->rect, ORL_RFB_COPY_RECT);
    orl_buf_put_u16be(enc->buf, (uint16_t)op->from_x);
    orl_buf_put_u16be(enc->buf, (uint16_t)op->from_y);
}

struct orl_rfb_part orl_rfb_enc_part(const struct orl_update *update, const struct orl_rect *r)
{
    return (struct orl_rfb_part){
            update->pixels + update->stride_bytes * (size_t)r->y + (size_t)r->x * 4,
            update->stride_bytes, (size_t)r->width, (size_t)r->height};
}

static int put_pixels(struct orl_rfb_enc *enc, const struct orl_update *update,
        const struct orl_rect *r, bool may_lose)
{
    switch (enc->lossless) {
    case ORL_RFB_TIGHT:
        return orl_rfb_enc_tight(enc, update, r, may_lose);
    case ORL_RFB_ZRLE:
        return orl_rfb_enc_zrle(enc, update, r);
    default:
        orl_rfb_enc_raw(enc, update, r);
        return ORL_OK;
    }
}

static int put_op(struct orl_rfb_enc *enc, const struct orl_update *update, const struct orl_op *op)
{
    switch (op->kind) {
    case ORL_OP_COPY:
        put_copy(enc, op);
        return ORL_OK;
    case ORL_OP_FILL:
    case ORL_OP_LOSSLESS:
        return put_pixels(enc, update, &op->rect, false);
    case ORL_OP_PHOTO:
        return put_pixels(enc, update, &op->rect, enc->quality >= 0);
    case ORL_OP_H264:
        return orl_rfb_enc_h264(enc, op);
    case ORL_OP_NONE:
        break;
    }
    return ORL_OK;
}

/* RFC 6143 7.6.1: type, padding, and how many rectangles, which is known at the end. */
static size_t begin_message(struct orl_rfb_enc *enc, struct orl_buf *buf)
{
    const size_t begin = buf->len;
    enc->buf = buf;
    enc->rects = 0;
    orl_buf_put_u32be(buf, 0);
    return begin;
}

static int end_message(struct orl_rfb_enc *enc, size_t begin, int rc)
{
    struct orl_buf *buf = enc->buf;
    enc->buf = NULL;
    if (rc == ORL_OK && (buf->is_failed || enc->rects > UINT16_MAX)) {
        rc = ORL_E_LIMIT;
    }
    if (rc < 0) {
        buf->len = begin;
        buf->is_failed = false;
        return rc;
    }
    buf->data[begin + COUNT_OFFSET] = (uint8_t)(enc->rects >> 8);
    buf->data[begin + COUNT_OFFSET + 1] = (uint8_t)enc->rects;
    return ORL_OK;
}

int orl_rfb_enc_update(
        struct orl_rfb_enc *enc, const struct orl_update *update, struct orl_buf *buf)
{
    const size_t begin = begin_message(enc, buf);
    int rc = ORL_OK;
    for (unsigned i = 0; rc == ORL_OK && i < update->op_count; i++) {
        rc = put_op(enc, update, &update->ops[i]);
    }
    return end_message(enc, begin, rc);
}

int orl_rfb_enc_cursor(
        struct orl_rfb_enc *enc, const struct orl_cursor *cursor, struct orl_buf *buf)
{
    if (enc->cursor == 0) {
        return ORL_OK;
    }
    const size_t begin = begin_message(enc, buf);
    orl_rfb_enc_cursor_rect(enc, cursor);
    return end_message(enc, begin, ORL_OK);
}
