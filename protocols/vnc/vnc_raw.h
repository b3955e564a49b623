/* Raw rectangles (RFC 6143 7.7.1), read from the socket straight to their place: what libvncclient would read in
 * parts and hand on to be copied. It keeps all else. For the reader's thread. */
#ifndef ORL_PROTOCOLS_VNC_VNC_RAW_H
#define ORL_PROTOCOLS_VNC_VNC_RAW_H
#include "display/surface.h"
#include <rfb/rfbclient.h>

enum orl_vnc_raw {
    ORL_VNC_RAW_REST = 0, /* libvncclient takes the message, or what is left of it */
    ORL_VNC_RAW_DONE,     /* an update, and all of it was raw */
    ORL_VNC_RAW_LIE,      /* a rectangle outside the surface */
};
/* Takes the raw rectangles that the next message begins with; damage: what they covered. Blocks as libvncclient
 * does, until they are complete or the socket is shut down; on_wait comes before it may. */
enum orl_vnc_raw orl_vnc_raw_take(rfbClient *client, struct orl_surface *surface,
        struct orl_region *damage, void (*on_wait)(rfbClient *client));

#endif
