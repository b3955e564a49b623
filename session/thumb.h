/* A desktop's picture for the portal: small, as a JPEG that fits into one message. */
#ifndef ORL_SESSION_THUMB_H
#define ORL_SESSION_THUMB_H
#include "base/ipc_msgs.h"
#include "display/jpeg.h"

#define ORL_THUMB_WIDTH_PX 320
#define ORL_THUMB_HEIGHT_PX 200

/* Writes it, in proportion and never enlarged. ORL_E_LIMIT: it fits in no quality. */
ORL_NODISCARD int orl_thumb_make(
        const struct orl_jpeg_picture *picture, struct orl_msg_thumb *ret_thumb);

#endif
