/* What the files of one client's encoder share. */
#ifndef ORL_VNC_RFB_ENC_PRIV_H
#define ORL_VNC_RFB_ENC_PRIV_H
#include "display/jpeg.h"
#include "protocols/vnc/rfb_enc.h"
#include "protocols/vnc/rfb_palette.h"
#include "protocols/vnc/rfb_zlib.h"

#define ORL_RFB_TIGHT_STREAMS 3
#define ORL_RFB_RAW_BYTES (64 * 1024) /* of pixels before compression, in either encoding */

struct orl_rfb_enc {
    bool is_web;
    struct orl_rfb_pixels pixels;
    struct orl_rfb_enc_caps caps;
    int32_t lossless; /* ORL_RFB_TIGHT, _ZRLE or _RAW */
    int32_t cursor;   /* of the three; 0: none */
    int quality;      /* 0 .. 9; -1: not named */
    int level;        /* zlib's, 1 .. 4 */
    bool reset_h264;
    struct orl_rfb_zlib tight[ORL_RFB_TIGHT_STREAMS];
    struct orl_rfb_zlib zrle;
    struct orl_rfb_palette palette;
    struct orl_buf packed; /* one compressed rectangle */
    uint8_t *raw;          /* ORL_RFB_RAW_BYTES */
    struct orl_jpeg *jpeg; /* NULL: not used yet */
    /* Of the message being written: */
    struct orl_buf *buf;
    unsigned rects;
};

/* The rectangle's head, which counts it. */
void orl_rfb_enc_rect(struct orl_rfb_enc *enc, const struct orl_rect *r, int32_t encoding);
struct orl_rfb_part orl_rfb_enc_part(const struct orl_update *update, const struct orl_rect *r);

/* Each appends rectangles to the message; fails with ORL_E_NOMEM or _BACKEND, or through buf. */
void orl_rfb_enc_raw(
        struct orl_rfb_enc *enc, const struct orl_update *update, const struct orl_rect *r);
ORL_NODISCARD int orl_rfb_enc_zrle(
        struct orl_rfb_enc *enc, const struct orl_update *update, const struct orl_rect *r);
/* may_lose: what has many colours goes as JPEG. */
ORL_NODISCARD int orl_rfb_enc_tight(struct orl_rfb_enc *enc, const struct orl_update *update,
        const struct orl_rect *r, bool may_lose);
ORL_NODISCARD int orl_rfb_enc_h264(struct orl_rfb_enc *enc, const struct orl_op *op);
void orl_rfb_enc_cursor_rect(struct orl_rfb_enc *enc, const struct orl_cursor *cursor);

#endif
