/* The bytes of one RFB client: a socket, in TLS or not, and what waits in both directions. Knows no message.
 * Not here: the loop (rfb_viewer.c). */
#ifndef ORL_VNC_RFB_STREAM_H
#define ORL_VNC_RFB_STREAM_H
#include "base/buf.h"
#include "base/tls.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_RFB_READ_BYTES                                                                         \
    32768 /* in one go; a TLS record and more, so that none is left inside OpenSSL */

struct orl_rfb_stream {
    int fd;              /* owned; -1: closed */
    struct orl_tls *tls; /* NULL: plain */
    struct orl_buf in;   /* read, and not used yet */
    struct orl_buf out;  /* written by us; `sent` of it are out */
    size_t sent;
    uint64_t bytes_sent; /* before TLS */
};

/* Takes fd. */
void orl_rfb_stream_init(
        struct orl_rfb_stream *stream, int fd, size_t in_max_bytes, size_t out_max_bytes);
/* Most that may lie in `in` unused, for one message. */
void orl_rfb_stream_set_in_max(struct orl_rfb_stream *stream, size_t in_max_bytes);
/* From now on in TLS. ORL_E_PROTO: the client sent more before it. */
ORL_NODISCARD int orl_rfb_stream_secure(
        struct orl_rfb_stream *stream, const struct orl_tls_keys *keys, struct orl_err *err);
/* Appends to `in`: how many bytes; 0: none now, or no room; ORL_E_CLOSED, ORL_E_PROTO, ORL_E_NOMEM. */
ORL_NODISCARD int orl_rfb_stream_read(struct orl_rfb_stream *stream);
/* Drops the first len bytes of `in`, wiped. */
void orl_rfb_stream_used(struct orl_rfb_stream *stream, size_t len);
/* How many bytes went out; 0: the socket takes none now, or none waits. ORL_E_CLOSED, ORL_E_PROTO. */
ORL_NODISCARD int orl_rfb_stream_write(struct orl_rfb_stream *stream);
size_t orl_rfb_stream_waiting(const struct orl_rfb_stream *stream);
/* All that was ever put into `out`, or would have been. */
uint64_t orl_rfb_stream_bytes_out(const struct orl_rfb_stream *stream);
void orl_rfb_stream_close(struct orl_rfb_stream *stream); /* wiped */

#endif
