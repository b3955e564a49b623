#include "store/weblogin.h"

#include "store/store_priv.h"

#define COLUMNS                                                                                    \
    "id, token_hash, user_name, created_ms, seen_ms, idle_until_ms, expires_ms, client, agent,"    \
    " totp_pending"
#define SELECT "SELECT " COLUMNS " FROM weblogin "

static int read_one(struct orl_db_query *q, struct orl_weblogin_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_weblogin_row row = {0};
    orl_db_get_text(q, row.id, sizeof(row.id));
    orl_db_get_text(q, row.token_hash, sizeof(row.token_hash));
    orl_db_get_text(q, row.user, sizeof(row.user));
    row.created_ms = orl_db_get_u64(q);
    row.seen_ms = orl_db_get_u64(q);
    row.idle_until_ms = orl_db_get_u64(q);
    row.expires_ms = orl_db_get_u64(q);
    orl_db_get_text(q, row.client, sizeof(row.client));
    orl_db_get_text(q, row.agent, sizeof(row.agent));
    orl_db_get_text(q, row.totp_pending, sizeof(row.totp_pending));
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

static int no_such(struct orl_err *err)
{
    return orl_err_set(err, ORL_E_NOTFOUND, "no such login");
}

static int insert_row(struct orl_store *store, const struct orl_weblogin_row *row,
        const struct orl_id *id, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO weblogin (" COLUMNS ") VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, '')");
    orl_db_put_text(&q, id->text);
    orl_db_put_text(&q, row->token_hash);
    orl_db_put_text(&q, row->user);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, row->idle_until_ms < row->expires_ms ? row->idle_until_ms : row->expires_ms);
    orl_db_put_u64(&q, row->expires_ms);
    orl_db_put_text(&q, row->client);
    orl_db_put_text(&q, row->agent);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_NOTFOUND) {
        return orl_store_no_such("user", row->user, err);
    }
    return rc < 0 ? rc : 0;
}

/* Tickets that no living login may use any more. Used ones too: they are one connection each. */
static int revoke_tickets(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE ticket SET revoked_ms = $1 WHERE binding <> '' AND revoked_ms = 0"
            " AND NOT EXISTS (SELECT 1 FROM weblogin w WHERE w.token_hash = ticket.binding)");
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int trim(struct orl_store *store, const char *user, unsigned max_count, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "DELETE FROM weblogin WHERE user_name = $1 AND id NOT IN (SELECT w.id FROM weblogin w"
            " WHERE w.user_name = $1 ORDER BY w.seen_ms DESC, w.created_ms DESC, w.id LIMIT $2)");
    orl_db_put_text(&q, user);
    orl_db_put_u64(&q, max_count);
    return orl_db_run(&q, err);
}

int orl_weblogin_insert(struct orl_store *store, const struct orl_weblogin_row *row,
        unsigned max_count, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_id id;
    orl_id_new(&id);
    if (row->id[0] != '\0') {
        orl_msg_text(id.text, sizeof(id.text), row->id);
    }
    if (!orl_cookie_binding_is_valid(row->token_hash)) {
        return orl_err_set(err, ORL_E_INVAL, "a login has the hash of its cookie");
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : trim(store, row->user, max_count > 0 ? max_count - 1 : 0, err);
    if (rc > 0) {
        rc = revoke_tickets(store, now_ms, err);
    }
    rc = rc < 0 ? rc : insert_row(store, row, &id, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0 && ret_id != NULL) {
        *ret_id = id;
    }
    return rc;
}

int orl_weblogin_find(struct orl_store *store, const char *token_hash, uint64_t now_ms,
        struct orl_weblogin_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE token_hash = $1 AND idle_until_ms >= $2");
    orl_db_put_text(&q, token_hash);
    orl_db_put_u64(&q, now_ms);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? no_such(err) : rc;
}

static int read_all(struct orl_db_query *q, orl_weblogin_fn fn, void *ctx, struct orl_err *err)
{
    for (;;) {
        struct orl_weblogin_row row;
        int rc = read_one(q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_weblogin_list(struct orl_store *store, const char *user, uint64_t now_ms,
        orl_weblogin_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE ($1 = '' OR user_name = $1)"
                                                   " AND idle_until_ms >= $2"
                                                   " ORDER BY seen_ms DESC, created_ms DESC, id");
    orl_db_put_text(&q, user);
    orl_db_put_u64(&q, now_ms);
    return read_all(&q, fn, ctx, err);
}

int orl_weblogin_page(struct orl_store *store, const struct orl_page *page, uint64_t now_ms,
        orl_weblogin_fn fn, void *ctx, struct orl_err *err)
{
    struct orl_page_key key;
    int bad = orl_page_key_timed(page, true, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT
            "WHERE ($1 = '' OR user_name = $1) AND idle_until_ms >= $2"
            " AND (created_ms, id) < ($3, $4) AND lower(user_name) LIKE ('' || $5) ESCAPE '\\'"
            " ORDER BY created_ms DESC, id DESC LIMIT $6");
    orl_db_put_text(&q, page != NULL ? page->user : NULL);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    return read_all(&q, fn, ctx, err);
}

int orl_weblogin_touch(struct orl_store *store, const char *token_hash, uint64_t now_ms,
        uint64_t idle_until_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE weblogin SET seen_ms = $1,"
            " idle_until_ms = CASE WHEN $2 < expires_ms THEN $2 ELSE expires_ms END"
            " WHERE token_hash = $3 AND idle_until_ms >= $1");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, idle_until_ms);
    orl_db_put_text(&q, token_hash);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? no_such(err) : rc < 0 ? rc : 0;
}

int orl_weblogin_set_pending(
        struct orl_store *store, const char *id, const char *sealed, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE weblogin SET totp_pending = $1 WHERE id = $2");
    orl_db_put_text(&q, sealed);
    orl_db_put_text(&q, id);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? no_such(err) : rc < 0 ? rc : 0;
}

static int end_one(struct orl_store *store, const char *id, const char *user, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "DELETE FROM weblogin WHERE id = $1 AND ($2 = '' OR user_name = $2)");
    orl_db_put_text(&q, id);
    orl_db_put_text(&q, user);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? no_such(err) : rc;
}

int orl_weblogin_end(struct orl_store *store, const char *id, const char *user, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : end_one(store, id, user, err);
    rc = rc < 0 ? rc : revoke_tickets(store, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static int end_user(
        struct orl_store *store, const char *user, const char *keep_id, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "DELETE FROM weblogin WHERE user_name = $1 AND id <> $2");
    orl_db_put_text(&q, user);
    orl_db_put_text(&q, keep_id);
    return orl_db_run(&q, err);
}

int orl_weblogin_end_user(struct orl_store *store, const char *user, const char *keep_id,
        uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    int count = rc < 0 ? rc : end_user(store, user, keep_id, err);
    rc = count < 0 ? count : revoke_tickets(store, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    return rc < 0 ? rc : count;
}

int orl_weblogin_prune(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM weblogin WHERE idle_until_ms < $1");
    orl_db_put_u64(&q, now_ms);
    return orl_db_run(&q, err);
}
