/* What the handlers for people at the portal share. */
#ifndef ORL_BROKER_API_ME_H
#define ORL_BROKER_API_ME_H
#include "broker/api.h"
#include "broker/auth.h"

#define ORL_API_CODE_MAX 15 /* bytes of a second factor's code, as typed */

/* req->login and its person. */
json_t *orl_api_me_json(const struct orl_http_req *req, const struct orl_user_row *user);
/* {"desktops": [...]} of a person; NULL: err. */
json_t *orl_api_me_desktops(struct orl_broker *broker, const char *user, struct orl_err *err);
/* 401, 403, 429, 500 with an audit row. */
void orl_api_refuse_login(struct orl_http_req *req, const char *user, const char *action,
        const struct orl_auth_result *result);

#endif
