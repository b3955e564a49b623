#include "broker/gateway_sock.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "base/secret.h"
#include "broker/certificates.h"
#include "broker/conn_table.h"
#include "broker/events.h"
#include "broker/login.h"
#include "broker/session_lease.h"
#include "broker/site.h"
#include "broker/thumbs.h"
#include "broker/watching.h"
#include "store/pool.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { MAX_PEERS = 64, MAX_WEB_PEERS = 8, MAX_QUEUED = 4096, ACCEPTS_PER_WAKE = 8 };

#define REWATCH_US UINT64_C(5000000) /* a third of what a session remembers it */

enum peer_role { PEER_NONE = 0, PEER_GATEWAY = 1, PEER_VMPOOL = 2, PEER_WEB = 4 };

struct orl_gateway {
    struct orl_gateways *gateways;
    struct orl_ipc *ipc;
    unsigned roles;           /* of enum peer_role */
    enum orl_service service; /* NONE: it has not said what it shows */
    char name[ORL_NAME_MAX + 1];
    struct orl_gateway *next, **prev;
};

struct orl_gateways {
    struct orl_broker *broker;
    int fd;
    struct orl_io *io;
    struct orl_gateway *first;
    unsigned peer_count;
    struct orl_conn_table conns;
    uid_t own_uid, gateway_uid, vmpool_uid, web_uid; /* (uid_t)-1: no such user */
    struct orl_log_limit fault_limit;
};

/* Which of the messages a peer of a role may send. */
static const unsigned allowed[ORL_MSG_TYPE_COUNT] = {
        [ORL_MSG_LOGIN] = PEER_GATEWAY,
        [ORL_MSG_PROOF] = PEER_GATEWAY,
        [ORL_MSG_STATS] = PEER_GATEWAY,
        [ORL_MSG_CLOSE] = PEER_GATEWAY,
        [ORL_MSG_THUMB] = PEER_GATEWAY,
        [ORL_MSG_CONSENT] = PEER_GATEWAY,
        [ORL_MSG_SERVICE] = PEER_GATEWAY | PEER_WEB,
        [ORL_MSG_POKE] = PEER_GATEWAY | PEER_VMPOOL,
};

static struct orl_conn *find(const struct orl_gateway *gateway, uint32_t number)
{
    return orl_conn_table_find(&gateway->gateways->conns, gateway, number);
}

static void remove_conn(struct orl_conn *conn)
{
    struct orl_gateways *gateways = conn->gateway->gateways;
    orl_conn_table_remove(&gateways->conns, conn);
    orl_watching_poke(gateways->broker->watching);
}

static struct orl_conn *add_conn(struct orl_gateway *gateway, uint32_t number)
{
    struct orl_gateways *gateways = gateway->gateways;
    bool has_room = gateways->conns.count < (unsigned)gateways->broker->cfg->max_connections;
    return has_room ? orl_conn_table_add(&gateways->conns, gateway, number) : NULL;
}

struct orl_conn *orl_conn_find(struct orl_gateways *gateways, uint64_t serial)
{
    return gateways != NULL ? orl_conn_table_find_serial(&gateways->conns, serial) : NULL;
}

struct orl_conn *orl_conn_find_session(struct orl_gateways *gateways, const char *session)
{
    return gateways != NULL ? orl_conn_table_find_session(&gateways->conns, session) : NULL;
}

void orl_conn_set_session(struct orl_conn *conn, const char *session)
{
    orl_conn_table_set_session(&conn->gateway->gateways->conns, conn, session);
}

const char *orl_conn_gateway_name(const struct orl_conn *conn)
{
    return conn->gateway->name;
}

void orl_conn_each(struct orl_gateways *gateways, orl_conn_fn fn, void *ctx)
{
    struct orl_conn *conn = gateways != NULL ? gateways->conns.first : NULL;
    while (conn != NULL) {
        struct orl_conn *next = conn->next;
        fn(ctx, conn);
        conn = next;
    }
}

unsigned orl_conn_count(const struct orl_gateways *gateways, enum orl_conn_state state)
{
    unsigned count = 0;
    const struct orl_conn *conn = gateways != NULL ? gateways->conns.first : NULL;
    for (; conn != NULL; conn = conn->next) {
        count += conn->state == state;
    }
    return count;
}

unsigned orl_gateway_count(const struct orl_gateways *gateways)
{
    unsigned count = 0;
    const struct orl_gateway *peer = gateways != NULL ? gateways->first : NULL;
    for (; peer != NULL; peer = peer->next) {
        count += (peer->roles & PEER_GATEWAY) != 0;
    }
    return count;
}

unsigned orl_gateways_send_certificate(
        struct orl_gateways *gateways, enum orl_service service, const struct orl_msg *msg)
{
    unsigned count = 0;
    struct orl_gateway *peer = gateways != NULL ? gateways->first : NULL;
    for (; peer != NULL; peer = peer->next) {
        if (peer->service == service) {
            orl_ipc_post(peer->ipc, msg, NULL, 0);
            count++;
        }
    }
    return count;
}

void orl_conn_watch(struct orl_conn *conn)
{
    const uint64_t now_us = orl_loop_now_us(conn->gateway->gateways->broker->loop);
    if (conn->watched_us == 0 || now_us - conn->watched_us >= REWATCH_US) {
        const struct orl_msg msg = {.type = ORL_MSG_WATCH, .conn = conn->number};
        conn->watched_us = now_us;
        orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
    }
}

void orl_conn_send_thumb(struct orl_conn *conn)
{
    const struct orl_msg msg = {.type = ORL_MSG_THUMB, .conn = conn->number};
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

void orl_conn_send_hash(struct orl_conn *conn, const uint8_t ntowfv2[ORL_NTLM_HASH_LEN])
{
    struct orl_msg msg = {.type = ORL_MSG_HASH, .conn = conn->number};
    memcpy(msg.u.hash.ntowfv2, ntowfv2, sizeof(msg.u.hash.ntowfv2));
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
    orl_msg_wipe(&msg);
}

void orl_conn_send_plan(struct orl_conn *conn, const struct orl_session_row *session, bool is_ready)
{
    struct orl_msg msg = {.type = ORL_MSG_PLAN, .conn = conn->number};
    struct orl_msg_plan *plan = &msg.u.plan;
    plan->is_ready = is_ready ? 1 : 0;
    orl_msg_text(plan->session, sizeof(plan->session), session->id);
    orl_msg_text(plan->user, sizeof(plan->user), session->user);
    orl_msg_text(plan->pool, sizeof(plan->pool), session->pool);
    plan->waiting_since_ms = session->started_ms;
    plan->max_idle_s = (uint32_t)conn->gateway->gateways->broker->cfg->max_idle_s;
    /* A pool that cannot be read permits nothing. */
    struct orl_pool_row pool = {0};
    if (orl_pool_get(conn->gateway->gateways->broker->store, session->pool, &pool, NULL) == 0) {
        plan->permit = pool.permit;
    }
    if (is_ready) {
        orl_msg_text(plan->desktop, sizeof(plan->desktop), session->desktop);
        plan->version = session->desktop_version;
    }
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

void orl_conn_send_view_plan(
        struct orl_conn *conn, const struct orl_session_row *session, const char *user)
{
    struct orl_msg msg = {.type = ORL_MSG_PLAN, .conn = conn->number};
    struct orl_msg_plan *plan = &msg.u.plan;
    plan->is_ready = 1;
    orl_msg_text(plan->session, sizeof(plan->session), session->id);
    orl_msg_text(plan->user, sizeof(plan->user), user);
    orl_msg_text(plan->pool, sizeof(plan->pool), session->pool);
    orl_msg_text(plan->desktop, sizeof(plan->desktop), session->desktop);
    plan->version = session->desktop_version;
    plan->permit.is_view_only = 1;
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

void orl_conn_send_consent(struct orl_conn *conn, const struct orl_msg_consent *consent)
{
    const struct orl_msg msg = {
            .type = ORL_MSG_CONSENT, .conn = conn->number, .u.consent = *consent};
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

void orl_conn_send_notice(
        struct orl_conn *conn, const char *title, const char *text, uint64_t since_ms)
{
    struct orl_msg msg = {.type = ORL_MSG_NOTICE, .conn = conn->number};
    msg.u.notice.since_ms = since_ms;
    orl_msg_text(msg.u.notice.title, sizeof(msg.u.notice.title), title);
    orl_msg_text(msg.u.notice.text, sizeof(msg.u.notice.text), text);
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

void orl_conn_send_band(struct orl_conn *conn, const char *text, bool for_idle)
{
    struct orl_msg msg = {.type = ORL_MSG_NOTICE, .conn = conn->number};
    msg.u.notice.kind = for_idle ? ORL_NOTICE_BAND_INPUT : ORL_NOTICE_BAND;
    orl_msg_text(msg.u.notice.text, sizeof(msg.u.notice.text), text);
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

void orl_conn_send_message(struct orl_conn *conn, const char *text)
{
    struct orl_msg msg = {.type = ORL_MSG_NOTICE, .conn = conn->number};
    msg.u.notice.kind = ORL_NOTICE_MESSAGE;
    (void)snprintf(msg.u.notice.text, sizeof(msg.u.notice.text),
            "Message from your administrator: %s", text);
    orl_ipc_post(conn->gateway->ipc, &msg, NULL, 0);
}

static void send_close(struct orl_gateway *gateway, uint32_t number, enum orl_reason reason,
        const char *audit, const char *text)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = number};
    msg.u.close.reason = reason;
    orl_msg_text(msg.u.close.audit, sizeof(msg.u.close.audit), audit != NULL ? audit : "");
    orl_site_words(gateway->gateways->broker->store, reason, text, msg.u.close.text);
    orl_ipc_post(gateway->ipc, &msg, NULL, 0);
}

/* Only after its CLOSE: who would get its static desktop waits for this after a restart (assign.c). */
static void note_told(struct orl_gateway *gateway, uint32_t number, const char *session)
{
    struct orl_err err = {0};
    struct orl_broker *broker = gateway->gateways->broker;
    if (session[0] != '\0' && orl_ipc_is_sent(gateway->ipc) &&
            orl_session_told(broker->store, session, gateway->name, number, &err) < 0) {
        orl_broker_log_store(broker, "an end that was told", &err);
    }
}

void orl_conn_close(
        struct orl_conn *conn, enum orl_reason reason, const char *audit, const char *text)
{
    send_close(conn->gateway, conn->number, reason, audit, text);
    note_told(conn->gateway, conn->number, conn->session);
    remove_conn(conn);
}

static void log_peer(struct orl_gateway *gateway, const char *what, unsigned type)
{
    struct orl_gateways *gateways = gateway->gateways;
    unsigned dropped = 0;
    if (orl_log_limit_pass(
                &gateways->fault_limit, orl_loop_now_us(gateways->broker->loop), &dropped)) {
        orl_log_warn(&gateways->broker->log, what, "gateway", gateway->name, "message",
                orl_msg_name(type), "dropped", ORL_LOG_NUM(dropped));
    }
}

static void log_fault(struct orl_gateway *gateway, const char *what, unsigned type)
{
    gateway->gateways->broker->counters.gateway_faults++;
    log_peer(gateway, what, type);
}

static void begin(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    struct orl_broker *broker = gateway->gateways->broker;
    struct orl_conn *conn = find(gateway, msg->conn);
    if (conn != NULL) { /* one login per connection: the rest is an attack, or a fault of ours */
        log_fault(gateway, "a connection logs in twice", msg->type);
        orl_leases_lost(broker, conn, ORL_REASON_CLIENT_PROTOCOL);
        orl_conn_close(conn, ORL_REASON_CLIENT_PROTOCOL, NULL, NULL);
        return;
    }
    conn = add_conn(gateway, msg->conn);
    if (conn == NULL) {
        send_close(gateway, msg->conn, ORL_REASON_TOO_MANY_CONNECTIONS, NULL, NULL);
        return;
    }
    if (msg->type == ORL_MSG_LOGIN) {
        orl_login_password(broker, conn, &msg->u.login);
    } else {
        orl_login_proof(broker, conn, &msg->u.proof);
    }
}

static void on_stats(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    struct orl_broker *broker = gateway->gateways->broker;
    struct orl_conn *conn = find(gateway, msg->conn);
    if (conn == NULL) { /* we were restarted, or our CLOSE and this message crossed */
        enum orl_reason reason = ORL_REASON_TOO_MANY_CONNECTIONS;
        conn = add_conn(gateway, msg->conn);
        if (conn != NULL) {
            reason = orl_leases_adopt(broker, gateway->name, msg->conn, msg->u.stats.session, conn);
        }
        if (reason == ORL_REASON_STORE_DOWN) { /* its next statistics ask again */
            remove_conn(conn);
            return;
        }
        if (reason != ORL_REASON_NONE) {
            send_close(gateway, msg->conn, reason, NULL, NULL);
            note_told(gateway, msg->conn, msg->u.stats.session);
            if (conn != NULL) {
                remove_conn(conn);
            }
            return;
        }
        if (conn->state == ORL_CONN_WAITING) {
            orl_leases_poke(broker->leases);
            return;
        }
    }
    if (conn->state == ORL_CONN_WAITING && strcmp(conn->session, msg->u.stats.session) == 0) {
        return; /* session_lease.c renews those by itself */
    }
    if (conn->state == ORL_CONN_WATCHING) {
        return; /* who looks keeps nobody's lease */
    }
    if (conn->state != ORL_CONN_LIVE || strcmp(conn->session, msg->u.stats.session) != 0) {
        log_fault(gateway, "statistics of no session of this connection", msg->type);
        return;
    }
    if (!orl_frame_stats_add(&broker->frames, conn->protocol, &conn->sample, &msg->u.stats,
                orl_loop_now_us(broker->loop), orl_clock_wall_ms())) {
        log_peer(gateway, "a session's statistics cannot be true", msg->type);
    }
    /* A session can at most lie that somebody is there now. */
    uint64_t now_ms = orl_clock_wall_ms();
    uint64_t input_ms = msg->u.stats.last_input_ms < now_ms ? msg->u.stats.last_input_ms : now_ms;
    conn->input_ms = input_ms > conn->input_ms ? input_ms : conn->input_ms;
    orl_leases_renew(broker, conn, &msg->u.stats);
}

static void on_thumb(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    struct orl_conn *conn = find(gateway, msg->conn);
    struct orl_broker *broker = gateway->gateways->broker;
    if (conn == NULL || !orl_thumbs_put(broker->thumbs, conn, &msg->u.thumb)) {
        log_peer(gateway, "a picture that nobody asked for, or that is none", msg->type);
    } else {
        orl_events_poke(broker->events, conn->user);
    }
}

static void on_consent(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    struct orl_conn *conn = find(gateway, msg->conn);
    const uint32_t kind = msg->u.consent.kind;
    if (conn == NULL || conn->state != ORL_CONN_LIVE ||
            (kind != ORL_CONSENT_ALLOW && kind != ORL_CONSENT_REFUSE)) {
        log_peer(gateway, "an answer of nobody, or that is none", msg->type);
    } else {
        orl_watching_answer(gateway->gateways->broker, conn, &msg->u.consent);
    }
}

static void on_close(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    struct orl_broker *broker = gateway->gateways->broker;
    enum orl_reason reason = orl_reason_from_u32(msg->u.close.reason);
    struct orl_conn *conn = find(gateway, msg->conn);
    if (conn != NULL) {
        orl_leases_lost(broker, conn, reason);
        remove_conn(conn);
    } else if (!orl_leases_lost_unheard(broker, gateway->name, msg->conn, reason)) {
        orl_login_unheard(broker, reason, msg->u.close.text);
    }
}

/* Where all programs are one user, this is how we know which of them it is. */
static bool on_service(struct orl_gateway *gateway, const struct orl_msg_service *said)
{
    const unsigned role = said->service == ORL_SERVICE_RDP   ? PEER_GATEWAY
                          : said->service == ORL_SERVICE_WEB ? PEER_WEB
                                                             : PEER_NONE;
    const bool is_new = gateway->service == ORL_SERVICE_NONE;
    if ((role & gateway->roles) == 0) {
        return false;
    }
    gateway->roles = role;
    gateway->service = (enum orl_service)said->service;
    orl_certificates_heard(gateway->gateways->broker->certificates, said, is_new);
    return true;
}

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_gateway *gateway = ctx;
    struct orl_broker *broker = gateway->gateways->broker;
    (void)ipc;
    if (fds->count != 0 || (allowed[msg->type] & gateway->roles) == 0) {
        log_fault(gateway, "a message that this peer may not send", msg->type);
        return ORL_E_PROTO;
    }
    if (msg->type == ORL_MSG_LOGIN || msg->type == ORL_MSG_PROOF) {
        begin(gateway, msg);
    } else if (msg->type == ORL_MSG_STATS) {
        on_stats(gateway, msg);
    } else if (msg->type == ORL_MSG_CLOSE) {
        on_close(gateway, msg);
    } else if (msg->type == ORL_MSG_THUMB) {
        on_thumb(gateway, msg);
    } else if (msg->type == ORL_MSG_CONSENT) {
        on_consent(gateway, msg);
    } else if (msg->type == ORL_MSG_SERVICE) {
        if (!on_service(gateway, &msg->u.service)) {
            log_fault(gateway, "it says to be another program", msg->type);
            return ORL_E_PROTO;
        }
    } else {
        orl_leases_poke(broker->leases);
    }
    return 0;
}

static void free_peer(struct orl_gateway *gateway)
{
    struct orl_gateways *gateways = gateway->gateways;
    struct orl_conn *conn = gateways->conns.first;
    while (conn != NULL) {
        struct orl_conn *next = conn->next;
        if (conn->gateway == gateway) {
            remove_conn(conn);
        }
        conn = next;
    }
    orl_ipc_free(gateway->ipc);
    *gateway->prev = gateway->next;
    if (gateway->next != NULL) {
        gateway->next->prev = gateway->prev;
    }
    gateways->peer_count--;
    if (gateway->service != ORL_SERVICE_NONE) {
        orl_certificates_gone(gateways->broker->certificates, gateway->service);
    }
    free(gateway);
}

/* Its sessions keep their leases: a gateway that comes back announces them by their statistics. */
static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_gateway *gateway = ctx;
    (void)ipc;
    if ((gateway->roles & PEER_GATEWAY) != 0 || code != ORL_E_CLOSED) {
        orl_log_info(&gateway->gateways->broker->log, "peer is gone", "gateway", gateway->name,
                "why", orl_err_name(code));
    }
    free_peer(gateway);
}

static unsigned roles_of(const struct orl_gateways *gateways, uid_t uid)
{
    unsigned roles = PEER_NONE;
    if (uid == gateways->own_uid || uid == gateways->gateway_uid) {
        roles |= PEER_GATEWAY;
    }
    if (uid == gateways->own_uid || uid == gateways->vmpool_uid) {
        roles |= PEER_VMPOOL;
    }
    if (uid == gateways->own_uid || uid == gateways->web_uid) {
        roles |= PEER_WEB;
    }
    return roles;
}

/* oriel-web, which browsers speak to, has one connection: however many it opens, gateway and vmpool find room. */
static bool has_room(const struct orl_gateways *gateways, unsigned roles)
{
    unsigned count = 0;
    const struct orl_gateway *peer = gateways->first;
    for (; roles == PEER_WEB && peer != NULL; peer = peer->next) {
        count += peer->roles == PEER_WEB;
    }
    return gateways->peer_count < MAX_PEERS && count < MAX_WEB_PEERS;
}

static void add_peer(struct orl_gateways *gateways, int fd)
{
    static const struct orl_ipc_events events = {.on_msg = on_msg, .on_closed = on_closed};
    struct orl_broker *broker = gateways->broker;
    struct orl_err err = {0};
    uid_t uid = 0;
    pid_t pid = 0;
    int rc = orl_ipc_peer(fd, &uid, &pid, &err);
    unsigned roles = rc < 0 ? 0 : roles_of(gateways, uid);
    struct orl_gateway *gateway = NULL;
    if (roles != 0 && has_room(gateways, roles)) {
        gateway = calloc(1, sizeof(*gateway));
    }
    if (gateway == NULL) {
        unsigned dropped = 0;
        if (orl_log_limit_pass(&gateways->fault_limit, orl_loop_now_us(broker->loop), &dropped)) {
            orl_log_warn(&broker->log, "gateway.sock: a peer was turned away", "uid",
                    ORL_LOG_NUM(uid), "dropped", ORL_LOG_NUM(dropped));
        }
        close(fd);
        return;
    }
    gateway->gateways = gateways;
    gateway->roles = roles;
    (void)snprintf(gateway->name, sizeof(gateway->name), "gw-%u-%d", uid, pid);
    rc = orl_ipc_new(broker->loop, fd, MAX_QUEUED, &events, gateway, &gateway->ipc, &err);
    if (rc < 0) {
        orl_log_error(&broker->log, "gateway.sock", "error", err.text);
        free(gateway);
        return;
    }
    gateway->next = gateways->first;
    gateway->prev = &gateways->first;
    if (gateway->next != NULL) {
        gateway->next->prev = &gateway->next;
    }
    gateways->first = gateway;
    gateways->peer_count++;
}

static void on_listen(void *ctx, unsigned io_events)
{
    struct orl_gateways *gateways = ctx;
    (void)io_events;
    for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
        int fd = accept4(gateways->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        add_peer(gateways, fd);
    }
}

static uid_t find_uid(const char *name)
{
    const struct passwd *found = name[0] != '\0' ? getpwnam(name) : NULL;
    return found != NULL ? found->pw_uid : (uid_t)-1;
}

int orl_gateways_new(
        struct orl_broker *broker, struct orl_gateways **ret_gateways, struct orl_err *err)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/gateway.sock", broker->cfg->run_dir);
    struct orl_gateways *gateways = calloc(1, sizeof(*gateways));
    if (gateways == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "gateway.sock: out of memory");
    }
    gateways->broker = broker;
    gateways->fd = -1;
    gateways->own_uid = geteuid();
    gateways->gateway_uid = find_uid(broker->cfg->gateway_user);
    gateways->vmpool_uid = find_uid(broker->cfg->vmpool_user);
    gateways->web_uid = find_uid(broker->cfg->web_user);
    gateways->fault_limit = (struct orl_log_limit){.period_us = UINT64_C(60000000), .burst = 10};
    int rc = orl_ipc_listen(path, SOMAXCONN, &gateways->fd, err);
    /* Not the file's mode but the peer's uid decides, at accept. */
    if (rc == 0 && chmod(path, 0666) < 0) {
        rc = orl_err_sys(err, errno, "%s: change its mode", path);
    }
    if (rc == 0) {
        rc = orl_io_open(
                broker->loop, gateways->fd, ORL_IO_READ, on_listen, gateways, &gateways->io, err);
    }
    if (rc < 0) {
        orl_gateways_free(gateways);
        return rc;
    }
    *ret_gateways = gateways;
    return 0;
}

void orl_gateways_free(struct orl_gateways *gateways)
{
    if (gateways == NULL) {
        return;
    }
    while (gateways->first != NULL) {
        free_peer(gateways->first);
    }
    orl_io_close(gateways->io);
    orl_close_fd(&gateways->fd);
    free(gateways);
}
