/* What an RFB client sends after the handshake (RFC 6143 7.5, the community's list beyond it), as structs.
 * Not here: the handshake (rfb_auth.h), what a server sends (rfb_put.h), clipboard contents (vnc_cut.h). */
#ifndef ORL_VNC_RFB_WIRE_H
#define ORL_VNC_RFB_WIRE_H
#include "base/err.h"
#include "protocols/vnc/rfb_pixel.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_RFB_ENCODINGS_MAX 256 /* of one SetEncodings; those after it are not looked at */
#define ORL_RFB_FENCE_MAX 64      /* payload bytes */
#define ORL_RFB_SCREENS_MAX 16    /* of one SetDesktopSize */
#define ORL_RFB_SMALL_MAX 8192    /* the longest message that is no cut text */

enum orl_rfb_msg_type {
    ORL_RFB_MSG_NONE = 0,
    ORL_RFB_MSG_PIXEL_FORMAT,   /* 7.5.1 */
    ORL_RFB_MSG_ENCODINGS,      /* 7.5.2 */
    ORL_RFB_MSG_UPDATE_REQUEST, /* 7.5.3 */
    ORL_RFB_MSG_KEY,            /* 7.5.4; QEMU Extended Key Event (255, 0) */
    ORL_RFB_MSG_POINTER,        /* 7.5.5; with Extended Mouse Buttons */
    ORL_RFB_MSG_CUT_TEXT,       /* 7.5.6; extended clipboard */
    ORL_RFB_MSG_SKIP,           /* a cut text that is too long: its head; skip_bytes follow */
    ORL_RFB_MSG_CONTINUOUS,     /* 150, EnableContinuousUpdates */
    ORL_RFB_MSG_FENCE,          /* 248, ClientFence */
    ORL_RFB_MSG_XVP,            /* 250 */
    ORL_RFB_MSG_DESKTOP_SIZE    /* 251, SetDesktopSize */
};
enum {
    ORL_RFB_FENCE_BLOCK_BEFORE = 1,
    ORL_RFB_FENCE_BLOCK_AFTER = 2,
    ORL_RFB_FENCE_SYNC_NEXT = 4,
};
#define ORL_RFB_FENCE_REQUEST UINT32_C(0x80000000)

struct orl_rfb_screen_rect {
    uint32_t id, flags;
    uint16_t x, y, width, height;
};
struct orl_rfb_msg {
    enum orl_rfb_msg_type type;
    union {
        struct orl_rfb_format format;
        struct {
            unsigned count;
            int32_t values[ORL_RFB_ENCODINGS_MAX];
        } encodings;
        struct {
            bool is_on; /* UPDATE_REQUEST: incremental; CONTINUOUS: enable */
            uint16_t x, y, width, height;
        } area;
        struct {
            bool is_down;
            uint32_t keysym;
            uint32_t keycode; /* set 1, E0 as bit 7, as QEMU numbers them; 0: none */
        } key;
        struct {
            uint16_t x, y;
            uint32_t buttons; /* bit 0 is button 1 .. bit 8 is button 9 */
        } pointer;
        struct {
            bool is_extended;
            const uint8_t *data; /* borrowed from the bytes that were parsed */
            size_t len;
        } cut;
        size_t skip_bytes;
        struct {
            uint32_t flags;
            uint8_t len;
            uint8_t payload[ORL_RFB_FENCE_MAX];
        } fence;
        struct {
            uint8_t version, code;
        } xvp;
        struct {
            uint16_t width, height;
            unsigned count;
            struct orl_rfb_screen_rect screens[ORL_RFB_SCREENS_MAX];
        } desktop;
    } u;
};
struct orl_rfb_wire {
    bool has_ext_buttons; /* we said that we take them: a pointer event may have two masks */
    size_t cut_max;       /* longest cut text that is worth reading; at least ORL_RFB_SMALL_MAX */
};

/* Bytes used, 0: more are needed, ORL_E_PROTO. *ret_msg holds only when bytes were used. */
ORL_NODISCARD int orl_rfb_parse(const struct orl_rfb_wire *wire, const uint8_t *data, size_t len,
        struct orl_rfb_msg *ret_msg);

#endif
