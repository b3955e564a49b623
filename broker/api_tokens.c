/* Personal access tokens: people make their own; an administrator sees and ends everybody's. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_me.h"
#include "broker/api_page.h"
#include "broker/bearer.h"
#include "store/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAYS_DEFAULT = 90, DAYS_MAX = 366 };
#define DAY_MS UINT64_C(86400000)

struct input {
    char label[ORL_TEXT_MAX + 1];
    char user[ORL_USER_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
    uint32_t scope;
    uint32_t days;
};
static const char *const scopes[] = {"viewer", "operator", "admin", NULL};
static const struct orl_api_field own_fields[] = {
        {"label", ORL_API_STR, offsetof(struct input, label), ORL_TEXT_MAX + 1, 0, true, NULL},
        {"scope", ORL_API_CHOICE, offsetof(struct input, scope), 0, 0, false, scopes},
        {"days", ORL_API_U32, offsetof(struct input, days), 1, DAYS_MAX, false, NULL},
        {"password", ORL_API_STR, offsetof(struct input, password), ORL_PASSWORD_MAX + 1, 0, true,
                NULL},
        {0},
};
static const struct orl_api_field fields[] = {
        {"label", ORL_API_STR, offsetof(struct input, label), ORL_TEXT_MAX + 1, 0, true, NULL},
        {"scope", ORL_API_CHOICE, offsetof(struct input, scope), 0, 0, false, scopes},
        {"days", ORL_API_U32, offsetof(struct input, days), 1, DAYS_MAX, false, NULL},
        {"user", ORL_API_STR, offsetof(struct input, user), ORL_USER_MAX + 1, 0, true, NULL},
        {0},
};

static json_t *to_json(const struct orl_token_row *row)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "id", row->id, "user", row->user,
            "label", row->label, "scope", orl_role_name(row->scope), "created_ms",
            (json_int_t)row->created_ms, "expires_ms", (json_int_t)row->expires_ms, "used_ms",
            (json_int_t)row->used_ms);
}

static int add_json(void *ctx, const struct orl_token_row *row)
{
    return orl_api_page_add(ctx, to_json(row), "%" PRIu64 "/%s", row->created_ms, row->id);
}

static void list(struct orl_http_req *req, const char *user)
{
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        page.page.user = user != NULL ? user : page.page.user;
        int rc = orl_token_list(
                req->broker->store, &page.page, orl_clock_wall_ms(), add_json, &page, &err);
        orl_api_page_reply(req, &page, "tokens", rc, &err);
    }
}

void orl_api_tokens_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    list(req, NULL);
}

void orl_api_me_tokens_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    list(req, req->login.user);
}

/* While the password was checked, the login that asks may have ended. false: it has answered. */
static bool begin(struct orl_http_req *req)
{
    struct orl_err err = {0};
    struct orl_weblogin_row login;
    if (!orl_api_begin(req)) {
        return false;
    }
    if (req->by != ORL_HTTP_BY_COOKIE) {
        return true;
    }
    int rc = orl_weblogin_find(
            req->broker->store, req->login.token_hash, orl_clock_wall_ms(), &login, &err);
    if (rc == ORL_E_NOTFOUND) {
        orl_api_refuse(req, 401, "not_logged_in", "Please log in.");
    } else if (rc < 0) {
        orl_api_fail(req, &err);
    }
    return rc == 0;
}

static void add(struct orl_http_req *req, const struct input *in, const char *user)
{
    struct orl_err err = {0};
    struct orl_id id = {0};
    char token[ORL_BEARER_LEN + 1];
    char object[ORL_ID_LEN + 8];
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_user_row person;
    if (!begin(req)) {
        return;
    }
    if (orl_user_get(req->broker->store, user, &person, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    struct orl_token_row row = {.scope = in->scope == 2   ? ORL_ROLE_ADMIN
                                         : in->scope == 1 ? ORL_ROLE_OPERATOR
                                                          : ORL_ROLE_VIEWER,
            .created_ms = now_ms,
            .expires_ms = now_ms + in->days * DAY_MS};
    orl_msg_text(row.user, sizeof(row.user), person.name);
    orl_msg_text(row.label, sizeof(row.label), in->label);
    orl_secret_wipe(&person, sizeof(person));
    orl_bearer_new(token);
    orl_bearer_hash(token, row.hash);
    if (orl_token_insert(req->broker->store, &row, now_ms, &id, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_msg_text(row.id, sizeof(row.id), id.text);
        (void)snprintf(object, sizeof(object), "token:%s", row.id);
        json_t *body = to_json(&row);
        (void)json_object_set_new(body, "token", json_string(token));
        orl_api_done_of(req, 201, "token.add", object, row.user, body);
    }
    orl_secret_wipe(token, sizeof(token));
}

struct own {
    struct orl_http_req *req;
    struct input in;
};

static void on_password_checked(void *ctx, const struct orl_auth_result *result)
{
    struct own *own = ctx;
    if (result->reason != ORL_REASON_NONE) {
        orl_api_refuse_login(own->req, own->req->login.user, "token.add", result);
    } else {
        add(own->req, &own->in, own->req->login.user);
    }
    free(own);
}

static void start_own(struct orl_http_req *req, struct input *in)
{
    struct own *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    const struct orl_auth_try try = {.way = ORL_AUTH_AGAIN,
            .user = req->login.user,
            .password = in->password,
            .client = req->client};
    own->req = req;
    own->in = *in;
    orl_secret_wipe(own->in.password, sizeof(own->in.password));
    orl_auth_start(req->broker, &try, on_password_checked, own);
}

/* A token outlives the login: whoever only has the cookie makes none, nor does who still owes a second factor. */
void orl_api_me_tokens_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct input in = {.days = DAYS_DEFAULT};
    uint64_t seen = 0;
    (void)args;
    if (!orl_api_body(req, own_fields, &in, &seen)) {
        return;
    }
    if (req->lacks_factor) {
        orl_api_refuse_reason(req, 403, ORL_REASON_SECOND_FACTOR, NULL,
                "Tokens need a second factor here. Please set one up in your account.");
    } else {
        start_own(req, &in);
    }
    orl_secret_wipe(&in, sizeof(in));
}

/* For whoever has the host; people in browsers make tokens of their own only. */
void orl_api_tokens_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct input in = {.days = DAYS_DEFAULT};
    uint64_t seen = 0;
    (void)args;
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    if (req->by != ORL_HTTP_BY_UID) {
        orl_api_refuse_reason(req, 403, ORL_REASON_NOT_ALLOWED, NULL,
                "Tokens of others are made on the broker's host only.");
        return;
    }
    add(req, &in, in.user);
}

static void remove_one(struct orl_http_req *req, const char *id, const char *user)
{
    struct orl_err err = {0};
    struct orl_token_row row;
    char object[ORL_API_SEGMENT_MAX + 8];
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = orl_token_get(req->broker->store, id, &row, &err);
    rc = rc < 0 ? rc : orl_token_remove(req->broker->store, id, user, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "token:%s", id);
    orl_api_done_of(req, 200, "token.remove", object, row.user, NULL);
}

void orl_api_tokens_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    remove_one(req, args->arg[0], NULL);
}

void orl_api_me_tokens_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    remove_one(req, args->arg[0], req->login.user);
}
