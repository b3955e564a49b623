#include "broker/login.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/assign.h"
#include "broker/auth.h"
#include "broker/names.h"
#include "broker/policy.h"
#include "broker/watching.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void orl_login_refuse(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_refusal *refusal)
{
    struct orl_id audit;
    struct orl_audit_event event = {.actor = "broker",
            .action = "login",
            .reason = refusal->reason,
            .object = refusal->object,
            .user = refusal->user,
            .client = conn->client,
            .detail = refusal->detail};
    (void)orl_broker_audit(broker, &event, &audit);
    orl_conn_close(conn, refusal->reason, audit.text, refusal->text);
}

void orl_login_unheard(struct orl_broker *broker, enum orl_reason reason, const char *text)
{
    static const char start[] = "client ";
    struct orl_id audit;
    if (strncmp(text, start, sizeof(start) - 1) != 0) {
        return; /* what a session says after we forgot it */
    }
    struct orl_audit_event event = {.actor = "gateway",
            .action = "connection",
            .reason = reason != ORL_REASON_NONE ? reason : ORL_REASON_CLIENT_CLOSED,
            .client = text + sizeof(start) - 1};
    (void)orl_broker_audit(broker, &event, &audit);
}

static void refuse(struct orl_broker *broker, struct orl_conn *conn, enum orl_reason reason,
        const char *user, const char *detail)
{
    struct orl_refusal refusal = {.reason = reason, .user = user, .detail = detail};
    orl_login_refuse(broker, conn, &refusal);
}

/* The person is known: what may they have, and do they get it? */
static void decide(struct orl_broker *broker, struct orl_conn *conn, const char *user,
        const char *pool, uint32_t slot, const struct orl_ticket_row *ticket)
{
    struct orl_err err = {0};
    struct orl_policy policy;
    const struct orl_policy_ask ask = {.user = user,
            .pool = pool,
            .slot = slot,
            .client = conn->client,
            .now_ms = orl_clock_wall_ms()};
    const uint64_t began_us = orl_clock_now_us();
    conn->state = ORL_CONN_DECIDING;
    int rc = orl_policy_decide(broker->store, &ask, &policy, &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "policy", &err);
        refuse(broker, conn, orl_broker_store_reason(rc), user, err.text);
    } else if (policy.reason != ORL_REASON_NONE) {
        char object[ORL_NAME_MAX + 8];
        (void)snprintf(object, sizeof(object), "pool:%s", pool);
        const struct orl_refusal refusal = {
                .reason = policy.reason, .user = user, .object = object, .text = policy.text};
        orl_login_refuse(broker, conn, &refusal);
    } else {
        orl_msg_text(conn->user, sizeof(conn->user), policy.user.name);
        struct orl_assign assign = {
                .user = &policy.user, .pool = &policy.pool, .slot = policy.slot, .ticket = ticket};
        orl_assign_start(broker, conn, &assign);
    }
    orl_login_times_add(&broker->login_times, ORL_LOGIN_DECISION, orl_clock_now_us() - began_us);
    orl_secret_wipe(&policy.user.password_hash, sizeof(policy.user.password_hash));
}

static void refuse_result(struct orl_broker *broker, struct orl_conn *conn, const char *user,
        const struct orl_auth_result *result)
{
    struct orl_refusal refusal = {
            .reason = result->reason, .user = user, .detail = result->detail, .text = result->text};
    orl_login_refuse(broker, conn, &refusal);
}

/* false: refused, and conn is gone. Tickets are never held. */
static bool pass_throttle(struct orl_broker *broker, struct orl_conn *conn, const char *account)
{
    struct orl_auth_result result;
    if (!orl_auth_may_try(broker, account, conn->client, &result)) {
        refuse_result(broker, conn, account, &result);
        return false;
    }
    return true;
}

static void after_ticket(struct orl_broker *broker, struct orl_conn *conn, const char *id, int rc,
        const struct orl_ticket_row *ticket, const struct orl_err *err)
{
    if (rc == 0) {
        orl_throttle_forgive(broker->throttle, id, conn->client);
        decide(broker, conn, ticket->user, ticket->pool, ticket->slot, ticket);
    } else if (rc == ORL_E_DENIED) {
        refuse(broker, conn, ORL_REASON_TICKET_INVALID, id, err->text);
    } else {
        orl_broker_log_store(broker, "ticket", err);
        refuse(broker, conn, orl_broker_store_reason(rc), id, err->text);
    }
}

static void begin(
        struct orl_conn *conn, uint32_t protocol, const char *client, const char *client_name)
{
    conn->state = ORL_CONN_CHECKING;
    conn->protocol = protocol == ORL_PROTOCOL_VNC ? ORL_PROTOCOL_VNC : ORL_PROTOCOL_RDP;
    orl_msg_text(conn->client, sizeof(conn->client), client);
    orl_msg_text(conn->client_name, sizeof(conn->client_name), client_name);
}

void orl_login_proof(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_proof *proof)
{
    struct orl_names names;
    begin(conn, proof->protocol, proof->client, proof->client_name);
    bool is_ticket = orl_names_parse(proof->user, "", "", &names) && names.is_ticket;
    /* Passwords of people are never proven by NTLM: there is no hash of them to prove against. */
    const char *account = is_ticket ? names.user : proof->user;
    if (!pass_throttle(broker, conn, account)) {
        return;
    }
    if (!is_ticket) {
        orl_throttle_fail(broker->throttle, account, conn->client, orl_loop_now_us(broker->loop));
        refuse(broker, conn, ORL_REASON_TICKET_INVALID, account, "NTLM without a ticket");
        return;
    }
    struct orl_ntlm_proof ntlm = {.user = proof->user,
            .domain = proof->domain,
            .proof = proof->proof,
            .proof_len = proof->proof_len,
            .messages = proof->messages,
            .messages_len = proof->messages_len,
            .session_key = proof->session_key,
            .mic = proof->mic};
    struct orl_err err = {0};
    struct orl_ticket_row ticket = {0};
    uint8_t ntowfv2[ORL_NTLM_HASH_LEN];
    int rc = orl_tickets_prove(
            &broker->tickets, names.user, &ntlm, orl_clock_wall_ms(), ntowfv2, &ticket, &err);
    if (rc == 0) {
        /* Also when the policy refuses: only after NLA can the client be shown why. */
        orl_conn_send_hash(conn, ntowfv2);
    }
    orl_secret_wipe(ntowfv2, sizeof(ntowfv2));
    after_ticket(broker, conn, names.user, rc, &ticket, &err);
}

struct login {
    struct orl_broker *broker;
    uint64_t serial; /* of the connection, which may be gone when the check is done */
    uint64_t began_us;
    struct orl_names names;
    char client[ORL_ADDR_MAX + 1];
};

/* It was not there any more when the answer was known: that it tried is on record all the same. */
static void audit_leaver(const struct login *login, enum orl_reason reason)
{
    struct orl_id audit;
    struct orl_audit_event event = {.actor = "broker",
            .action = "login",
            .reason = reason != ORL_REASON_NONE ? reason : ORL_REASON_CLIENT_CLOSED,
            .user = login->names.user,
            .client = login->client,
            .detail = "the connection was over before the answer"};
    (void)orl_broker_audit(login->broker, &event, &audit);
}

static void on_checked(void *ctx, const struct orl_auth_result *result)
{
    struct login *login = ctx;
    struct orl_broker *broker = login->broker;
    struct orl_conn *conn = orl_conn_find(broker->gateways, login->serial);
    orl_login_times_add(
            &broker->login_times, ORL_LOGIN_AUTHENTICATION, orl_clock_now_us() - login->began_us);
    if (conn == NULL) {
        audit_leaver(login, result->reason);
    } else if (result->reason != ORL_REASON_NONE) {
        refuse_result(broker, conn, login->names.user, result);
    } else {
        decide(broker, conn, login->names.user, login->names.pool, login->names.slot, NULL);
    }
    free(login);
}

static void check_password(struct orl_broker *broker, struct orl_conn *conn,
        const struct orl_msg_login *msg, const struct orl_names *names)
{
    struct login *login = calloc(1, sizeof(*login));
    if (login == NULL) {
        refuse(broker, conn, ORL_REASON_INTERNAL, names->user, "out of memory");
        return;
    }
    login->broker = broker;
    login->serial = conn->serial;
    login->began_us = orl_clock_now_us();
    login->names = *names;
    orl_msg_text(login->client, sizeof(login->client), conn->client);
    struct orl_auth_try try = {.way = ORL_AUTH_CLIENT,
            .user = login->names.user,
            .password = msg->password,
            .client = login->client};
    orl_auth_start(broker, &try, on_checked, login);
}

void orl_login_password(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_login *login)
{
    struct orl_names names;
    begin(conn, login->protocol, login->client, login->client_name);
    conn->regional = login->regional;
    orl_regional_clean(&conn->regional);
    orl_msg_text(conn->binding, sizeof(conn->binding), login->binding);
    /* A ticket knows its pool: whatever stands in the other fields is not looked at. */
    bool is_valid = (orl_names_parse(login->user, "", "", &names) && names.is_ticket) ||
                    orl_names_parse(login->user, login->domain, login->pool, &names);
    if (!is_valid) {
        orl_msg_text(names.user, sizeof(names.user), login->user);
    }
    if (!is_valid || !names.is_ticket) {
        check_password(broker, conn, login, &names);
        return;
    }
    struct orl_err err = {0};
    struct orl_ticket_row ticket = {0};
    if (!pass_throttle(broker, conn, names.user) ||
            orl_watching_redeem(broker, conn, names.user, login->password, login->binding)) {
        return;
    }
    int rc = orl_tickets_check(&broker->tickets, names.user, login->password, login->binding,
            orl_clock_wall_ms(), &ticket, &err);
    after_ticket(broker, conn, names.user, rc, &ticket, &err);
}
