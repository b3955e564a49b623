/* The frame stream of one head: the socket under a reader (qemu_reader.h). Loop thread only.
 * Not here: what several heads make together (qemu_heads.h), input (qemu_source.h). */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_STREAM_H
#define ORL_PROTOCOLS_QEMU_QEMU_STREAM_H
#include "base/loop.h"
#include "base/reason.h"
#include "protocols/qemu/qemu_reader.h"

struct orl_qemu_stream;
/* Once, and last: the callee may free the stream. */
typedef void (*orl_qemu_stream_closed_fn)(void *ctx, enum orl_reason reason, const char *text);
/* Takes fd, also on failure. events and closed are called with ctx. */
ORL_NODISCARD int orl_qemu_stream_new(struct orl_loop *loop, int fd,
        const struct orl_qemu_reader_events *events, orl_qemu_stream_closed_fn closed, void *ctx,
        struct orl_qemu_stream **ret_stream, struct orl_err *err);
void orl_qemu_stream_free(struct orl_qemu_stream *stream);
void orl_qemu_stream_stop(struct orl_qemu_stream *stream); /* nothing is read any more */

#endif
