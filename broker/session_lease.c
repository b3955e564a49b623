#include "broker/session_lease.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/clock_watch.h"
#include "base/ipc.h"
#include "broker/build.h"
#include "broker/closing.h"
#include "broker/events.h"
#include "broker/pool_drain.h"
#include "broker/queue.h"
#include "broker/session_policy.h"
#include "broker/watching.h"
#include "broker/weblogin.h"
#include "store/job.h"
#include "store/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_PER_TICK = 64,
    MAX_PRUNED = 1000,
    MAX_RENEWALS = ORL_SESSION_RENEWALS_MAX,
    STATS_MAX = 512
};
#define TICK_US ORL_US_PER_S
#define INPUT_RECENT_MS UINT64_C(60000)
#define PRUNE_US (UINT64_C(3600) * ORL_US_PER_S)

struct renewal {
    char session[ORL_ID_LEN + 1];
    char stats[STATS_MAX]; /* empty: as they are */
};
struct orl_leases {
    struct orl_broker *broker;
    struct renewal due[MAX_RENEWALS]; /* to be written with the others of this wake */
    unsigned due_count;
    struct orl_timer *tick;
    struct orl_clock_watch clock;
    int64_t jump_ms; /* the store has not heard of it yet */
    uint64_t pruned_us;
    uint32_t round;      /* of looking at all connections */
    uint64_t generation; /* the store's, when we looked last */
    uint64_t settled_ms; /* until then no lease runs out; 0: not looked yet */
    uint64_t away_us;    /* since when the store does not answer; 0: it does */
    uint64_t back_us;    /* when it did again, */
    uint64_t gap_us;     /* and how long that took */
    bool is_look_due;
    bool is_poke_due;
};

enum orl_reason orl_leases_end_of(
        const struct orl_session_row *session, const struct orl_desktop_row *desktop)
{
    if (desktop->person == ORL_PERSON_FAILED) {
        return desktop->reason != ORL_REASON_NONE ? desktop->reason : ORL_REASON_PERSON_FAILED;
    }
    if (session->state == ORL_SESSION_WAITING) {
        return ORL_REASON_NONE; /* a dedicated one may still be off */
    }
    if (desktop->guest_state == ORL_GUEST_LOGGED_OFF) {
        return ORL_REASON_LOGGED_OFF; /* the hook has seen it: silence never is */
    }
    if (desktop->power == ORL_POWER_STOPPED || desktop->power == ORL_POWER_ABSENT) {
        return ORL_REASON_LOGGED_OFF;
    }
    return desktop->power == ORL_POWER_FAILED ? ORL_REASON_GUEST_DIED : ORL_REASON_NONE;
}

int orl_leases_end(struct orl_broker *broker, const char *session, enum orl_reason reason,
        const char *actor, struct orl_err *err)
{
    int rc = orl_session_end(broker->store, session, reason, actor, orl_clock_wall_ms(), err);
    if (rc < 0) {
        return rc;
    }
    return orl_closing_add(broker, session, reason, true, err);
}

int orl_leases_disconnect(
        struct orl_broker *broker, const char *session, enum orl_reason reason, struct orl_err *err)
{
    int rc = orl_session_disconnect(broker->store, session, 0, reason, orl_clock_wall_ms(), err);
    return rc < 0 ? rc : orl_closing_add(broker, session, reason, false, err);
}

static void lose(
        struct orl_broker *broker, const char *session, uint32_t number, enum orl_reason reason)
{
    struct orl_err err = {0};
    enum orl_reason why = reason == ORL_REASON_NONE ? ORL_REASON_CLIENT_CLOSED : reason;
    int rc = orl_session_disconnect(broker->store, session, number, why, orl_clock_wall_ms(), &err);
    if (rc == 0) {
        orl_log_info(&broker->log, "session.disconnect", "session", session, "reason",
                orl_reason_code(why), "audit", orl_audit_last_id(broker->store));
    } else if (rc != ORL_E_CONFLICT && rc != ORL_E_NOTFOUND) {
        orl_broker_log_store(broker, "disconnect", &err);
    }
    orl_leases_poke(broker->leases);
}

void orl_leases_lost(struct orl_broker *broker, struct orl_conn *conn, enum orl_reason reason)
{
    if (conn->session[0] != '\0') {
        lose(broker, conn->session, conn->number, reason);
        orl_conn_set_session(conn, "");
    }
}

bool orl_leases_lost_unheard(
        struct orl_broker *broker, const char *gateway, uint32_t number, enum orl_reason reason)
{
    struct orl_session_row row;
    if (number == 0 || orl_session_find_conn(broker->store, gateway, number, &row, NULL) < 0 ||
            orl_conn_find_session(broker->gateways, row.id) != NULL) {
        return false;
    }
    lose(broker, row.id, number, reason);
    return true;
}

static uint64_t lease_until_ms(const struct orl_broker *broker)
{
    return orl_clock_wall_ms() + (uint64_t)broker->cfg->lease_s * 1000;
}

static enum orl_reason reason_of_end(const struct orl_session_row *row)
{
    return row->reason != ORL_REASON_NONE ? row->reason : ORL_REASON_LOGGED_OFF;
}

static void adopt_binding(
        struct orl_broker *broker, const struct orl_session_row *row, struct orl_conn *ret_conn)
{
    struct orl_ticket_row ticket;
    if (row->ticket[0] != '\0' && orl_ticket_get(broker->store, row->ticket, &ticket, NULL) == 0) {
        orl_msg_text(ret_conn->binding, sizeof(ret_conn->binding), ticket.binding);
    }
}

enum orl_reason orl_leases_adopt(struct orl_broker *broker, const char *gateway, uint32_t number,
        const char *session, struct orl_conn *ret_conn)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    int rc = orl_session_get(broker->store, session, &row, &err);
    if (rc < 0) {
        return rc == ORL_E_NOTFOUND ? ORL_REASON_LOGGED_OFF : orl_broker_store_reason(rc);
    }
    if (row.state == ORL_SESSION_ENDED) {
        return reason_of_end(&row);
    }
    bool is_its_gateway = strcmp(row.gateway, gateway) == 0;
    if (row.state == ORL_SESSION_DISCONNECTED && row.conn == 0 && is_its_gateway) {
        return reason_of_end(&row); /* we died before we said so */
    }
    if (row.conn != number || !is_its_gateway) {
        return ORL_REASON_TAKEN_OVER;
    }
    ret_conn->state = row.state == ORL_SESSION_ACTIVE ? ORL_CONN_LIVE : ORL_CONN_WAITING;
    if (ret_conn->state == ORL_CONN_WAITING) {
        ret_conn->renewed_us = 0;
        ret_conn->wait.since_ms = row.started_ms;
        ret_conn->wait.since_us = orl_loop_now_us(broker->loop);
        ret_conn->deadline_us = orl_loop_now_us(broker->loop) +
                                (uint64_t)broker->cfg->wait_timeout_s * ORL_US_PER_S;
    }
    ret_conn->protocol = row.protocol;
    ret_conn->started_ms = row.started_ms;
    ret_conn->input_ms = orl_clock_wall_ms();
    memcpy(ret_conn->pool, row.pool, sizeof(ret_conn->pool));
    orl_msg_text(ret_conn->user, sizeof(ret_conn->user), row.user);
    orl_msg_text(ret_conn->client, sizeof(ret_conn->client), row.client);
    orl_msg_text(ret_conn->client_name, sizeof(ret_conn->client_name), row.client_name);
    orl_conn_set_session(ret_conn, row.id);
    adopt_binding(broker, &row, ret_conn);
    /* We may have died between the decision and telling it. */
    orl_conn_send_plan(ret_conn, &row, ret_conn->state == ORL_CONN_LIVE);
    orl_watching_clear(ret_conn);
    orl_log_info(&broker->log, "a session goes on after a restart", "session", session);
    return ORL_REASON_NONE;
}

/* The lease ran out while the gateway hung, and nobody has taken the session over since, or conn
 * would have been closed: it goes on. */
static enum orl_reason resume(struct orl_broker *broker, struct orl_conn *conn)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    uint64_t until_ms = lease_until_ms(broker);
    if (orl_session_get(broker->store, conn->session, &row, &err) < 0) {
        return ORL_REASON_LOGGED_OFF;
    }
    if (row.state == ORL_SESSION_ENDED) {
        return reason_of_end(&row);
    }
    row.conn = conn->number;
    orl_msg_text(row.gateway, sizeof(row.gateway), orl_conn_gateway_name(conn));
    if (orl_session_attach(broker->store, &row, until_ms, &err) < 0 ||
            orl_session_activate(broker->store, row.id, until_ms, orl_clock_wall_ms(), &err) < 0) {
        return ORL_REASON_DISCONNECT_TIMEOUT;
    }
    return ORL_REASON_NONE;
}

/* Who works on a desktop in the browser is not idle at the portal. */
static void keep_login(
        struct orl_broker *broker, const struct orl_conn *conn, const struct orl_msg_stats *stats)
{
    uint64_t recent_ms = orl_clock_wall_ms() - INPUT_RECENT_MS;
    if (conn->binding[0] != '\0' && stats->last_input_ms >= recent_ms) {
        orl_weblogins_keep(broker, conn->binding);
    }
}

static void go_on(struct orl_broker *broker, const char *session)
{
    struct orl_conn *conn = orl_conn_find_session(broker->gateways, session);
    enum orl_reason reason =
            conn != NULL && conn->state == ORL_CONN_LIVE ? resume(broker, conn) : ORL_REASON_NONE;
    if (reason != ORL_REASON_NONE) {
        orl_conn_close(conn, reason, NULL, NULL);
    }
}

/* All in one statement: each waits for the disk, or for another's answer, once. What failed is renewed by the next
 * statistics. */
static void renew_due(void *ctx)
{
    struct orl_leases *lease = ctx;
    struct orl_broker *broker = lease->broker;
    struct orl_session_renewal renewals[MAX_RENEWALS];
    struct orl_err err = {0};
    for (unsigned i = 0; i < lease->due_count; i++) {
        renewals[i] = (struct orl_session_renewal){
                .id = lease->due[i].session, .stats = lease->due[i].stats};
    }
    if (orl_session_renew_all(
                broker->store, renewals, lease->due_count, lease_until_ms(broker), &err) < 0) {
        orl_broker_log_store(broker, "renewing leases", &err);
        lease->due_count = 0;
    }
    for (unsigned i = 0; i < lease->due_count; i++) {
        if (renewals[i].is_lost) {
            go_on(broker, lease->due[i].session);
        }
    }
    lease->due_count = 0;
}

static void renew_if_due(void *ctx)
{
    struct orl_leases *lease = ctx;
    if (lease->due_count > 0) {
        renew_due(lease);
    }
}

static void renew_later(struct orl_leases *lease, const char *session, const char *stats)
{
    struct renewal *due = &lease->due[lease->due_count];
    if (lease->due_count++ == 0) {
        orl_loop_defer(lease->broker->loop, renew_if_due, lease);
    }
    memcpy(due->session, session, sizeof(due->session));
    (void)snprintf(due->stats, sizeof(due->stats), "%s", stats);
    if (lease->due_count == MAX_RENEWALS) {
        renew_due(lease);
    }
}

void orl_leases_renew(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_stats *stats)
{
    char json[STATS_MAX];
    (void)snprintf(json, sizeof(json),
            "{\"width_px\":%u,\"height_px\":%u,\"frames\":%llu,\"bytes_out\":%llu,"
            "\"bytes_in\":%llu,\"rtt_us\":%u,\"ack_us\":%u,\"last_input_ms\":%llu}",
            stats->width_px, stats->height_px, (unsigned long long)stats->frames,
            (unsigned long long)stats->bytes_out, (unsigned long long)stats->bytes_in,
            stats->rtt_us, stats->ack_us, (unsigned long long)stats->last_input_ms);
    keep_login(broker, conn, stats);
    renew_later(broker->leases, conn->session, json);
}

struct ids {
    char list[MAX_PER_TICK][ORL_ID_LEN + 1];
    unsigned count;
};

static int add_id(void *ctx, const struct orl_session_waiter *row)
{
    struct ids *ids = ctx;
    memcpy(ids->list[ids->count++], row->id, sizeof(row->id));
    return ids->count == MAX_PER_TICK ? 1 : 0;
}

static void end_stranded(struct orl_broker *broker, const char *id)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    struct orl_desktop_row desktop;
    int rc = orl_session_get(broker->store, id, &row, &err);
    rc = rc < 0 ? rc : orl_desktop_get(broker->store, row.desktop, &desktop, &err);
    enum orl_reason reason = rc < 0 ? ORL_REASON_NONE : orl_leases_end_of(&row, &desktop);
    if (reason != ORL_REASON_NONE) {
        rc = orl_leases_end(broker, id, reason, "broker", &err);
    }
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        orl_broker_log_store(broker, "ending a session", &err);
    }
}

/* Sessions whose machine was switched off or died, or whose person logged off in it or never got in. */
static void end_switched_off(struct orl_broker *broker)
{
    struct orl_err err = {0};
    struct ids ids = {.count = 0};
    if (orl_session_stranded(broker->store, MAX_PER_TICK, add_id, &ids, &err) < 0) {
        orl_broker_log_store(broker, "sessions", &err);
    }
    for (unsigned i = 0; i < ids.count; i++) {
        end_stranded(broker, ids.list[i]);
    }
}

static int mark_live(void *ctx, const struct orl_session_waiter *row)
{
    struct orl_leases *lease = ctx;
    struct orl_conn *conn = orl_conn_find_session(lease->broker->gateways, row->id);
    if (conn != NULL) {
        conn->live_round = lease->round;
    }
    return 0;
}

/* One whose session the store does not know as live any more. */
static void check_conn(void *ctx, struct orl_conn *conn)
{
    struct orl_leases *lease = ctx;
    struct orl_broker *broker = lease->broker;
    struct orl_session_row row;
    struct orl_err err = {0};
    if (conn->session[0] == '\0' || conn->live_round == lease->round) {
        return;
    }
    int rc = orl_session_get(broker->store, conn->session, &row, &err);
    if (rc == ORL_E_NOTFOUND || (rc == 0 && row.state == ORL_SESSION_ENDED)) {
        enum orl_reason reason = rc == 0 ? row.reason : ORL_REASON_LOGGED_OFF;
        orl_conn_close(
                conn, reason != ORL_REASON_NONE ? reason : ORL_REASON_LOGGED_OFF, NULL, NULL);
    }
}

/* One question for all, whatever number there is. */
static void check_conns(struct orl_leases *lease)
{
    struct orl_err err = {0};
    lease->round++;
    if (orl_session_live(lease->broker->store, mark_live, lease, &err) < 0) {
        orl_broker_log_store(lease->broker, "sessions", &err);
    } else {
        orl_conn_each(lease->broker->gateways, check_conn, lease);
    }
}

uint64_t orl_leases_gap_ms(const struct orl_leases *lease, uint64_t forgiven_us)
{
    uint64_t now_us = orl_loop_now_us(lease->broker->loop);
    bool is_just_back = lease->back_us != 0 && now_us < lease->back_us + forgiven_us;
    uint64_t gap_us = lease->away_us != 0 ? now_us - lease->away_us + TICK_US
                      : is_just_back      ? lease->gap_us
                                          : 0;
    return gap_us / ORL_US_PER_MS;
}

/* What nobody could say meanwhile was not left unsaid. */
static void come_back(struct orl_leases *lease)
{
    lease->back_us = orl_loop_now_us(lease->broker->loop);
    lease->gap_us = lease->back_us - lease->away_us + TICK_US; /* noticed at a tick */
    lease->away_us = 0;
    orl_queue_store_back(lease->broker->queue, lease->gap_us);
}

/* false: the store is away, and everything else would only say so again. */
static bool can_look(struct orl_leases *lease, uint64_t now_ms, bool *ret_is_changed)
{
    struct orl_err err = {0};
    struct orl_broker *broker = lease->broker;
    uint64_t generation = 0;
    if (orl_store_generation(broker->store, &generation, &err) < 0) {
        orl_broker_log_store(broker, "looking at it", &err);
        lease->away_us = lease->away_us != 0 ? lease->away_us : orl_loop_now_us(broker->loop);
        orl_queue_store_away(broker->queue);
        return false;
    }
    bool was_away = lease->away_us != 0;
    if (was_away) {
        orl_log_info(&broker->log, "the store answers again");
    }
    /* Leases that nobody could renew have not run out: everybody first says that they are there. */
    if (was_away || lease->settled_ms == 0) {
        uint64_t from_ms = was_away ? now_ms : broker->started_ms;
        if (orl_session_clamp(broker->store, lease_until_ms(broker), now_ms, &err) < 0) {
            orl_broker_log_store(broker, "looking at its leases", &err);
            return false;
        }
        lease->settled_ms = from_ms + (uint64_t)broker->cfg->lease_s * 1000;
    }
    if (was_away) {
        come_back(lease);
    }
    *ret_is_changed = *ret_is_changed || generation != lease->generation;
    lease->generation = generation;
    return true;
}

static void look(struct orl_leases *lease)
{
    struct orl_broker *broker = lease->broker;
    struct orl_err err = {0};
    uint64_t now_ms = orl_clock_wall_ms();
    bool is_changed = lease->is_look_due;
    lease->is_look_due = false;
    if (is_changed) {
        orl_events_poke(broker->events, NULL);
    }
    if (!can_look(lease, now_ms, &is_changed)) {
        return;
    }
    bool is_settled = now_ms >= lease->settled_ms;
    if (is_settled && orl_session_expire(broker->store, MAX_PER_TICK, now_ms, &err) < 0) {
        orl_broker_log_store(broker, "expiring leases", &err);
    }
    if (is_changed) {
        end_switched_off(broker);
        orl_build_tidy(broker);
        orl_pool_drain(broker);
    }
    int reaped = orl_session_reap(broker->store, MAX_PER_TICK, now_ms, &err);
    if (reaped < 0) {
        orl_broker_log_store(broker, "ending disconnected sessions", &err);
    } else if (reaped > 0) {
        broker->counters.session_ends[ORL_REASON_DISCONNECT_TIMEOUT] += (unsigned)reaped;
        orl_leases_poke_vmpool(lease);
    }
    if (is_changed || reaped > 0) {
        check_conns(lease);
    }
    orl_queue_poke(broker->queue);
}

static void look_if_due(void *ctx)
{
    struct orl_leases *lease = ctx;
    if (lease->is_look_due) {
        look(lease);
    }
}

void orl_leases_poke(struct orl_leases *lease)
{
    if (!lease->is_look_due) {
        lease->is_look_due = true;
        orl_loop_defer(lease->broker->loop, look_if_due, lease);
    }
}

/* Waiting connections send no statistics yet; what they hold is a lease too. */
static void renew_waiting(void *ctx, struct orl_conn *conn)
{
    struct orl_broker *broker = ctx;
    uint64_t now_us = orl_loop_now_us(broker->loop);
    uint64_t period_us = (uint64_t)broker->cfg->lease_s * ORL_US_PER_S / 3;
    if (conn->state != ORL_CONN_WAITING || now_us - conn->renewed_us < period_us) {
        return;
    }
    conn->renewed_us = now_us;
    renew_later(broker->leases, conn->session, "");
}

/* What is old goes in bites that hold nobody up; true: there may be more. */
static bool prune(struct orl_broker *broker)
{
    struct orl_err err = {0};
    uint64_t now_ms = orl_clock_wall_ms();
    uint64_t keep_ms = (uint64_t)broker->cfg->audit_keep_days * 86400 * 1000;
    uint64_t day_ms = UINT64_C(86400) * 1000;
    uint64_t before_ms = now_ms > keep_ms ? now_ms - keep_ms : 0;
    int sessions = -1;
    int rows = -1;
    int rc = orl_ticket_prune(broker->store, now_ms - day_ms, &err);
    rc = rc < 0 ? rc : orl_weblogin_prune(broker->store, now_ms, &err);
    rc = rc < 0 ? rc : orl_job_fail_silent(broker->store, now_ms, &err);
    rc = rc < 0 ? rc : orl_watch_prune(broker->store, before_ms, &err);
    if (rc >= 0) {
        rc = sessions = orl_session_prune(broker->store, before_ms, MAX_PRUNED, &err);
    }
    if (rc >= 0) {
        rc = rows = orl_audit_prune(broker->store, before_ms, now_ms, MAX_PRUNED, &err);
    }
    if (rc < 0) {
        orl_broker_log_store(broker, "pruning", &err);
    }
    return sessions == MAX_PRUNED || rows == MAX_PRUNED;
}

static void shift_conn(void *ctx, struct orl_conn *conn)
{
    const int64_t *by_ms = ctx;
    conn->started_ms = orl_clock_shifted(conn->started_ms, *by_ms);
    conn->input_ms = orl_clock_shifted(conn->input_ms, *by_ms);
}

/* Nobody is idle, over time, or gone, because somebody set the clock; nor stays for a day. */
static void follow_clock(struct orl_leases *lease)
{
    struct orl_broker *broker = lease->broker;
    struct orl_err err = {0};
    uint64_t wall_ms = orl_clock_wall_ms();
    int64_t by_ms = orl_clock_watch_jump(&lease->clock, wall_ms, orl_clock_now_us());
    if (by_ms != 0) {
        orl_log_warn(&broker->log, "the clock was set", "by_s", ORL_LOG_NUM(by_ms / 1000));
        orl_conn_each(broker->gateways, shift_conn, &by_ms);
        lease->settled_ms = wall_ms + (uint64_t)broker->cfg->lease_s * 1000;
        lease->jump_ms += by_ms;
    }
    if (lease->jump_ms == 0) {
        return;
    }
    if (orl_session_shift(broker->store, lease->jump_ms, wall_ms, &err) < 0) {
        orl_broker_log_store(broker, "following the clock", &err);
    } else {
        lease->jump_ms = 0;
    }
}

static void on_tick(void *ctx)
{
    struct orl_leases *lease = ctx;
    struct orl_broker *broker = lease->broker;
    uint64_t now_us = orl_loop_now_us(broker->loop);
    follow_clock(lease);
    /* May close connections: not while we go through them, when there is no room for one more. */
    renew_if_due(lease);
    orl_conn_each(broker->gateways, renew_waiting, broker);
    renew_if_due(lease); /* before it is looked who did not */
    orl_session_policy_look(broker);
    look(lease);
    if (lease->pruned_us == 0 || now_us - lease->pruned_us >= PRUNE_US) {
        lease->pruned_us = prune(broker) ? 0 : now_us;
    }
}

static void poke_vmpool(void *ctx)
{
    struct orl_leases *lease = ctx;
    char path[200];
    int fd = -1;
    lease->is_poke_due = false;
    (void)snprintf(path, sizeof(path), "%s/console.sock", lease->broker->cfg->run_dir);
    if (orl_ipc_connect(path, &fd, NULL) == 0) {
        struct orl_msg msg = {.type = ORL_MSG_POKE};
        (void)!orl_ipc_send(fd, &msg, NULL, 0);
        close(fd);
    }
}

void orl_leases_poke_vmpool(struct orl_leases *lease)
{
    if (!lease->is_poke_due) {
        lease->is_poke_due = true;
        orl_loop_defer(lease->broker->loop, poke_vmpool, lease);
    }
}

int orl_leases_new(struct orl_broker *broker, struct orl_leases **ret_leases, struct orl_err *err)
{
    struct orl_leases *lease = calloc(1, sizeof(*lease));
    if (lease == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "leases: out of memory");
    }
    lease->broker = broker;
    int rc = orl_timer_new(broker->loop, on_tick, lease, &lease->tick, err);
    if (rc < 0) {
        free(lease);
        return rc;
    }
    orl_timer_start(lease->tick, TICK_US, TICK_US);
    *ret_leases = lease;
    return 0;
}

void orl_leases_free(struct orl_leases *lease)
{
    if (lease != NULL) {
        orl_timer_free(lease->tick);
        free(lease);
    }
}
