/* Cut text as bytes: plain (RFC 6143 7.5.6, 7.6.4) in Latin-1, and the community's extended clipboard
 * (pseudo-encoding 0xC0A1E5CE) in UTF-8, offered first and given on demand.
 * Not here: who offers and who asks (vnc_clipboard.h). */
#ifndef ORL_PROTOCOLS_VNC_VNC_CUT_H
#define ORL_PROTOCOLS_VNC_VNC_CUT_H
#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_RFB_ENCODING_EXT_CLIPBOARD ((int32_t)0xC0A1E5CE)
/* Of what we send as a client: QEMU and libvncserver end a connection over a longer message. */
#define ORL_VNC_CUT_MAX_BYTES (1U << 20)
#define ORL_VNC_CUT_TEXT_MAX (ORL_VNC_CUT_MAX_BYTES - 4096)

/* In the order in which those of one wake are looked at. */
enum orl_vnc_cut_kind {
    ORL_VNC_CUT_CAPS = 0,
    ORL_VNC_CUT_PROVIDE, /* the text asked for, or one that nobody did */
    ORL_VNC_CUT_PLAIN,
    ORL_VNC_CUT_NOTIFY,
    ORL_VNC_CUT_REQUEST,
    ORL_VNC_CUT_PEEK,
    ORL_VNC_CUT_KIND_COUNT
};
struct orl_vnc_cut {
    enum orl_vnc_cut_kind kind;
    bool has_text;       /* of its formats, text is one */
    bool takes_notify;   /* CAPS */
    struct orl_buf text; /* PROVIDE, PLAIN: UTF-8, LF, no NUL */
};
/* data: what follows the length of a ServerCutText, a negative one when is_extended. ORL_E_PROTO: it is none.
 * Text that is not UTF-8 or over the limit: has_text is false. */
ORL_NODISCARD int orl_vnc_cut_decode(
        const uint8_t *data, size_t len, bool is_extended, struct orl_vnc_cut **ret_cut);
void orl_vnc_cut_free(struct orl_vnc_cut *cut); /* wiped; NULL is fine */

/* Whose message it is. A server's texts are compressed: its clients are far. */
enum orl_vnc_cut_from { ORL_VNC_CUT_BY_SERVER = 3, ORL_VNC_CUT_BY_CLIENT = 6 };

/* A client's text: at most ORL_VNC_CUT_TEXT_MAX. False: it became too long on its way. The extension wants CR LF and
 * a NUL; is_raw: neither, for QEMU hands it to the guest as it is. */
void orl_vnc_cut_put_caps(struct orl_buf *buf, enum orl_vnc_cut_from from);
void orl_vnc_cut_put_notify(struct orl_buf *buf, enum orl_vnc_cut_from from, bool has_text);
void orl_vnc_cut_put_request(struct orl_buf *buf, enum orl_vnc_cut_from from);
ORL_NODISCARD bool orl_vnc_cut_put_provide(
        struct orl_buf *buf, enum orl_vnc_cut_from from, const char *text, size_t len, bool is_raw);
void orl_vnc_cut_put_plain(
        struct orl_buf *buf, enum orl_vnc_cut_from from, const char *text, size_t len);

#endif
