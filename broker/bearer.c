#include "broker/bearer.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/api.h"
#include "broker/throttle.h"
#include "broker/weblogin.h"
#include "store/token.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "ort_"
enum { RANDOM_BYTES = 20, TOUCH_MS = 60000 };
_Static_assert(ORL_BEARER_LEN == sizeof(PREFIX) - 1 + 2 * RANDOM_BYTES, "length of a token");

void orl_bearer_new(char ret_token[ORL_BEARER_LEN + 1])
{
    unsigned char bytes[RANDOM_BYTES];
    randombytes_buf(bytes, sizeof(bytes));
    memcpy(ret_token, PREFIX, sizeof(PREFIX) - 1);
    (void)sodium_bin2hex(
            ret_token + sizeof(PREFIX) - 1, 2 * sizeof(bytes) + 1, bytes, sizeof(bytes));
    orl_secret_wipe(bytes, sizeof(bytes));
}

void orl_bearer_hash(const char *token, char ret_hash[65])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    (void)sodium_bin2hex(ret_hash, ORL_TOKEN_HASH_LEN + 1, hash, sizeof(hash));
}

static enum orl_http_role role_of(enum orl_role scope)
{
    switch (scope) {
    case ORL_ROLE_ADMIN:
        return ORL_HTTP_ADMIN;
    case ORL_ROLE_OPERATOR:
        return ORL_HTTP_OPERATOR;
    case ORL_ROLE_VIEWER:
        return ORL_HTTP_VIEWER;
    default:
        return ORL_HTTP_USER;
    }
}

static void set_person(struct orl_http_req *req, const struct orl_token_row *token,
        const struct orl_user_row *user)
{
    enum orl_http_role scope = role_of(token->scope);
    enum orl_http_role role = orl_weblogins_role(req->broker, user);
    req->role = scope < role ? scope : role;
    req->by = ORL_HTTP_BY_TOKEN;
    orl_msg_text(req->login.user, sizeof(req->login.user), user->name);
    orl_msg_text(req->login.id, sizeof(req->login.id), token->id);
    req->login.expires_ms = req->login.idle_until_ms = token->expires_ms;
}

int orl_bearer_identify(struct orl_http_req *req, struct orl_err *err)
{
    struct orl_store *store = req->broker->store;
    struct orl_token_row token;
    struct orl_user_row user;
    char hash[ORL_TOKEN_HASH_LEN + 1];
    uint64_t now_ms = orl_clock_wall_ms();
    req->role = ORL_HTTP_WEB;
    req->by = ORL_HTTP_BY_NOTHING;
    orl_bearer_hash(req->bearer, hash);
    int rc = orl_token_find(store, hash, now_ms, &token, err);
    rc = rc < 0 ? rc : orl_user_get(store, token.user, &user, err);
    if (rc == 0 && !user.is_disabled) {
        set_person(req, &token, &user);
        if (now_ms > token.used_ms + TOUCH_MS) {
            rc = orl_token_touch(store, token.id, now_ms, err);
        }
    }
    orl_secret_wipe(&user, sizeof(user));
    return rc == ORL_E_NOTFOUND ? 0 : rc;
}

void orl_bearer_refuse(struct orl_http_req *req)
{
    static const char account[] = "token";
    char client[ORL_API_ACTOR_MAX + 1];
    if (req->client[0] != '\0') {
        orl_msg_text(client, sizeof(client), req->client);
    } else {
        orl_api_actor(req, client, sizeof(client)); /* "uid:1000" */
    }
    struct orl_throttle *throttle = req->broker->throttle;
    uint64_t now_us = orl_clock_now_us();
    struct orl_throttle_verdict verdict = orl_throttle_check(throttle, account, client, now_us);
    if (verdict.wait_us > 0) {
        req->retry_s = (unsigned)(verdict.wait_us / 1000000 + 1);
        orl_api_refuse_reason(req, 429, ORL_REASON_AUTH_DELAYED, NULL, NULL);
        return;
    }
    orl_throttle_begin(throttle, account, client, now_us);
    orl_throttle_fail(throttle, account, client, now_us);
    orl_api_refuse_reason(req, 401, ORL_REASON_AUTH_FAILED, NULL,
            "The token is unknown, over, or its person may not log in.");
}

bool orl_bearer_may(const struct orl_http_req *req, const char *pattern)
{
    static const struct {
        enum orl_http_method method;
        const char *pattern;
    } own[] = {{ORL_HTTP_GET, "/v1/me"}, {ORL_HTTP_GET, "/v1/me/desktops"},
            {ORL_HTTP_POST, "/v1/me/desktops/POOL/start"},
            {ORL_HTTP_POST, "/v1/me/desktops/POOL/restart"},
            {ORL_HTTP_POST, "/v1/me/desktops/POOL/logoff"}, {ORL_HTTP_GET, "/v1/me/tokens"},
            {ORL_HTTP_DELETE, "/v1/me/tokens/ID"}};
    bool is_own = strncmp(pattern, "/v1/me/", 7) == 0 || strcmp(pattern, "/v1/me") == 0;
    for (size_t i = 0; is_own && i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i].method == req->method && strcmp(own[i].pattern, pattern) == 0) {
            return true;
        }
    }
    bool is_mint = req->method == ORL_HTTP_POST && strcmp(pattern, "/v1/tokens") == 0;
    return !is_own && !is_mint && strcmp(pattern, "/v1/login") != 0 &&
           strcmp(pattern, "/v1/logout") != 0;
}
