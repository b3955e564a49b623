#include "protocols/vnc/rfb_put.h"
#include "display/input.h"
#include "protocols/vnc/rfb_encoding.h"
#include <string.h>

enum {
    FRAMEBUFFER_UPDATE = 0,
    END_OF_CONTINUOUS = 150,
    SERVER_FENCE = 248,
    XVP = 250,
    XVP_VERSION = 1,
};

static void put_zeroes(struct orl_buf *buf, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        orl_buf_put_u8(buf, 0);
    }
}

static void put_text(struct orl_buf *buf, const char *text)
{
    const size_t len = strlen(text);
    orl_buf_put_u32be(buf, (uint32_t)len);
    orl_buf_put(buf, text, len);
}

static void put_rect(struct orl_buf *buf, uint16_t x, uint16_t y, uint16_t width, uint16_t height,
        int32_t encoding)
{
    orl_buf_put_u16be(buf, x);
    orl_buf_put_u16be(buf, y);
    orl_buf_put_u16be(buf, width);
    orl_buf_put_u16be(buf, height);
    orl_buf_put_u32be(buf, (uint32_t)encoding);
}

void orl_rfb_put_server_init(struct orl_buf *buf, uint16_t width, uint16_t height,
        const struct orl_rfb_format *format, const char *name)
{
    orl_buf_put_u16be(buf, width);
    orl_buf_put_u16be(buf, height);
    orl_buf_put_u8(buf, format->bits_per_pixel);
    orl_buf_put_u8(buf, format->depth);
    orl_buf_put_u8(buf, format->is_big_endian ? 1 : 0);
    orl_buf_put_u8(buf, format->is_true_colour ? 1 : 0);
    orl_buf_put_u16be(buf, format->red_max);
    orl_buf_put_u16be(buf, format->green_max);
    orl_buf_put_u16be(buf, format->blue_max);
    orl_buf_put_u8(buf, format->red_shift);
    orl_buf_put_u8(buf, format->green_shift);
    orl_buf_put_u8(buf, format->blue_shift);
    put_zeroes(buf, 3);
    put_text(buf, name);
}

void orl_rfb_put_update(struct orl_buf *buf, uint16_t rects)
{
    orl_buf_put_u8(buf, FRAMEBUFFER_UPDATE);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u16be(buf, rects);
}

void orl_rfb_put_new_size(struct orl_buf *buf, uint16_t width, uint16_t height)
{
    put_rect(buf, 0, 0, width, height, ORL_RFB_DESKTOP_SIZE);
}

void orl_rfb_put_ext_size(struct orl_buf *buf, const struct orl_rfb_size *size)
{
    put_rect(buf, size->reason, size->status, size->width, size->height, ORL_RFB_EXT_DESKTOP_SIZE);
    orl_buf_put_u8(buf, (uint8_t)size->count);
    put_zeroes(buf, 3);
    for (unsigned i = 0; i < size->count; i++) {
        const struct orl_rfb_screen_rect *screen = &size->screens[i];
        orl_buf_put_u32be(buf, screen->id);
        orl_buf_put_u16be(buf, screen->x);
        orl_buf_put_u16be(buf, screen->y);
        orl_buf_put_u16be(buf, screen->width);
        orl_buf_put_u16be(buf, screen->height);
        orl_buf_put_u32be(buf, screen->flags);
    }
}

void orl_rfb_put_desktop_name(struct orl_buf *buf, const char *name)
{
    put_rect(buf, 0, 0, 0, 0, ORL_RFB_DESKTOP_NAME);
    put_text(buf, name);
}

void orl_rfb_put_led_state(struct orl_buf *buf, unsigned locks)
{
    put_rect(buf, 0, 0, 1, 1, ORL_RFB_QEMU_LED);
    orl_buf_put_u8(buf, (uint8_t)(locks & ORL_LOCKS_ALL));
}

void orl_rfb_put_acknowledged(struct orl_buf *buf, int32_t encoding)
{
    put_rect(buf, 0, 0, 0, 0, encoding);
}

void orl_rfb_put_fence(struct orl_buf *buf, uint32_t flags, const uint8_t *payload, uint8_t len)
{
    orl_buf_put_u8(buf, SERVER_FENCE);
    put_zeroes(buf, 3);
    orl_buf_put_u32be(buf, flags);
    orl_buf_put_u8(buf, len);
    orl_buf_put(buf, payload, len);
}

void orl_rfb_put_end_of_continuous(struct orl_buf *buf)
{
    orl_buf_put_u8(buf, END_OF_CONTINUOUS);
}

void orl_rfb_put_xvp(struct orl_buf *buf, uint8_t code)
{
    orl_buf_put_u8(buf, XVP);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u8(buf, XVP_VERSION);
    orl_buf_put_u8(buf, code);
}
