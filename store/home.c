#include "store/home.h"
#include "store/audit.h"
#include "store/store_priv.h"
#include <stdio.h>
#include <string.h>

#define SELECT                                                                                     \
    "SELECT id, user_name, pool, kind, path, size_mib, desktop, version, created_ms, used_ms"      \
    " FROM home "

enum { MAX_RELEASED = 64 };

static const char *kind_name(enum orl_home_kind kind)
{
    return kind == ORL_HOME_NFS ? "nfs" : "volume";
}

static void read_row(struct orl_db_query *q, struct orl_home_row *row)
{
    *row = (struct orl_home_row){0};
    orl_db_get_text(q, row->id, sizeof(row->id));
    orl_db_get_text(q, row->user, sizeof(row->user));
    orl_db_get_text(q, row->pool, sizeof(row->pool));
    row->kind = strcmp(orl_db_get_peek(q), "nfs") == 0 ? ORL_HOME_NFS : ORL_HOME_VOLUME;
    orl_db_get_text(q, row->path, sizeof(row->path));
    row->size_mib = orl_db_get_u64(q);
    orl_db_get_text(q, row->desktop, sizeof(row->desktop));
    row->version = orl_db_get_u64(q);
    row->created_ms = orl_db_get_u64(q);
    row->used_ms = orl_db_get_u64(q);
}

static int read_one(struct orl_db_query *q, struct orl_home_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_home_row row;
    read_row(q, &row);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_home_get(
        struct orl_store *store, const char *id, struct orl_home_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("home", id, err) : rc;
}

static int find(struct orl_store *store, const struct orl_home_want *want,
        struct orl_home_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, SELECT "WHERE user_name = $1 AND pool = $2 AND kind = $3");
    orl_db_put_text(&q, want->user);
    orl_db_put_text(&q, want->pool);
    orl_db_put_text(&q, kind_name(want->kind));
    return read_one(&q, ret_row, err);
}

static int audit_home(struct orl_store *store, const struct orl_home_row *row, const char *actor,
        const char *action, uint64_t now_ms, struct orl_err *err)
{
    char detail[ORL_TEXT_MAX + 1];
    (void)snprintf(detail, sizeof(detail), "pool=%s kind=%s", row->pool, kind_name(row->kind));
    struct orl_audit_event event = {.actor = actor,
            .action = action,
            .kind = "home",
            .object = row->id,
            .user = row->user,
            .detail = detail};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

static int insert(struct orl_store *store, const struct orl_home_want *want, uint64_t now_ms,
        struct orl_err *err)
{
    struct orl_id id;
    struct orl_home_row row = {.kind = want->kind};
    orl_id_new(&id);
    orl_msg_text(row.id, sizeof(row.id), id.text);
    orl_msg_text(row.user, sizeof(row.user), want->user);
    orl_msg_text(row.pool, sizeof(row.pool), want->pool);
    int len = want->kind == ORL_HOME_NFS
                      ? snprintf(row.path, sizeof(row.path), "%s", want->target)
                      : snprintf(row.path, sizeof(row.path), "%s/%s.qcow2", want->folder, id.text);
    if (len < 0 || (size_t)len >= sizeof(row.path)) {
        return orl_err_set(err, ORL_E_LIMIT, "a home's path is too long");
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "INSERT INTO home (id, user_name, pool, kind, path, size_mib, desktop, version,"
                " created_ms, used_ms) VALUES ($1, $2, $3, $4, $5, $6, '', 0, $7, 0)");
        orl_db_put_text(&q, row.id);
        orl_db_put_text(&q, row.user);
        orl_db_put_text(&q, row.pool);
        orl_db_put_text(&q, kind_name(row.kind));
        orl_db_put_text(&q, row.path);
        orl_db_put_u64(&q, want->size_mib);
        orl_db_put_u64(&q, now_ms);
        int rc = orl_db_run(&q, err);
        if (rc < 0) {
            return rc;
        }
    }
    return audit_home(store, &row, "vmpool", "home.make", now_ms, err);
}

int orl_home_take(struct orl_store *store, const struct orl_home_want *want, uint64_t now_ms,
        struct orl_home_row *ret_row, struct orl_err *err)
{
    struct orl_home_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : find(store, want, &row, err);
    if (rc == ORL_E_NOTFOUND) {
        rc = insert(store, want, now_ms, err);
        rc = rc < 0 ? rc : find(store, want, &row, err);
    }
    if (rc < 0) {
        return rc;
    }
    row.size_mib = row.size_mib < want->size_mib ? want->size_mib : row.size_mib;
    if (row.desktop[0] != '\0' && strcmp(row.desktop, want->desktop) != 0) {
        return orl_err_set(err, ORL_E_CONFLICT, "the home is on desktop %s", row.desktop);
    }
    {
        ORL_DB_AUTO q =
                orl_db_query(store->db, "UPDATE home SET desktop = $1, version = $2, size_mib = $3"
                                        " WHERE id = $4"
                                        " AND (desktop = '' OR (desktop = $1 AND version <= $2))");
        orl_db_put_text(&q, want->desktop);
        orl_db_put_u64(&q, want->version);
        orl_db_put_u64(&q, row.size_mib);
        orl_db_put_text(&q, row.id);
        rc = orl_db_run(&q, err);
    }
    if (rc == 0) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "the home was taken meanwhile");
    }
    rc = rc < 0 ? rc : orl_home_get(store, row.id, &row, err);
    rc = rc < 0 ? rc : audit_home(store, &row, "vmpool", "home.attach", now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_home_set_used(struct orl_store *store, const char *id, const char *desktop, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "UPDATE home SET used_ms = $1 WHERE id = $2 AND desktop = $3");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    orl_db_put_text(&q, desktop);
    return orl_store_run_one(&q, "home", id, err);
}

#define IS_GONE                                                                                    \
    " desktop <> '' AND NOT EXISTS (SELECT 1 FROM desktop d WHERE d.id = home.desktop"             \
    " AND d.power NOT IN ('absent', 'stopped'))"

static int find_gone(struct orl_store *store, struct orl_home_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE" IS_GONE " ORDER BY id LIMIT 1");
    return read_one(&q, ret_row, err);
}

static int release(struct orl_store *store, const struct orl_home_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc == 0) {
        ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE home SET desktop = '', version = 0 WHERE "
                                                "id = $1 AND version = $2 AND" IS_GONE);
        orl_db_put_text(&q, row->id);
        orl_db_put_u64(&q, row->version);
        rc = orl_db_run(&q, err);
    }
    if (rc <= 0) {
        return rc; /* taken again meanwhile */
    }
    rc = audit_home(store, row, "vmpool", "home.release", now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_home_release_gone(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    struct orl_home_row row;
    int count = 0;
    int rc = 0;
    while (count < MAX_RELEASED && (rc = find_gone(store, &row, err)) == 0) {
        rc = release(store, &row, now_ms, err);
        if (rc < 0) {
            return rc;
        }
        count++;
    }
    return rc < 0 && rc != ORL_E_NOTFOUND ? rc : count;
}

int orl_home_list(struct orl_store *store, const struct orl_page *page, orl_home_fn fn, void *ctx,
        struct orl_err *err)
{
    struct orl_page_key key;
    int bad = orl_page_key_names(page, 3, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            SELECT "WHERE ($1 = '' OR user_name = $1) AND ($2 = '' OR pool = $2)"
                   " AND (user_name, pool, kind) > ($3, $4, $5)"
                   " AND lower(user_name) LIKE ('' || $6) ESCAPE '\\'"
                   " ORDER BY user_name, pool, kind LIMIT $7");
    orl_db_put_text(&q, page != NULL ? page->user : NULL);
    orl_db_put_text(&q, page != NULL ? page->pool : NULL);
    for (unsigned i = 0; i < 3; i++) {
        orl_db_put_text(&q, key.part[i]);
    }
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    int rc;
    while ((rc = orl_db_step(&q, err)) > 0) {
        struct orl_home_row row;
        read_row(&q, &row);
        rc = orl_db_row_done(&q, err);
        rc = rc < 0 ? rc : fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}

int orl_home_remove(struct orl_store *store, const char *id, const char *actor, uint64_t now_ms,
        struct orl_err *err)
{
    struct orl_home_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_home_get(store, id, &row, err);
    if (rc < 0) {
        return rc;
    }
    if (row.desktop[0] != '\0') {
        return orl_err_set(err, ORL_E_CONFLICT, "the home is on desktop %s", row.desktop);
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM home WHERE id = $1 AND desktop = ''");
        orl_db_put_text(&q, id);
        rc = orl_store_run_one(&q, "home", id, err);
    }
    rc = rc < 0 ? rc : audit_home(store, &row, actor, "home.remove", now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
