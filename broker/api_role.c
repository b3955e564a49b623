/* Roles: each may what those before it may; a route names the least. */
#include "broker/api.h"

#include <stdio.h>

const char *orl_api_role_name(enum orl_http_role role)
{
    static const char *const names[] = {[ORL_HTTP_NOBODY] = "nobody",
            [ORL_HTTP_WEB] = "web",
            [ORL_HTTP_USER] = "user",
            [ORL_HTTP_VIEWER] = "viewer",
            [ORL_HTTP_OPERATOR] = "operator",
            [ORL_HTTP_ADMIN] = "admin"};
    return names[role];
}

static void refuse(struct orl_http_req *req)
{
    char text[ORL_TEXT_MAX + 1] =
            "The console needs a second factor here. Please set one up in your account.";
    if (!req->lacks_factor) {
        (void)snprintf(
                text, sizeof(text), "This needs the role %s.", orl_api_role_name(req->least));
    }
    const struct orl_audit_event event = {
            .reason = req->lacks_factor ? ORL_REASON_SECOND_FACTOR : ORL_REASON_NOT_ALLOWED,
            .user = req->login.user};
    orl_api_refuse_event(req, 403, &event, text);
}

bool orl_api_check_role(struct orl_http_req *req)
{
    if (req->role >= req->least) {
        return true;
    }
    if (req->role >= ORL_HTTP_USER) {
        refuse(req);
    } else {
        orl_api_refuse(req, 401, "not_logged_in", "Please log in.");
    }
    return false;
}
