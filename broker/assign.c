#include "broker/assign.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/events.h"
#include "broker/login.h"
#include "broker/pool_outlook.h"
#include "broker/queue.h"
#include "broker/session_lease.h"

#include <stdio.h>
#include <string.h>

#define STALE_END_MS (UINT64_C(3600) * 1000)

/* What came of one attempt; reason is set when it is REFUSED. */
enum outcome { OUT_REFUSED = 0, OUT_WAIT, OUT_READY };
struct attempt {
    struct orl_broker *broker;
    struct orl_conn *conn;
    const struct orl_assign *assign;
    uint64_t now_ms;
    uint64_t lease_until_ms;
    struct orl_session_row session;
    char taken_from[ORL_ID_LEN + 1]; /* the session whose other connection must go; or empty */
    struct orl_conn *loser;          /* that connection; NULL: there is none */
    struct orl_id loser_audit;
    enum outcome outcome;
    bool has_claimed; /* its guest is to be told whose it is */
    enum orl_reason reason;
    char text[ORL_TEXT_MAX + 1];
};

static int refused(struct attempt *at, enum orl_reason reason)
{
    at->outcome = OUT_REFUSED;
    at->reason = reason;
    return 0;
}

static int reload(struct attempt *at, struct orl_err *err)
{
    char id[ORL_ID_LEN + 1];
    orl_msg_text(id, sizeof(id), at->session.id);
    return orl_session_get(at->broker->store, id, &at->session, err);
}

/* What the client says, else what the browser said that the ticket is from. */
static void fill_regional(const struct attempt *at, struct orl_session_row *row)
{
    static const struct orl_regional none = {0};
    const struct orl_regional *c = &at->conn->regional;
    const struct orl_regional *t =
            at->assign->ticket != NULL ? &at->assign->ticket->regional : &none;
    orl_msg_text(row->locale, sizeof(row->locale), c->locale[0] != '\0' ? c->locale : t->locale);
    orl_msg_text(row->timezone, sizeof(row->timezone),
            c->timezone[0] != '\0' ? c->timezone : t->timezone);
    orl_msg_text(row->keyboard, sizeof(row->keyboard),
            c->keyboard[0] != '\0' ? c->keyboard : t->keyboard);
}

static void fill_connection(const struct attempt *at, struct orl_session_row *row)
{
    row->protocol = (enum orl_protocol)at->conn->protocol;
    row->conn = at->conn->number;
    orl_msg_text(row->client, sizeof(row->client), at->conn->client);
    orl_msg_text(row->client_name, sizeof(row->client_name), at->conn->client_name);
    orl_msg_text(row->gateway, sizeof(row->gateway), orl_conn_gateway_name(at->conn));
    orl_msg_text(row->ticket, sizeof(row->ticket),
            at->assign->ticket != NULL ? at->assign->ticket->id : "");
}

/* A session that nobody can come back to: its machine is gone, off, or somebody else's. */
static int has_lost_desktop(
        struct orl_broker *broker, const struct orl_session_row *session, struct orl_err *err)
{
    struct orl_desktop_row desktop;
    if (session->desktop[0] == '\0') {
        return 0;
    }
    int rc = orl_desktop_get(broker->store, session->desktop, &desktop, err);
    if (rc == ORL_E_NOTFOUND) {
        return 1;
    }
    if (rc < 0) {
        return rc;
    }
    return desktop.version != session->desktop_version ||
           orl_leases_end_of(session, &desktop) != ORL_REASON_NONE;
}

static int new_session(struct attempt *at, struct orl_err *err)
{
    const struct orl_ticket_row *ticket = at->assign->ticket;
    struct orl_id id;
    if (ticket != NULL && ticket->session[0] != '\0') {
        return refused(at, ORL_REASON_TICKET_INVALID); /* its session is over, and so is it */
    }
    if (at->assign->pool->is_maintenance) {
        return refused(at, ORL_REASON_POOL_MAINTENANCE);
    }
    at->session = (struct orl_session_row){0};
    orl_msg_text(at->session.user, sizeof(at->session.user), at->assign->user->name);
    orl_msg_text(at->session.pool, sizeof(at->session.pool), at->assign->pool->name);
    at->session.slot = at->assign->slot;
    at->session.queue_ms = orl_queue_stamp(at->broker->queue, at->now_ms);
    fill_connection(at, &at->session);
    fill_regional(at, &at->session);
    int rc = orl_session_insert(
            at->broker->store, &at->session, at->lease_until_ms, at->now_ms, &id, err);
    if (rc == 0) {
        orl_msg_text(at->session.id, sizeof(at->session.id), id.text);
        at->outcome = OUT_WAIT;
    }
    return rc;
}

static int reenter(struct attempt *at, struct orl_err *err)
{
    const struct orl_ticket_row *ticket = at->assign->ticket;
    if (ticket != NULL && ticket->session[0] != '\0' &&
            strcmp(ticket->session, at->session.id) != 0) {
        return refused(at, ORL_REASON_TICKET_INVALID);
    }
    orl_msg_text(at->taken_from, sizeof(at->taken_from), at->session.id);
    fill_connection(at, &at->session);
    at->outcome = OUT_WAIT;
    return orl_session_attach(at->broker->store, &at->session, at->lease_until_ms, err);
}

/* The person's session in the pool: the one they have, or a new one. */
static int find_session(struct attempt *at, struct orl_err *err)
{
    int rc = orl_session_find_slot(at->broker->store, at->assign->user->name,
            at->assign->pool->name, at->assign->slot, &at->session, err);
    if (rc == ORL_E_NOTFOUND) {
        return new_session(at, err);
    }
    int is_lost = rc < 0 ? rc : has_lost_desktop(at->broker, &at->session, err);
    if (is_lost < 0) {
        return is_lost;
    }
    if (is_lost == 0) {
        return reenter(at, err);
    }
    rc = orl_session_end(
            at->broker->store, at->session.id, ORL_REASON_LOGGED_OFF, "broker", at->now_ms, err);
    return rc < 0 ? rc : new_session(at, err);
}

static int activate(struct attempt *at, struct orl_err *err)
{
    struct orl_desktop_row desktop;
    int rc = orl_desktop_get(at->broker->store, at->session.desktop, &desktop, err);
    if (rc < 0) {
        return rc;
    }
    bool is_up = desktop.power == ORL_POWER_RUNNING && desktop.is_ready;
    if (desktop.power == ORL_POWER_FAILED && desktop.reason == ORL_REASON_DESKTOP_LOST) {
        return refused(at, desktop.reason); /* nothing will start it but an administrator */
    }
    /* Who comes back sees a restart on the screen; who waits gets a desktop that is there. */
    if (at->session.state == ORL_SESSION_WAITING && !is_up) {
        at->outcome = OUT_WAIT;
        return 0;
    }
    /* Nobody sees a desktop whose guest does not know them yet; one that will not ends their session (session_lease.c). */
    if (desktop.person == ORL_PERSON_WANTED || desktop.person == ORL_PERSON_FAILED) {
        at->outcome = OUT_WAIT;
        return 0;
    }
    rc = orl_session_activate(
            at->broker->store, at->session.id, at->lease_until_ms, at->now_ms, err);
    if (rc == ORL_E_CONFLICT) {
        at->outcome = OUT_WAIT;
        return 0;
    }
    if (rc == 0) {
        at->outcome = OUT_READY;
        rc = reload(at, err);
    }
    return rc;
}

/* A newcomer goes to the end of the queue, unless the desktop is the person's own already. 1, 0 or negative. */
static int must_queue(struct attempt *at, struct orl_err *err)
{
    struct orl_desktop_row own;
    /* Also whose lease seems to be over: while we were held up nobody could renew it. The queue's next look passes over
     * whoever is gone. */
    int ahead = orl_session_count_ahead(at->broker->store, &at->session, 0, err);
    if (ahead <= 0) {
        return ahead;
    }
    int rc = orl_desktop_find_slot(
            at->broker->store, at->session.pool, at->session.user, at->session.slot, &own, err);
    return rc == ORL_E_NOTFOUND ? 1 : rc;
}

/* A static desktop runs on from person to person. One whose session ended just before our start, or before their
 * gateway came back to us, may not have been told yet: that gateway must have had time to say that they are still
 * there. 1: wait. */
static int must_let_others_speak(const struct attempt *at, struct orl_err *err)
{
    struct orl_broker *broker = at->broker;
    struct orl_pool_row pool;
    uint64_t settled_us = broker->started_us + (uint64_t)broker->cfg->lease_s * ORL_US_PER_S;
    if (orl_loop_now_us(broker->loop) >= settled_us) {
        return 0;
    }
    int rc = orl_pool_get(broker->store, at->session.pool, &pool, err);
    if (rc < 0 || pool.kind != ORL_POOL_STATIC) {
        return rc;
    }
    uint64_t since_ms = broker->started_ms > STALE_END_MS ? broker->started_ms - STALE_END_MS : 0;
    return orl_session_is_untold(broker->store, at->session.pool, at->session.user, since_ms, err);
}

static int claim(struct attempt *at, bool is_new, struct orl_err *err)
{
    struct orl_desktop_row desktop;
    int is_late = is_new ? must_queue(at, err) : 0;
    if (is_late != 0) {
        return is_late < 0 ? is_late : ORL_E_NOTFOUND;
    }
    return orl_session_claim(at->broker->store, at->session.id, at->now_ms, &desktop, err);
}

/* Claims if there is nothing yet, activates if it is there. */
static int bind(struct attempt *at, bool is_new, struct orl_err *err)
{
    int rc = reload(at, err);
    if (rc == 0 && at->session.state == ORL_SESSION_ENDED) {
        return refused(at, at->session.reason);
    }
    if (rc == 0 && at->session.desktop[0] == '\0') {
        int must_wait = must_let_others_speak(at, err);
        if (must_wait != 0) {
            at->outcome = OUT_WAIT;
            return must_wait < 0 ? must_wait : 0;
        }
        rc = claim(at, is_new, err);
        if (rc == ORL_E_NOTFOUND) {
            at->outcome = OUT_WAIT;
            struct orl_outlook outlook;
            rc = orl_pool_outlook(at->broker, at->session.pool, at->now_ms, &outlook, err);
            bool is_refusal = outlook.reason != ORL_REASON_NONE &&
                              (is_new || outlook.reason != ORL_REASON_POOL_FULL);
            if (rc == 0 && is_refusal) {
                orl_msg_text(at->text, sizeof(at->text), outlook.text);
                return refused(at, outlook.reason);
            }
            return rc;
        }
        if (rc == 0) {
            at->has_claimed = true;
            rc = reload(at, err);
        }
    }
    return rc < 0 ? rc : activate(at, err);
}

static int use_ticket(struct attempt *at, struct orl_err *err)
{
    if (at->assign->ticket == NULL || at->outcome == OUT_REFUSED) {
        return 0;
    }
    int rc = orl_ticket_use(
            at->broker->store, at->assign->ticket->id, at->session.id, at->now_ms, err);
    return rc == ORL_E_DENIED || rc == ORL_E_NOTFOUND ? refused(at, ORL_REASON_TICKET_INVALID) : rc;
}

static int audit_session(struct attempt *at, const char *client, const char *action,
        enum orl_reason reason, struct orl_id *ret_audit, struct orl_err *err)
{
    char object[ORL_ID_LEN + 16];
    char detail[ORL_TEXT_MAX + 1];
    (void)snprintf(object, sizeof(object), "session:%s", at->session.id);
    (void)snprintf(detail, sizeof(detail), "pool=%s desktop=%s protocol=%s way=%s",
            at->session.pool, at->session.desktop,
            at->session.protocol == ORL_PROTOCOL_VNC ? "vnc" : "rdp",
            at->session.ticket[0] != '\0' ? "ticket" : "password");
    struct orl_audit_event event = {.actor = "broker",
            .action = action,
            .reason = reason,
            .object = object,
            .user = at->session.user,
            .client = client,
            .detail = detail};
    return orl_broker_audit(at->broker, &event, ret_audit) < 0
                   ? orl_err_set(err, ORL_E_BACKEND, "no audit row: no deed")
                   : 0;
}

/* What this attempt changes is on record in the same transaction. */
static int audit_outcome(struct attempt *at, struct orl_err *err)
{
    struct orl_id audit;
    int rc = 0;
    struct orl_conn *old = at->taken_from[0] != '\0'
                                   ? orl_conn_find_session(at->broker->gateways, at->taken_from)
                                   : NULL;
    if (old != NULL && old != at->conn) {
        at->loser = old;
        rc = audit_session(
                at, old->client, "session.takeover", ORL_REASON_TAKEN_OVER, &at->loser_audit, err);
    }
    if (rc == 0 && (at->outcome == OUT_READY || at->conn->state != ORL_CONN_WAITING)) {
        rc = audit_session(at, at->conn->client, at->outcome == OUT_READY ? "login" : "login.wait",
                ORL_REASON_NONE, &audit, err);
    }
    return rc;
}

/* All or nothing: a refusal leaves neither session nor a used ticket behind. */
static int attempt(struct attempt *at, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(at->broker->store, &tx, err);
    if (rc == 0) {
        rc = find_session(at, err);
    }
    if (rc == 0) {
        rc = use_ticket(at, err);
    }
    if (rc == 0 && at->outcome != OUT_REFUSED) {
        rc = bind(at, true, err);
    }
    if (rc < 0 || at->outcome == OUT_REFUSED) {
        return rc;
    }
    rc = audit_outcome(at, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static int attempt_again(struct attempt *at, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(at->broker->store, &tx, err);
    if (rc == 0) {
        rc = bind(at, false, err);
    }
    if (rc < 0 || at->outcome == OUT_REFUSED) {
        return rc;
    }
    /* Waiting on: it may have a desktop by now that still starts. */
    rc = at->outcome == OUT_READY ? audit_outcome(at, err) : 0;
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static void answer(struct attempt *at)
{
    struct orl_broker *broker = at->broker;
    bool is_ready = at->outcome == OUT_READY;
    bool was_waiting = at->conn->state == ORL_CONN_WAITING;
    if (at->has_claimed) {
        orl_leases_poke_vmpool(broker->leases);
    }
    if (!is_ready && was_waiting) {
        return; /* knows it already */
    }
    orl_conn_set_session(at->conn, at->session.id);
    memcpy(at->conn->pool, at->session.pool, sizeof(at->conn->pool));
    at->conn->started_ms = at->session.started_ms;
    at->conn->input_ms = at->now_ms; /* logging in is using it */
    uint64_t now_us = orl_loop_now_us(broker->loop);
    if (is_ready) {
        orl_login_times_add(&broker->login_times, ORL_LOGIN_QUEUE,
                was_waiting ? now_us - at->conn->wait.since_us : 0);
    }
    at->conn->state = is_ready ? ORL_CONN_LIVE : ORL_CONN_WAITING;
    if (!is_ready) {
        at->conn->renewed_us = now_us;
        at->conn->deadline_us = now_us + (uint64_t)broker->cfg->wait_timeout_s * ORL_US_PER_S;
        at->conn->wait =
                (struct orl_conn_wait){.since_ms = at->session.started_ms, .since_us = now_us};
        orl_leases_poke_vmpool(broker->leases);
        orl_queue_poke(broker->queue);
    }
    orl_conn_send_plan(at->conn, &at->session, is_ready);
    orl_events_poke(broker->events, at->session.user);
    if (!was_waiting) {
        broker->counters.logins++;
    }
}

static struct attempt attempt_of(struct orl_broker *broker, struct orl_conn *conn)
{
    struct attempt at = {.broker = broker, .conn = conn, .now_ms = orl_clock_wall_ms()};
    at.lease_until_ms = at.now_ms + (uint64_t)broker->cfg->lease_s * 1000;
    return at;
}

void orl_assign_start(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_assign *assign)
{
    struct orl_err err = {0};
    struct attempt at = attempt_of(broker, conn);
    at.assign = assign;
    int rc = attempt(&at, &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "assign", &err);
        at.outcome = OUT_REFUSED;
        at.reason = orl_broker_store_reason(rc);
    }
    if (at.outcome == OUT_REFUSED) {
        char object[ORL_NAME_MAX + 8];
        (void)snprintf(object, sizeof(object), "pool:%s", assign->pool->name);
        struct orl_refusal refusal = {.reason = at.reason,
                .user = assign->user->name,
                .object = object,
                .detail = rc < 0 ? err.text : at.text,
                .text = at.text};
        orl_login_refuse(broker, conn, &refusal);
        return;
    }
    if (at.loser != NULL) {
        orl_conn_close(at.loser, ORL_REASON_TAKEN_OVER, at.loser_audit.text, NULL);
    }
    answer(&at);
}

static void give_up(struct attempt *at)
{
    struct orl_err err = {0};
    char object[ORL_ID_LEN + 16];
    char user[ORL_USER_MAX + 1];
    (void)snprintf(object, sizeof(object), "session:%s", at->conn->session);
    orl_msg_text(user, sizeof(user), at->conn->user);
    if (orl_session_disconnect(at->broker->store, at->conn->session, at->conn->number, at->reason,
                at->now_ms, &err) < 0) {
        orl_broker_log_store(at->broker, "giving up waiting", &err);
    }
    struct orl_refusal refusal = {
            .reason = at->reason, .user = user, .object = object, .text = at->text};
    orl_login_refuse(at->broker, at->conn, &refusal);
}

enum orl_assign_step orl_assign_retry(struct orl_broker *broker, struct orl_conn *conn)
{
    struct orl_err err = {0};
    struct attempt at = attempt_of(broker, conn);
    orl_msg_text(at.session.id, sizeof(at.session.id), conn->session);
    int rc = attempt_again(&at, &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "waiting", &err);
        at.outcome = OUT_WAIT;
    }
    uint64_t now_us = orl_loop_now_us(broker->loop);
    if (at.has_claimed) { /* it has the whole time to start */
        conn->deadline_us = now_us + (uint64_t)broker->cfg->wait_timeout_s * ORL_US_PER_S;
    }
    if (at.outcome == OUT_WAIT && now_us >= conn->deadline_us) {
        struct orl_pool_row pool;
        (void)refused(&at, rc < 0 ? orl_broker_store_reason(rc) : ORL_REASON_WAIT_TIMEOUT);
        if (orl_pool_get(broker->store, at.session.pool, &pool, &err) == 0 &&
                pool.problem != ORL_REASON_NONE) {
            at.reason = pool.problem;
        }
    }
    bool is_over = at.outcome != OUT_WAIT;
    bool is_bound = at.session.desktop[0] != '\0';
    if (at.outcome == OUT_REFUSED) {
        give_up(&at);
    } else {
        answer(&at);
    }
    return is_over ? ORL_ASSIGN_OVER : is_bound ? ORL_ASSIGN_BOUND : ORL_ASSIGN_NONE;
}
