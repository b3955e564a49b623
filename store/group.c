#include "store/group.h"

#include "store/store_priv.h"

#define SELECT                                                                                     \
    "SELECT g.name, g.display, g.created_ms,"                                                      \
    " (SELECT count(*) FROM group_person m WHERE m.group_name = g.name),"                          \
    " (SELECT count(*) FROM group_child c WHERE c.group_name = g.name),"                           \
    " (SELECT count(*) FROM group_entitlement e WHERE e.group_name = g.name)"                      \
    " FROM person_group g "

static int read_one(struct orl_db_query *q, struct orl_group_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_group_row row = {0};
    orl_db_get_text(q, row.name, sizeof(row.name));
    orl_db_get_text(q, row.display, sizeof(row.display));
    row.created_ms = orl_db_get_u64(q);
    row.user_count = orl_db_get_u32(q);
    row.group_count = orl_db_get_u32(q);
    row.pool_count = orl_db_get_u32(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_group_insert(struct orl_store *store, const struct orl_group_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "INSERT INTO person_group (name, display, created_ms) VALUES ($1, $2, $3)");
    orl_db_put_text(&q, row->name);
    orl_db_put_text(&q, row->display);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "there is a group %s", row->name);
    }
    return rc < 0 ? rc : 0;
}

int orl_group_get(struct orl_store *store, const char *name, struct orl_group_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE lower(g.name) = lower($1)");
    orl_db_put_text(&q, name);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("group", name, err) : rc;
}

int orl_group_list(struct orl_store *store, const struct orl_page *page, orl_group_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_page_query(store->db,
            SELECT "WHERE g.name > $1 AND (lower(g.name) LIKE ('' || $2) ESCAPE '\\'"
                   " OR lower(g.display) LIKE ('' || $2) ESCAPE '\\') ORDER BY g.name LIMIT $3",
            page);
    for (;;) {
        struct orl_group_row row;
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

int orl_group_update(struct orl_store *store, const struct orl_group_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE person_group SET display = $1 WHERE name = $2");
    orl_db_put_text(&q, row->display);
    orl_db_put_text(&q, row->name);
    return orl_store_run_one(&q, "group", row->name, err);
}

int orl_group_remove(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM person_group WHERE name = $1");
    orl_db_put_text(&q, name);
    return orl_store_run_one(&q, "group", name, err);
}

/* A group with groups in it is in none, and the other way round. */
static int check_nesting(
        struct orl_store *store, const struct orl_group_member *member, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT 1 FROM group_child WHERE child = $1 UNION ALL SELECT 1 FROM group_child"
            " WHERE group_name = $2 UNION ALL SELECT 1 FROM person_group WHERE $1 = $2");
    orl_db_put_text(&q, member->group);
    orl_db_put_text(&q, member->name);
    int rc = orl_db_step(&q, err);
    return rc == 1 ? orl_err_set(err, ORL_E_CONFLICT,
                             "groups are nested once: %s is in a group, or %s has groups in it",
                             member->group, member->name)
                   : rc;
}

int orl_group_add(
        struct orl_store *store, const struct orl_group_member *member, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc == 0 && member->is_group ? check_nesting(store, member, err) : rc;
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                member->is_group ? "INSERT INTO group_child (group_name, child) VALUES ($1, $2)"
                                 : "INSERT INTO group_person (group_name, user_name)"
                                   " VALUES ($1, $2)");
        orl_db_put_text(&q, member->group);
        orl_db_put_text(&q, member->name);
        rc = orl_db_run(&q, err);
    }
    if (rc == ORL_E_NOTFOUND) {
        return orl_err_set(err, rc, "no such group or member: %s, %s", member->group, member->name);
    }
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "%s is in %s already", member->name, member->group);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_group_drop(
        struct orl_store *store, const struct orl_group_member *member, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            member->is_group ? "DELETE FROM group_child WHERE group_name = $1 AND child = $2"
                             : "DELETE FROM group_person WHERE group_name = $1 AND user_name = $2");
    orl_db_put_text(&q, member->group);
    orl_db_put_text(&q, member->name);
    return orl_store_run_one(&q, "member", member->name, err);
}

static int list_members(
        struct orl_db_query *q, orl_group_member_fn fn, void *ctx, struct orl_err *err)
{
    int rc = 0;
    while ((rc = orl_db_step(q, err)) == 1) {
        struct orl_group_member member;
        orl_db_get_text(q, member.group, sizeof(member.group));
        orl_db_get_text(q, member.name, sizeof(member.name));
        member.is_group = orl_db_get_bool(q);
        rc = orl_db_row_done(q, err);
        rc = rc < 0 ? rc : fn(ctx, &member);
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}

int orl_group_members(struct orl_store *store, const char *group, orl_group_member_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT group_name, child AS name, 1 AS is_group FROM group_child"
            " WHERE group_name = $1 UNION ALL SELECT group_name, user_name, 0 FROM group_person"
            " WHERE group_name = $1 ORDER BY is_group DESC, name");
    orl_db_put_text(&q, group);
    return list_members(&q, fn, ctx, err);
}

int orl_group_parents(struct orl_store *store, const char *group, orl_group_member_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT group_name, child, 1 FROM group_child WHERE child = $1 ORDER BY group_name");
    orl_db_put_text(&q, group);
    return list_members(&q, fn, ctx, err);
}

int orl_group_of_user(struct orl_store *store, const char *user, orl_group_of_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT m.group_name AS name, '' AS via FROM group_person m WHERE m.user_name = $1"
            " UNION ALL SELECT c.group_name, c.child FROM group_child c"
            " JOIN group_person m ON m.group_name = c.child WHERE m.user_name = $1"
            " ORDER BY name, via");
    orl_db_put_text(&q, user);
    int rc = 0;
    while ((rc = orl_db_step(&q, err)) == 1) {
        struct orl_group_of of;
        orl_db_get_text(&q, of.group, sizeof(of.group));
        orl_db_get_text(&q, of.via, sizeof(of.via));
        rc = orl_db_row_done(&q, err);
        rc = rc < 0 ? rc : fn(ctx, &of);
        if (rc != 0) {
            return rc;
        }
    }
    return rc;
}
