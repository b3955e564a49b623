/* A person's own account at the portal: who I am, my password, my second factor, where I am logged in. */
#include "broker/api_me.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/events.h"
#include "broker/hashing.h"
#include "broker/revoke.h"
#include "broker/totp.h"
#include "broker/weblogin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void object_of(const struct orl_http_req *req, char ret_object[ORL_USER_MAX + 8])
{
    (void)snprintf(ret_object, ORL_USER_MAX + 8, "user:%s", req->login.user);
}

json_t *orl_api_me_json(const struct orl_http_req *req, const struct orl_user_row *user)
{
    bool has_factor = user->totp_secret[0] != '\0';
    bool is_required = req->broker->cfg->second_factor == ORL_SECOND_FACTOR_REQUIRED ||
                       orl_weblogins_lacks_factor(req->broker, user);
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:b}", "name", user->name, "display",
            user->display, "role", orl_api_role_name(orl_weblogins_role(req->broker, user)),
            "has_password", user->password_hash[0] != '\0', "has_totp", has_factor, "must_enrol",
            is_required && !has_factor, "expires_ms", (json_int_t)req->login.expires_ms, "idle_ms",
            (json_int_t)req->login.idle_until_ms, "may_break_glass", user->may_break_glass);
}

/* The person's row; false: it has answered. */
static bool load(struct orl_http_req *req, struct orl_user_row *ret_user)
{
    struct orl_err err = {0};
    if (orl_user_get(req->broker->store, req->login.user, ret_user, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return true;
}

void orl_api_me_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_user_row user = {0};
    (void)args;
    if (load(req, &user)) {
        orl_http_reply(req, 200, orl_api_me_json(req, &user));
    }
    orl_secret_wipe(&user, sizeof(user));
}

struct passwords {
    char old[ORL_PASSWORD_MAX + 1];
    char new[ORL_PASSWORD_MAX + 1];
};
static const struct orl_api_field password_fields[] = {
        {"old", ORL_API_STR, offsetof(struct passwords, old), ORL_PASSWORD_MAX + 1, 0, true, NULL},
        {"new", ORL_API_STR, offsetof(struct passwords, new), ORL_PASSWORD_MAX + 1, 0, true, NULL},
        {0},
};
struct change {
    struct orl_http_req *req;
    int rc;
    char password[ORL_PASSWORD_MAX + 1];
    char hash[ORL_PASSWORD_HASH_MAX + 1];
    enum orl_password_cost cost;
};

static void free_change(struct change *change)
{
    orl_secret_wipe(change, sizeof(*change));
    free(change);
}

/* The login that asks goes on; whoever else used the old password is out. NOTFOUND: it ended while we hashed, as
 * when an administrator took the password away. */
static int write_password(struct change *change, struct orl_err *err)
{
    struct orl_http_req *req = change->req;
    struct orl_user_row user = {0};
    struct orl_weblogin_row login;
    struct orl_store *store = req->broker->store;
    int rc = orl_weblogin_find(store, req->login.token_hash, orl_clock_wall_ms(), &login, err);
    rc = rc < 0 ? rc : orl_user_get(store, req->login.user, &user, err);
    if (rc == 0) {
        orl_msg_text(user.password_hash, sizeof(user.password_hash), change->hash);
        rc = orl_user_update(store, &user, err);
    }
    orl_secret_wipe(&user, sizeof(user));
    return rc < 0 ? rc : orl_revoke_person(req->broker, req->login.user, req->login.id, err);
}

static void on_hashed(void *ctx, bool was_run)
{
    struct change *change = ctx;
    struct orl_http_req *req = change->req;
    struct orl_err err = {.code = change->rc};
    char object[ORL_USER_MAX + 8];
    object_of(req, object);
    if (!was_run) {
        req->retry_s = orl_hashing_wait_s(req->broker->hashing);
        orl_api_refuse(req, 503, "busy", "Too many passwords at once. Please try again.");
    } else if (change->rc < 0) {
        orl_api_fail(req, &err);
    } else if (orl_api_begin(req)) {
        int rc = write_password(change, &err);
        if (rc == ORL_E_NOTFOUND) {
            orl_api_refuse(req, 401, "not_logged_in", "Please log in.");
        } else if (rc < 0) {
            orl_api_fail(req, &err);
        } else {
            orl_api_done(req, 200, "portal.password", object, NULL);
        }
    }
    free_change(change);
}

static void run_hash(void *ctx)
{
    struct change *change = ctx;
    change->rc = orl_password_hash(change->password, change->cost, change->hash);
}

static void on_old_checked(void *ctx, const struct orl_auth_result *result)
{
    struct change *change = ctx;
    struct orl_http_req *req = change->req;
    if (result->reason != ORL_REASON_NONE) {
        orl_api_refuse_login(req, req->login.user, "portal.password", result);
        free_change(change);
        return;
    }
    const struct orl_hashing_job job = {.client = req->client,
            .account = req->login.user,
            .memory_kib = orl_password_cost_kib(change->cost),
            .run = run_hash,
            .done = on_hashed,
            .ctx = change};
    if (orl_hashing_submit(req->broker->hashing, &job) < 0) {
        on_hashed(change, false);
    }
}

static void start_change(struct orl_http_req *req, const struct passwords *in)
{
    struct change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    change->req = req;
    change->cost = (enum orl_password_cost)req->broker->cfg->password_cost;
    orl_msg_text(change->password, sizeof(change->password), in->new);
    const struct orl_auth_try try = {.way = ORL_AUTH_AGAIN,
            .user = req->login.user,
            .password = in->old,
            .client = req->client};
    orl_auth_start(req->broker, &try, on_old_checked, change);
}

void orl_api_me_password(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct passwords in = {0};
    uint64_t seen = 0;
    (void)args;
    if (orl_api_body(req, password_fields, &in, &seen)) {
        if (strlen(in.new) < ORL_PASSWORD_MIN) {
            orl_api_refuse(req, 400, "bad_request", "A password has at least 8 characters.");
        } else if (strcmp(in.old, in.new) == 0) {
            orl_api_refuse(req, 400, "bad_request", "The new password is the old one.");
        } else {
            start_change(req, &in);
        }
    }
    orl_secret_wipe(&in, sizeof(in));
}

/* The secret of a new device, kept with this login until a code of it is shown. */
static void begin_factor(struct orl_http_req *req)
{
    struct orl_err err = {0};
    struct orl_user_row user = {0};
    char sealed[ORL_STORE_SECRET_MAX + 1];
    char text[ORL_TOTP_TEXT_LEN + 1];
    char uri[ORL_TOTP_URI_MAX + 1];
    if (!load(req, &user)) {
        return;
    }
    bool has_factor = user.totp_secret[0] != '\0';
    orl_secret_wipe(&user, sizeof(user));
    if (has_factor) {
        orl_api_refuse(req, 409, "conflict", "There is a second factor already: remove it first.");
        return;
    }
    int rc = orl_totp_new(&req->broker->totp_key, req->login.user, sealed, sizeof(sealed), text);
    if (rc < 0) {
        (void)orl_err_set(&err, rc, "making a second factor");
    } else {
        rc = orl_weblogin_set_pending(req->broker->store, req->login.id, sealed, &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_totp_uri("Oriel", req->login.user, text, uri);
        orl_http_reply(req, 200, json_pack("{s:s, s:s}", "secret", text, "uri", uri));
    }
    orl_secret_wipe(text, sizeof(text));
    orl_secret_wipe(uri, sizeof(uri));
}

static void on_password_checked(void *ctx, const struct orl_auth_result *result)
{
    struct orl_http_req *req = ctx;
    if (result->reason != ORL_REASON_NONE) {
        orl_api_refuse_login(req, req->login.user, "portal.totp", result);
    } else {
        begin_factor(req);
    }
}

struct password {
    char text[ORL_PASSWORD_MAX + 1];
};
static const struct orl_api_field own_password_fields[] = {
        {"password", ORL_API_STR, offsetof(struct password, text), ORL_PASSWORD_MAX + 1, 0, true,
                NULL},
        {0},
};

/* Whoever only has the cookie must not lock its person out with a device of his own. */
void orl_api_me_totp_new(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct password in = {0};
    uint64_t seen = 0;
    (void)args;
    if (orl_api_body(req, own_password_fields, &in, &seen)) {
        const struct orl_auth_try try = {.way = ORL_AUTH_AGAIN,
                .user = req->login.user,
                .password = in.text,
                .client = req->client};
        orl_auth_start(req->broker, &try, on_password_checked, req);
    }
    orl_secret_wipe(&in, sizeof(in));
}

struct code {
    char text[ORL_API_CODE_MAX + 1];
};
static const struct orl_api_field code_fields[] = {
        {"code", ORL_API_STR, offsetof(struct code, text), ORL_API_CODE_MAX + 1, 0, true, NULL},
        {0},
};

/* A try of a code, counted as one of a password; false: it has answered. */
static bool begin_code(struct orl_http_req *req, const char *action, struct code *ret_code)
{
    struct orl_auth_result result;
    uint64_t seen = 0;
    if (!orl_api_body(req, code_fields, ret_code, &seen)) {
        return false;
    }
    if (!orl_auth_may_try(req->broker, req->login.user, req->client, &result)) {
        orl_api_refuse_login(req, req->login.user, action, &result);
        return false;
    }
    return true;
}

static void end_code(
        struct orl_http_req *req, const char *action, int rc, const struct orl_err *err)
{
    if (rc == ORL_E_DENIED) {
        struct orl_auth_result result = {.reason = ORL_REASON_AUTH_FAILED, .detail = err->text};
        orl_throttle_fail(req->broker->throttle, req->login.user, req->client,
                orl_loop_now_us(req->broker->loop));
        orl_msg_text(result.text, sizeof(result.text),
                "The code is wrong, or it was used before. Please wait for the next one.");
        orl_api_refuse_login(req, req->login.user, action, &result);
    } else if (rc < 0) {
        orl_api_fail(req, err);
    } else {
        char object[ORL_USER_MAX + 8];
        object_of(req, object);
        orl_throttle_undo(req->broker->throttle, req->login.user, req->client);
        orl_api_done(req, 200, action, object, NULL);
    }
}

static int confirm(struct orl_http_req *req, const char *code, struct orl_err *err)
{
    struct orl_broker *broker = req->broker;
    char digits[ORL_TOTP_DIGITS + 1];
    uint64_t step = 0;
    if (req->login.totp_pending[0] == '\0') {
        return orl_err_set(err, ORL_E_CONFLICT, "There is no second factor to confirm.");
    }
    if (!orl_totp_parse(code, digits)) {
        return orl_err_set(err, ORL_E_DENIED, "not six digits");
    }
    int rc = orl_totp_check(&broker->totp_key, req->login.user, req->login.totp_pending, digits,
            orl_clock_wall_ms(), &step);
    if (rc < 0) {
        return orl_err_set(err, rc, "wrong code");
    }
    rc = orl_user_set_totp(broker->store, req->login.user, req->login.totp_pending, step, err);
    rc = rc < 0 ? rc : orl_weblogin_set_pending(broker->store, req->login.id, "", err);
    /* What was begun with the password alone would count as what has a second factor now. */
    return rc < 0 ? rc : orl_revoke_person(broker, req->login.user, req->login.id, err);
}

void orl_api_me_totp_confirm(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct code code = {0};
    (void)args;
    if (begin_code(req, "portal.totp", &code) && orl_api_begin(req)) {
        end_code(req, "portal.totp", confirm(req, code.text, &err), &err);
    }
    orl_secret_wipe(&code, sizeof(code));
}

static int remove_factor(struct orl_http_req *req, const char *code, struct orl_err *err)
{
    struct orl_broker *broker = req->broker;
    struct orl_user_row user = {0};
    int rc = orl_user_get(broker->store, req->login.user, &user, err);
    if (rc == 0 && user.totp_secret[0] == '\0') {
        rc = orl_err_set(err, ORL_E_CONFLICT, "There is no second factor.");
    }
    if (rc == 0 && broker->cfg->second_factor == ORL_SECOND_FACTOR_REQUIRED) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "A second factor is required here.");
    }
    rc = rc < 0 ? rc : orl_auth_use_code(broker, &user, NULL, code, err);
    rc = rc < 0 ? rc : orl_user_set_totp(broker->store, user.name, "", 0, err);
    orl_secret_wipe(&user, sizeof(user));
    return rc;
}

void orl_api_me_totp_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct code code = {0};
    (void)args;
    if (begin_code(req, "portal.totp_remove", &code) && orl_api_begin(req)) {
        end_code(req, "portal.totp_remove", remove_factor(req, code.text, &err), &err);
    }
    orl_secret_wipe(&code, sizeof(code));
}

struct logins {
    struct orl_api_page page;
    const char *current; /* NULL: an administrator looks */
};

static int add_login(void *ctx, const struct orl_weblogin_row *row)
{
    struct logins *logins = ctx;
    json_t *item = json_pack("{s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I}", "id", row->id, "user",
            row->user, "is_current",
            logins->current != NULL && strcmp(row->id, logins->current) == 0, "client", row->client,
            "agent", row->agent, "created_ms", (json_int_t)row->created_ms, "used_ms",
            (json_int_t)row->seen_ms, "idle_ms", (json_int_t)row->idle_until_ms, "expires_ms",
            (json_int_t)row->expires_ms);
    return orl_api_page_add(&logins->page, item, "%" PRIu64 "/%s", row->created_ms, row->id);
}

static void list_logins(struct orl_http_req *req, const char *user, const char *current)
{
    struct orl_err err = {0};
    struct logins logins = {.current = current};
    if (orl_api_page_begin(req, &logins.page)) {
        logins.page.page.user = user;
        int rc = orl_weblogin_page(req->broker->store, &logins.page.page, orl_clock_wall_ms(),
                add_login, &logins, &err);
        orl_api_page_reply(req, &logins.page, "logins", rc, &err);
    }
}

static void end_login(struct orl_http_req *req, const char *id, const char *user)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 8];
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_revoke_login(req->broker, id, user, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "login:%s", id);
    orl_api_done(req, 200, "portal.signout", object, NULL);
}

void orl_api_me_logins(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    list_logins(req, req->login.user, req->login.id);
}

void orl_api_me_logins_end(struct orl_http_req *req, const struct orl_api_args *args)
{
    if (strcmp(args->arg[0], req->login.id) == 0) {
        orl_weblogins_forget_cookie(req);
    }
    end_login(req, args->arg[0], req->login.user);
}

void orl_api_logins_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    char user[ORL_USER_MAX + 1];
    (void)args;
    bool has_user = orl_http_query_get(req, "user", user, sizeof(user));
    list_logins(req, has_user ? user : NULL, NULL);
}

void orl_api_logins_end(struct orl_http_req *req, const struct orl_api_args *args)
{
    end_login(req, args->arg[0], NULL);
}

void orl_api_me_events(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    orl_events_open(req->broker->events, req);
}
