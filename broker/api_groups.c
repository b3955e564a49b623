/* Groups of people and what they may use. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/names.h"
#include "broker/revoke.h"
#include "store/entitlement.h"
#include "store/group.h"
#include "store/user.h"

#include <stdio.h>
#include <string.h>

struct input {
    char name[ORL_NAME_MAX + 1];
    char display[ORL_TEXT_MAX + 1];
};
static const struct orl_api_field display_fields[] = {
        {"display", ORL_API_STR, offsetof(struct input, display), ORL_TEXT_MAX + 1, 0, false, NULL},
        {0},
};
static const struct orl_api_field add_fields[] = {
        {"name", ORL_API_STR, offsetof(struct input, name), ORL_NAME_MAX + 1, 0, true, NULL},
        {"display", ORL_API_STR, offsetof(struct input, display), ORL_TEXT_MAX + 1, 0, false, NULL},
        {0},
};

static json_t *to_json(const struct orl_group_row *row)
{
    return json_pack("{s:s, s:s, s:I, s:i, s:i, s:i}", "name", row->name, "display", row->display,
            "created_ms", (json_int_t)row->created_ms, "user_count", (int)row->user_count,
            "group_count", (int)row->group_count, "pool_count", (int)row->pool_count);
}

/* What a PATCH may change. */
static json_t *changeable(const struct orl_group_row *row)
{
    return json_pack("{s:s, s:s}", "name", row->name, "display", row->display);
}

static int add_json(void *ctx, const struct orl_group_row *row)
{
    return orl_api_page_add(ctx, to_json(row), "%s", row->name);
}

static void object_of(const char *group, char ret[ORL_NAME_MAX + 8])
{
    (void)snprintf(ret, ORL_NAME_MAX + 8, "group:%s", group);
}

void orl_api_groups_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_group_list(req->broker->store, &page.page, add_json, &page, &err);
        orl_api_page_reply(req, &page, "groups", rc, &err);
    }
}

struct lists {
    json_t *users;
    json_t *groups;
};

static int add_member(void *ctx, const struct orl_group_member *member)
{
    const struct lists *lists = ctx;
    json_t *list = member->is_group ? lists->groups : lists->users;
    return json_array_append_new(list, json_string(member->name)) < 0 ? ORL_E_NOMEM : 0;
}

static int add_parent(void *ctx, const struct orl_group_member *member)
{
    return json_array_append_new(ctx, json_string(member->group)) < 0 ? ORL_E_NOMEM : 0;
}

static int add_pool(void *ctx, const struct orl_entitlement_way *way)
{
    return json_array_append_new(ctx, json_string(way->pool)) < 0 ? ORL_E_NOMEM : 0;
}

static void reply_group(struct orl_http_req *req, const struct orl_group_row *row)
{
    struct orl_err err = {0};
    struct orl_store *store = req->broker->store;
    struct lists lists = {json_array(), json_array()};
    json_t *parents = json_array();
    json_t *pools = json_array();
    json_t *body = to_json(row);
    (void)json_object_set_new(body, "users", lists.users);
    (void)json_object_set_new(body, "groups", lists.groups);
    (void)json_object_set_new(body, "parents", parents);
    (void)json_object_set_new(body, "pools", pools);
    int rc = orl_group_members(store, row->name, add_member, &lists, &err);
    rc = rc < 0 ? rc : orl_group_parents(store, row->name, add_parent, parents, &err);
    rc = rc < 0 ? rc : orl_entitlement_of_group(store, row->name, add_pool, pools, &err);
    if (rc < 0) {
        json_decref(body);
        orl_api_fail(req, &err);
        return;
    }
    orl_api_etag_set(req, changeable(row));
    orl_http_reply(req, 200, body);
}

void orl_api_groups_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_group_row row;
    if (orl_group_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_group(req, &row);
    }
}

void orl_api_groups_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct input in = {0};
    struct orl_group_row row = {.created_ms = orl_clock_wall_ms()};
    char object[ORL_NAME_MAX + 8];
    uint64_t seen = 0;
    (void)args;
    if (!orl_api_body(req, add_fields, &in, &seen)) {
        return;
    }
    if (!orl_names_user_is_valid(in.name)) {
        orl_api_refuse(req, 400, "bad_request",
                "field 'name' must be 1 to 63 of A-Z a-z 0-9 . _ -, beginning with a letter or "
                "digit");
        return;
    }
    memcpy(row.name, in.name, sizeof(row.name));
    memcpy(row.display, in.display, sizeof(row.display));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_group_insert(req->broker->store, &row, row.created_ms, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    object_of(row.name, object);
    orl_api_etag_set(req, changeable(&row));
    orl_api_done(req, 201, "group.add", object, to_json(&row));
}

/* Inside a transaction, the group as If-Match has it; false: it has answered. */
static bool begin_with(struct orl_http_req *req, const char *name, struct orl_group_row *ret_row)
{
    struct orl_err err = {0};
    if (!orl_api_begin(req)) {
        return false;
    }
    if (orl_group_get(req->broker->store, name, ret_row, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return orl_api_etag_ok(req, changeable(ret_row), to_json(ret_row));
}

void orl_api_groups_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct input in = {0};
    struct orl_group_row row;
    char object[ORL_NAME_MAX + 8];
    uint64_t seen = 0;
    if (!orl_api_body(req, display_fields, &in, &seen) || !begin_with(req, args->arg[0], &row)) {
        return;
    }
    if (seen != 0) {
        memcpy(row.display, in.display, sizeof(row.display));
    }
    if (orl_group_update(req->broker->store, &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    object_of(row.name, object);
    orl_api_etag_set(req, changeable(&row));
    orl_api_done(req, 200, "group.change", object, to_json(&row));
}

void orl_api_groups_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_group_row row;
    char object[ORL_NAME_MAX + 8];
    if (!begin_with(req, args->arg[0], &row)) {
        return;
    }
    if (orl_group_remove(req->broker->store, row.name, &err) < 0 ||
            orl_revoke_lost(req->broker, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    object_of(row.name, object);
    orl_api_done(req, 200, "group.remove", object, NULL);
}

static int list_member(void *ctx, const struct orl_group_member *member)
{
    json_t *item = json_pack(
            "{s:s, s:s}", "kind", member->is_group ? "group" : "user", "name", member->name);
    return json_array_append_new(ctx, item) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_groups_members(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_group_row row;
    json_t *list = json_array();
    int rc = orl_group_get(req->broker->store, args->arg[0], &row, &err);
    rc = rc < 0 ? rc : orl_group_members(req->broker->store, row.name, list_member, list, &err);
    if (rc < 0) {
        json_decref(list);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o}", "members", list));
}

struct member_input {
    char user[ORL_USER_MAX + 1];
    char group[ORL_NAME_MAX + 1];
};
static const struct orl_api_field member_fields[] = {
        {"user", ORL_API_STR, offsetof(struct member_input, user), ORL_USER_MAX + 1, 0, false,
                NULL},
        {"group", ORL_API_STR, offsetof(struct member_input, group), ORL_NAME_MAX + 1, 0, false,
                NULL},
        {0},
};
enum { SEEN_USER = 1, SEEN_GROUP = 2 };

/* The name as the store has it: letters of either case are the same. */
static int find_member(struct orl_store *store, const char *name, struct orl_group_member *member,
        struct orl_err *err)
{
    struct orl_group_row group;
    struct orl_user_row user;
    int rc = member->is_group ? orl_group_get(store, name, &group, err)
                              : orl_user_get(store, name, &user, err);
    if (rc == 0) {
        orl_msg_text(member->name, sizeof(member->name), member->is_group ? group.name : user.name);
    }
    orl_secret_wipe(&user, sizeof(user));
    return rc;
}

/* begin_with(), and the member that is meant. */
static bool begin_with_member(struct orl_http_req *req, const char *group, const char *name,
        struct orl_group_member *member)
{
    struct orl_err err = {0};
    struct orl_group_row row;
    if (!begin_with(req, group, &row)) {
        return false;
    }
    memcpy(member->group, row.name, sizeof(member->group));
    if (find_member(req->broker->store, name, member, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return true;
}

/* "group:staff/user:alice" */
static void done_member(struct orl_http_req *req, unsigned status, const char *action,
        const struct orl_group_member *member)
{
    char object[sizeof(*member) + 16];
    const char *kind = member->is_group ? "group" : "user";
    (void)snprintf(object, sizeof(object), "group:%s/%s:%s", member->group, kind, member->name);
    orl_api_done(req, status, action, object,
            json_pack(
                    "{s:s, s:s, s:s}", "group", member->group, "kind", kind, "name", member->name));
}

void orl_api_groups_add_member(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct member_input in = {0};
    struct orl_group_member member = {.is_group = false};
    uint64_t seen = 0;
    if (!orl_api_body(req, member_fields, &in, &seen)) {
        return;
    }
    if (seen != SEEN_USER && seen != SEEN_GROUP) {
        orl_api_refuse(req, 400, "bad_request", "either field 'user' or field 'group' is needed");
        return;
    }
    member.is_group = seen == SEEN_GROUP;
    if (!begin_with_member(req, args->arg[0], member.is_group ? in.group : in.user, &member)) {
        return;
    }
    if (orl_group_add(req->broker->store, &member, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    done_member(req, 201, "group.join", &member);
}

static void drop(struct orl_http_req *req, const struct orl_api_args *args, bool is_group)
{
    struct orl_err err = {0};
    struct orl_group_member member = {.is_group = is_group};
    if (!begin_with_member(req, args->arg[0], args->arg[1], &member)) {
        return;
    }
    if (orl_group_drop(req->broker->store, &member, &err) < 0 ||
            orl_revoke_lost(req->broker, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    done_member(req, 200, "group.leave", &member);
}

void orl_api_groups_drop_user(struct orl_http_req *req, const struct orl_api_args *args)
{
    drop(req, args, false);
}

void orl_api_groups_drop_group(struct orl_http_req *req, const struct orl_api_args *args)
{
    drop(req, args, true);
}

void orl_api_groups_drop_pool(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_group_row row;
    const char *pool = args->arg[1];
    char object[ORL_NAME_MAX + ORL_API_SEGMENT_MAX + 24];
    if (!begin_with(req, args->arg[0], &row)) {
        return;
    }
    if (orl_entitlement_remove_group(req->broker->store, row.name, pool, &err) < 0 ||
            orl_revoke_lost(req->broker, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "entitlement:group:%s/%s", row.name, pool);
    orl_api_done(req, 200, "entitlement.remove", object, NULL);
}
