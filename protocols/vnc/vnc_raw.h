/* An update's rectangles (RFC 6143 7.6.1), one by one. Raw ones go from the socket straight to their place: what
 * libvncclient would read in parts and hand on to be copied. All others are its own, as an update of one rectangle,
 * after what it would stumble over is put right. */
#ifndef ORL_PROTOCOLS_VNC_VNC_RAW_H
#define ORL_PROTOCOLS_VNC_VNC_RAW_H
#include "display/surface.h"
#include <rfb/rfbclient.h>

/* ExtendedDesktopSize's screen 0, QEMU's: from a screen of that number libvncclient takes no size. */
#define ORL_VNC_RAW_SCREEN_0 0xFFFFFFFFU

enum orl_vnc_raw {
    ORL_VNC_RAW_REST = 0, /* libvncclient takes the message, or the next rectangle of the update */
    ORL_VNC_RAW_DONE,     /* the update is over */
    ORL_VNC_RAW_LIE,      /* a rectangle outside the surface */
};
struct orl_vnc_update {          /* zeroed before the first */
    unsigned left;               /* rectangles that it still has; 0: a message comes next */
    char held[RFB_BUF_SIZE + 4]; /* what libvncclient reads next, instead of its own buffer */
};
/* Takes the raw rectangles that come next; damage: what they covered. Blocks as libvncclient does, until they are
 * complete or the socket is shut down; on_wait comes before it may. update must live as long as client. */
enum orl_vnc_raw orl_vnc_raw_take(rfbClient *client, struct orl_surface *surface,
        struct orl_region *damage, struct orl_vnc_update *update,
        void (*on_wait)(rfbClient *client));
enum orl_vnc_look {
    ORL_VNC_LOOK_REST = 0, /* who may block reads on */
    ORL_VNC_LOOK_PART,  /* so far, of an update of raw rectangles that fits into client's buffer */
    ORL_VNC_LOOK_WHOLE, /* such an update: orl_vnc_raw_take() takes it without blocking */
};
/* Reads what the socket has, without blocking. client has nothing buffered but what was PART the last time. */
enum orl_vnc_look orl_vnc_raw_look(rfbClient *client, const struct orl_surface *surface);

#endif
