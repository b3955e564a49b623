/* Clients: admission, the session's process and socket, and what its connection asks for. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/tcp.h"
#include "gateway/gateway_priv.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { SESSION_MAX_QUEUED = 64 };
#define UNHEARD_US (2 * ORL_US_PER_S) /* socket closed but still running, or the other way round */

static struct orl_peer *peer_of(struct orl_conn *conn)
{
    return (struct orl_peer *)(void *)((char *)conn - offsetof(struct orl_peer, conn));
}

struct orl_peer *orl_gateway_find(struct orl_gateway *gateway, uint32_t conn)
{
    struct orl_peer *peer = gateway->peers;
    while (peer != NULL && peer->conn.number != conn) {
        peer = peer->next;
    }
    return peer;
}

static void free_peer(struct orl_peer *peer)
{
    orl_timer_free(peer->timer);
    orl_ipc_free(peer->ipc);
    free(peer);
}

static void release(struct orl_peer *peer)
{
    struct orl_gateway *gateway = peer->gateway;
    struct orl_peer **at = &gateway->peers;
    while (*at != peer) {
        at = &(*at)->next;
    }
    *at = peer->next;
    orl_admission_leave(gateway->admission, &peer->conn.prefix, !peer->conn.is_logged_in);
    orl_log_info(&peer->conn.log, "over", "client", peer->conn.client, "reason",
            orl_reason_code(peer->conn.reason), "open",
            ORL_LOG_NUM(orl_admission_total(gateway->admission)));
    free_peer(peer);
    if (gateway->is_stopping && gateway->peers == NULL) {
        orl_loop_stop(gateway->loop);
    }
}

/* Both its last words and its exit code count, and they come in any order. */
static void end_if_gone(struct orl_peer *peer)
{
    if (peer->ipc == NULL && !peer->is_process_alive) {
        if (!peer->is_over) {
            peer->is_over = true;
            orl_conn_on_exit(&peer->conn, peer->is_exit_clean);
        }
        release(peer);
    } else {
        orl_timer_start(peer->timer, UNHEARD_US, 0);
    }
}

static void to_session(void *ctx, struct orl_conn *conn, const struct orl_msg *msg, int fd)
{
    struct orl_peer *peer = peer_of(conn);
    (void)ctx;
    if (peer->ipc != NULL) {
        orl_ipc_post(peer->ipc, msg, &fd, fd >= 0 ? 1 : 0);
    }
}

static bool to_broker(void *ctx, const struct orl_msg *msg)
{
    struct orl_gateway *gateway = ctx;
    return orl_control_link_post(gateway->broker, msg);
}

static void want_console(void *ctx, struct orl_conn *conn)
{
    struct orl_gateway *gateway = ctx;
    orl_console_table_want(gateway->consoles, conn->number, &conn->plan, orl_clock_now_us());
}

static void drop_console(void *ctx, struct orl_conn *conn)
{
    struct orl_gateway *gateway = ctx;
    orl_console_table_drop(gateway->consoles, conn->number, orl_clock_now_us());
}

static void logged_in(void *ctx, struct orl_conn *conn)
{
    struct orl_gateway *gateway = ctx;
    orl_admission_logged_in(gateway->admission, &conn->prefix);
}

static void set_deadline(void *ctx, struct orl_conn *conn, uint64_t in_us)
{
    struct orl_peer *peer = peer_of(conn);
    (void)ctx;
    if (in_us == 0) {
        orl_timer_stop(peer->timer);
    } else {
        orl_timer_start(peer->timer, in_us, 0);
    }
}

static void kill_session(void *ctx, struct orl_conn *conn)
{
    struct orl_gateway *gateway = ctx;
    if (peer_of(conn)->is_process_alive) {
        orl_spawn_kill(gateway->spawn, ORL_CHILD_SESSION, conn->number);
    }
}

static void to_web(void *ctx, struct orl_conn *conn, const struct orl_msg *close)
{
    const struct orl_peer *peer = peer_of(conn);
    (void)ctx;
    if (peer->web != NULL) {
        struct orl_msg copy = *close;
        copy.conn = peer->web_conn;
        orl_web_clients_tell(peer->web, &copy);
    }
}

static const struct orl_conn_ops conn_ops = {
        .to_session = to_session,
        .to_broker = to_broker,
        .want_console = want_console,
        .drop_console = drop_console,
        .logged_in = logged_in,
        .set_deadline = set_deadline,
        .kill = kill_session,
        .to_web = to_web,
};

static void on_deadline(void *ctx)
{
    struct orl_peer *peer = ctx;
    if (!peer->is_process_alive) {
        /* Dead, but something still holds its socket: enough. */
        orl_ipc_free(peer->ipc);
        peer->ipc = NULL;
        end_if_gone(peer);
        return;
    }
    orl_conn_on_deadline(&peer->conn);
}

static int on_session_msg(
        void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_peer *peer = ctx;
    (void)ipc;
    return orl_conn_on_session_msg(&peer->conn, msg, fds->count);
}

static void on_session_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_peer *peer = ctx;
    orl_ipc_free(ipc);
    peer->ipc = NULL;
    if (code != ORL_E_CLOSED && peer->is_process_alive) {
        if (peer->conn.state != ORL_CONN_CLOSING) {
            orl_log_warn(&peer->conn.log, "a session's messages make no sense: killed", "why",
                    orl_err_name(code));
            orl_conn_close(&peer->conn, ORL_REASON_SESSION_CRASHED, NULL, NULL);
        }
        orl_spawn_kill(peer->gateway->spawn, ORL_CHILD_SESSION, peer->conn.number);
    }
    end_if_gone(peer);
}

void orl_gateway_on_session_child(struct orl_gateway *gateway, const struct orl_spawner_rep *rep)
{
    struct orl_peer *peer = orl_gateway_find(gateway, rep->id);
    if (peer == NULL) {
        return;
    }
    if (rep->event == ORL_SPAWNER_STARTED) {
        orl_conn_on_started(&peer->conn);
        return;
    }
    peer->is_process_alive = false;
    peer->is_exit_clean = rep->event == ORL_SPAWNER_EXITED && WIFEXITED(rep->status) &&
                          WEXITSTATUS(rep->status) == 0;
    if (!peer->is_exit_clean) {
        orl_log_warn(&peer->conn.log, "a session ended badly", "signal",
                ORL_LOG_NUM(WIFSIGNALED(rep->status) ? WTERMSIG(rep->status) : 0), "status",
                ORL_LOG_NUM(WIFEXITED(rep->status) ? WEXITSTATUS(rep->status) : 0));
    }
    end_if_gone(peer);
}

/* fds (borrowed): what START takes along. */
static int start_session(
        struct orl_peer *peer, const int *fds, unsigned fd_count, struct orl_err *err)
{
    static const struct orl_ipc_events events = {
            .on_msg = on_session_msg, .on_closed = on_session_closed};
    struct orl_gateway *gateway = peer->gateway;
    const struct orl_gateway_cfg *cfg = gateway->cfg;
    int pair[2] = {-1, -1};
    int code = orl_timer_new(gateway->loop, on_deadline, peer, &peer->timer, err);
    if (code == ORL_OK) {
        code = orl_ipc_pair(pair, err);
    }
    if (code < 0) {
        return code;
    }
    ORL_AUTO(orl_close_auto) int session_end = pair[1];
    code = orl_ipc_new(gateway->loop, pair[0], SESSION_MAX_QUEUED, &events, peer, &peer->ipc, err);
    if (code < 0) {
        return code;
    }
    struct orl_msg msg = {.type = ORL_MSG_START};
    msg.u.start.protocol = peer->conn.protocol;
    msg.u.start.is_web = peer->conn.is_web ? 1 : 0;
    msg.u.start.rdp_security = (uint32_t)cfg->rdp_security;
    msg.u.start.width_px = (uint32_t)cfg->max_width_px;
    msg.u.start.height_px = (uint32_t)cfg->max_height_px;
    msg.u.start.threads = (uint32_t)cfg->encoder_threads;
    msg.u.start.has_clear = cfg->rdp_clearcodec ? 1 : 0;
    msg.u.start.silent_s = (uint32_t)cfg->client_silent_s;
    msg.u.start.has_bulk_compression = cfg->rdp_bulk_compression ? 1 : 0;
    orl_msg_text(msg.u.start.planar_clients, sizeof(msg.u.start.planar_clients),
            cfg->rdp_planar_clients);
    orl_msg_text(msg.u.start.client, sizeof(msg.u.start.client), peer->conn.client);
    orl_ipc_post(peer->ipc, &msg, fds, fd_count);
    code = orl_spawn_start(gateway->spawn, ORL_CHILD_SESSION, peer->conn.number, session_end);
    if (code < 0) {
        return orl_err_set(err, code, "the spawner takes no request");
    }
    peer->is_process_alive = true;
    peer->conn.picture_us = (uint64_t)cfg->handshake_deadline_s * ORL_US_PER_S;
    orl_timer_start(peer->timer, peer->conn.picture_us, 0);
    return ORL_OK;
}

static void log_refused(struct orl_gateway *gateway, const char *client, const char *why)
{
    unsigned dropped = 0;
    if (orl_log_limit_pass(&gateway->refused_limit, orl_clock_now_us(), &dropped)) {
        orl_log_warn(&gateway->log, "client refused", "client", client, "limit", why, "unlogged",
                ORL_LOG_NUM(dropped));
    }
}

/* The audit has it, too; a flood only costs the broker so many rows a second. */
static void report_refused(struct orl_gateway *gateway, const char *client, enum orl_reason reason)
{
    unsigned dropped = 0;
    if (orl_log_limit_pass(&gateway->report_limit, orl_clock_now_us(), &dropped)) {
        struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = gateway->next_conn++};
        msg.u.close.reason = reason;
        (void)snprintf(msg.u.close.text, sizeof(msg.u.close.text), "client %s", client);
        (void)orl_control_link_post(gateway->broker, &msg);
    }
}

/* Counts a client and makes its peer; NULL: refused, which is logged and reported. */
static struct orl_peer *admit(
        struct orl_gateway *gateway, const struct sockaddr *addr, socklen_t len)
{
    struct orl_prefix prefix = orl_prefix_of(addr, len);
    char client[ORL_ADDR_MAX + 1];
    orl_addr_text(client, sizeof(client), addr, len);
    enum orl_admission_verdict verdict =
            orl_admission_enter(gateway->admission, &prefix, orl_clock_now_us());
    if (verdict != ORL_ADMIT) {
        log_refused(gateway, client, orl_admission_verdict_name(verdict));
        report_refused(gateway, client, ORL_REASON_TOO_MANY_CONNECTIONS);
        return NULL;
    }
    struct orl_peer *peer = calloc(1, sizeof(*peer));
    if (peer == NULL) {
        orl_admission_leave(gateway->admission, &prefix, true);
        return NULL;
    }
    peer->gateway = gateway;
    orl_conn_init(&peer->conn, gateway->next_conn++, client, &prefix, &conn_ops, gateway);
    return peer;
}

/* False: peer is freed. */
static bool launch(struct orl_peer *peer, const int *fds, unsigned fd_count)
{
    struct orl_gateway *gateway = peer->gateway;
    struct orl_err err = {0};
    if (start_session(peer, fds, fd_count, &err) < 0) {
        log_refused(gateway, peer->conn.client, err.text);
        report_refused(gateway, peer->conn.client, ORL_REASON_INTERNAL);
        orl_admission_leave(gateway->admission, &peer->conn.prefix, true);
        free_peer(peer);
        return false;
    }
    peer->next = gateway->peers;
    gateway->peers = peer;
    orl_log_info(&peer->conn.log, "accepted", "client", peer->conn.client, "web",
            peer->conn.is_web ? "yes" : "no");
    return true;
}

static void on_client(struct orl_gateway *gateway, enum orl_protocol protocol, int fd,
        const struct sockaddr *addr, socklen_t len)
{
    ORL_AUTO(orl_close_auto) int client_fd = fd;
    struct orl_peer *peer = admit(gateway, addr, len);
    if (peer != NULL) {
        const int fds[] = {client_fd, gateway->certificate.cert_fd, gateway->certificate.key_fd};
        peer->conn.protocol = protocol;
        orl_tcp_prepare(client_fd); /* the session may not */
        (void)launch(peer, fds, 3);
    }
}

void orl_gateway_on_client(void *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
    on_client(ctx, ORL_PROTOCOL_RDP, fd, addr, len);
}

void orl_gateway_on_vnc_client(void *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
    on_client(ctx, ORL_PROTOCOL_VNC, fd, addr, len);
}

static void refuse_web(struct orl_web_link *link, uint32_t conn, enum orl_reason reason)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = conn};
    msg.u.close.reason = reason;
    orl_web_clients_tell(link, &msg);
}

static void on_web_desktop(
        void *ctx, struct orl_web_link *link, const struct orl_web_desktop *desktop)
{
    struct orl_gateway *gateway = ctx;
    ORL_AUTO(orl_close_auto) int stream_fd = desktop->stream_fd;
    ORL_AUTO(orl_close_auto) int aux_fd = desktop->aux_fd;
    if (gateway->is_stopping) {
        refuse_web(link, desktop->conn, ORL_REASON_SHUTDOWN);
        return;
    }
    struct orl_peer *peer =
            admit(gateway, (const struct sockaddr *)&desktop->addr, desktop->addr_len);
    if (peer == NULL) {
        refuse_web(link, desktop->conn, ORL_REASON_TOO_MANY_CONNECTIONS);
        return;
    }
    const int fds[] = {stream_fd, aux_fd};
    orl_conn_set_web(&peer->conn, desktop->web);
    peer->web = link;
    peer->web_conn = desktop->conn;
    if (!launch(peer, fds, 2)) {
        refuse_web(link, desktop->conn, ORL_REASON_INTERNAL);
    }
}

/* Its desktops' streams are closed with it, which their sessions see. */
static void on_web_gone(void *ctx, struct orl_web_link *link)
{
    struct orl_gateway *gateway = ctx;
    for (struct orl_peer *peer = gateway->peers; peer != NULL; peer = peer->next) {
        peer->web = peer->web == link ? NULL : peer->web;
    }
}

const struct orl_web_clients_events orl_gateway_web_events = {
        .on_desktop = on_web_desktop, .on_gone = on_web_gone};

void orl_gateway_free_peers(struct orl_gateway *gateway)
{
    while (gateway->peers != NULL) {
        struct orl_peer *peer = gateway->peers;
        gateway->peers = peer->next;
        free_peer(peer);
    }
}
