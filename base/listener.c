#include "base/listener.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCEPTS_PER_WAKE = 16, BACKLOG = 128 };
#define PAUSE_US (100 * ORL_US_PER_MS)

struct orl_listener {
    int fd;
    int spare_fd; /* given up for a moment to turn one client away when there are no more fds */
    struct orl_io *io;
    struct orl_timer *pause;
    orl_listener_fn fn;
    void *ctx;
    struct orl_log_limit log_limit;
};

static const struct orl_log_ctx log_ctx = {.name = "listener"};

static int bind_one(const struct sockaddr *addr, socklen_t len, int *ret_fd)
{
    int on = 1;
    int off = 0;
    ORL_AUTO(orl_close_auto)
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) {
        return -1;
    }
    if (addr->sa_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (bind(fd, addr, len) < 0 || listen(fd, BACKLOG) < 0) {
        return -1;
    }
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}

static uint16_t bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } addr = {.v6 = {.sin6_family = AF_UNSPEC}};
    socklen_t len = sizeof(addr);
    if (getsockname(fd, &addr.any, &len) < 0) {
        return 0;
    }
    return ntohs(addr.any.sa_family == AF_INET6 ? addr.v6.sin6_port : addr.v4.sin_port);
}

int orl_listener_bind(
        const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct orl_err *err)
{
    bool is_all = strcmp(address, "*") == 0 || address[0] == '\0';
    /* "::" takes IPv4 too; "0.0.0.0" is for a kernel without IPv6. */
    const char *tries[] = {is_all ? "::" : address, is_all ? "0.0.0.0" : NULL};
    char service[8];
    int code = ORL_E_SYS;
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    for (unsigned i = 0; i < 2 && tries[i] != NULL; i++) {
        struct addrinfo hints = {.ai_family = AF_UNSPEC,
                .ai_socktype = SOCK_STREAM,
                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
        struct addrinfo *found = NULL;
        if (getaddrinfo(tries[i], service, &hints, &found) != 0) {
            code = orl_err_set(
                    err, ORL_E_CONFIG, "'%s' is no numeric address to listen on", address);
            continue;
        }
        int bound = bind_one(found->ai_addr, found->ai_addrlen, ret_fd);
        int bind_errno = errno;
        freeaddrinfo(found);
        if (bound == 0) {
            *ret_port = bound_port(*ret_fd);
            return ORL_OK;
        }
        code = orl_err_sys(err, bind_errno, "listen on %s port %s", tries[i], service);
        if (bind_errno == EADDRINUSE || bind_errno == EACCES) {
            break;
        }
    }
    return code;
}

static void resume(void *ctx)
{
    struct orl_listener *listener = ctx;
    orl_io_set(listener->io, ORL_IO_READ);
}

/* No fds left: turn one client away rather than let all of them hang, then rest for a moment. */
static void on_exhausted(struct orl_listener *listener)
{
    unsigned dropped = 0;
    orl_close_fd(&listener->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    orl_close_fd(&fd);
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (orl_log_limit_pass(&listener->log_limit, orl_clock_now_us(), &dropped)) {
        orl_log_error(&log_ctx, "no more file descriptors: clients are turned away", "dropped",
                ORL_LOG_NUM(dropped));
    }
    orl_io_set(listener->io, 0);
    orl_timer_start(listener->pause, PAUSE_US, 0);
}

static void on_readable(void *ctx, unsigned events)
{
    struct orl_listener *listener = ctx;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_PER_WAKE; i++) {
        struct sockaddr_storage addr;
        socklen_t len = sizeof(addr);
        int fd =
                accept4(listener->fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            listener->fn(listener->ctx, fd, (const struct sockaddr *)&addr, len);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            on_exhausted(listener);
            return;
        }
        if (errno == EAGAIN) {
            return;
        }
        /* accept(2): errors of the connection that was to be accepted are not ours. */
    }
}

int orl_listener_new(struct orl_loop *loop, int fd, orl_listener_fn fn, void *ctx,
        struct orl_listener **ret_listener, struct orl_err *err)
{
    struct orl_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_NOMEM, "listener: out of memory");
    }
    *listener = (struct orl_listener){.fd = fd,
            .spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
            .fn = fn,
            .ctx = ctx,
            .log_limit = {.period_us = 60 * ORL_US_PER_S, .burst = 3}};
    int code = orl_io_open(loop, fd, ORL_IO_READ, on_readable, listener, &listener->io, err);
    if (code == ORL_OK) {
        code = orl_timer_new(loop, resume, listener, &listener->pause, err);
    }
    if (code < 0) {
        orl_listener_free(listener);
        return code;
    }
    *ret_listener = listener;
    return ORL_OK;
}

void orl_listener_free(struct orl_listener *listener)
{
    if (listener != NULL) {
        orl_timer_free(listener->pause);
        orl_io_close(listener->io);
        orl_close_fd(&listener->fd);
        orl_close_fd(&listener->spare_fd);
        free(listener);
    }
}
