#include "protocols/qemu/qemu_stream.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BYTES_PER_WAKE (16U << 20) /* two frames of 1080p */
#define MESSAGE_MAX_US (30 * ORL_US_PER_S)

struct orl_qemu_stream {
    int fd;
    struct orl_io *io;
    struct orl_qemu_reader *reader;
    orl_qemu_stream_closed_fn closed;
    void *ctx;
    struct orl_timer *silence; /* runs within a message only: a still screen wakes nobody */
    bool is_stopped;
};

void orl_qemu_stream_stop(struct orl_qemu_stream *stream)
{
    if (stream != NULL && !stream->is_stopped) {
        stream->is_stopped = true;
        orl_timer_stop(stream->silence);
        orl_io_set(stream->io, 0);
    }
}

static void close_now(struct orl_qemu_stream *s, enum orl_reason reason, const char *text)
{
    if (!s->is_stopped) {
        orl_qemu_stream_stop(s);
        s->closed(s->ctx, reason, text);
    }
}

static void send_answers(struct orl_qemu_stream *s)
{
    struct orl_buf *out = orl_qemu_reader_answers(s->reader);
    ssize_t n = out->len > 0 ? send(s->fd, out->data, out->len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (n > 0) {
        orl_buf_consume(out, (size_t)n);
    } /* a broken socket is told by the next read */
    orl_io_set(s->io, ORL_IO_READ | (out->len > 0 ? (unsigned)ORL_IO_WRITE : 0U));
}

/* ORL_E_AGAIN: nothing more now. */
static int read_some(struct orl_qemu_stream *s, size_t *ret_len)
{
    struct iovec iov[ORL_QEMU_IOV_MAX];
    unsigned count = orl_qemu_reader_room(s->reader, iov);
    ssize_t n = readv(s->fd, iov, (int)count);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORL_E_AGAIN;
    }
    if (n <= 0) {
        return ORL_E_CLOSED;
    }
    *ret_len = (size_t)n;
    return orl_qemu_reader_got(s->reader, (size_t)n);
}

static void on_stream(void *ctx, unsigned events)
{
    struct orl_qemu_stream *s = ctx;
    (void)events;
    int rc = ORL_OK;
    for (size_t done = 0; rc == ORL_OK && !s->is_stopped && done < BYTES_PER_WAKE;) {
        size_t len = 0;
        rc = read_some(s, &len);
        done += len;
    }
    if (s->is_stopped) {
        return;
    }
    if (orl_qemu_reader_is_inside(s->reader)) {
        orl_timer_start(s->silence, MESSAGE_MAX_US, 0);
    } else {
        orl_timer_stop(s->silence);
    }
    if (rc == ORL_OK || rc == ORL_E_AGAIN) {
        send_answers(s);
    } else if (rc == ORL_E_CLOSED) {
        close_now(s, ORL_REASON_CONSOLE_LOST, "the display closed");
    } else if (rc == ORL_E_UNSUPPORTED) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display has a pixel format of another kind");
    } else {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL, "the display broke its protocol");
    }
}

static void on_silence(void *ctx)
{
    close_now(ctx, ORL_REASON_CONSOLE_PROTOCOL, "the display stopped in the middle of a message");
}

int orl_qemu_stream_new(struct orl_loop *loop, int fd, const struct orl_qemu_reader_events *events,
        orl_qemu_stream_closed_fn closed, void *ctx, struct orl_qemu_stream **ret_stream,
        struct orl_err *err)
{
    struct orl_qemu_stream *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_NOMEM, "QEMU stream");
    }
    s->fd = fd;
    s->closed = closed;
    s->ctx = ctx;
    int rc = orl_qemu_reader_new(events, ctx, &s->reader);
    if (rc < 0) {
        (void)orl_err_set(err, rc, "QEMU stream");
    }
    rc = rc < 0 ? rc : orl_io_open(loop, fd, ORL_IO_READ, on_stream, s, &s->io, err);
    rc = rc < 0 ? rc : orl_timer_new(loop, on_silence, s, &s->silence, err);
    if (rc < 0) {
        orl_qemu_stream_free(s);
        return rc;
    }
    *ret_stream = s;
    return ORL_OK;
}

void orl_qemu_stream_free(struct orl_qemu_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    orl_io_close(stream->io);
    orl_timer_free(stream->silence);
    orl_qemu_reader_free(stream->reader);
    orl_close_fd(&stream->fd);
    free(stream);
}
