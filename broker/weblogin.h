/* Logins at the portal: from a browser's cookie to a person, and back. The cookie's token is made here and only its
 * hash is kept (store/weblogin.h). Not here: who somebody is (broker/auth.h). */
#ifndef ORL_BROKER_WEBLOGIN_H
#define ORL_BROKER_WEBLOGIN_H
#include "broker/http.h"
#include "store/user.h"

#define ORL_WEBLOGIN_MAX_PER_USER 20

/* Is the request of somebody who is logged in? Then req->login says who, and req->role is what their account may now;
 * else it is WEB. Negative only when the store fails. */
ORL_NODISCARD int orl_weblogins_identify(struct orl_http_req *req, struct orl_err *err);
/* console_needs_totp, and this person of the console has no second factor. */
bool orl_weblogins_lacks_factor(const struct orl_broker *broker, const struct orl_user_row *user);
/* What a login of this person may do. */
enum orl_http_role orl_weblogins_role(
        const struct orl_broker *broker, const struct orl_user_row *user);
/* Its person did something: the login lives on. Not for what an open page asks by itself, or nobody would ever be
 * idle. ORL_E_NOTFOUND: it is over meanwhile. */
ORL_NODISCARD int orl_weblogins_touch(struct orl_http_req *req, struct orl_err *err);
/* A new login with a new cookie, which the answer to req sets; the one that came with req is over. Inside the
 * caller's transaction. */
ORL_NODISCARD int orl_weblogins_begin(
        struct orl_http_req *req, const struct orl_user_row *user, struct orl_err *err);
/* Whatever login's cookie came with req, its tickets and the desktops that it has open: over. Inside the caller's
 * transaction. */
ORL_NODISCARD int orl_weblogins_end_sent(struct orl_http_req *req, struct orl_err *err);
/* The answer to req takes the browser's cookie away. */
void orl_weblogins_forget_cookie(struct orl_http_req *req);
/* A desktop that was opened with this login is being used: that keeps it alive, too. */
void orl_weblogins_keep(struct orl_broker *broker, const char *binding);

#endif
