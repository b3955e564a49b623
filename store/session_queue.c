/* What the broker asks about many sessions at a time: only what it needs, a row each. */
#include "store/session_priv.h"

static int read_waiters(
        struct orl_db_query *q, orl_session_waiter_fn fn, void *ctx, struct orl_err *err)
{
    int rc = 0;
    while ((rc = orl_db_step(q, err)) == 1) {
        struct orl_session_waiter waiter;
        orl_db_get_text(q, waiter.id, sizeof(waiter.id));
        orl_db_get_text(q, waiter.pool, sizeof(waiter.pool));
        rc = orl_db_row_done(q, err);
        rc = rc < 0 ? rc : fn(ctx, &waiter);
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}

int orl_session_line(
        struct orl_store *store, orl_session_waiter_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id, pool FROM session WHERE state = 'waiting' AND desktop = ''"
            " ORDER BY pool, queue_ms, id");
    return read_waiters(&q, fn, ctx, err);
}

int orl_session_count_ahead(struct orl_store *store, const struct orl_session_row *session,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM session WHERE state = 'waiting' AND desktop = '' AND pool = $1"
            " AND (queue_ms < $2 OR (queue_ms = $2 AND id < $3)) AND lease_until_ms >= $4");
    orl_db_put_text(&q, session->pool);
    orl_db_put_u64(&q, session->queue_ms);
    orl_db_put_text(&q, session->id);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_step(&q, err);
    uint32_t count = rc < 0 ? 0 : orl_db_get_u32(&q);
    rc = rc < 0 ? rc : orl_db_row_done(&q, err);
    return rc < 0 ? rc : (int)count;
}

int orl_session_startable(struct orl_store *store, unsigned max_count, orl_session_waiter_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT s.id, s.pool FROM session s JOIN desktop d ON d.id = s.desktop"
            " WHERE s.state = 'waiting' AND d.power = 'running' AND d.is_ready = 1"
            " AND d.person IN ('none', 'ready')"
            " ORDER BY s.queue_ms, s.id LIMIT $1");
    orl_db_put_u64(&q, max_count);
    return read_waiters(&q, fn, ctx, err);
}

int orl_session_stranded(struct orl_store *store, unsigned max_count, orl_session_waiter_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT s.id, s.pool FROM session s JOIN desktop d ON d.id = s.desktop"
            " WHERE (s.state IN ('active', 'disconnected')"
            " AND (d.power IN ('stopped', 'absent', 'failed') OR d.guest_state = 'logged_off'))"
            " OR (s.state = 'waiting' AND d.person = 'failed')"
            " OR (s.state = 'disconnected' AND d.person = 'failed') LIMIT $1");
    orl_db_put_u64(&q, max_count);
    return read_waiters(&q, fn, ctx, err);
}

int orl_session_disconnected_of(struct orl_store *store, const char *pool, uint64_t before_ms,
        unsigned max_count, orl_session_waiter_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id, pool FROM session WHERE state = 'disconnected' AND pool = $1"
            " AND started_ms <= $2 ORDER BY started_ms, id LIMIT $3");
    orl_db_put_text(&q, pool);
    orl_db_put_u64(&q, before_ms);
    orl_db_put_u64(&q, max_count);
    return read_waiters(&q, fn, ctx, err);
}

int orl_session_live(
        struct orl_store *store, orl_session_waiter_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id, pool FROM session WHERE state IN ('waiting', 'active', 'disconnected')");
    return read_waiters(&q, fn, ctx, err);
}
