/* The socket as FreeRDP's transport layer: it stays ours, writing never waits, and what waits is bounded. */
#include "base/clock.h"
#include "protocols/rdp/rdp_source_priv.h"
#include <errno.h>
#include <freerdp/transport_io.h>
#include <poll.h>
#include <sys/socket.h>
#include <winpr/synch.h>

struct layer {
    struct orl_source *source;
    HANDLE event; /* the socket can be read */
};

static ssize_t send_bytes(const struct orl_rdp_source_wire *wire, const void *data, size_t len)
{
    ssize_t n = 0;
    do {
        n = send(wire->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 && errno == EAGAIN ? 0 : n;
}

bool orl_rdp_source_wire_send(struct orl_source *s)
{
    struct orl_rdp_source_wire *wire = &s->wire;
    ssize_t n = 1;
    size_t sent = 0;
    while (n > 0 && sent < wire->out.len) {
        n = send_bytes(wire, wire->out.data + sent, wire->out.len - sent);
        sent += n > 0 ? (size_t)n : 0;
    }
    if (sent > 0) {
        orl_buf_consume(&wire->out, sent);
        wire->out_since_us = 0;
    }
    if (n >= 0 && wire->out.len > 0 && wire->out_since_us == 0) {
        wire->out_since_us = orl_clock_now_us();
    }
    return n >= 0;
}

static int on_write(void *ctx, const void *data, int len)
{
    struct orl_source *s = ((struct layer *)ctx)->source;
    orl_buf_put(&s->wire.out, data, (size_t)len);
    if (s->wire.out.is_failed) {
        orl_rdp_source_give_up(s, ORL_REASON_CONSOLE_LOST, "the display stopped reading");
        return -1;
    }
    return orl_rdp_source_wire_send(s) ? len : -1;
}

/* 0: nothing now. */
static int on_read(void *ctx, void *data, int len)
{
    struct orl_source *s = ((struct layer *)ctx)->source;
    ssize_t n = 0;
    if (s->reason != ORL_REASON_NONE || !orl_rdp_source_wire_send(s)) {
        return -1;
    }
    do {
        n = recv(s->wire.fd, data, (size_t)len, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    if (n == 0) {
        errno = ECONNRESET;
    }
    return n > 0 ? (int)n : -1;
}

/* Only during the handshake, on its thread. */
static BOOL on_wait(void *ctx, BOOL for_write, DWORD timeout_ms)
{
    struct orl_source *s = ((struct layer *)ctx)->source;
    const bool is_waiting = s->wire.out.len > 0;
    struct pollfd p = {.fd = s->wire.fd,
            .events = (short)((for_write ? 0 : POLLIN) | (for_write || is_waiting ? POLLOUT : 0))};
    const int n = poll(&p, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
    return n > 0 && (!is_waiting || orl_rdp_source_wire_send(s));
}

static HANDLE on_event(void *ctx)
{
    return ((struct layer *)ctx)->event;
}

static BOOL on_close(void *ctx)
{
    struct layer *layer = ctx;
    if (layer->event != NULL) {
        (void)CloseHandle(layer->event); /* leaves the socket open */
        layer->event = NULL;
    }
    return TRUE;
}

rdpTransportLayer *orl_rdp_source_layer(
        rdpTransport *transport, const char *host, int port, DWORD timeout)
{
    (void)host;
    (void)port;
    (void)timeout;
    struct orl_source *s = orl_rdp_source_of(transport_get_context(transport));
    if (s->state != ORL_RDP_SOURCE_CONNECTING || s->password == NULL) {
        return NULL; /* one connection, no other try and nowhere else */
    }
    rdpTransportLayer *layer = transport_layer_new(transport, sizeof(struct layer));
    if (layer == NULL) {
        return NULL;
    }
    struct layer *ours = layer->userContext;
    ours->source = s;
    ours->event = CreateFileDescriptorEventA(NULL, FALSE, FALSE, s->wire.fd, WINPR_FD_READ);
    layer->Read = on_read;
    layer->Write = on_write;
    layer->Wait = on_wait;
    layer->GetEvent = on_event;
    layer->Close = on_close;
    /* Only now, when FreeRDP has made its copy of the settings, which would keep it. */
    rdpSettings *settings = transport_get_context(transport)->settings;
    const bool ok = ours->event != NULL &&
                    freerdp_settings_set_string(settings, FreeRDP_Password, s->password);
    orl_rdp_source_drop_password(s);
    if (!ok) {
        transport_layer_free(layer);
        return NULL;
    }
    return layer;
}
