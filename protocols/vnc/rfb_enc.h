/* What one RFB client is sent: planned updates as FramebufferUpdate messages (RFC 6143 7.6.1), in the
 * encodings that it named. Lossless parts go as Tight, ZRLE or Raw, whichever it named first.
 * Not here: every pseudo-rectangle but the cursor, and when a message may be sent (protocols/vnc/rfb_viewer.h). */
#ifndef ORL_VNC_RFB_ENC_H
#define ORL_VNC_RFB_ENC_H
#include "base/buf.h"
#include "base/err.h"
#include "display/cursor.h"
#include "display/plan.h"
#include "protocols/vnc/rfb_encoding.h"
#include "protocols/vnc/rfb_pixel.h"

struct orl_rfb_enc;

/* What the client's last SetEncodings and SetPixelFormat come to. */
struct orl_rfb_enc_caps {
    bool has_h264;   /* encoding 50 */
    bool has_copy;   /* CopyRect */
    bool has_photo;  /* Tight with a quality level: ORL_OP_PHOTO may be sent */
    bool has_cursor; /* any of the three cursor encodings */
};

/* A client that named nothing yet: Raw, BGRX. is_web: our own page, which reads the regions of an h264 from an
 * SEI message; other clients paint all of its picture. */
ORL_NODISCARD int orl_rfb_enc_new(bool is_web, struct orl_rfb_enc **ret_enc);
void orl_rfb_enc_free(struct orl_rfb_enc *enc);

/* SetEncodings (7.5.2), in the client's order; those that are not ours are passed over. */
void orl_rfb_enc_set_encodings(struct orl_rfb_enc *enc, const int32_t *encodings, size_t count);
/* SetPixelFormat (7.5.1): from the next update on. A fault leaves the old one. ORL_E_UNSUPPORTED, ORL_E_PROTO. */
ORL_NODISCARD int orl_rfb_enc_set_format(
        struct orl_rfb_enc *enc, const struct orl_rfb_format *format, struct orl_err *err);
void orl_rfb_enc_caps(const struct orl_rfb_enc *enc, struct orl_rfb_enc_caps *ret_caps);

/* Most bytes that orl_rfb_enc_update() appends for a picture of that size. */
size_t orl_rfb_enc_max_bytes(uint32_t width_px, uint32_t height_px);
/* Appends one FramebufferUpdate. The update holds only what caps said. A failure (ORL_E_LIMIT: buf's bound, or
 * memory) leaves buf as it was and the client's zlib streams behind: the connection must end. */
ORL_NODISCARD int orl_rfb_enc_update(
        struct orl_rfb_enc *enc, const struct orl_update *update, struct orl_buf *buf);
/* The client forgot what it was shown (a new size, reconnected decoders): the next h264, which must be a key
 * frame, resets all of its decoders. */
void orl_rfb_enc_reset_h264(struct orl_rfb_enc *enc);
/* Appends one FramebufferUpdate with the cursor in the client's best form; nothing without has_cursor.
 * Failures as above, but the connection may go on. */
ORL_NODISCARD int orl_rfb_enc_cursor(
        struct orl_rfb_enc *enc, const struct orl_cursor *cursor, struct orl_buf *buf);

#endif
