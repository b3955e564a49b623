/* Into the portal and out of it. */
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_me.h"
#include "broker/auth.h"
#include "broker/weblogin.h"

#include <stdio.h>
#include <stdlib.h>

struct input {
    char user[ORL_USER_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
    char code[ORL_API_CODE_MAX + 1];
};
static const struct orl_api_field fields[] = {
        {"user", ORL_API_STR, offsetof(struct input, user), ORL_USER_MAX + 1, 0, true, NULL},
        {"password", ORL_API_STR, offsetof(struct input, password), ORL_PASSWORD_MAX + 1, 0, true,
                NULL},
        {"code", ORL_API_STR, offsetof(struct input, code), ORL_API_CODE_MAX + 1, 0, false, NULL},
        {0},
};

struct login {
    struct orl_http_req *req;
    char user[ORL_USER_MAX + 1];
};

void orl_api_refuse_login(struct orl_http_req *req, const char *user, const char *action,
        const struct orl_auth_result *result)
{
    bool is_delayed = result->reason == ORL_REASON_AUTH_DELAYED;
    bool is_busy = result->reason == ORL_REASON_AUTH_BUSY;
    bool is_away = result->reason == ORL_REASON_STORE_DOWN;
    const struct orl_audit_event event = {
            .action = action, .reason = result->reason, .user = user, .detail = result->detail};
    req->retry_s = is_delayed || is_busy ? result->retry_s : 0;
    orl_api_refuse_event(req,
            is_delayed                                   ? 429
            : is_busy || is_away                         ? 503
            : result->reason == ORL_REASON_INTERNAL      ? 500
            : result->reason == ORL_REASON_AUTH_FAILED   ? 401
            : result->reason == ORL_REASON_SECOND_FACTOR ? 401
                                                         : 403,
            &event, result->text);
}

static void begin(struct orl_http_req *req, const char *name)
{
    struct orl_err err = {0};
    struct orl_user_row user = {0};
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = orl_user_get(req->broker->store, name, &user, &err);
    if (rc == 0 && user.is_disabled) {
        const struct orl_auth_result result = {.reason = ORL_REASON_ACCOUNT_DISABLED, .detail = ""};
        orl_api_refuse_login(req, name, "portal.login", &result);
    } else if (rc < 0 || orl_weblogins_begin(req, &user, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        char object[ORL_USER_MAX + 8];
        (void)snprintf(object, sizeof(object), "user:%s", user.name);
        orl_api_done(req, 200, "portal.login", object, orl_api_me_json(req, &user));
    }
    orl_secret_wipe(&user, sizeof(user));
}

static void on_checked(void *ctx, const struct orl_auth_result *result)
{
    struct login *login = ctx;
    if (result->reason != ORL_REASON_NONE) {
        orl_api_refuse_login(login->req, login->user, "portal.login", result);
    } else {
        begin(login->req, login->user);
    }
    free(login);
}

static void start(struct orl_http_req *req, const struct input *in)
{
    struct login *login = calloc(1, sizeof(*login));
    if (login == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    login->req = req;
    orl_msg_text(login->user, sizeof(login->user), in->user);
    struct orl_auth_try try = {.way = ORL_AUTH_PORTAL,
            .user = login->user,
            .password = in->password,
            .code = in->code,
            .client = req->client};
    orl_auth_start(req->broker, &try, on_checked, login);
}

void orl_api_login(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct input in = {0};
    uint64_t seen = 0;
    (void)args;
    if (req->by == ORL_HTTP_BY_UID) {
        orl_api_refuse(req, 403, "not_entitled", "people log in through oriel-web");
        return;
    }
    if (orl_api_body(req, fields, &in, &seen)) {
        start(req, &in);
    }
    orl_secret_wipe(&in, sizeof(in));
}

/* A cookie that is good no more is taken away all the same, with what it opened while it was good. */
void orl_api_logout(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    (void)args;
    orl_weblogins_forget_cookie(req);
    if (!orl_api_begin(req)) {
        return;
    }
    bool is_login = req->by == ORL_HTTP_BY_COOKIE;
    int rc = orl_weblogins_end_sent(req, &err);
    if (rc == 0 && !is_login) {
        rc = orl_api_commit(req, &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    if (!is_login) {
        orl_http_reply(req, 200, json_object());
        return;
    }
    char object[ORL_ID_LEN + 8];
    (void)snprintf(object, sizeof(object), "login:%s", req->login.id);
    orl_api_done(req, 200, "portal.logout", object, NULL);
}
