/* The frame stream of QEMU's listener, from bytes into a surface: where the next bytes go, and what is complete.
 * Pixels go straight into their rows; nothing is held whole but a header and a cursor. No I/O.
 * Not here: the socket (qemu_source.h). */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_READER_H
#define ORL_PROTOCOLS_QEMU_QEMU_READER_H
#include "base/buf.h"
#include "display/surface.h"
#include <sys/uio.h>

#define ORL_QEMU_IOV_MAX 64

struct orl_qemu_reader;
struct orl_qemu_reader_events {
    /* A whole picture of another size; the one before is freed after the call. */
    void (*on_surface)(void *ctx, struct orl_surface *surface);
    void (*on_damage)(void *ctx, const struct orl_rect *box); /* inside the picture */
    void (*on_cursor)(void *ctx, const struct orl_cursor *cursor);
};
ORL_NODISCARD int orl_qemu_reader_new(const struct orl_qemu_reader_events *events, void *ctx,
        struct orl_qemu_reader **ret_reader);
void orl_qemu_reader_free(struct orl_qemu_reader *reader);

/* Where the next bytes go, at least one byte's room; returns how many of iov are used. */
unsigned orl_qemu_reader_room(struct orl_qemu_reader *reader, struct iovec iov[ORL_QEMU_IOV_MAX]);
/* len bytes are there, at most the room. Negative (ORL_E_PROTO, _UNSUPPORTED, _NOMEM): the stream is over. */
ORL_NODISCARD int orl_qemu_reader_got(struct orl_qemu_reader *reader, size_t len);
bool orl_qemu_reader_is_inside(const struct orl_qemu_reader *reader); /* a message has begun */
/* Bytes that QEMU waits for; the caller consumes what it sends. */
struct orl_buf *orl_qemu_reader_answers(struct orl_qemu_reader *reader);
/* NULL before the first picture. */
struct orl_surface *orl_qemu_reader_surface(struct orl_qemu_reader *reader);

#endif
