/* What an RFB server sends beside pixels (RFC 6143 7.3.2, 7.6, the community's list beyond it), as bytes. A
 * pseudo-rectangle is one rectangle of a FramebufferUpdate that orl_rfb_put_update() began. */
#ifndef ORL_VNC_RFB_PUT_H
#define ORL_VNC_RFB_PUT_H
#include "base/buf.h"
#include "protocols/vnc/rfb_wire.h"

/* Who asked for a size, and what came of it (ExtendedDesktopSize). */
enum {
    ORL_RFB_SIZE_BY_SERVER = 0,
    ORL_RFB_SIZE_BY_CLIENT = 1,
    ORL_RFB_SIZE_BY_OTHER = 2,
};
enum {
    ORL_RFB_SIZE_OK = 0,
    ORL_RFB_SIZE_PROHIBITED = 1,
    ORL_RFB_SIZE_NO_ROOM = 2,
    ORL_RFB_SIZE_BAD_LAYOUT = 3,
};
struct orl_rfb_size {
    uint16_t width, height;
    uint16_t reason, status;
    unsigned count; /* 1 .. ORL_RFB_SCREENS_MAX */
    struct orl_rfb_screen_rect screens[ORL_RFB_SCREENS_MAX];
};

void orl_rfb_put_server_init(struct orl_buf *buf, uint16_t width, uint16_t height,
        const struct orl_rfb_format *format, const char *name);                  /* 7.3.2 */
void orl_rfb_put_update(struct orl_buf *buf, uint16_t rects);                    /* 7.6.1 */
void orl_rfb_put_new_size(struct orl_buf *buf, uint16_t width, uint16_t height); /* 7.8.2 */
void orl_rfb_put_ext_size(struct orl_buf *buf, const struct orl_rfb_size *size);
void orl_rfb_put_desktop_name(struct orl_buf *buf, const char *name);
void orl_rfb_put_led_state(struct orl_buf *buf, unsigned locks); /* ORL_LOCK_* */
/* An empty rectangle of this encoding: we take what it stands for. */
void orl_rfb_put_acknowledged(struct orl_buf *buf, int32_t encoding);

/* Messages of their own. */
void orl_rfb_put_fence(
        struct orl_buf *buf, uint32_t flags, const uint8_t *payload, uint8_t len); /* 248 */
void orl_rfb_put_end_of_continuous(struct orl_buf *buf);                           /* 150 */
void orl_rfb_put_xvp(struct orl_buf *buf, uint8_t code);                           /* 250 */
enum { ORL_RFB_XVP_FAIL = 0, ORL_RFB_XVP_INIT = 1 };

#endif
