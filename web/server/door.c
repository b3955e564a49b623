/* From accept to libwebsockets: who may connect, and what a trusted load balancer says first. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/tcp.h"
#include "web/server/proxy_v2.h"
#include "web/server/web_priv.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#define DOOR_US (5 * ORL_US_PER_S)
enum { MAX_DOORS = 256 };

/* A load balancer's connection whose PROXY head is on the way. */
struct orl_door {
    struct orl_web *web;
    int fd;
    bool is_plain;
    struct sockaddr_storage addr; /* its own */
    socklen_t addr_len;
    struct orl_io *io;
    struct orl_timer *timer;
    uint8_t head[ORL_PROXY_MAX_BYTES];
    size_t have, want;
    struct orl_door *next;
};

static void log_refused(struct orl_web *web, const char *client, const char *why)
{
    unsigned dropped = 0;
    if (orl_log_limit_pass(&web->refused_limit, orl_clock_now_us(), &dropped)) {
        orl_log_warn(&web->log, "client refused", "client", client, "why", why, "unlogged",
                ORL_LOG_NUM(dropped));
    }
}

/* What the kernel holds unsent is late for whatever is painted after it. */
static void prepare_socket(int fd)
{
    const int unsent_bytes = 64 * 1024;
    orl_tcp_prepare(fd);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof(unsent_bytes));
}

/* fd is taken. */
static void let_in(
        struct orl_web *web, int fd, bool is_plain, const struct sockaddr *addr, socklen_t len)
{
    uint64_t now_us = orl_clock_now_us();
    struct orl_prefix prefix = orl_prefix_of(addr, len);
    char client[ORL_ADDR_MAX + 1];
    orl_addr_text(client, sizeof(client), addr, len);
    enum orl_admission_verdict verdict = orl_admission_enter(web->admission, &prefix, now_us);
    struct orl_web_conn *conn = verdict == ORL_ADMIT ? calloc(1, sizeof(*conn)) : NULL;
    if (conn == NULL) {
        log_refused(web, client, orl_admission_verdict_name(verdict));
        if (verdict == ORL_ADMIT) {
            orl_admission_leave(web->admission, &prefix, true);
        }
        close(fd);
        return;
    }
    *conn = (struct orl_web_conn){.web = web,
            .prefix = prefix,
            .is_plain = is_plain,
            .deadline_us = now_us + (uint64_t)web->cfg->request_s * ORL_US_PER_S,
            .next = web->conns};
    orl_msg_text(conn->client, sizeof(conn->client), client);
    if (conn->next != NULL) {
        conn->next->prev = conn;
    } else {
        orl_timer_start(web->sweep, ORL_WEB_SWEEP_US, ORL_WEB_SWEEP_US);
    }
    web->conns = conn;
    prepare_socket(fd);
    const lws_adopt_desc_t desc = {.vh = web->vhost,
            .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | (is_plain ? 0 : LWS_ADOPT_ALLOW_SSL),
            .fd = {.sockfd = fd},
            .opaque = conn};
    conn->is_adopting = true;
    web->adopting = conn;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    conn->wsi = conn->phase != ORL_WEB_GONE ? wsi : NULL;
    web->adopting = NULL;
    conn->is_adopting = false;
    /* Who failed may have been destroyed by now, or will be, in its own time; fd is closed either way. */
    if (conn->is_destroyed || !conn->has_wsi) {
        orl_web_conn_free(conn);
    }
}

static void free_door(struct orl_door *door)
{
    struct orl_door **at = &door->web->doors;
    while (*at != door) {
        at = &(*at)->next;
    }
    *at = door->next;
    door->web->door_count--;
    orl_io_close(door->io);
    orl_timer_free(door->timer);
    orl_close_fd(&door->fd);
    free(door);
}

static void pass_door(struct orl_door *door)
{
    struct orl_web *web = door->web;
    struct orl_proxy proxy;
    bool is_plain = door->is_plain;
    if (orl_proxy_v2_parse(door->head, door->have, &proxy) < 0) {
        free_door(door);
        return;
    }
    if (proxy.addr_len == 0) {
        proxy.addr = door->addr;
        proxy.addr_len = door->addr_len;
    }
    int fd = orl_steal_fd(&door->fd);
    orl_io_close(door->io); /* before another watches fd */
    door->io = NULL;
    free_door(door);
    let_in(web, fd, is_plain, (const struct sockaddr *)&proxy.addr, proxy.addr_len);
}

/* Never more than the head: what follows is TLS, and libwebsockets'. */
static void on_door_readable(void *ctx, unsigned events)
{
    struct orl_door *door = ctx;
    (void)events;
    ssize_t got = recv(door->fd, door->head + door->have, door->want - door->have, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    int len = ORL_PROXY_HEAD_BYTES;
    if (got > 0) {
        door->have += (size_t)got;
        len = door->have >= ORL_PROXY_HEAD_BYTES ? orl_proxy_v2_len(door->head) : len;
    }
    if (got <= 0 || len < 0) {
        char client[ORL_ADDR_MAX + 1];
        orl_addr_text(client, sizeof(client), (const struct sockaddr *)&door->addr, door->addr_len);
        log_refused(door->web, client, "a trusted proxy without PROXY protocol version 2");
        free_door(door);
        return;
    }
    door->want = (size_t)len;
    if (door->have == door->want) {
        pass_door(door);
    }
}

static void on_door_due(void *ctx)
{
    free_door(ctx);
}

/* fd is taken. */
static void open_door(
        struct orl_web *web, int fd, bool is_plain, const struct sockaddr *addr, socklen_t len)
{
    struct orl_door *door = web->door_count < MAX_DOORS ? calloc(1, sizeof(*door)) : NULL;
    if (door == NULL) {
        close(fd);
        return;
    }
    *door = (struct orl_door){.web = web,
            .fd = fd,
            .is_plain = is_plain,
            .addr_len = len,
            .want = ORL_PROXY_HEAD_BYTES,
            .next = web->doors};
    memcpy(&door->addr, addr, len < sizeof(door->addr) ? len : sizeof(door->addr));
    web->doors = door;
    web->door_count++;
    if (orl_timer_new(web->loop, on_door_due, door, &door->timer, NULL) < 0 ||
            orl_io_open(web->loop, fd, ORL_IO_READ, on_door_readable, door, &door->io, NULL) < 0) {
        free_door(door);
        return;
    }
    orl_timer_start(door->timer, DOOR_US, 0);
}

static void on_client(
        struct orl_web *web, int fd, bool is_plain, const struct sockaddr *addr, socklen_t len)
{
    for (unsigned i = 0; i < web->trusted_count; i++) {
        if (orl_addr_net_has(&web->trusted[i], addr, len)) {
            open_door(web, fd, is_plain, addr, len);
            return;
        }
    }
    let_in(web, fd, is_plain, addr, len);
}

void orl_web_on_https(void *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
    on_client(ctx, fd, false, addr, len);
}

void orl_web_on_http(void *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
    on_client(ctx, fd, true, addr, len);
}

void orl_web_close_doors(struct orl_web *web)
{
    while (web->doors != NULL) {
        free_door(web->doors);
    }
}
