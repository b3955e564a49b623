#include "gateway/connection.h"
#include "base/clock.h"
#include "base/secret.h"
#include <stdio.h>
#include <string.h>

/* The session shows a refusal for three seconds, says goodbye and waits until the client has gone, two
 * seconds at most. */
#define CLOSING_US (8 * ORL_US_PER_S)
#define PICTURE_US (30 * ORL_US_PER_S)
/* While the broker checks a password the client is not to blame: there may be a queue. A session waits as long. */
#define ANSWER_US (120 * ORL_US_PER_S)
/* A session sends statistics every ten seconds, every second while somebody looks. They go on to the broker, whose queue is everybody's. */
#define STATS_WINDOW_US (10 * ORL_US_PER_S)
/* A session answers once a second at most, and not while there is no desktop to be seen. */
enum { STATS_PER_WINDOW = 30, THUMBS_MAX_ASKED = 4, CONSENTS_MAX_ASKED = 8 };

static void set_state(struct orl_conn *conn, enum orl_conn_state state)
{
    orl_assert(orl_conn_state_may_follow(conn->state, state));
    orl_log_debug(&conn->log, "connection", "from", orl_conn_state_name(conn->state), "to",
            orl_conn_state_name(state));
    conn->state = state;
}

void orl_conn_init(struct orl_conn *conn, uint32_t number, const char *client,
        const struct orl_prefix *prefix, const struct orl_conn_ops *ops, void *ctx)
{
    *conn = (struct orl_conn){.number = number,
            .state = ORL_CONN_ACCEPTED,
            .ops = ops,
            .ctx = ctx,
            .prefix = *prefix,
            .protocol = ORL_PROTOCOL_RDP,
            .picture_us = PICTURE_US,
            .closing_us = CLOSING_US};
    (void)snprintf(conn->log_id, sizeof(conn->log_id), "%u", (unsigned)number);
    orl_msg_text(conn->client, sizeof(conn->client), client);
    conn->log = (struct orl_log_ctx){.name = "connection", .id = conn->log_id};
}

void orl_conn_set_web(struct orl_conn *conn, const struct orl_msg_web *web)
{
    conn->is_web = true;
    conn->protocol = ORL_PROTOCOL_VNC;
    conn->web = *web;
}

static void tell_broker_over(struct orl_conn *conn, enum orl_reason reason, const char *text)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = conn->number};
    msg.u.close.reason = reason;
    if (conn->is_broker_told) {
        return;
    }
    conn->is_broker_told = true;
    if (conn->asked_with == 0) {
        /* The broker has not heard of this one: the audit row needs to know who it was. */
        (void)snprintf(msg.u.close.text, sizeof(msg.u.close.text), "client %s", conn->client);
    } else {
        orl_msg_text(msg.u.close.text, sizeof(msg.u.close.text), text != NULL ? text : "");
    }
    (void)conn->ops->to_broker(conn->ctx, &msg);
}

static void begin_closing(
        struct orl_conn *conn, enum orl_reason reason, const char *text, const char *audit)
{
    conn->reason = reason;
    if (conn->has_console) {
        conn->has_console = false;
        conn->ops->drop_console(conn->ctx, conn);
    }
    tell_broker_over(conn, reason, text);
    if (conn->is_web) {
        struct orl_msg msg = {.type = ORL_MSG_CLOSE};
        msg.u.close.reason = reason;
        orl_msg_text(msg.u.close.text, sizeof(msg.u.close.text), text != NULL ? text : "");
        orl_msg_text(msg.u.close.audit, sizeof(msg.u.close.audit), audit != NULL ? audit : "");
        conn->ops->to_web(conn->ctx, conn, &msg);
        orl_secret_wipe(&conn->web, sizeof(conn->web));
    }
    set_state(conn, ORL_CONN_CLOSING);
    conn->ops->set_deadline(conn->ctx, conn, conn->closing_us);
    orl_log_info(&conn->log, "closing", "client", conn->client, "reason", orl_reason_code(reason));
}

void orl_conn_close(
        struct orl_conn *conn, enum orl_reason reason, const char *text, const char *audit)
{
    if (conn->state == ORL_CONN_CLOSING || conn->has_left) {
        return;
    }
    struct orl_msg msg = {.type = ORL_MSG_CLOSE};
    msg.u.close.reason = reason;
    orl_msg_text(msg.u.close.text, sizeof(msg.u.close.text), text != NULL ? text : "");
    orl_msg_text(msg.u.close.audit, sizeof(msg.u.close.audit), audit != NULL ? audit : "");
    conn->ops->to_session(conn->ctx, conn, &msg, -1);
    begin_closing(conn, reason, text, audit);
}

void orl_conn_on_started(struct orl_conn *conn)
{
    if (conn->state == ORL_CONN_ACCEPTED) {
        set_state(conn, ORL_CONN_HANDSHAKE);
    }
}

/* A session knows of its client's login what the client typed; a browser's typed nothing there. */
static void write_login(struct orl_conn *conn, struct orl_msg_login *login)
{
    login->binding[0] = '\0';
    if (conn->is_web) {
        orl_msg_text(login->user, sizeof(login->user), conn->web.ticket);
        orl_msg_text(login->password, sizeof(login->password), conn->web.password);
        orl_msg_text(login->binding, sizeof(login->binding), conn->web.binding);
        login->domain[0] = '\0';
        login->pool[0] = '\0';
        orl_secret_wipe(&conn->web, sizeof(conn->web));
    }
}

/* login and proof: protocol and address are the gateway's own word, the rest is the client's. */
static void on_ask(struct orl_conn *conn, struct orl_msg *msg)
{
    bool is_login = msg->type == ORL_MSG_LOGIN;
    orl_msg_text(
            is_login ? msg->u.login.client : msg->u.proof.client, ORL_ADDR_MAX + 1, conn->client);
    *(is_login ? &msg->u.login.protocol : &msg->u.proof.protocol) = conn->protocol;
    if (is_login) {
        write_login(conn, &msg->u.login);
    }
    msg->conn = conn->number;
    conn->asked_with = msg->type;
    orl_conn_on_started(conn);
    set_state(conn, ORL_CONN_LOGIN);
    conn->ops->set_deadline(conn->ctx, conn, ANSWER_US);
    if (!conn->ops->to_broker(conn->ctx, msg)) {
        conn->is_broker_told = true;
        orl_conn_close(conn, ORL_REASON_BROKER_DOWN, NULL, NULL);
    }
}

/* A session can at most lie that somebody is there. */
static bool is_idle(const struct orl_conn *conn, const struct orl_msg_stats *stats)
{
    uint64_t last_ms = stats->last_input_ms > conn->active_since_ms ? stats->last_input_ms
                                                                    : conn->active_since_ms;
    return conn->plan.max_idle_s != 0 &&
           orl_clock_wall_ms() > last_ms + (uint64_t)conn->plan.max_idle_s * 1000;
}

static void on_stats(struct orl_conn *conn, struct orl_msg *msg)
{
    if (!conn->is_active && conn->state != ORL_CONN_CLOSING) {
        conn->is_active = true;
        conn->active_since_ms = orl_clock_wall_ms();
        conn->ops->set_deadline(conn->ctx, conn, 0);
    }
    /* Which session it is, is not for the session to say. */
    memcpy(msg->u.stats.session, conn->plan.session, sizeof(msg->u.stats.session));
    msg->conn = conn->number;
    conn->stats = msg->u.stats;
    conn->stats.since = (struct orl_stats_since){0}; /* counted once */
    if (conn->state != ORL_CONN_CLOSING) {
        (void)conn->ops->to_broker(conn->ctx, msg);
        if (is_idle(conn, &msg->u.stats)) {
            orl_conn_close(conn, ORL_REASON_DISCONNECT_TIMEOUT, NULL, NULL);
        }
    }
}

static void on_thumb(struct orl_conn *conn, struct orl_msg *msg)
{
    if (conn->state != ORL_CONN_CLOSING) {
        memcpy(msg->u.thumb.session, conn->plan.session, sizeof(msg->u.thumb.session));
        msg->conn = conn->number;
        (void)conn->ops->to_broker(conn->ctx, msg);
    }
}

/* What its person answered; about which session, is not for the session to say: conn does. */
static void on_consent(struct orl_conn *conn, struct orl_msg *msg)
{
    if (conn->state != ORL_CONN_CLOSING) {
        msg->conn = conn->number;
        msg->u.consent.text[0] = msg->u.consent.why[0] = '\0';
        (void)conn->ops->to_broker(conn->ctx, msg);
    }
}

static bool is_flood(struct orl_conn *conn, unsigned msg_type)
{
    if (msg_type == ORL_MSG_THUMB) { /* pixels go to the broker when it asks */
        return conn->thumbs_asked-- == 0;
    }
    if (msg_type == ORL_MSG_CONSENT) { /* the broker asks first */
        return conn->consents_asked-- == 0;
    }
    if (msg_type != ORL_MSG_STATS) {
        return false; /* a question comes once, and after CLOSE there is little time */
    }
    uint64_t now_us = orl_clock_now_us();
    if (now_us - conn->stats_window_us >= STATS_WINDOW_US) {
        conn->stats_window_us = now_us;
        conn->stats_in_window = 0;
    }
    return ++conn->stats_in_window > STATS_PER_WINDOW;
}

int orl_conn_on_session_msg(struct orl_conn *conn, struct orl_msg *msg, unsigned fd_count)
{
    if (!orl_request_is_permitted(conn->state, msg->type, fd_count, conn->asked_with != 0) ||
            (conn->is_web && msg->type == ORL_MSG_PROOF) || is_flood(conn, msg->type)) {
        orl_log_warn(&conn->log, "a session sent what it may not: killed", "message",
                orl_msg_name(msg->type), "state", orl_conn_state_name(conn->state), "client",
                conn->client);
        if (conn->state != ORL_CONN_CLOSING) {
            begin_closing(conn, ORL_REASON_SESSION_CRASHED, NULL, NULL);
        }
        conn->ops->kill(conn->ctx, conn);
        return ORL_E_PROTO;
    }
    switch (msg->type) {
    case ORL_MSG_LOGIN:
    case ORL_MSG_PROOF:
        on_ask(conn, msg);
        break;
    case ORL_MSG_STATS:
        on_stats(conn, msg);
        break;
    case ORL_MSG_THUMB:
        on_thumb(conn, msg);
        break;
    case ORL_MSG_CONSENT:
        on_consent(conn, msg);
        break;
    case ORL_MSG_CLOSE:
        if (conn->state != ORL_CONN_CLOSING) {
            begin_closing(
                    conn, orl_request_close_reason(msg->u.close.reason), msg->u.close.text, NULL);
        }
        break;
    default:
        break;
    }
    return ORL_OK;
}

static void on_hash(struct orl_conn *conn, const struct orl_msg *msg)
{
    /* Only for a proof, once, and before the plan: whatever else the broker sends. */
    if (conn->state == ORL_CONN_LOGIN && conn->asked_with == ORL_MSG_PROOF && !conn->is_hash_sent) {
        struct orl_msg copy = *msg;
        copy.conn = 0;
        conn->is_hash_sent = true;
        conn->ops->to_session(conn->ctx, conn, &copy, -1);
        orl_msg_wipe(&copy);
    }
}

static void on_plan(struct orl_conn *conn, const struct orl_msg *msg)
{
    bool is_early = conn->state == ORL_CONN_LOGIN && conn->asked_with == ORL_MSG_PROOF &&
                    !conn->is_hash_sent;
    if (conn->state < ORL_CONN_LOGIN || conn->state == ORL_CONN_CLOSING || is_early) {
        return;
    }
    const struct orl_msg_plan *plan = &msg->u.plan;
    bool is_same = conn->has_console && plan->is_ready != 0 &&
                   strcmp(plan->desktop, conn->plan.desktop) == 0 &&
                   plan->version == conn->plan.version;
    conn->plan = *plan;
    if (!conn->is_logged_in) {
        conn->is_logged_in = true;
        if (!conn->is_active) {
            conn->ops->set_deadline(conn->ctx, conn, conn->picture_us);
        }
        conn->ops->logged_in(conn->ctx, conn);
        orl_log_info(&conn->log, "logged in", "user", plan->user, "pool", plan->pool, "client",
                conn->client);
    }
    struct orl_msg copy = *msg;
    copy.conn = 0;
    conn->ops->to_session(conn->ctx, conn, &copy, -1);
    if (is_same) {
        return;
    }
    if (conn->has_console) {
        conn->has_console = false;
        conn->ops->drop_console(conn->ctx, conn);
    }
    if (plan->is_ready == 0) {
        if (conn->state != ORL_CONN_WAITING) {
            set_state(conn, ORL_CONN_WAITING);
        }
        return;
    }
    if (conn->state != ORL_CONN_ATTACHING) {
        set_state(conn, ORL_CONN_ATTACHING);
    }
    conn->has_console = true;
    conn->ops->want_console(conn->ctx, conn);
}

void orl_conn_on_broker_msg(struct orl_conn *conn, const struct orl_msg *msg)
{
    if (conn->has_left || conn->state == ORL_CONN_CLOSING) {
        return;
    }
    switch (msg->type) {
    case ORL_MSG_HASH:
        on_hash(conn, msg);
        break;
    case ORL_MSG_PLAN:
        on_plan(conn, msg);
        break;
    case ORL_MSG_NOTICE:
    case ORL_MSG_WATCH:
    case ORL_MSG_THUMB:
    case ORL_MSG_CONSENT:
        if (conn->is_logged_in) {
            conn->consents_asked +=
                    msg->type == ORL_MSG_CONSENT && conn->consents_asked < CONSENTS_MAX_ASKED;
            conn->thumbs_asked +=
                    msg->type == ORL_MSG_THUMB && conn->thumbs_asked < THUMBS_MAX_ASKED;
            struct orl_msg copy = *msg;
            copy.conn = 0;
            conn->ops->to_session(conn->ctx, conn, &copy, -1);
        }
        break;
    case ORL_MSG_CLOSE:
        conn->is_broker_told = true;
        orl_conn_close(conn, orl_reason_from_u32(msg->u.close.reason), msg->u.close.text,
                msg->u.close.audit);
        break;
    default:
        break;
    }
}

void orl_conn_on_broker_down(struct orl_conn *conn)
{
    /* The question is lost with the broker; whoever has a plan goes on, but not on somebody else's desktop. */
    if (conn->state == ORL_CONN_LOGIN ||
            (conn->is_logged_in && conn->plan.permit.is_view_only != 0)) {
        conn->is_broker_told = true;
        orl_conn_close(conn, ORL_REASON_BROKER_DOWN, NULL, NULL);
    }
}

void orl_conn_announce(struct orl_conn *conn)
{
    if (!conn->is_logged_in || conn->state == ORL_CONN_CLOSING || conn->has_left) {
        return;
    }
    struct orl_msg msg = {.type = ORL_MSG_STATS, .conn = conn->number};
    msg.u.stats = conn->stats;
    memcpy(msg.u.stats.session, conn->plan.session, sizeof(msg.u.stats.session));
    (void)conn->ops->to_broker(conn->ctx, &msg);
}

void orl_conn_on_link(struct orl_conn *conn, uint32_t link, int fd)
{
    if (conn->state != ORL_CONN_ATTACHING && conn->state != ORL_CONN_STREAMING) {
        return;
    }
    struct orl_msg msg = {.type = ORL_MSG_SURFACE};
    msg.u.surface.link = link;
    conn->ops->to_session(conn->ctx, conn, &msg, fd);
    if (conn->state != ORL_CONN_STREAMING) {
        set_state(conn, ORL_CONN_STREAMING);
    }
}

void orl_conn_on_console_notice(struct orl_conn *conn, enum orl_reason reason, const char *text)
{
    if (conn->state != ORL_CONN_ATTACHING && conn->state != ORL_CONN_STREAMING) {
        return;
    }
    struct orl_msg msg = {.type = ORL_MSG_NOTICE};
    msg.u.notice.reason = reason;
    if (conn->state == ORL_CONN_STREAMING || conn->no_console_since_ms == 0) {
        conn->no_console_since_ms = orl_clock_wall_ms();
    }
    msg.u.notice.since_ms = conn->no_console_since_ms;
    orl_msg_text(msg.u.notice.title, sizeof(msg.u.notice.title), "Connecting to your desktop");
    orl_msg_text(msg.u.notice.text, sizeof(msg.u.notice.text),
            text != NULL && text[0] != '\0'
                    ? text
                    : "Its display is not there at the moment. This changes as soon as it is.");
    conn->ops->to_session(conn->ctx, conn, &msg, -1);
    if (conn->state == ORL_CONN_STREAMING) {
        set_state(conn, ORL_CONN_ATTACHING);
    }
}

void orl_conn_on_deadline(struct orl_conn *conn)
{
    if (conn->state != ORL_CONN_CLOSING) {
        /* It may be blocked in the client's handshake: nothing that we say would be heard. */
        begin_closing(conn, ORL_REASON_HANDSHAKE_TIMEOUT, NULL, NULL);
    }
    conn->ops->kill(conn->ctx, conn);
}

void orl_conn_on_exit(struct orl_conn *conn, bool is_clean)
{
    conn->has_left = true;
    if (conn->state != ORL_CONN_CLOSING) {
        begin_closing(
                conn, is_clean ? ORL_REASON_CLIENT_CLOSED : ORL_REASON_SESSION_CRASHED, NULL, NULL);
    }
    conn->ops->set_deadline(conn->ctx, conn, 0);
}
