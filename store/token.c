#include "store/token.h"

#include "store/store_priv.h"

#define SELECT                                                                                     \
    "SELECT id, user_name, label, hash, scope, created_ms, expires_ms, used_ms FROM token "

static int read_one(struct orl_db_query *q, struct orl_token_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_token_row row = {0};
    orl_db_get_text(q, row.id, sizeof(row.id));
    orl_db_get_text(q, row.user, sizeof(row.user));
    orl_db_get_text(q, row.label, sizeof(row.label));
    orl_db_get_text(q, row.hash, sizeof(row.hash));
    if (!orl_role_parse(orl_db_get_peek(q), &row.scope)) {
        orl_db_fail(q, "a token has no known scope");
    }
    row.created_ms = orl_db_get_u64(q);
    row.expires_ms = orl_db_get_u64(q);
    row.used_ms = orl_db_get_u64(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

/* Makes room of those that are over; negative, or how many the person has. */
static int prune(struct orl_store *store, const char *user, uint64_t now_ms, struct orl_err *err)
{
    {
        ORL_DB_AUTO q = orl_db_query(
                store->db, "DELETE FROM token WHERE user_name = $1 AND expires_ms <= $2");
        orl_db_put_text(&q, user);
        orl_db_put_u64(&q, now_ms);
        int rc = orl_db_run(&q, err);
        if (rc < 0) {
            return rc;
        }
    }
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT count(*) FROM token WHERE user_name = $1");
    orl_db_put_text(&q, user);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    int count = (int)orl_db_get_u32(&q);
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : count;
}

int orl_token_insert(struct orl_store *store, const struct orl_token_row *row, uint64_t now_ms,
        struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_id id;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : prune(store, row->user, now_ms, err);
    if (rc >= ORL_TOKEN_MAX_PER_USER) {
        return orl_err_set(
                err, ORL_E_CONFLICT, "%s has %u tokens", row->user, ORL_TOKEN_MAX_PER_USER);
    }
    if (rc < 0) {
        return rc;
    }
    orl_id_new(&id);
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "INSERT INTO token (id, user_name, label, hash, scope, created_ms, expires_ms,"
                " used_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)");
        orl_db_put_text(&q, id.text);
        orl_db_put_text(&q, row->user);
        orl_db_put_text(&q, row->label);
        orl_db_put_text(&q, row->hash);
        orl_db_put_text(&q, orl_role_name(row->scope));
        orl_db_put_u64(&q, now_ms);
        orl_db_put_u64(&q, row->expires_ms);
        rc = orl_db_run(&q, err);
    }
    if (rc == ORL_E_NOTFOUND) {
        return orl_store_no_such("user", row->user, err);
    }
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *ret_id = id;
    }
    return rc;
}

int orl_token_find(struct orl_store *store, const char *hash, uint64_t now_ms,
        struct orl_token_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE hash = $1 AND expires_ms > $2");
    orl_db_put_text(&q, hash);
    orl_db_put_u64(&q, now_ms);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_err_set(err, rc, "no such token") : rc;
}

int orl_token_touch(struct orl_store *store, const char *id, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE token SET used_ms = $1 WHERE id = $2");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    return orl_store_run_one(&q, "token", id, err);
}

int orl_token_list(struct orl_store *store, const struct orl_page *page, uint64_t now_ms,
        orl_token_fn fn, void *ctx, struct orl_err *err)
{
    struct orl_page_key key;
    int bad = orl_page_key_timed(page, true, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT
            "WHERE ($1 = '' OR user_name = $1) AND expires_ms > $2"
            " AND (created_ms, id) < ($3, $4) AND (lower(user_name) LIKE ('' || $5) ESCAPE '\\'"
            " OR lower(label) LIKE ('' || $5) ESCAPE '\\') ORDER BY created_ms DESC, id DESC"
            " LIMIT $6");
    orl_db_put_text(&q, page != NULL ? page->user : NULL);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    for (;;) {
        struct orl_token_row row;
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

int orl_token_remove(struct orl_store *store, const char *id, const char *user, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "DELETE FROM token WHERE id = $1 AND ($2 = '' OR user_name = $2)");
    orl_db_put_text(&q, id);
    orl_db_put_text(&q, user);
    return orl_store_run_one(&q, "token", id, err);
}

int orl_token_get(
        struct orl_store *store, const char *id, struct orl_token_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("token", id, err) : rc;
}

int orl_token_remove_user(struct orl_store *store, const char *user, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM token WHERE user_name = $1");
    orl_db_put_text(&q, user);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}
