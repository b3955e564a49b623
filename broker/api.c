#include "broker/api.h"

#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/bearer.h"
#include "broker/weblogin.h"
#include "store/audit_chain.h"
#include "store/page.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *orl_api_method_name(enum orl_http_method method)
{
    switch (method) {
    case ORL_HTTP_POST:
        return "POST";
    case ORL_HTTP_PATCH:
        return "PATCH";
    case ORL_HTTP_DELETE:
        return "DELETE";
    case ORL_HTTP_GET:
        break;
    }
    return "GET";
}

bool orl_api_body(
        struct orl_http_req *req, const struct orl_api_field *fields, void *ret, uint64_t *ret_seen)
{
    struct orl_err err = {0};
    json_t *root = NULL;
    if (req->body == NULL) {
        (void)orl_err_set(&err, ORL_E_INVAL, "a JSON object is needed");
    } else {
        root = orl_api_parse(req->body, req->body_len, &err);
    }
    int rc = root == NULL ? ORL_E_INVAL : orl_api_fields_read(root, fields, ret, ret_seen, &err);
    json_decref(root);
    if (rc < 0) {
        orl_api_fail(req, &err);
    }
    return rc == 0;
}

bool orl_api_path_matches(const char *pattern, const char *path, struct orl_api_args *ret_args)
{
    unsigned count = 0;
    while (*pattern == '/' && *path == '/') {
        size_t want = strcspn(++pattern, "/");
        size_t have = strcspn(++path, "/");
        if (isupper((unsigned char)*pattern)) {
            if (have == 0 || have > ORL_API_SEGMENT_MAX || count == 2) {
                return false;
            }
            memcpy(ret_args->arg[count], path, have);
            ret_args->arg[count++][have] = '\0';
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

static const struct {
    const char *name;
    size_t max;
    bool is_flag; /* only =1 */
} params[] = {{"user", ORL_USER_MAX, false}, {"group", ORL_NAME_MAX, false},
        {"pool", ORL_NAME_MAX, false}, {"host", ORL_NAME_MAX, false}, {"all", 1, true},
        {"force", 1, true}, {"since_ms", 20, false}, {"until_ms", 20, false},
        {"after", ORL_PAGE_KEY_MAX, false}, {"limit", 4, false},
        {"reason", ORL_STORE_CODE_MAX, false}, {"action", ORL_STORE_CODE_MAX, false},
        {"object", ORL_USER_MAX, false}, {"n", 20, false}, {"q", ORL_NAME_MAX, false},
        {"head", ORL_AUDIT_WANT_MAX, false}, {"lease", 16, false}, {"power", 16, false},
        {"state", 16, false}, {"desktop", ORL_ID_LEN, false}, {"session", ORL_ID_LEN, false},
        {"open", 1, true}, {"minutes", 4, false}, {"kind", ORL_STORE_CODE_MAX, false}};

/* What is not understood must not widen a list or force a deed: it is refused. */
static bool is_param_good(const struct orl_http_req *req, const char *name, size_t len)
{
    char value[ORL_PAGE_KEY_MAX + 1];
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        if (strlen(params[i].name) == len && memcmp(params[i].name, name, len) == 0) {
            return orl_http_query_get(req, params[i].name, value, params[i].max + 1) &&
                   (!params[i].is_flag || strcmp(value, "1") == 0);
        }
    }
    return false;
}

static bool is_listed(const char *list, const char *name, size_t len)
{
    while (*list != '\0') {
        size_t have = strcspn(list, " ");
        if (have == len && memcmp(list, name, len) == 0) {
            return true;
        }
        list += have + (list[have] == ' ');
    }
    return false;
}

static bool check_query(struct orl_http_req *req, const char *list)
{
    const char *at = req->query;
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        size_t name_len = strcspn(at, "=&");
        char text[160];
        if (!is_listed(list != NULL ? list : "", at, name_len) || name_len == len ||
                !is_param_good(req, at, name_len)) {
            (void)snprintf(text, sizeof(text), "query: '%.*s' is not known here, or no good value",
                    (int)(name_len < 64 ? name_len : 64), at);
            orl_api_refuse(req, 400, "bad_request", text);
            return false;
        }
        at += len + (at[len] == '&');
    }
    return true;
}

/* false: it has answered. */
static bool touch(struct orl_http_req *req)
{
    struct orl_err err = {0};
    int rc = orl_weblogins_touch(req, &err);
    if (rc == ORL_E_NOTFOUND) {
        req->role = ORL_HTTP_WEB;
        req->by = ORL_HTTP_BY_NOTHING;
        return true;
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    }
    return rc == 0;
}

/* false: refused. */
static bool may_call(struct orl_http_req *req, const struct orl_api_route *route)
{
    req->least = route->role;
    if (req->by == ORL_HTTP_BY_UID) {
        if (route->role == ORL_HTTP_USER) {
            orl_api_refuse(
                    req, 403, "not_logged_in", "this is for people who log in at the portal");
        }
        return route->role != ORL_HTTP_USER;
    }
    if (!orl_api_check_role(req)) {
        return false;
    }
    if (req->by == ORL_HTTP_BY_TOKEN && !orl_bearer_may(req, route->pattern)) {
        orl_api_refuse_reason(req, 403, ORL_REASON_NOT_ALLOWED, NULL, "A token may not do this.");
        return false;
    }
    if (req->method != ORL_HTTP_GET && !req->is_json) {
        orl_api_refuse(req, 415, "bad_request", "Content-Type must be application/json");
        return false;
    }
    /* An open page asks for desktops, lists and pictures by itself; that is nobody's doing. */
    bool is_deed = req->method != ORL_HTTP_GET || route->handler == orl_api_me_get;
    if (req->by == ORL_HTTP_BY_COOKIE && is_deed && !touch(req)) {
        return false;
    }
    return orl_api_check_role(req);
}

static bool identify(struct orl_http_req *req)
{
    struct orl_err err = {0};
    if (req->has_bearer) {
        if (orl_bearer_identify(req, &err) < 0) {
            orl_api_fail(req, &err);
            return false;
        }
        if (req->by != ORL_HTTP_BY_TOKEN) {
            orl_bearer_refuse(req);
            return false;
        }
        return true;
    }
    if (req->role == ORL_HTTP_WEB && orl_weblogins_identify(req, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return true;
}

bool orl_api_takes_site(const struct orl_http_req *req)
{
    return req->method == ORL_HTTP_POST &&
           (strcmp(req->path, "/v1/plan") == 0 || strcmp(req->path, "/v1/apply") == 0);
}

bool orl_api_is_admin(const struct orl_http_req *req)
{
    struct orl_http_req who = *req;
    int rc = who.has_bearer             ? orl_bearer_identify(&who, NULL)
             : who.role == ORL_HTTP_WEB ? orl_weblogins_identify(&who, NULL)
                                        : 0;
    bool is_admin = rc == 0 && who.role == ORL_HTTP_ADMIN && who.by != ORL_HTTP_BY_NOTHING;
    orl_secret_wipe(&who, sizeof(who));
    return is_admin;
}

void orl_api_dispatch(struct orl_http_req *req)
{
    bool has_path = false;
    if (req->role == ORL_HTTP_NOBODY) { /* before anything else: not even which paths there are */
        orl_api_refuse_reason(req, 403, ORL_REASON_NOT_ENTITLED, NULL,
                "This user may not call the API. Root may, and the uids in admin_uids.");
        return;
    }
    if (!identify(req)) {
        return;
    }
    for (const struct orl_api_route *route = orl_api_routes; route->pattern != NULL; route++) {
        struct orl_api_args args = {0};
        if (!orl_api_path_matches(route->pattern, req->path, &args)) {
            continue;
        }
        has_path = true;
        if (route->method != req->method) {
            continue;
        }
        if (may_call(req, route) && check_query(req, route->query)) {
            route->handler(req, &args);
        }
        return;
    }
    if (has_path && req->role > ORL_HTTP_USER) {
        orl_api_refuse(req, 405, "method_not_allowed", "this path has no such method");
    } else {
        orl_api_refuse(req, 404, "not_found", "no such path");
    }
}
