#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/revoke.h"
#include "store/entitlement.h"
#include "store/group.h"
#include "store/user.h"

#include <stdio.h>
#include <string.h>

struct input {
    char user[ORL_USER_MAX + 1];
    char group[ORL_NAME_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
};
static const struct orl_api_field fields[] = {
        {"user", ORL_API_STR, offsetof(struct input, user), ORL_USER_MAX + 1, 0, false, NULL},
        {"group", ORL_API_STR, offsetof(struct input, group), ORL_NAME_MAX + 1, 0, false, NULL},
        {"pool", ORL_API_STR, offsetof(struct input, pool), ORL_NAME_MAX + 1, 0, true, NULL},
        {0},
};

enum { SEEN_USER = 1, SEEN_GROUP = 2 };

static int add_json(void *ctx, const struct orl_entitlement_way *way)
{
    bool is_group = way->group[0] != '\0';
    json_t *item =
            json_pack("{s:s, s:s, s:s}", "user", way->user, "group", way->group, "pool", way->pool);
    return orl_api_page_add(ctx, item, "%s/%s/%s", is_group ? "group" : "user",
            is_group ? way->group : way->user, way->pool);
}

void orl_api_entitlements_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_entitlement_list(req->broker->store, &page.page, add_json, &page, &err);
        orl_api_page_reply(req, &page, "entitlements", rc, &err);
    }
}

static void object_of(const char *user, const char *pool, char *ret, size_t size)
{
    (void)snprintf(ret, size, "entitlement:%s/%s", user, pool);
}

/* The name as the account has it: letters of either case are the same. */
static int find_name(struct orl_broker *broker, const char *user, char ret_name[ORL_USER_MAX + 1],
        struct orl_err *err)
{
    struct orl_user_row row;
    int rc = orl_user_get(broker->store, user, &row, err);
    if (rc == 0) {
        memcpy(ret_name, row.name, sizeof(row.name));
        orl_secret_wipe(row.password_hash, sizeof(row.password_hash));
    }
    return rc;
}

static int add_user(struct orl_broker *broker, struct input *in, struct orl_err *err)
{
    int rc = find_name(broker, in->user, in->user, err);
    return rc < 0 ? rc : orl_entitlement_insert(broker->store, in->user, in->pool, err);
}

static int add_group(struct orl_store *store, struct input *in, struct orl_err *err)
{
    struct orl_group_row row;
    int rc = orl_group_get(store, in->group, &row, err);
    if (rc < 0) {
        return rc;
    }
    memcpy(in->group, row.name, sizeof(in->group));
    return orl_entitlement_insert_group(store, in->group, in->pool, err);
}

void orl_api_entitlements_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {0};
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    bool is_group = (seen & SEEN_GROUP) != 0;
    if (is_group == ((seen & SEEN_USER) != 0)) {
        orl_api_refuse(req, 400, "bad_request", "either field 'user' or field 'group' is needed");
        return;
    }
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = is_group ? add_group(req->broker->store, &in, &err) : add_user(req->broker, &in, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    char object[sizeof(in) + 24];
    (void)snprintf(object, sizeof(object), "entitlement:%s%s/%s", is_group ? "group:" : "",
            is_group ? in.group : in.user, in.pool);
    orl_api_done(req, 201, "entitlement.add", object,
            json_pack("{s:s, s:s, s:s}", "user", in.user, "group", in.group, "pool", in.pool));
}

void orl_api_entitlements_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char user[ORL_USER_MAX + 1];
    const char *pool = args->arg[1];
    if (!orl_api_begin(req)) {
        return;
    }
    if (find_name(req->broker, args->arg[0], user, &err) < 0 ||
            orl_entitlement_remove(req->broker->store, user, pool, &err) < 0 ||
            orl_revoke_lost(req->broker, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    char object[ORL_USER_MAX + ORL_API_SEGMENT_MAX + 16];
    object_of(user, pool, object, sizeof(object));
    orl_api_done(req, 200, "entitlement.remove", object, NULL);
}
