#include "protocols/vnc/rfb_stream.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum {
    KEEP_BYTES = 256 * 1024,
    WRITE_BYTES = 1024 * 1024,
    NOTSENT_BYTES = 32 * 1024, /* how much may wait in the kernel before it counts as full */
    USER_TIMEOUT_MS = 40000, /* more than the viewer's own limit for a client that stops reading */
};

void orl_rfb_stream_init(
        struct orl_rfb_stream *stream, int fd, size_t in_max_bytes, size_t out_max_bytes)
{
    *stream = (struct orl_rfb_stream){.fd = fd};
    orl_buf_init(&stream->in, in_max_bytes + ORL_RFB_READ_BYTES);
    orl_buf_init(&stream->out, out_max_bytes);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    /* A socket pair knows neither. */
    const int lowat = NOTSENT_BYTES;
    const unsigned timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

void orl_rfb_stream_set_in_max(struct orl_rfb_stream *stream, size_t in_max_bytes)
{
    const size_t max_bytes = in_max_bytes + ORL_RFB_READ_BYTES;
    stream->in.max_len = max_bytes > stream->in.len ? max_bytes : stream->in.len;
}

int orl_rfb_stream_secure(
        struct orl_rfb_stream *stream, const struct orl_tls_keys *keys, struct orl_err *err)
{
    if (stream->in.len > 0 || keys == NULL) {
        return orl_err_set(err, ORL_E_PROTO, "bytes before TLS");
    }
    return orl_tls_new(keys, stream->fd, &stream->tls, err);
}

static int from_errno(int got)
{
    if (got == 0) {
        return ORL_E_CLOSED;
    }
    return errno == EAGAIN || errno == EINTR ? ORL_E_AGAIN : ORL_E_CLOSED;
}

static int receive(struct orl_rfb_stream *stream, void *data, size_t len)
{
    if (stream->tls != NULL) {
        return orl_tls_read(stream->tls, data, len);
    }
    const int got = (int)recv(stream->fd, data, len, MSG_DONTWAIT);
    return got > 0 ? got : from_errno(got);
}

int orl_rfb_stream_read(struct orl_rfb_stream *stream)
{
    const size_t before = stream->in.len;
    if (stream->in.max_len - before < ORL_RFB_READ_BYTES) {
        return 0;
    }
    uint8_t *room = orl_buf_extend(&stream->in, ORL_RFB_READ_BYTES);
    if (room == NULL) {
        return ORL_E_NOMEM;
    }
    const int got = receive(stream, room, ORL_RFB_READ_BYTES);
    stream->in.len = before + (got > 0 ? (size_t)got : 0);
    return got == ORL_E_AGAIN ? 0 : got;
}

/* Memory of a long text, or of a large frame, is not kept for the next ones. */
static void drop_if_large(struct orl_buf *buf)
{
    if (buf->len == 0 && buf->capacity > KEEP_BYTES) {
        orl_buf_wipe(buf);
        orl_buf_fini(buf);
    }
}

void orl_rfb_stream_used(struct orl_rfb_stream *stream, size_t len)
{
    if (len > 0) {
        orl_secret_wipe(stream->in.data, len); /* key presses, passwords */
        orl_buf_consume(&stream->in, len);
        drop_if_large(&stream->in);
    }
}

int orl_rfb_stream_write(struct orl_rfb_stream *stream)
{
    size_t len = orl_rfb_stream_waiting(stream);
    len = len < WRITE_BYTES ? len : (size_t)WRITE_BYTES;
    if (len == 0) {
        return 0;
    }
    const uint8_t *data = stream->out.data + stream->sent;
    int got;
    if (stream->tls != NULL) {
        got = orl_tls_write(stream->tls, data, len);
    } else {
        got = (int)send(stream->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        got = got > 0 ? got : from_errno(got);
    }
    if (got <= 0) {
        return got == ORL_E_AGAIN ? 0 : got;
    }
    stream->sent += (size_t)got;
    stream->bytes_sent += (uint64_t)got;
    if (stream->sent == stream->out.len) {
        orl_buf_reset(&stream->out);
        stream->sent = 0;
        drop_if_large(&stream->out);
    }
    return got;
}

size_t orl_rfb_stream_waiting(const struct orl_rfb_stream *stream)
{
    return stream->out.len - stream->sent;
}

uint64_t orl_rfb_stream_bytes_out(const struct orl_rfb_stream *stream)
{
    return stream->bytes_sent + orl_rfb_stream_waiting(stream);
}

void orl_rfb_stream_close(struct orl_rfb_stream *stream)
{
    if (stream->tls != NULL) {
        orl_tls_shutdown(stream->tls);
    }
    orl_tls_free(stream->tls);
    stream->tls = NULL;
    orl_close_fd(&stream->fd);
    orl_buf_wipe(&stream->in);
    orl_buf_fini(&stream->in);
    orl_buf_wipe(&stream->out); /* what the screen shows is nobody else's either */
    orl_buf_fini(&stream->out);
    stream->sent = 0;
}
