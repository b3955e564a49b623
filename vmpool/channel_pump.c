#include "vmpool/channel_pump.h"
#include "base/secret.h"
#include "vmpool/libvirt_conn.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUF_BYTES = 4096, NOTHING_NOW = -2 };

struct half {
    char buf[BUF_BYTES];
    size_t at, len; /* what waits: buf[at .. len) */
};
struct pump {
    virStreamPtr stream;
    int fd;
    int watch;
    struct half to_guest, from_guest;
};

static void on_freed(void *ctx)
{
    struct pump *pump = ctx;
    orl_secret_wipe(&pump->to_guest, sizeof pump->to_guest); /* what was not sent */
    free(pump);
}

/* The stream is over: the handle's callback sees the hang-up, and only it takes things down. */
static void hang_up(struct pump *pump)
{
    (void)shutdown(pump->fd, SHUT_RDWR);
}

static void end(struct pump *pump)
{
    (void)virStreamEventRemoveCallback(pump->stream);
    (void)virStreamAbort(pump->stream);
    (void)virStreamFree(pump->stream);
    close(pump->fd);
    (void)virEventRemoveHandle(pump->watch); /* frees pump later */
}

/* Each side is read only while there is room for what it says. */
static void set_events(struct pump *pump)
{
    bool has_up = pump->from_guest.len > 0;
    bool has_down = pump->to_guest.len > 0;
    (void)virStreamEventUpdateCallback(pump->stream,
            (has_up ? 0 : VIR_STREAM_EVENT_READABLE) | (has_down ? VIR_STREAM_EVENT_WRITABLE : 0));
    virEventUpdateHandle(pump->watch, VIR_EVENT_HANDLE_HANGUP | VIR_EVENT_HANDLE_ERROR |
                                              (has_down ? 0 : VIR_EVENT_HANDLE_READABLE) |
                                              (has_up ? VIR_EVENT_HANDLE_WRITABLE : 0));
}

/* False: the stream has failed. */
static bool flush_down(struct pump *pump)
{
    struct half *h = &pump->to_guest;
    while (h->at < h->len) {
        int n = virStreamSend(pump->stream, h->buf + h->at, h->len - h->at);
        if (n == NOTHING_NOW) {
            return true;
        }
        if (n <= 0) {
            return false;
        }
        h->at += (size_t)n;
    }
    memset(h, 0, sizeof(*h)); /* may have been a secret */
    return true;
}

static bool flush_up(struct pump *pump)
{
    struct half *h = &pump->from_guest;
    while (h->at < h->len) {
        ssize_t n = send(pump->fd, h->buf + h->at, h->len - h->at, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (n <= 0) {
            return false;
        }
        h->at += (size_t)n;
    }
    h->at = h->len = 0;
    return true;
}

static void on_stream(virStreamPtr stream, int events, void *ctx)
{
    struct pump *pump = ctx;
    bool is_good = (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) == 0;
    if (is_good && (events & VIR_STREAM_EVENT_WRITABLE) != 0) {
        is_good = flush_down(pump);
    }
    if (is_good && (events & VIR_STREAM_EVENT_READABLE) != 0 && pump->from_guest.len == 0) {
        int n = virStreamRecv(stream, pump->from_guest.buf, BUF_BYTES);
        is_good = n > 0 || n == NOTHING_NOW;
        pump->from_guest.len = n > 0 ? (size_t)n : 0;
        is_good = is_good && flush_up(pump);
    }
    if (is_good) {
        set_events(pump);
    } else {
        (void)virStreamEventUpdateCallback(stream, 0);
        hang_up(pump);
    }
}

static void on_fd(int watch, int fd, int events, void *ctx)
{
    struct pump *pump = ctx;
    (void)watch;
    bool is_good = true;
    if ((events & VIR_EVENT_HANDLE_WRITABLE) != 0) {
        is_good = flush_up(pump);
    }
    if (is_good && (events & VIR_EVENT_HANDLE_READABLE) != 0 && pump->to_guest.len == 0) {
        ssize_t n = recv(fd, pump->to_guest.buf, BUF_BYTES, 0);
        is_good = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
        pump->to_guest.len = n > 0 ? (size_t)n : 0;
        is_good = is_good && flush_down(pump);
    } else if ((events & (VIR_EVENT_HANDLE_HANGUP | VIR_EVENT_HANDLE_ERROR)) != 0) {
        is_good = false;
    }
    if (is_good) {
        set_events(pump);
    } else {
        end(pump);
    }
}

static int start(struct pump *pump, virDomainPtr domain, const char *channel, struct orl_err *err)
{
    if (virDomainOpenChannel(domain, channel, pump->stream, VIR_DOMAIN_CHANNEL_FORCE) < 0) {
        return orl_libvirt_err(err, "opening a guest's channel");
    }
    pump->watch = virEventAddHandle(pump->fd, 0, on_fd, pump, on_freed);
    if (pump->watch < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "watching a guest's channel");
    }
    int watch = pump->watch;
    if (virStreamEventAddCallback(pump->stream, 0, on_stream, pump, NULL) < 0) {
        hang_up(pump);
    }
    /* From here on it is the event thread's, which may free it before this call is back. Our side is writable: there
     * it is seen at once, and the rest set. */
    virEventUpdateHandle(
            watch, VIR_EVENT_HANDLE_WRITABLE | VIR_EVENT_HANDLE_HANGUP | VIR_EVENT_HANDLE_ERROR);
    return 0;
}

int orl_channel_open(virConnectPtr conn, virDomainPtr domain, const char *channel, int *ret_fd,
        struct orl_err *err)
{
    int ends[2];
    struct pump *pump = calloc(1, sizeof(*pump));
    if (pump == NULL ||
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        free(pump);
        return orl_err_sys(err, errno, "a guest's channel");
    }
    pump->fd = ends[0];
    pump->stream = virStreamNew(conn, VIR_STREAM_NONBLOCK);
    int r = pump->stream != NULL ? start(pump, domain, channel, err)
                                 : orl_libvirt_err(err, "a stream");
    if (r < 0) {
        if (pump->stream != NULL) {
            (void)virStreamFree(pump->stream);
        }
        close(ends[0]);
        close(ends[1]);
        free(pump);
        return r;
    }
    *ret_fd = ends[1];
    return 0;
}
