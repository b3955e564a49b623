#include "store/user.h"

#include "store/store_priv.h"
#include <string.h>

#define COLUMNS                                                                                    \
    "name, display, password_hash, role, is_disabled, created_ms, totp_secret, totp_last_step,"    \
    " max_desktops, may_break_glass"

const char *orl_role_name(enum orl_role role)
{
    switch (role) {
    case ORL_ROLE_USER:
        return "user";
    case ORL_ROLE_VIEWER:
        return "viewer";
    case ORL_ROLE_OPERATOR:
        return "operator";
    case ORL_ROLE_ADMIN:
        return "admin";
    case ORL_ROLE_NONE:
    default:
        return "?";
    }
}

bool orl_role_parse(const char *text, enum orl_role *ret_role)
{
    for (enum orl_role role = ORL_ROLE_USER; role <= ORL_ROLE_ADMIN; role++) {
        if (strcmp(text, orl_role_name(role)) == 0) {
            *ret_role = role;
            return true;
        }
    }
    return false;
}

static int read_one(struct orl_db_query *q, struct orl_user_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_user_row row = {0};
    orl_db_get_text(q, row.name, sizeof(row.name));
    orl_db_get_text(q, row.display, sizeof(row.display));
    orl_db_get_text(q, row.password_hash, sizeof(row.password_hash));
    if (!orl_role_parse(orl_db_get_peek(q), &row.role)) {
        orl_db_fail(q, "a user has no known role");
    }
    row.is_disabled = orl_db_get_bool(q);
    row.created_ms = orl_db_get_u64(q);
    orl_db_get_text(q, row.totp_secret, sizeof(row.totp_secret));
    row.totp_last_step = orl_db_get_u64(q);
    row.max_desktops = orl_db_get_u32(q);
    row.may_break_glass = orl_db_get_bool(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_user_insert(struct orl_store *store, const struct orl_user_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    if (row->name[0] == '\0') {
        return orl_err_set(err, ORL_E_INVAL, "a user needs a name");
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO account (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, '', 0, $7, $8)");
    orl_db_put_text(&q, row->name);
    orl_db_put_text(&q, row->display);
    orl_db_put_text(&q, row->password_hash);
    orl_db_put_text(&q, orl_role_name(row->role == ORL_ROLE_NONE ? ORL_ROLE_USER : row->role));
    orl_db_put_bool(&q, row->is_disabled);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, row->max_desktops);
    orl_db_put_bool(&q, row->may_break_glass);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "there is a user %s", row->name);
    }
    return rc < 0 ? rc : 0;
}

int orl_user_get(struct orl_store *store, const char *name, struct orl_user_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT " COLUMNS " FROM account WHERE lower(name) = lower($1)");
    orl_db_put_text(&q, name);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("user", name, err) : rc;
}

int orl_user_list(struct orl_store *store, const struct orl_page *page, orl_user_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_page_query(store->db,
            "SELECT " COLUMNS " FROM account WHERE name > $1 AND (lower(name) LIKE ('' || $2)"
            " ESCAPE '\\' OR lower(display) LIKE ('' || $2) ESCAPE '\\')"
            " ORDER BY name LIMIT $3",
            page);
    for (;;) {
        struct orl_user_row row;
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

int orl_user_update(struct orl_store *store, const struct orl_user_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE account SET display = $1, password_hash = $2, role = $3, is_disabled = $4,"
            " max_desktops = $5, may_break_glass = $6 WHERE name = $7");
    orl_db_put_text(&q, row->display);
    orl_db_put_text(&q, row->password_hash);
    orl_db_put_text(&q, orl_role_name(row->role));
    orl_db_put_bool(&q, row->is_disabled);
    orl_db_put_u64(&q, row->max_desktops);
    orl_db_put_bool(&q, row->may_break_glass);
    orl_db_put_text(&q, row->name);
    return orl_store_run_one(&q, "user", row->name, err);
}

int orl_user_set_totp(struct orl_store *store, const char *name, const char *sealed, uint64_t step,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "UPDATE account SET totp_secret = $1, totp_last_step = $2 WHERE name = $3");
    orl_db_put_text(&q, sealed);
    orl_db_put_u64(&q, step);
    orl_db_put_text(&q, name);
    return orl_store_run_one(&q, "user", name, err);
}

int orl_user_use_totp(struct orl_store *store, const char *name, const char *sealed, uint64_t step,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE account SET totp_last_step = $1 WHERE name = $2 AND totp_secret = $3"
            " AND totp_secret <> '' AND totp_last_step < $1");
    orl_db_put_u64(&q, step);
    orl_db_put_text(&q, name);
    orl_db_put_text(&q, sealed);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? orl_err_set(err, ORL_E_DENIED, "the code was used before") : rc < 0 ? rc : 0;
}

int orl_user_count_admins(struct orl_store *store, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM account WHERE role = 'admin' AND is_disabled = 0"
            " AND password_hash <> ''");
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    uint32_t count = orl_db_get_u32(&q);
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : (int)count;
}

static int has_holdings(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT 1 FROM session WHERE user_name = $1 AND state <> 'ended'"
            " UNION ALL SELECT 1 FROM desktop WHERE user_name = $1"
            " AND (lease <> 'ending' OR (kind = 'dedicated' AND want <> 'delete'))");
    orl_db_put_text(&q, name);
    return orl_db_step(&q, err);
}

int orl_user_remove(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : has_holdings(store, name, err);
    if (rc == 1) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "%s has a live session or a desktop", name);
    }
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM account WHERE name = $1");
        orl_db_put_text(&q, name);
        rc = orl_store_run_one(&q, "user", name, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
