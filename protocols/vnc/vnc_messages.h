/* Server messages that libvncclient 0.9.14 does not know or would end the connection over, read through its buffer,
 * on the reader's thread. */
#ifndef ORL_PROTOCOLS_VNC_VNC_MESSAGES_H
#define ORL_PROTOCOLS_VNC_VNC_MESSAGES_H
#include "protocols/vnc/vnc_cut.h"
#include "protocols/vnc/vnc_sound.h"
#include <rfb/rfbclient.h>

/* The type of the next message, which stays where it is; -1: the connection is over. */
int orl_vnc_peek_type(rfbClient *client);
/* A whole ServerCutText. False: the connection is over, or it is none. *ret_cut: NULL when it is too long to keep. */
ORL_NODISCARD bool orl_vnc_read_cut(rfbClient *client, struct orl_vnc_cut **ret_cut);
/* What follows type 255. False as above. */
ORL_NODISCARD bool orl_vnc_read_sound(
        rfbClient *client, struct orl_vnc_sound_ring *ring, enum orl_vnc_sound_op *ret_op);

#endif
