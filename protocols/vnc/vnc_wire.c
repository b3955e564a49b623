#include "protocols/vnc/vnc_wire.h"
#include "protocols/vnc/vnc_cut.h"
#include "protocols/vnc/vnc_sound.h"

enum {
    MSG_SET_PIXEL_FORMAT = 0,
    MSG_SET_ENCODINGS = 2,
    MSG_UPDATE_REQUEST = 3,
    MSG_KEY = 4,
    MSG_POINTER = 5,
    MSG_SET_DESKTOP_SIZE = 251,
    MSG_QEMU = 255,
};
#define QEMU_KEY_EVENT 0

static void put_zeroes(struct orl_buf *buf, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        orl_buf_put_u8(buf, 0);
    }
}

void orl_rfb_put_pixel_format(struct orl_buf *buf)
{
    orl_buf_put_u8(buf, MSG_SET_PIXEL_FORMAT);
    put_zeroes(buf, 3);
    orl_buf_put_u8(buf, 32); /* bits per pixel */
    orl_buf_put_u8(buf, 24); /* depth */
    orl_buf_put_u8(buf, 0);  /* little endian */
    orl_buf_put_u8(buf, 1);  /* true colour */
    orl_buf_put_u16be(buf, 255);
    orl_buf_put_u16be(buf, 255);
    orl_buf_put_u16be(buf, 255);
    orl_buf_put_u8(buf, 16); /* red, green, blue shift */
    orl_buf_put_u8(buf, 8);
    orl_buf_put_u8(buf, 0);
    put_zeroes(buf, 3);
}

void orl_rfb_put_encodings(struct orl_buf *buf, bool want_extras)
{
    /* In order of preference; raw because the display is on this host or near. */
    static const int32_t encodings[] = {
            ORL_RFB_ENCODING_RAW,
            ORL_RFB_ENCODING_COPY_RECT,
            ORL_RFB_ENCODING_RICH_CURSOR,
            ORL_RFB_ENCODING_DESKTOP_SIZE,
            ORL_RFB_ENCODING_EXT_DESKTOP_SIZE,
            ORL_RFB_ENCODING_QEMU_KEY,
            ORL_RFB_ENCODING_QEMU_LED,
            ORL_RFB_ENCODING_EXT_BUTTONS,
    };
    static const int32_t extras[] = {ORL_RFB_ENCODING_EXT_CLIPBOARD, ORL_RFB_ENCODING_QEMU_AUDIO};
    unsigned count = sizeof(encodings) / sizeof(encodings[0]);
    unsigned extra_count = want_extras ? sizeof(extras) / sizeof(extras[0]) : 0;
    orl_buf_put_u8(buf, MSG_SET_ENCODINGS);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u16be(buf, (uint16_t)(count + extra_count));
    for (unsigned i = 0; i < count; i++) {
        orl_buf_put_u32be(buf, (uint32_t)encodings[i]);
    }
    for (unsigned i = 0; i < extra_count; i++) {
        orl_buf_put_u32be(buf, (uint32_t)extras[i]);
    }
}

void orl_rfb_put_update_request(
        struct orl_buf *buf, bool is_incremental, uint32_t width_px, uint32_t height_px)
{
    orl_buf_put_u8(buf, MSG_UPDATE_REQUEST);
    orl_buf_put_u8(buf, is_incremental ? 1 : 0);
    orl_buf_put_u16be(buf, 0);
    orl_buf_put_u16be(buf, 0);
    orl_buf_put_u16be(buf, (uint16_t)width_px);
    orl_buf_put_u16be(buf, (uint16_t)height_px);
}

void orl_rfb_put_key(struct orl_buf *buf, uint32_t keysym, bool is_down)
{
    orl_buf_put_u8(buf, MSG_KEY);
    orl_buf_put_u8(buf, is_down ? 1 : 0);
    orl_buf_put_u16be(buf, 0);
    orl_buf_put_u32be(buf, keysym);
}

void orl_rfb_put_qemu_key(struct orl_buf *buf, uint32_t keysym, uint32_t keycode, bool is_down)
{
    orl_buf_put_u8(buf, MSG_QEMU);
    orl_buf_put_u8(buf, QEMU_KEY_EVENT);
    orl_buf_put_u16be(buf, is_down ? 1 : 0);
    orl_buf_put_u32be(buf, keysym);
    orl_buf_put_u32be(buf, keycode);
}

void orl_rfb_put_pointer(
        struct orl_buf *buf, uint16_t x, uint16_t y, uint32_t buttons, bool is_extended)
{
    /* Bit 7 of the first mask says that a second one follows; without the extension it is button 8. */
    bool has_more = is_extended && (buttons & ~UINT32_C(0x7F)) != 0;
    orl_buf_put_u8(buf, MSG_POINTER);
    orl_buf_put_u8(buf,
            (uint8_t)(is_extended ? (buttons & 0x7F) | (has_more ? 0x80U : 0U) : buttons & 0xFF));
    orl_buf_put_u16be(buf, x);
    orl_buf_put_u16be(buf, y);
    if (has_more) {
        orl_buf_put_u8(buf, (uint8_t)((buttons >> 7) & 0x7F));
    }
}

void orl_rfb_put_desktop_size(struct orl_buf *buf, uint16_t width_px, uint16_t height_px,
        const struct orl_rfb_screen *screen)
{
    orl_buf_put_u8(buf, MSG_SET_DESKTOP_SIZE);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u16be(buf, width_px);
    orl_buf_put_u16be(buf, height_px);
    orl_buf_put_u8(buf, 1);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u32be(buf, screen->id);
    orl_buf_put_u16be(buf, 0);
    orl_buf_put_u16be(buf, 0);
    orl_buf_put_u16be(buf, width_px);
    orl_buf_put_u16be(buf, height_px);
    orl_buf_put_u32be(buf, screen->flags);
}
