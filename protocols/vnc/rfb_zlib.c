#include "protocols/vnc/rfb_zlib.h"

#define PIECE_BYTES 16384

int orl_rfb_zlib_put(struct orl_rfb_zlib *zlib, int level, const uint8_t *data, size_t len,
        bool is_end, struct orl_buf *buf)
{
    z_stream *z = &zlib->stream;
    if (!zlib->is_open) {
        *z = (z_stream){.zalloc = Z_NULL};
        zlib->is_open = deflateInit(z, level) == Z_OK;
        if (!zlib->is_open) {
            return ORL_E_NOMEM;
        }
    }
    orl_assert(len <= UINT32_MAX);
    z->next_in = data;
    z->avail_in = (uInt)len;
    do {
        const size_t room =
                buf->max_len - buf->len < PIECE_BYTES ? buf->max_len - buf->len : PIECE_BYTES;
        z->next_out = orl_buf_extend(buf, room);
        z->avail_out = (uInt)room;
        if (room == 0 || z->next_out == NULL) {
            buf->is_failed = true;
            return ORL_E_NOMEM;
        }
        /* Z_BUF_ERROR: the piece before had just ended with the data. */
        const int rc = deflate(z, is_end ? Z_SYNC_FLUSH : Z_NO_FLUSH);
        orl_assert(rc == Z_OK || rc == Z_BUF_ERROR);
        buf->len -= z->avail_out;
    } while (z->avail_out == 0);
    return ORL_OK;
}

void orl_rfb_zlib_fini(struct orl_rfb_zlib *zlib)
{
    if (zlib->is_open) {
        (void)deflateEnd(&zlib->stream);
        zlib->is_open = false;
    }
}
