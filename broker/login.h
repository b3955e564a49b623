/* From what a client claims to a decision: throttle, proof or password, policy, then assign.c.
 * Every refusal leaves through orl_login_refuse(): audit row, CLOSE, counter, one reason. */
#ifndef ORL_BROKER_LOGIN_H
#define ORL_BROKER_LOGIN_H
#include "broker/gateway_sock.h"

void orl_login_password(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_login *login);
void orl_login_proof(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_proof *proof);

struct orl_refusal { /* borrowed; NULL is empty */
    enum orl_reason reason;
    const char *user;
    const char *object;
    const char *detail; /* for the audit only */
    const char *text;   /* for the person; NULL: the reason's own */
};
/* Frees conn. */
void orl_login_refuse(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_refusal *refusal);
/* A connection that ended before it asked for anything; text: "client ADDRESS", the gateway's word. */
void orl_login_unheard(struct orl_broker *broker, enum orl_reason reason, const char *text);

#endif
