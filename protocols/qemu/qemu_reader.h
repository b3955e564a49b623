/* The frame stream of QEMU's listener, from bytes into a surface: where the next bytes go, and what is complete.
 * Pixels go straight into their rows, from the stream or from memory that QEMU shares (qemu_map.h); nothing is held whole
 * but a header and a cursor. Not here: the socket (qemu_stream.h). */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_READER_H
#define ORL_PROTOCOLS_QEMU_QEMU_READER_H
#include "base/buf.h"
#include "display/surface.h"
#include "protocols/qemu/qemu_rows.h"

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
/* An fd came with the bytes of which orl_qemu_reader_got() tells next. Takes it. ORL_E_PROTO: none belongs there. */
ORL_NODISCARD int orl_qemu_reader_take_fd(struct orl_qemu_reader *reader, int fd);
/* len bytes are there, at most the room. Negative (ORL_E_PROTO, _UNSUPPORTED, _NOMEM, _SYS for shared memory): the stream
 * is over. */
ORL_NODISCARD int orl_qemu_reader_got(struct orl_qemu_reader *reader, size_t len);
/* Bytes copied from shared memory since this was asked: work that a few bytes of the stream can make. */
size_t orl_qemu_reader_copied(struct orl_qemu_reader *reader);
bool orl_qemu_reader_is_inside(const struct orl_qemu_reader *reader); /* a message has begun */
/* Bytes that QEMU waits for; the caller consumes what it sends. */
struct orl_buf *orl_qemu_reader_answers(struct orl_qemu_reader *reader);
/* NULL before the first picture. */
struct orl_surface *orl_qemu_reader_surface(struct orl_qemu_reader *reader);

#endif
