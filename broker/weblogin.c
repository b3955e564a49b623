#include "broker/weblogin.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/revoke.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_BYTES = 32, TOUCH_MS = 60000 };
#define ATTRIBUTES "Path=/; Secure; HttpOnly; SameSite=Strict"

_Static_assert(ORL_COOKIE_BINDING_LEN == ORL_BINDING_LEN, "one hash, two names");

static uint64_t idle_ms(const struct orl_broker *broker)
{
    return (uint64_t)broker->cfg->web_idle_s * 1000;
}

/* Not each request is worth a write. */
static int touch(struct orl_broker *broker, struct orl_weblogin_row *login, uint64_t now_ms,
        struct orl_err *err)
{
    uint64_t rest_ms = idle_ms(broker) / 10 < TOUCH_MS ? idle_ms(broker) / 10 : TOUCH_MS;
    if (now_ms < login->seen_ms + rest_ms) {
        return 0;
    }
    uint64_t until_ms = now_ms + idle_ms(broker);
    int rc = orl_weblogin_touch(broker->store, login->token_hash, now_ms, until_ms, err);
    if (rc == 0) {
        login->seen_ms = now_ms;
        login->idle_until_ms = until_ms < login->expires_ms ? until_ms : login->expires_ms;
    }
    return rc;
}

bool orl_weblogins_lacks_factor(const struct orl_broker *broker, const struct orl_user_row *user)
{
    return broker->cfg->console_needs_totp && user->role > ORL_ROLE_USER &&
           user->totp_secret[0] == '\0';
}

enum orl_http_role orl_weblogins_role(
        const struct orl_broker *broker, const struct orl_user_row *user)
{
    if (user->is_disabled) {
        return ORL_HTTP_WEB;
    }
    if (orl_weblogins_lacks_factor(broker, user)) {
        return ORL_HTTP_USER;
    }
    switch (user->role) {
    case ORL_ROLE_ADMIN:
        return ORL_HTTP_ADMIN;
    case ORL_ROLE_OPERATOR:
        return ORL_HTTP_OPERATOR;
    case ORL_ROLE_VIEWER:
        return ORL_HTTP_VIEWER;
    case ORL_ROLE_USER:
    case ORL_ROLE_NONE:
        break;
    }
    return ORL_HTTP_USER;
}

int orl_weblogins_identify(struct orl_http_req *req, struct orl_err *err)
{
    char binding[ORL_COOKIE_BINDING_LEN + 1];
    struct orl_broker *broker = req->broker;
    struct orl_user_row user = {0};
    uint64_t now_ms = orl_clock_wall_ms();
    req->role = ORL_HTTP_WEB;
    req->by = ORL_HTTP_BY_NOTHING;
    if (!req->has_cookie) {
        return 0;
    }
    orl_cookie_binding(req->token, binding);
    int rc = orl_weblogin_find(broker->store, binding, now_ms, &req->login, err);
    rc = rc < 0 ? rc : orl_user_get(broker->store, req->login.user, &user, err);
    if (rc == 0) {
        req->role = orl_weblogins_role(broker, &user);
        req->lacks_factor = orl_weblogins_lacks_factor(broker, &user);
        req->by = user.is_disabled ? ORL_HTTP_BY_NOTHING : ORL_HTTP_BY_COOKIE;
    }
    orl_secret_wipe(&user, sizeof(user));
    return rc == ORL_E_NOTFOUND ? 0 : rc;
}

int orl_weblogins_touch(struct orl_http_req *req, struct orl_err *err)
{
    return touch(req->broker, &req->login, orl_clock_wall_ms(), err);
}

int orl_weblogins_end_sent(struct orl_http_req *req, struct orl_err *err)
{
    char binding[ORL_COOKIE_BINDING_LEN + 1];
    if (!req->has_cookie) {
        return 0;
    }
    orl_cookie_binding(req->token, binding);
    return orl_revoke_cookie(req->broker, binding, err);
}

struct surplus {
    unsigned seen;
    bool is_found;
    char binding[ORL_COOKIE_BINDING_LEN + 1];
};

static int see_login(void *ctx, const struct orl_weblogin_row *row)
{
    struct surplus *surplus = ctx;
    if (++surplus->seen < ORL_WEBLOGIN_MAX_PER_USER) {
        return 0;
    }
    surplus->is_found = true;
    orl_msg_text(surplus->binding, sizeof(surplus->binding), row->token_hash);
    return 1;
}

/* The one that the new one takes the place of: the store would end it, but not what it has open. */
static int end_surplus(
        struct orl_http_req *req, const char *user, uint64_t now_ms, struct orl_err *err)
{
    struct surplus surplus = {0};
    int rc = orl_weblogin_list(req->broker->store, user, now_ms, see_login, &surplus, err);
    return rc < 0 || !surplus.is_found ? rc : orl_revoke_cookie(req->broker, surplus.binding, err);
}

int orl_weblogins_begin(
        struct orl_http_req *req, const struct orl_user_row *user, struct orl_err *err)
{
    uint8_t raw[TOKEN_BYTES];
    char token[ORL_COOKIE_TOKEN_LEN + 1];
    struct orl_broker *broker = req->broker;
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_weblogin_row row = {.created_ms = now_ms,
            .seen_ms = now_ms,
            .expires_ms = now_ms + (uint64_t)broker->cfg->web_max_s * 1000};
    struct orl_id id;
    orl_secret_random(raw, sizeof(raw));
    (void)sodium_bin2base64(
            token, sizeof(token), raw, sizeof(raw), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    uint64_t until_ms = now_ms + idle_ms(broker);
    row.idle_until_ms = until_ms < row.expires_ms ? until_ms : row.expires_ms;
    orl_cookie_binding(token, row.token_hash);
    orl_msg_text(row.user, sizeof(row.user), user->name);
    orl_msg_text(row.client, sizeof(row.client), req->client);
    orl_msg_text(row.agent, sizeof(row.agent), req->agent);
    int rc = orl_weblogins_end_sent(req, err);
    rc = rc < 0 ? rc : end_surplus(req, row.user, now_ms, err);
    rc = rc < 0 ? rc
                : orl_weblogin_insert(
                          broker->store, &row, ORL_WEBLOGIN_MAX_PER_USER, now_ms, &id, err);
    if (rc == 0) {
        orl_msg_text(row.id, sizeof(row.id), id.text);
        req->login = row;
        req->role = orl_weblogins_role(broker, user);
        req->by = ORL_HTTP_BY_COOKIE;
        (void)snprintf(req->set_cookie, sizeof(req->set_cookie), ORL_COOKIE_NAME "=%s; " ATTRIBUTES,
                token);
    }
    orl_secret_wipe(raw, sizeof(raw));
    orl_secret_wipe(token, sizeof(token));
    return rc;
}

void orl_weblogins_forget_cookie(struct orl_http_req *req)
{
    (void)snprintf(req->set_cookie, sizeof(req->set_cookie),
            ORL_COOKIE_NAME "=; " ATTRIBUTES "; Max-Age=0");
}

void orl_weblogins_keep(struct orl_broker *broker, const char *binding)
{
    struct orl_err err = {0};
    struct orl_weblogin_row login;
    uint64_t now_ms = orl_clock_wall_ms();
    int rc = orl_weblogin_find(broker->store, binding, now_ms, &login, &err);
    rc = rc < 0 ? rc : touch(broker, &login, now_ms, &err);
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        orl_broker_log_store(broker, "a login's use", &err);
    }
}
