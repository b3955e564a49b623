#include "store/ticket.h"

#include "store/store_priv.h"
#include <string.h>

#define COLUMNS                                                                                    \
    "id, secret, user_name, pool, session, created_ms, first_use_by_ms, used_ms, revoked_ms,"      \
    " failures, binding, slot, locale, timezone, keyboard"
#define SELECT "SELECT " COLUMNS " FROM ticket "

static int read_one(struct orl_db_query *q, struct orl_ticket_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_ticket_row row = {0};
    orl_db_get_text(q, row.id, sizeof(row.id));
    orl_db_get_text(q, row.secret, sizeof(row.secret));
    orl_db_get_text(q, row.user, sizeof(row.user));
    orl_db_get_text(q, row.pool, sizeof(row.pool));
    orl_db_get_text(q, row.session, sizeof(row.session));
    row.created_ms = orl_db_get_u64(q);
    row.first_use_by_ms = orl_db_get_u64(q);
    row.used_ms = orl_db_get_u64(q);
    row.revoked_ms = orl_db_get_u64(q);
    row.failures = orl_db_get_u32(q);
    orl_db_get_text(q, row.binding, sizeof(row.binding));
    row.slot = orl_db_get_u32(q);
    orl_db_get_text(q, row.regional.locale, sizeof(row.regional.locale));
    orl_db_get_text(q, row.regional.timezone, sizeof(row.regional.timezone));
    orl_db_get_text(q, row.regional.keyboard, sizeof(row.regional.keyboard));
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_ticket_insert(struct orl_store *store, const struct orl_ticket_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    if (strlen(row->id) != ORL_TICKET_ID_LEN || strncmp(row->id, "t-", 2) != 0) {
        return orl_err_set(err, ORL_E_INVAL, "a ticket's id is t- and 16 hex digits");
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO ticket (" COLUMNS
            ") VALUES ($1, $2, $3, $4, '', $5, $6, 0, 0, 0, $7, $8, $9, $10, $11)");
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->secret);
    orl_db_put_text(&q, row->user);
    orl_db_put_text(&q, row->pool);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, row->first_use_by_ms);
    orl_db_put_text(&q, row->binding);
    orl_db_put_u64(&q, row->slot > 0 ? row->slot : 1);
    orl_db_put_text(&q, row->regional.locale);
    orl_db_put_text(&q, row->regional.timezone);
    orl_db_put_text(&q, row->regional.keyboard);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_NOTFOUND) {
        return orl_err_set(err, rc, "no such user or pool: %s, %s", row->user, row->pool);
    }
    return rc < 0 ? rc : 0;
}

int orl_ticket_get(struct orl_store *store, const char *id, struct orl_ticket_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_one(&q, ret_row, err);
    /* The id is half of the secret: not in texts. */
    return rc == ORL_E_NOTFOUND ? orl_err_set(err, rc, "no such ticket") : rc;
}

int orl_ticket_list(struct orl_store *store, const struct orl_page *page, orl_ticket_fn fn,
        void *ctx, struct orl_err *err)
{
    struct orl_page_key key;
    int bad = orl_page_key_timed(page, true, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT
            "WHERE ($1 = '' OR user_name = $1) AND ($2 = '' OR pool = $2)"
            " AND (created_ms, id) < ($3, $4) AND lower(user_name) LIKE ('' || $5) ESCAPE '\\'"
            " ORDER BY created_ms DESC, id DESC LIMIT $6");
    orl_db_put_text(&q, page != NULL ? page->user : NULL);
    orl_db_put_text(&q, page != NULL ? page->pool : NULL);
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    for (;;) {
        struct orl_ticket_row row;
        int rc = read_one(&q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_ticket_use(struct orl_store *store, const char *id, const char *session, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE ticket SET session = $1, used_ms = CASE WHEN used_ms = 0 THEN $2"
            " ELSE used_ms END"
            " WHERE id = $3 AND revoked_ms = 0"
            " AND ((used_ms = 0 AND first_use_by_ms >= $2) OR (session = $1 AND binding = ''))"
            " AND (binding = '' OR EXISTS (SELECT 1 FROM weblogin w"
            " WHERE w.token_hash = ticket.binding AND w.idle_until_ms >= $2))"
            " AND EXISTS (SELECT 1 FROM session s WHERE s.id = $1 AND s.state <> 'ended'"
            " AND s.user_name = ticket.user_name AND s.pool = ticket.pool"
            " AND s.slot = ticket.slot)");
    orl_db_put_text(&q, session);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    int rc = orl_db_run(&q, err);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    struct orl_ticket_row row;
    rc = orl_ticket_get(store, id, &row, err);
    return rc < 0 ? rc : orl_err_set(err, ORL_E_DENIED, "the ticket is not good for this");
}

int orl_ticket_fail(struct orl_store *store, const char *id, uint32_t max_failures, uint64_t now_ms,
        uint32_t *ret_failures, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE ticket SET failures = failures + 1, revoked_ms = CASE WHEN revoked_ms = 0"
            " AND $1 > 0 AND failures + 1 >= $1 THEN $2 ELSE revoked_ms END"
            " WHERE id = $3 RETURNING failures");
    orl_db_put_u64(&q, max_failures);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_err_set(err, ORL_E_NOTFOUND, "no such ticket");
    }
    uint32_t failures = orl_db_get_u32(&q);
    rc = orl_db_run(&q, err);
    if (rc >= 0 && ret_failures != NULL) {
        *ret_failures = failures;
    }
    return rc < 0 ? rc : 0;
}

int orl_ticket_revoke(struct orl_store *store, const char *id, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE ticket SET revoked_ms = CASE WHEN revoked_ms = 0 THEN $1 ELSE revoked_ms END"
            " WHERE id = $2");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? orl_err_set(err, ORL_E_NOTFOUND, "no such ticket") : rc < 0 ? rc : 0;
}

int orl_ticket_revoke_session(
        struct orl_store *store, const char *session, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE ticket SET revoked_ms = $1 WHERE session = $2 AND session <> ''"
            " AND revoked_ms = 0");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, session);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_ticket_revoke_user(struct orl_store *store, const char *user, const char *pool,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE ticket SET revoked_ms = $1 WHERE user_name = $2 AND ($3 = '' OR pool = $3)"
            " AND revoked_ms = 0");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, user);
    orl_db_put_text(&q, pool);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_ticket_count_unused(
        struct orl_store *store, const char *user, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM ticket WHERE user_name = $1 AND used_ms = 0 AND revoked_ms = 0"
            " AND first_use_by_ms >= $2");
    orl_db_put_text(&q, user);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t count = orl_db_get_u32(&q);
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : (int)count;
}

int orl_ticket_prune(struct orl_store *store, uint64_t before_ms, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "DELETE FROM ticket WHERE (revoked_ms > 0 AND revoked_ms < $1)"
                                    " OR (used_ms = 0 AND first_use_by_ms < $1)");
    orl_db_put_u64(&q, before_ms);
    return orl_db_run(&q, err);
}
