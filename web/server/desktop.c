#include "web/server/desktop.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What a session may have on the way to a browser that does not read: about one large picture. */
enum { STREAM_BYTES = 64 * 1024, AUX_BYTES = 64 * 1024, WAITING_BYTES = 256 * 1024 };
/* The gateway's reason and the end of the stream come in any order. */
#define REASON_US (2 * ORL_US_PER_S)

struct orl_desktop {
    struct orl_desktops *desktops;
    uint32_t number;
    struct orl_msg_web web;
    struct orl_desktop_end stream;
    struct orl_desktop_end aux;
    struct orl_timer *reason_timer;
    bool is_released; /* the stream's WebSocket is gone; the datagrams' one lets go next */
    char why[ORL_DESKTOP_WHY_MAX + 1];
    struct orl_desktop *next;
};
struct orl_desktops {
    struct orl_loop *loop;
    struct orl_gateway_link *link;
    uint32_t next_number;
    struct orl_desktop *first;
};

int orl_desktops_new(struct orl_loop *loop, struct orl_gateway_link *link,
        struct orl_desktops **ret_desktops, struct orl_err *err)
{
    struct orl_desktops *desktops = calloc(1, sizeof(*desktops));
    if (desktops == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "desktops: out of memory");
    }
    desktops->loop = loop;
    desktops->link = link;
    desktops->next_number = 1;
    *ret_desktops = desktops;
    return ORL_OK;
}

static void set_events(struct orl_desktop_end *end, unsigned events)
{
    if (end->io != NULL) {
        orl_io_set(end->io, events);
    }
}

static void tell(struct orl_desktop_end *end)
{
    if (end->on_news != NULL) {
        end->on_news(end->ctx);
    }
}

static void end_all(struct orl_desktop *desktop)
{
    struct orl_desktop_end *ends[] = {&desktop->stream, &desktop->aux};
    for (size_t i = 0; i < 2; i++) {
        ends[i]->is_over = true;
        set_events(ends[i], 0);
        tell(ends[i]);
    }
}

static void set_why(struct orl_desktop *desktop, enum orl_reason reason, const char *audit)
{
    if (desktop->why[0] == '\0') {
        (void)snprintf(desktop->why, sizeof(desktop->why), "%s%s%s", orl_reason_code(reason),
                audit[0] != '\0' ? " " : "", audit);
        end_all(desktop);
    }
}

void orl_desktops_on_close(
        struct orl_desktops *desktops, uint32_t number, const struct orl_msg_close *close)
{
    for (struct orl_desktop *at = desktops->first; at != NULL; at = at->next) {
        if (at->number == number) {
            set_why(at, orl_reason_from_u32(close->reason), close->audit);
            return;
        }
    }
}

static void on_no_reason(void *ctx)
{
    set_why(ctx, ORL_REASON_SESSION_CRASHED, "");
}

static void watch(struct orl_desktop_end *end)
{
    unsigned events = 0;
    if (!end->is_over) {
        events |= end->is_readable ? 0U : (unsigned)ORL_IO_READ;
        events |= end->waiting.len > 0 ? (unsigned)ORL_IO_WRITE : 0U;
    }
    set_events(end, events);
}

static void on_lost(struct orl_desktop_end *end)
{
    end->is_over = true;
    if (!end->is_aux && end->desktop->why[0] == '\0' &&
            !orl_timer_is_active(end->desktop->reason_timer)) {
        orl_timer_start(end->desktop->reason_timer, REASON_US, 0);
    }
}

/* 0: all or some of it is sent; negative: over. */
static int flush_waiting(struct orl_desktop_end *end)
{
    while (end->waiting.len > 0) {
        ssize_t sent = send(end->fd, end->waiting.data, end->waiting.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            return ORL_OK;
        }
        if (sent < 0 && errno != EINTR) {
            return ORL_E_CLOSED;
        }
        if (sent > 0) {
            orl_buf_consume(&end->waiting, (size_t)sent);
        }
    }
    return ORL_OK;
}

static void on_io(void *ctx, unsigned events)
{
    struct orl_desktop_end *end = ctx;
    if ((events & ORL_IO_WRITE) != 0 && flush_waiting(end) < 0) {
        on_lost(end);
    }
    if ((events & (ORL_IO_READ | ORL_IO_HANGUP)) != 0) {
        end->is_readable = true;
    }
    watch(end);
    tell(end);
}

static int make_pairs(struct orl_desktop *desktop, int ret_theirs[2])
{
    int stream[2];
    int aux[2];
    int bytes = STREAM_BYTES;
    int aux_bytes = AUX_BYTES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, stream) < 0) {
        return ORL_E_SYS;
    }
    desktop->stream.fd = stream[0];
    ret_theirs[0] = stream[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, aux) < 0) {
        return ORL_E_SYS;
    }
    desktop->aux.fd = aux[0];
    ret_theirs[1] = aux[1];
    (void)setsockopt(stream[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    (void)setsockopt(aux[1], SOL_SOCKET, SO_SNDBUF, &aux_bytes, sizeof(aux_bytes));
    return ORL_OK;
}

static int connect_all(struct orl_desktop *desktop, int ret_theirs[2])
{
    struct orl_loop *loop = desktop->desktops->loop;
    int code = make_pairs(desktop, ret_theirs);
    if (code == ORL_OK) {
        code = orl_timer_new(loop, on_no_reason, desktop, &desktop->reason_timer, NULL);
    }
    if (code == ORL_OK) {
        code = orl_io_open(loop, desktop->stream.fd, ORL_IO_READ, on_io, &desktop->stream,
                &desktop->stream.io, NULL);
    }
    if (code == ORL_OK) { /* read once somebody wants it */
        code = orl_io_open(loop, desktop->aux.fd, 0, on_io, &desktop->aux, &desktop->aux.io, NULL);
    }
    if (code == ORL_OK) {
        code = orl_gateway_link_open(desktop->desktops->link, desktop->number, &desktop->web,
                ret_theirs[0], ret_theirs[1]);
    }
    return code;
}

static void free_desktop(struct orl_desktop *desktop)
{
    struct orl_desktop_end *ends[] = {&desktop->stream, &desktop->aux};
    struct orl_desktop **at = &desktop->desktops->first;
    while (*at != NULL && *at != desktop) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = desktop->next;
    }
    for (size_t i = 0; i < 2; i++) {
        orl_io_close(ends[i]->io);
        orl_close_fd(&ends[i]->fd);
        orl_buf_wipe(&ends[i]->waiting);
        orl_buf_fini(&ends[i]->waiting);
    }
    orl_timer_free(desktop->reason_timer);
    orl_secret_wipe(&desktop->web, sizeof(desktop->web));
    free(desktop);
}

static void init_end(struct orl_desktop_end *end, struct orl_desktop *desktop, bool is_aux)
{
    *end = (struct orl_desktop_end){.desktop = desktop, .is_aux = is_aux, .fd = -1};
    orl_buf_init(&end->waiting, WAITING_BYTES);
}

int orl_desktop_open(struct orl_desktops *desktops, const struct orl_msg_web *web,
        orl_loop_fn on_news, void *ctx, struct orl_desktop_end **ret_end)
{
    int theirs[2] = {-1, -1};
    struct orl_desktop *desktop = calloc(1, sizeof(*desktop));
    if (desktop == NULL) {
        return ORL_E_NOMEM;
    }
    desktop->desktops = desktops;
    desktop->number = desktops->next_number++;
    desktop->web = *web;
    init_end(&desktop->stream, desktop, false);
    init_end(&desktop->aux, desktop, true);
    desktop->stream.on_news = on_news;
    desktop->stream.ctx = ctx;
    int code = connect_all(desktop, theirs);
    orl_close_fd(&theirs[0]);
    orl_close_fd(&theirs[1]);
    if (code < 0) {
        free_desktop(desktop);
        return code;
    }
    desktop->next = desktops->first;
    desktops->first = desktop;
    *ret_end = &desktop->stream;
    return ORL_OK;
}

static struct orl_desktop *find(
        const struct orl_desktops *desktops, const struct orl_offer *offer, const char *binding)
{
    for (struct orl_desktop *at = desktops->first; at != NULL; at = at->next) {
        if (strcmp(at->web.ticket, offer->ticket) == 0 &&
                orl_secret_is_equal(at->web.password, offer->password, sizeof(offer->password)) &&
                orl_secret_is_equal(at->web.binding, binding, ORL_BINDING_LEN) &&
                at->aux.on_news == NULL && !at->aux.is_over) {
            return at;
        }
    }
    return NULL;
}

bool orl_desktop_has_aux(
        const struct orl_desktops *desktops, const struct orl_offer *offer, const char *binding)
{
    return find(desktops, offer, binding) != NULL;
}

struct orl_desktop_end *orl_desktop_attach_aux(struct orl_desktops *desktops,
        const struct orl_offer *offer, const char *binding, orl_loop_fn on_news, void *ctx)
{
    struct orl_desktop *desktop = find(desktops, offer, binding);
    if (desktop == NULL) {
        return NULL;
    }
    desktop->aux.on_news = on_news;
    desktop->aux.ctx = ctx;
    watch(&desktop->aux);
    return &desktop->aux;
}

void orl_desktop_release(struct orl_desktop_end *end)
{
    struct orl_desktop *desktop = end->desktop;
    end->on_news = NULL;
    set_events(end, 0);
    if (!end->is_aux) {
        desktop->is_released = true;
        set_why(desktop, ORL_REASON_CLIENT_CLOSED, "");
        orl_io_close(end->io);
        end->io = NULL;
        orl_close_fd(&end->fd); /* which the session sees */
    }
    if (desktop->is_released && desktop->aux.on_news == NULL) {
        free_desktop(desktop);
    }
}

size_t orl_desktop_take(struct orl_desktop_end *end, void *ret_data)
{
    size_t size = end->is_aux ? ORL_DESKTOP_DATAGRAM : ORL_DESKTOP_CHUNK;
    if (end->is_over || !end->is_readable) {
        return 0;
    }
    ssize_t got = recv(end->fd, ret_data, size, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        on_lost(end);
    }
    if (got < 0 && errno == EAGAIN) {
        end->is_readable = false;
    }
    watch(end);
    return got > 0 ? (size_t)got : 0;
}

int orl_desktop_give(struct orl_desktop_end *end, const void *data, size_t len)
{
    if (end->is_over) {
        return ORL_E_CLOSED;
    }
    if (end->is_aux) {
        if (len == 0 || len > ORL_DESKTOP_DATAGRAM) {
            return ORL_E_LIMIT;
        }
        ssize_t sent = send(end->fd, data, len, MSG_NOSIGNAL);
        return sent < 0 && errno != EAGAIN && errno != ENOBUFS ? ORL_E_CLOSED : ORL_OK;
    }
    orl_buf_put(&end->waiting, data, len);
    if (end->waiting.is_failed || flush_waiting(end) < 0) {
        on_lost(end);
        return ORL_E_CLOSED;
    }
    watch(end);
    return ORL_OK;
}

bool orl_desktop_is_full(const struct orl_desktop_end *end)
{
    return end->waiting.len > 0;
}

const char *orl_desktop_why(const struct orl_desktop_end *end)
{
    return end->desktop->why[0] != '\0' ? end->desktop->why : NULL;
}

void orl_desktops_free(struct orl_desktops *desktops)
{
    while (desktops != NULL && desktops->first != NULL) {
        free_desktop(desktops->first);
    }
    free(desktops);
}
