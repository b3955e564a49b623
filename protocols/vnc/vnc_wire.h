/* What an RFB client sends (RFC 6143 7.5 and the registered extensions), as bytes.
 * Not here: what a server sends (libvncclient reads it, vnc_reader.h); when to send (vnc_source.h). */
#ifndef ORL_PROTOCOLS_VNC_VNC_WIRE_H
#define ORL_PROTOCOLS_VNC_VNC_WIRE_H
#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_RFB_ENCODING_RAW 0
#define ORL_RFB_ENCODING_COPY_RECT 1
#define ORL_RFB_ENCODING_DESKTOP_SIZE (-223)
#define ORL_RFB_ENCODING_RICH_CURSOR (-239)
#define ORL_RFB_ENCODING_QEMU_KEY (-258)
#define ORL_RFB_ENCODING_QEMU_LED (-261)
#define ORL_RFB_ENCODING_EXT_DESKTOP_SIZE (-308)
#define ORL_RFB_ENCODING_EXT_BUTTONS (-316)

struct orl_rfb_screen {
    uint32_t id, flags;
};

/* SetPixelFormat: 32 bits, BGRX in memory (7.5.1). */
void orl_rfb_put_pixel_format(struct orl_buf *buf);
/* SetEncodings (7.5.2): what vnc_reader.c can take. Extras: clipboard and sound. */
void orl_rfb_put_encodings(struct orl_buf *buf, bool want_extras);
void orl_rfb_put_update_request(struct orl_buf *buf, bool is_incremental, uint32_t width_px,
        uint32_t height_px);                                              /* 7.5.3 */
void orl_rfb_put_key(struct orl_buf *buf, uint32_t keysym, bool is_down); /* 7.5.4 */
/* QEMU Extended Key Event; keycode: scancode set 1, E0 as bit 7. */
void orl_rfb_put_qemu_key(struct orl_buf *buf, uint32_t keysym, uint32_t keycode, bool is_down);
/* buttons: bit 0 is button 1 .. bit 8 is button 9; 8 and 9 only when is_extended (7.5.5, -316). */
void orl_rfb_put_pointer(
        struct orl_buf *buf, uint16_t x, uint16_t y, uint32_t buttons, bool is_extended);
/* SetDesktopSize with one screen. */
void orl_rfb_put_desktop_size(struct orl_buf *buf, uint16_t width_px, uint16_t height_px,
        const struct orl_rfb_screen *screen);

#endif
