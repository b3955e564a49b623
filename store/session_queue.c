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

/* What a claim gives back to its person (find_own() in store/desktop_move.c), and what it lets them wait for
 * (has_other() there), of session s. In the words of the index desktop_one_per_person. */
#define THEIRS                                                                                     \
    "d.pool = s.pool AND d.user_name = s.user_name AND d.slot = s.slot AND d.user_name <> ''"      \
    " AND d.lease <> 'ending'"
#define HAS_OTHER                                                                                  \
    "(EXISTS (SELECT 1 FROM desktop d WHERE " THEIRS ")"                                           \
    " OR (s.pool IN (SELECT p.name FROM pool p WHERE p.kind = 'dedicated')"                        \
    " AND EXISTS (SELECT 1 FROM desktop d WHERE d.pool = s.pool AND d.lease = 'ending'"            \
    " AND d.user_name = s.user_name AND d.slot = s.slot AND d.kind = 'dedicated'"                  \
    " AND d.want <> 'delete')))"

int orl_session_line(
        struct orl_store *store, orl_session_waiter_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT s.id, s.pool FROM session s WHERE s.state = 'waiting' AND s.desktop = ''"
            " AND NOT " HAS_OTHER " ORDER BY s.pool, s.queue_ms, s.id");
    return read_waiters(&q, fn, ctx, err);
}

int orl_session_count_ahead(struct orl_store *store, const struct orl_session_row *session,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM session s WHERE s.state = 'waiting' AND s.desktop = ''"
            " AND s.pool = $1 AND (s.queue_ms < $2 OR (s.queue_ms = $2 AND s.id < $3))"
            " AND s.lease_until_ms >= $4 AND NOT " HAS_OTHER);
    orl_db_put_text(&q, session->pool);
    orl_db_put_u64(&q, session->queue_ms);
    orl_db_put_text(&q, session->id);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_step(&q, err);
    uint32_t count = rc < 0 ? 0 : orl_db_get_u32(&q);
    rc = rc < 0 ? rc : orl_db_row_done(&q, err);
    return rc < 0 ? rc : (int)count;
}

int orl_session_is_untold(struct orl_store *store, const char *pool, const char *user,
        uint64_t since_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT 1 FROM session WHERE state = 'ended' AND ended_ms >= $1 AND conn <> 0"
            " AND pool = $2 AND user_name <> $3 AND desktop <> '' LIMIT 1");
    orl_db_put_u64(&q, since_ms);
    orl_db_put_text(&q, pool);
    orl_db_put_text(&q, user);
    return orl_db_step(&q, err);
}

int orl_session_startable(struct orl_store *store, unsigned max_count, orl_session_waiter_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id, pool FROM (SELECT s.id, s.pool, s.queue_ms FROM session s"
            " JOIN desktop d ON d.id = s.desktop"
            " WHERE s.state = 'waiting' AND d.power = 'running' AND d.is_ready = 1"
            " AND d.person IN ('none', 'ready')"
            " UNION ALL SELECT s.id, s.pool, s.queue_ms FROM session s JOIN desktop d ON " THEIRS
            " WHERE s.state = 'waiting' AND s.desktop = '' AND d.lease = 'assigned'"
            " AND d.session = '' AND d.is_maintenance = 0 AND d.want <> 'delete') AS theirs"
            " ORDER BY queue_ms, id LIMIT $1");
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
