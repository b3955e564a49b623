#include "store/entitlement.h"

#include "store/store_priv.h"

#include <string.h>

int orl_entitlement_insert(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "INSERT INTO entitlement (user_name, pool) VALUES ($1, $2)");
    orl_db_put_text(&q, user);
    orl_db_put_text(&q, pool);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_NOTFOUND) {
        return orl_err_set(err, rc, "no such user or pool: %s, %s", user, pool);
    }
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "%s may use pool %s already", user, pool);
    }
    return rc < 0 ? rc : 0;
}

int orl_entitlement_remove(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "DELETE FROM entitlement WHERE user_name = $1 AND pool = $2");
    orl_db_put_text(&q, user);
    orl_db_put_text(&q, pool);
    return orl_store_run_one(&q, "entitlement of", user, err);
}

int orl_entitlement_has(
        struct orl_store *store, const char *user, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "SELECT 1 FROM person_pool e JOIN pool p ON p.name = e.pool"
                                    " WHERE e.user_name = $1 AND e.pool = $2 AND p.is_deleted = 0");
    orl_db_put_text(&q, user);
    orl_db_put_text(&q, pool);
    return orl_db_step(&q, err);
}

int orl_entitlement_insert_group(
        struct orl_store *store, const char *group, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "INSERT INTO group_entitlement (group_name, pool) VALUES ($1, $2)");
    orl_db_put_text(&q, group);
    orl_db_put_text(&q, pool);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_NOTFOUND) {
        return orl_err_set(err, rc, "no such group or pool: %s, %s", group, pool);
    }
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "group %s may use pool %s already", group, pool);
    }
    return rc < 0 ? rc : 0;
}

int orl_entitlement_remove_group(
        struct orl_store *store, const char *group, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "DELETE FROM group_entitlement WHERE group_name = $1 AND pool = $2");
    orl_db_put_text(&q, group);
    orl_db_put_text(&q, pool);
    return orl_store_run_one(&q, "entitlement of group", group, err);
}

static int each_way(
        struct orl_db_query *q, orl_entitlement_way_fn fn, void *ctx, struct orl_err *err)
{
    int rc = 0;
    while ((rc = orl_db_step(q, err)) == 1) {
        struct orl_entitlement_way way;
        orl_db_get_text(q, way.user, sizeof(way.user));
        orl_db_get_text(q, way.group, sizeof(way.group));
        orl_db_get_text(q, way.pool, sizeof(way.pool));
        rc = orl_db_row_done(q, err);
        rc = rc < 0 ? rc : fn(ctx, &way);
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}

#define LIST(columns, table, name)                                                                 \
    "SELECT " columns ", e.pool FROM " table " e JOIN pool p ON p.name = e.pool"                   \
    " WHERE p.is_deleted = 0 AND ($1 = '' OR e." name " = $1) AND ($2 = '' OR e.pool = $2)"        \
    " AND (e." name ", e.pool) > ($3, $4)"                                                         \
    " AND (lower(e." name ") LIKE ('' || $5) ESCAPE '\\' OR lower(e.pool) LIKE ('' || $5)"         \
    " ESCAPE '\\') ORDER BY e." name ", e.pool LIMIT $6"

/* after: in this half of the list; NULL: from its begin. */
static struct orl_db_query list_half(struct orl_store *store, bool is_group,
        const struct orl_page *page, const struct orl_page_key *after)
{
    struct orl_db_query q = orl_db_query(
            store->db, is_group ? LIST("'', e.group_name", "group_entitlement", "group_name")
                                : LIST("e.user_name, ''", "entitlement", "user_name"));
    orl_db_put_text(&q, page == NULL ? NULL : is_group ? page->group : page->user);
    orl_db_put_text(&q, page != NULL ? page->pool : NULL);
    orl_db_put_text(&q, after != NULL ? after->part[1] : NULL);
    orl_db_put_text(&q, after != NULL ? after->part[2] : NULL);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    return q;
}

int orl_entitlement_list(struct orl_store *store, const struct orl_page *page,
        orl_entitlement_way_fn fn, void *ctx, struct orl_err *err)
{
    struct orl_page_key key;
    int rc = orl_page_key_names(page, 3, &key, err);
    if (rc < 0) {
        return rc;
    }
    bool is_in_groups = strcmp(key.part[0], "group") == 0;
    bool is_in_people = strcmp(key.part[0], "user") == 0;
    if (key.part[0][0] != '\0' && !is_in_groups && !is_in_people) {
        return orl_page_key_refuse(err);
    }
    if (!is_in_people && (page == NULL || page->user == NULL)) {
        ORL_DB_AUTO q = list_half(store, true, page, is_in_groups ? &key : NULL);
        rc = each_way(&q, fn, ctx, err);
    }
    if (rc == 0 && (page == NULL || page->group == NULL)) {
        ORL_DB_AUTO q = list_half(store, false, page, is_in_people ? &key : NULL);
        rc = each_way(&q, fn, ctx, err);
    }
    return rc;
}

int orl_entitlement_ways(struct orl_store *store, const char *user, orl_entitlement_way_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT DISTINCT e.user_name, e.group_name, e.pool FROM person_pool e"
            " JOIN pool p ON p.name = e.pool WHERE p.is_deleted = 0 AND e.user_name = $1"
            " ORDER BY e.pool, e.group_name");
    orl_db_put_text(&q, user);
    return each_way(&q, fn, ctx, err);
}

int orl_entitlement_of_group(struct orl_store *store, const char *group, orl_entitlement_way_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT '', e.group_name, e.pool FROM group_entitlement e"
            " JOIN pool p ON p.name = e.pool WHERE p.is_deleted = 0 AND e.group_name = $1"
            " ORDER BY e.pool");
    orl_db_put_text(&q, group);
    return each_way(&q, fn, ctx, err);
}

int orl_entitlement_lost(
        struct orl_store *store, orl_entitlement_way_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT h.user_name, '', h.pool FROM (SELECT user_name, pool FROM session"
            " WHERE state IN ('waiting', 'active') UNION SELECT user_name, pool FROM ticket"
            " WHERE revoked_ms = 0) h WHERE NOT EXISTS (SELECT 1 FROM person_pool e"
            " WHERE e.user_name = h.user_name AND e.pool = h.pool)");
    return each_way(&q, fn, ctx, err);
}

/* As the view person_pool, and which group the person is in. */
#define WAYS                                                                                       \
    "SELECT w.user_name, '', w.pool FROM (SELECT user_name, pool, '' AS holder, '' AS member"      \
    " FROM entitlement UNION ALL SELECT m.user_name, e.pool, e.group_name, m.group_name"           \
    " FROM group_entitlement e JOIN group_person m ON m.group_name = e.group_name"                 \
    " UNION ALL SELECT m.user_name, e.pool, e.group_name, c.child FROM group_entitlement e"        \
    " JOIN group_child c ON c.group_name = e.group_name"                                           \
    " JOIN group_person m ON m.group_name = c.child) w"                                            \
    " WHERE w.pool IN (SELECT name FROM pool WHERE is_deleted = 0)"
#define LEFT_WITHOUT                                                                               \
    " GROUP BY w.user_name, w.pool HAVING sum(CASE WHEN ($1 = '' OR w.user_name = $1)"             \
    " AND ($2 = '' OR w.pool = $2) AND ($3 = '' OR w.holder = $3)"                                 \
    " AND ($4 = '' OR w.member = $4) AND ($5 = '' OR w.holder = $5 OR w.member = $5)"              \
    " AND ($6 = 0 OR w.holder = '') THEN 0 ELSE 1 END) = 0 ORDER BY w.user_name, w.pool"

int orl_entitlement_cut_off(struct orl_store *store, const struct orl_entitlement_cut *cut,
        orl_entitlement_way_fn fn, void *ctx, struct orl_err *err)
{
    const char *const values[] = {cut->user, cut->pool, cut->group, cut->member, cut->either};
    /* A plan asks once for each membership: then only the person's own ways are read. */
    ORL_DB_AUTO q = orl_db_query(
            store->db, cut->user != NULL   ? WAYS " AND w.user_name = $1" LEFT_WITHOUT
                       : cut->pool != NULL ? WAYS " AND $1 = '' AND w.pool = $2" LEFT_WITHOUT
                                           : WAYS LEFT_WITHOUT);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        orl_db_put_text(&q, values[i] != NULL ? values[i] : "");
    }
    orl_db_put_bool(&q, cut->is_own);
    return each_way(&q, fn, ctx, err);
}
