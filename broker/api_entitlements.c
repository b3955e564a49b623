#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/revoke.h"
#include "store/entitlement.h"
#include "store/user.h"

#include <stdio.h>
#include <string.h>

struct input {
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
};
static const struct orl_api_field fields[] = {
        {"user", ORL_API_STR, offsetof(struct input, user), ORL_USER_MAX + 1, 0, true, NULL},
        {"pool", ORL_API_STR, offsetof(struct input, pool), ORL_NAME_MAX + 1, 0, true, NULL},
        {0},
};

static int add_json(void *ctx, const struct orl_entitlement_row *row)
{
    json_t *item = json_pack("{s:s, s:s}", "user", row->user, "pool", row->pool);
    return json_array_append_new(ctx, item) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_entitlements_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {0};
    json_t *list = json_array();
    bool has_user = orl_http_query_get(req, "user", in.user, sizeof(in.user));
    bool has_pool = orl_http_query_get(req, "pool", in.pool, sizeof(in.pool));
    if (orl_entitlement_list(req->broker->store, has_user ? in.user : NULL,
                has_pool ? in.pool : NULL, add_json, list, &err) < 0) {
        json_decref(list);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o}", "entitlements", list));
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

void orl_api_entitlements_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {0};
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    if (!orl_api_begin(req)) {
        return;
    }
    if (find_name(req->broker, in.user, in.user, &err) < 0 ||
            orl_entitlement_insert(req->broker->store, in.user, in.pool, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    char object[sizeof(in) + 16];
    object_of(in.user, in.pool, object, sizeof(object));
    orl_api_done(req, 201, "entitlement.add", object,
            json_pack("{s:s, s:s}", "user", in.user, "pool", in.pool));
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
            orl_revoke_pool(req->broker, user, pool, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    char object[ORL_USER_MAX + ORL_API_SEGMENT_MAX + 16];
    object_of(user, pool, object, sizeof(object));
    orl_api_done(req, 200, "entitlement.remove", object, NULL);
}
