/* Is this person who they say? One way for every way in: throttle, password (argon2id on a worker), second factor.
 * What they may have is broker/policy.h's. Not here: tickets (broker/ticket.h). */
#ifndef ORL_BROKER_AUTH_H
#define ORL_BROKER_AUTH_H
#include "broker/broker.h"
#include "store/user.h"

enum orl_auth_way {
    ORL_AUTH_CLIENT = 0, /* a viewer: has no place for a code */
    ORL_AUTH_PORTAL,     /* password, and the code where there is a second factor */
    ORL_AUTH_AGAIN, /* logged in at the portal already: the password alone, or the code alone */
};
struct orl_auth_try { /* borrowed for the call */
    enum orl_auth_way way;
    const char *user;     /* as typed; what can't be a name is nobody's */
    const char *password; /* NULL: not asked (AGAIN) */
    const char *code;     /* NULL or "": none was given */
    const char *client;   /* ADDR:PORT */
};
struct orl_auth_result {
    enum orl_reason reason;      /* 0: it is this person */
    unsigned retry_s;            /* AUTH_DELAYED, AUTH_BUSY: another try makes sense after this */
    const char *detail;          /* for the audit; never NULL */
    char text[ORL_TEXT_MAX + 1]; /* for the person; empty: the reason's own */
};
/* Once for each orl_auth_start(), on the loop, perhaps before that returned. */
typedef void (*orl_auth_fn)(void *ctx, const struct orl_auth_result *result);

struct orl_auth;
ORL_NODISCARD int orl_auth_new(
        struct orl_broker *broker, struct orl_auth **ret_auth, struct orl_err *err);
/* Answers what is held, and holds nothing any more. NULL is fine, as below. */
void orl_auth_close(struct orl_auth *auth);
void orl_auth_free(struct orl_auth *auth);
void orl_auth_start(
        struct orl_broker *broker, const struct orl_auth_try *try, orl_auth_fn fn, void *ctx);
/* The throttle alone, for proofs that are checked elsewhere: true: it may go on, and a try has begun, whose end the
 * throttle is to be told. false: *ret_result says why not. */
bool orl_auth_may_try(struct orl_broker *broker, const char *account, const char *client,
        struct orl_auth_result *ret_result);
/* The code of a person that has a second factor: used up when it was right. DENIED: wrong, or used before. LIMIT: too
 * many wrong ones came of late, from wherever; not said to a client (may be NULL) that logged in as them before. */
ORL_NODISCARD int orl_auth_use_code(struct orl_broker *broker, const struct orl_user_row *user,
        const char *client, const char *code, struct orl_err *err);
/* "Please log in at https://... first", from portal_url. */
void orl_auth_portal_text(const struct orl_broker *broker, char ret_text[ORL_TEXT_MAX + 1]);

#endif
