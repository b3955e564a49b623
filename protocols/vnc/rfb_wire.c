#include "protocols/vnc/rfb_wire.h"
#include "base/rd.h"
#include <limits.h>
#include <string.h>

enum {
    SET_PIXEL_FORMAT = 0,
    SET_ENCODINGS = 2,
    UPDATE_REQUEST = 3,
    KEY_EVENT = 4,
    POINTER_EVENT = 5,
    CLIENT_CUT_TEXT = 6,
    ENABLE_CONTINUOUS = 150,
    CLIENT_FENCE = 248,
    XVP = 250,
    SET_DESKTOP_SIZE = 251,
    QEMU = 255,
    QEMU_EXTENDED_KEY = 0,
};
enum { ENCODINGS_WIRE_MAX = 1024, MASK_BITS = 7, MASK_MORE = 1 << MASK_BITS };

/* A reader that failed has too few bytes: RFB has no length in front of its messages. */
static int used(const struct orl_rd *rd)
{
    return rd->is_failed ? 0 : (int)rd->at;
}

static int parse_format(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    struct orl_rfb_format *format = &msg->u.format;
    msg->type = ORL_RFB_MSG_PIXEL_FORMAT;
    orl_rd_skip(rd, 3);
    format->bits_per_pixel = orl_rd_u8(rd);
    format->depth = orl_rd_u8(rd);
    format->is_big_endian = orl_rd_u8(rd) != 0;
    format->is_true_colour = orl_rd_u8(rd) != 0;
    format->red_max = orl_rd_u16be(rd);
    format->green_max = orl_rd_u16be(rd);
    format->blue_max = orl_rd_u16be(rd);
    format->red_shift = orl_rd_u8(rd);
    format->green_shift = orl_rd_u8(rd);
    format->blue_shift = orl_rd_u8(rd);
    orl_rd_skip(rd, 3);
    return used(rd);
}

static int parse_encodings(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_ENCODINGS;
    orl_rd_skip(rd, 1);
    const unsigned count = orl_rd_u16be(rd);
    if (count > ENCODINGS_WIRE_MAX) {
        return ORL_E_PROTO;
    }
    msg->u.encodings.count = 0;
    for (unsigned i = 0; i < count && !rd->is_failed; i++) {
        const int32_t value = (int32_t)orl_rd_u32be(rd);
        if (i < ORL_RFB_ENCODINGS_MAX) {
            msg->u.encodings.values[msg->u.encodings.count++] = value;
        }
    }
    return used(rd);
}

static int parse_area(struct orl_rd *rd, struct orl_rfb_msg *msg, enum orl_rfb_msg_type type)
{
    msg->type = type;
    msg->u.area.is_on = orl_rd_u8(rd) != 0;
    msg->u.area.x = orl_rd_u16be(rd);
    msg->u.area.y = orl_rd_u16be(rd);
    msg->u.area.width = orl_rd_u16be(rd);
    msg->u.area.height = orl_rd_u16be(rd);
    return used(rd);
}

static int parse_key(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_KEY;
    msg->u.key.is_down = orl_rd_u8(rd) != 0;
    orl_rd_skip(rd, 2);
    msg->u.key.keysym = orl_rd_u32be(rd);
    msg->u.key.keycode = 0;
    return used(rd);
}

static int parse_qemu(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_KEY;
    if (orl_rd_u8(rd) != QEMU_EXTENDED_KEY) {
        return rd->is_failed ? 0 : ORL_E_PROTO; /* of a length that we do not know */
    }
    msg->u.key.is_down = orl_rd_u16be(rd) != 0;
    msg->u.key.keysym = orl_rd_u32be(rd);
    msg->u.key.keycode = orl_rd_u32be(rd);
    return used(rd);
}

/* Extended Mouse Buttons (-316): the top bit of the mask says that a second one follows the position. */
static int parse_pointer(
        const struct orl_rfb_wire *wire, struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_POINTER;
    uint32_t buttons = orl_rd_u8(rd);
    msg->u.pointer.x = orl_rd_u16be(rd);
    msg->u.pointer.y = orl_rd_u16be(rd);
    if (wire->has_ext_buttons && (buttons & MASK_MORE) != 0) {
        buttons = (buttons & (MASK_MORE - 1)) | (uint32_t)orl_rd_u8(rd) << MASK_BITS;
    }
    msg->u.pointer.buttons = buttons;
    return used(rd);
}

/* The extended clipboard's messages have the negative of their length. */
static int parse_cut(const struct orl_rfb_wire *wire, struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    orl_rd_skip(rd, 3);
    const int64_t said = (int32_t)orl_rd_u32be(rd);
    const size_t len = (size_t)(said < 0 ? -said : said);
    if (rd->is_failed) {
        return 0;
    }
    if (len > wire->cut_max) {
        msg->type = ORL_RFB_MSG_SKIP;
        msg->u.skip_bytes = len;
        return used(rd);
    }
    msg->type = ORL_RFB_MSG_CUT_TEXT;
    msg->u.cut.is_extended = said < 0;
    msg->u.cut.len = len;
    msg->u.cut.data = orl_rd_bytes(rd, len);
    return used(rd);
}

static int parse_fence(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_FENCE;
    orl_rd_skip(rd, 3);
    msg->u.fence.flags = orl_rd_u32be(rd);
    msg->u.fence.len = orl_rd_u8(rd);
    if (msg->u.fence.len > ORL_RFB_FENCE_MAX) {
        return ORL_E_PROTO;
    }
    const uint8_t *payload = orl_rd_bytes(rd, msg->u.fence.len);
    if (payload != NULL) {
        memcpy(msg->u.fence.payload, payload, msg->u.fence.len);
    }
    return used(rd);
}

static int parse_xvp(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_XVP;
    orl_rd_skip(rd, 1);
    msg->u.xvp.version = orl_rd_u8(rd);
    msg->u.xvp.code = orl_rd_u8(rd);
    return used(rd);
}

static int parse_desktop_size(struct orl_rd *rd, struct orl_rfb_msg *msg)
{
    msg->type = ORL_RFB_MSG_DESKTOP_SIZE;
    orl_rd_skip(rd, 1);
    msg->u.desktop.width = orl_rd_u16be(rd);
    msg->u.desktop.height = orl_rd_u16be(rd);
    msg->u.desktop.count = orl_rd_u8(rd);
    orl_rd_skip(rd, 1);
    if (msg->u.desktop.count > ORL_RFB_SCREENS_MAX) {
        return ORL_E_PROTO;
    }
    for (unsigned i = 0; i < msg->u.desktop.count; i++) {
        struct orl_rfb_screen_rect *screen = &msg->u.desktop.screens[i];
        screen->id = orl_rd_u32be(rd);
        screen->x = orl_rd_u16be(rd);
        screen->y = orl_rd_u16be(rd);
        screen->width = orl_rd_u16be(rd);
        screen->height = orl_rd_u16be(rd);
        screen->flags = orl_rd_u32be(rd);
    }
    return used(rd);
}

int orl_rfb_parse(const struct orl_rfb_wire *wire, const uint8_t *data, size_t len,
        struct orl_rfb_msg *ret_msg)
{
    struct orl_rd rd;
    if (len == 0) {
        return 0;
    }
    orl_rd_init(&rd, data, len < INT_MAX ? len : INT_MAX);
    switch (orl_rd_u8(&rd)) {
    case SET_PIXEL_FORMAT:
        return parse_format(&rd, ret_msg);
    case SET_ENCODINGS:
        return parse_encodings(&rd, ret_msg);
    case UPDATE_REQUEST:
        return parse_area(&rd, ret_msg, ORL_RFB_MSG_UPDATE_REQUEST);
    case ENABLE_CONTINUOUS:
        return parse_area(&rd, ret_msg, ORL_RFB_MSG_CONTINUOUS);
    case KEY_EVENT:
        return parse_key(&rd, ret_msg);
    case QEMU:
        return parse_qemu(&rd, ret_msg);
    case POINTER_EVENT:
        return parse_pointer(wire, &rd, ret_msg);
    case CLIENT_CUT_TEXT:
        return parse_cut(wire, &rd, ret_msg);
    case CLIENT_FENCE:
        return parse_fence(&rd, ret_msg);
    case XVP:
        return parse_xvp(&rd, ret_msg);
    case SET_DESKTOP_SIZE:
        return parse_desktop_size(&rd, ret_msg);
    default:
        return ORL_E_PROTO;
    }
}
