/* What a session does to its desktop: both rows and the audit in one transaction. */
#include "store/audit.h"
#include "store/desktop_priv.h"
#include "store/session_priv.h"
#include "store/ticket.h"
#include <stdio.h>
#include <string.h>

#define BATCH 64

static int conflict(const char *id, const char *what, struct orl_err *err)
{
    return orl_err_set(err, ORL_E_CONFLICT, "session %s %s", id, what);
}

static int bind_desktop(struct orl_store *store, const struct orl_session_row *session,
        const struct orl_desktop_row *desktop, struct orl_err *err)
{
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "UPDATE desktop SET session = $1 WHERE id = $2 AND version = $3"
                " AND session = ''");
        orl_db_put_text(&q, session->id);
        orl_db_put_text(&q, desktop->id);
        orl_db_put_u64(&q, desktop->version);
        int rc = orl_db_run(&q, err);
        if (rc <= 0) {
            return rc < 0 ? rc : conflict(session->id, "lost its desktop", err);
        }
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET desktop = $1, desktop_version = $2 WHERE id = $3"
            " AND state = 'waiting' AND desktop = ''");
    orl_db_put_text(&q, desktop->id);
    orl_db_put_u64(&q, desktop->version);
    orl_db_put_text(&q, session->id);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? conflict(session->id, "is not waiting", err) : rc < 0 ? rc : 0;
}

int orl_session_claim(struct orl_store *store, const char *id, uint64_t now_ms,
        struct orl_desktop_row *ret_desktop, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_session_row session;
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_session_get(store, id, &session, err);
    if (rc < 0) {
        return rc;
    }
    if (session.state != ORL_SESSION_WAITING || session.desktop[0] != '\0') {
        return conflict(id, "is not waiting for a desktop", err);
    }
    struct orl_desktop_claim claim = {
            .pool = session.pool, .user = session.user, .slot = session.slot};
    struct orl_desktop_row desktop;
    rc = orl_desktop_claim(store, &claim, now_ms, &desktop, err);
    rc = rc < 0 ? rc : bind_desktop(store, &session, &desktop, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        memcpy(desktop.session, session.id, sizeof(desktop.session));
        *ret_desktop = desktop;
    }
    return rc;
}

/* Its desktop, when it is still there and still this session's; else ORL_E_CONFLICT. */
static int get_own_desktop(struct orl_store *store, const struct orl_session_row *session,
        struct orl_desktop_row *ret_desktop, struct orl_err *err)
{
    if (session->desktop[0] == '\0') {
        return conflict(session->id, "has no desktop", err);
    }
    int rc = orl_desktop_get(store, session->desktop, ret_desktop, err);
    if (rc == ORL_E_NOTFOUND ||
            (rc == 0 && (ret_desktop->version != session->desktop_version ||
                                strcmp(ret_desktop->session, session->id) != 0))) {
        return conflict(session->id, "has lost its desktop", err);
    }
    return rc;
}

static int move_desktop(struct orl_store *store, const struct orl_desktop_row *desktop,
        enum orl_lease lease, enum orl_reason reason, const char *actor, uint64_t now_ms,
        struct orl_err *err)
{
    if (desktop->lease == lease) {
        return 0;
    }
    struct orl_desktop_move move = {.lease = lease, .reason = reason, .actor = actor};
    struct orl_desktop_row ended;
    int rc = orl_desktop_step(store, desktop, &move, now_ms, &ended, err);
    if (rc == 0 && lease == ORL_LEASE_ENDING && desktop->kind == ORL_POOL_STATIC &&
            desktop->want != ORL_WANT_DELETE) {
        move.lease = ORL_LEASE_FREE;
        rc = orl_desktop_step(store, &ended, &move, now_ms, NULL, err);
    }
    return rc;
}

static bool is_usable(enum orl_power power)
{
    return power == ORL_POWER_RUNNING || power == ORL_POWER_REBOOTING ||
           power == ORL_POWER_MIGRATING;
}

int orl_session_activate(struct orl_store *store, const char *id, uint64_t lease_until_ms,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_session_row session;
    struct orl_desktop_row desktop = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_session_get(store, id, &session, err);
    if (rc == 0 && session.state == ORL_SESSION_ENDED) {
        rc = conflict(id, "has ended", err);
    }
    rc = rc < 0 ? rc : get_own_desktop(store, &session, &desktop, err);
    if (rc == 0 && !is_usable(desktop.power)) {
        rc = conflict(id, "has a desktop that does not run", err);
    }
    rc = rc < 0 ? rc
                : move_desktop(store, &desktop, ORL_LEASE_IN_USE, ORL_REASON_NONE, "broker", now_ms,
                          err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "UPDATE session SET state = 'active', lease_until_ms = $1, disconnected_ms = 0"
                " WHERE id = $2");
        orl_db_put_u64(&q, lease_until_ms);
        orl_db_put_text(&q, id);
        rc = orl_store_run_one(&q, "session", id, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static int write_end(struct orl_store *store, const char *id, enum orl_reason reason,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET state = 'ended', ended_ms = $1, reason = $2 WHERE id = $3");
    orl_db_put_u64(&q, now_ms);
    orl_store_put_reason(&q, reason);
    orl_db_put_text(&q, id);
    return orl_store_run_one(&q, "session", id, err);
}

static int audit_session(struct orl_store *store, const struct orl_session_row *session,
        const char *action, enum orl_reason reason, const char *actor, uint64_t now_ms,
        struct orl_err *err)
{
    /* No client: an end is never a refusal that floods. */
    char detail[ORL_ID_LEN + ORL_ADDR_MAX + 32];
    (void)snprintf(
            detail, sizeof(detail), "desktop=%s client=%s", session->desktop, session->client);
    struct orl_audit_event event = {.actor = actor,
            .action = action,
            .reason = reason,
            .kind = "session",
            .object = session->id,
            .user = session->user,
            .detail = detail};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

/* Inside the caller's transaction. */
static int end_session(struct orl_store *store, const struct orl_session_row *session,
        enum orl_reason reason, const char *actor, uint64_t now_ms, struct orl_err *err)
{
    struct orl_desktop_row desktop = {0};
    int rc = get_own_desktop(store, session, &desktop, err);
    if (rc == 0) {
        rc = move_desktop(store, &desktop, ORL_LEASE_ENDING, reason, actor, now_ms, err);
    } else if (rc == ORL_E_CONFLICT) {
        rc = 0; /* it has none, or it went before */
    }
    rc = rc < 0 ? rc : write_end(store, session->id, reason, now_ms, err);
    rc = rc < 0 ? rc : orl_ticket_revoke_session(store, session->id, now_ms, err);
    return rc < 0 ? rc : audit_session(store, session, "session.end", reason, actor, now_ms, err);
}

int orl_session_end(struct orl_store *store, const char *id, enum orl_reason reason,
        const char *actor, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_session_row session;
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_session_get(store, id, &session, err);
    if (rc < 0 || session.state == ORL_SESSION_ENDED) {
        return rc;
    }
    rc = end_session(store, &session, reason, actor, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_session_told(struct orl_store *store, const char *id, const char *gateway, uint32_t conn,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET conn = 0 WHERE id = $1 AND gateway = $2 AND conn = $3"
            " AND state = 'ended'");
    orl_db_put_text(&q, id);
    orl_db_put_text(&q, gateway);
    orl_db_put_u64(&q, conn);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int write_disconnect(struct orl_store *store, const char *id, enum orl_reason reason,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE session SET state = 'disconnected', disconnected_ms = $1, reason = $2,"
            " conn = 0 WHERE id = $3");
    orl_db_put_u64(&q, now_ms);
    orl_store_put_reason(&q, reason);
    orl_db_put_text(&q, id);
    return orl_store_run_one(&q, "session", id, err);
}

/* Inside the caller's transaction. */
static int disconnect(struct orl_store *store, const struct orl_session_row *session,
        enum orl_reason reason, uint64_t now_ms, struct orl_err *err)
{
    struct orl_desktop_row desktop = {0};
    int rc = get_own_desktop(store, session, &desktop, err);
    if (rc == ORL_E_CONFLICT) {
        return end_session(store, session, reason, "broker", now_ms, err);
    }
    rc = rc < 0 ? rc
                : move_desktop(
                          store, &desktop, ORL_LEASE_DISCONNECTED, reason, "broker", now_ms, err);
    rc = rc < 0 ? rc : write_disconnect(store, session->id, reason, now_ms, err);
    return rc < 0 ? rc
                  : audit_session(
                            store, session, "session.disconnect", reason, "broker", now_ms, err);
}

int orl_session_disconnect(struct orl_store *store, const char *id, uint32_t conn,
        enum orl_reason reason, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_session_row session;
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_session_get(store, id, &session, err);
    if (rc < 0) {
        return rc;
    }
    if (session.state == ORL_SESSION_ENDED || session.state == ORL_SESSION_DISCONNECTED) {
        return 0;
    }
    if (conn != 0 && session.conn != conn) {
        return conflict(id, "has another connection by now", err);
    }
    rc = disconnect(store, &session, reason, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

struct batch {
    struct orl_id ids[BATCH];
    unsigned count;
};

static int collect(struct orl_db_query *q, struct batch *batch, struct orl_err *err)
{
    int rc = 0;
    batch->count = 0;
    while (batch->count < BATCH && (rc = orl_db_step(q, err)) == 1) {
        orl_db_get_text(q, batch->ids[batch->count].text, sizeof(batch->ids[0].text));
        batch->count++;
    }
    return rc < 0 ? rc : orl_db_row_done(q, err);
}

int orl_session_expire(
        struct orl_store *store, unsigned max_count, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct batch batch;
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "SELECT id FROM session WHERE state IN ('waiting', 'active')"
                " AND lease_until_ms < $1 ORDER BY lease_until_ms LIMIT $2");
        orl_db_put_u64(&q, now_ms);
        orl_db_put_u64(&q, max_count);
        rc = collect(&q, &batch, err);
    }
    for (unsigned i = 0; rc == 0 && i < batch.count; i++) {
        rc = orl_session_disconnect(
                store, batch.ids[i].text, 0, ORL_REASON_CLIENT_CLOSED, now_ms, err);
    }
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    return rc < 0 ? rc : (int)batch.count;
}

static int collect_overdue(struct orl_store *store, unsigned max_count, uint64_t now_ms,
        struct batch *batch, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "SELECT s.id FROM session s JOIN pool p ON p.name = s.pool"
                                    " WHERE s.state = 'disconnected' AND p.disconnect_timeout_s > 0"
                                    " AND s.disconnected_ms + p.disconnect_timeout_s * 1000 <= $1"
                                    " AND (s.conn = 0 OR s.lease_until_ms < $1)"
                                    " ORDER BY s.disconnected_ms LIMIT $2");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, max_count);
    return collect(&q, batch, err);
}

static int collect_orphans(
        struct orl_store *store, unsigned max_count, struct batch *batch, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT s.id FROM session s WHERE s.state IN ('waiting', 'active', 'disconnected')"
            " AND s.desktop <> ''"
            " AND NOT EXISTS (SELECT 1 FROM desktop d WHERE d.id = s.desktop"
            " AND d.session = s.id AND d.version = s.desktop_version) LIMIT $1");
    orl_db_put_u64(&q, max_count);
    return collect(&q, batch, err);
}

/* Claimed by a caller that died before it bound a session. */
static int end_unbound(
        struct orl_store *store, unsigned max_count, uint64_t now_ms, struct orl_err *err)
{
    struct batch batch;
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "SELECT id FROM desktop WHERE lease = 'assigned' AND session = ''"
                " AND kind <> 'dedicated' LIMIT $1");
        orl_db_put_u64(&q, max_count);
        int rc = collect(&q, &batch, err);
        if (rc < 0) {
            return rc;
        }
    }
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < batch.count; i++) {
        struct orl_desktop_row desktop;
        rc = orl_desktop_get(store, batch.ids[i].text, &desktop, err);
        rc = rc < 0 ? rc
                    : move_desktop(store, &desktop, ORL_LEASE_ENDING, ORL_REASON_INTERNAL, "broker",
                              now_ms, err);
    }
    return rc;
}

static int end_all(struct orl_store *store, const struct batch *batch, enum orl_reason reason,
        uint64_t now_ms, struct orl_err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < batch->count; i++) {
        rc = orl_session_end(store, batch->ids[i].text, reason, "broker", now_ms, err);
    }
    return rc;
}

int orl_session_reap(
        struct orl_store *store, unsigned max_count, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct batch overdue;
    struct batch orphans;
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : collect_overdue(store, max_count, now_ms, &overdue, err);
    rc = rc < 0 ? rc : end_all(store, &overdue, ORL_REASON_DISCONNECT_TIMEOUT, now_ms, err);
    rc = rc < 0 ? rc : collect_orphans(store, max_count, &orphans, err);
    rc = rc < 0 ? rc : end_all(store, &orphans, ORL_REASON_GUEST_DIED, now_ms, err);
    rc = rc < 0 ? rc : end_unbound(store, max_count, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    return rc < 0 ? rc : (int)(overdue.count + orphans.count);
}
