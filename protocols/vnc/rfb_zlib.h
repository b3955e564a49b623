/* One of a client's zlib streams: opened at its first use, flushed after each rectangle, never ended. */
#ifndef ORL_VNC_RFB_ZLIB_H
#define ORL_VNC_RFB_ZLIB_H
#define ZLIB_CONST /* its input is */
#include "base/buf.h"
#include "base/err.h"
#include <zlib.h>

struct orl_rfb_zlib {
    z_stream stream;
    bool is_open;
};
/* Appends len bytes, compressed; is_end: so that all of them can be read. level counts at the first use.
 * ORL_E_NOMEM, also when buf is full. */
ORL_NODISCARD int orl_rfb_zlib_put(struct orl_rfb_zlib *zlib, int level, const uint8_t *data,
        size_t len, bool is_end, struct orl_buf *buf);
void orl_rfb_zlib_fini(struct orl_rfb_zlib *zlib);

#endif
