/* What the files of one client's encoder share. */
#ifndef ORL_VNC_RFB_ENC_PRIV_H
#define ORL_VNC_RFB_ENC_PRIV_H
#include "protocols/vnc/rfb_enc.h"

struct orl_rfb_enc {
    bool is_web;
    struct orl_rfb_pixels pixels;
    struct orl_rfb_enc_caps caps;
    int32_t lossless; /* ORL_RFB_TIGHT, _ZRLE or _RAW */
    int32_t cursor;   /* of the three; 0: none */
    int quality;      /* 0 .. 9; -1: not named */
    int compress;     /* 0 .. 9; -1: not named */
    bool reset_h264;
    /* Of the message being written: */
    struct orl_buf *buf;
    unsigned rects;
};

/* The rectangle's head, which counts it. */
void orl_rfb_enc_rect(struct orl_rfb_enc *enc, const struct orl_rect *r, int32_t encoding);
/* Each appends r of the update's picture; a failure is buf's, or a negative ORL_E_*. */
void orl_rfb_enc_raw(
        struct orl_rfb_enc *enc, const struct orl_update *update, const struct orl_rect *r);

#endif
