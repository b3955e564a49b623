/* Takes away what somebody may not have any more: cookies, tokens, tickets, connections. Sessions stay theirs, disconnected,
 * until their time-out. All inside the caller's transaction; connections are closed after its commit
 * (broker/closing.h). */
#ifndef ORL_BROKER_REVOKE_H
#define ORL_BROKER_REVOKE_H
#include "broker/broker.h"

/* Disabled, a new password, another second factor: everything. keep_login: the portal login that goes on; NULL: none. */
ORL_NODISCARD int orl_revoke_person(
        struct orl_broker *broker, const char *user, const char *keep_login, struct orl_err *err);
/* Another role: every token and portal login, its tickets, and what it has open. */
ORL_NODISCARD int orl_revoke_logins(
        struct orl_broker *broker, const char *user, struct orl_err *err);
/* After an entitlement or a membership went: tickets of, and connections to, pools that nobody may use for another
 * reason. */
ORL_NODISCARD int orl_revoke_lost(struct orl_broker *broker, struct orl_err *err);
/* One portal login (of that person; NULL: of anybody), its tickets, and the desktops that it has open.
 * ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_revoke_login(
        struct orl_broker *broker, const char *id, const char *user, struct orl_err *err);

/* The same by the hash of its cookie, also when the login ran out before: what it opened is still open. No such
 * login is no fault. */
ORL_NODISCARD int orl_revoke_cookie(
        struct orl_broker *broker, const char *binding, struct orl_err *err);

#endif
