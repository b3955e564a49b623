#include "protocols/qemu/qemu_stream.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BYTES_PER_WAKE (16U << 20) /* two frames of 1080p, from the stream or from shared memory */
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

/* One fd may come with a message; what the kernel could not give us (MSG_CTRUNC) it has closed. */
static int take_fds(struct orl_qemu_stream *s, struct msghdr *hdr)
{
    unsigned count = 0;
    int rc = ORL_OK;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        size_t bytes = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS
                               ? c->cmsg_len - CMSG_LEN(0)
                               : 0;
        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
            if (count++ > 0) {
                orl_close_fd(&fd);
                rc = ORL_E_PROTO;
            } else {
                rc = orl_qemu_reader_take_fd(s->reader, fd);
            }
        }
    }
    return (hdr->msg_flags & MSG_CTRUNC) != 0 ? ORL_E_PROTO : rc;
}

/* ORL_E_AGAIN: nothing more now. *ret_work: bytes read from the socket and from shared memory. */
static int read_some(struct orl_qemu_stream *s, size_t *ret_work)
{
    struct iovec iov[ORL_QEMU_IOV_MAX];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr hdr = {.msg_iov = iov,
            .msg_iovlen = orl_qemu_reader_room(s->reader, iov),
            .msg_control = control.bytes,
            .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(s->fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ORL_E_AGAIN;
    }
    if (n <= 0) {
        return ORL_E_CLOSED;
    }
    int rc = take_fds(s, &hdr);
    rc = rc < 0 ? rc : orl_qemu_reader_got(s->reader, (size_t)n);
    *ret_work = (size_t)n + orl_qemu_reader_copied(s->reader);
    return rc;
}

static void on_stream(void *ctx, unsigned events)
{
    struct orl_qemu_stream *s = ctx;
    (void)events;
    int rc = ORL_OK;
    for (size_t done = 0; rc == ORL_OK && !s->is_stopped && done < BYTES_PER_WAKE;) {
        size_t work = 0;
        rc = read_some(s, &work);
        done += work;
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
    } else if (rc == ORL_E_SYS) {
        close_now(s, ORL_REASON_CONSOLE_PROTOCOL,
                "the display shares no memory, or less than its picture needs");
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
