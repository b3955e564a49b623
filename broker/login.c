#include "broker/login.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/assign.h"
#include "broker/names.h"
#include "broker/policy.h"

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
        const char *pool, const struct orl_ticket_row *ticket)
{
    struct orl_err err = {0};
    struct orl_policy policy;
    conn->state = ORL_CONN_DECIDING;
    if (orl_policy_decide(broker->store, user, pool, &policy, &err) < 0) {
        orl_broker_log_store(broker, "policy", &err);
        refuse(broker, conn, ORL_REASON_INTERNAL, user, err.text);
    } else if (policy.reason != ORL_REASON_NONE) {
        char object[ORL_NAME_MAX + 8];
        (void)snprintf(object, sizeof(object), "pool:%s", pool);
        struct orl_refusal refusal = {.reason = policy.reason, .user = user, .object = object};
        orl_login_refuse(broker, conn, &refusal);
    } else {
        orl_msg_text(conn->user, sizeof(conn->user), policy.user.name);
        struct orl_assign assign = {.user = &policy.user, .pool = &policy.pool, .ticket = ticket};
        orl_assign_start(broker, conn, &assign);
    }
    orl_secret_wipe(&policy.user.password_hash, sizeof(policy.user.password_hash));
}

/* false: refused, and conn is gone. */
static bool pass_throttle(struct orl_broker *broker, struct orl_conn *conn, const char *account,
        uint64_t *ret_hold_us)
{
    uint64_t now_us = orl_loop_now_us(broker->loop);
    struct orl_throttle_verdict verdict =
            orl_throttle_check(broker->throttle, account, conn->client, now_us);
    if (verdict.wait_us > 0) {
        char text[ORL_TEXT_MAX + 1];
        (void)snprintf(text, sizeof(text),
                "Too many failed logins. Please wait %u seconds and try again.",
                (unsigned)(verdict.wait_us / ORL_US_PER_S + 1));
        struct orl_refusal refusal = {
                .reason = ORL_REASON_AUTH_DELAYED, .user = account, .text = text};
        orl_login_refuse(broker, conn, &refusal);
        return false;
    }
    orl_throttle_count(broker->throttle, account, conn->client, now_us);
    *ret_hold_us = verdict.hold_us;
    return true;
}

static void after_ticket(struct orl_broker *broker, struct orl_conn *conn, const char *id, int rc,
        const struct orl_ticket_row *ticket, const struct orl_err *err)
{
    if (rc == 0) {
        orl_throttle_forgive(broker->throttle, id, conn->client);
        decide(broker, conn, ticket->user, ticket->pool, ticket);
    } else if (rc == ORL_E_DENIED) {
        refuse(broker, conn, ORL_REASON_TICKET_INVALID, id, err->text);
    } else {
        orl_broker_log_store(broker, "ticket", err);
        refuse(broker, conn, ORL_REASON_INTERNAL, id, err->text);
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
    uint64_t hold_us = 0;
    begin(conn, proof->protocol, proof->client, proof->client_name);
    bool is_ticket = orl_names_parse(proof->user, "", "", &names) && names.is_ticket;
    /* Passwords of people are never proven by NTLM: there is no hash of them to prove against. */
    const char *account = is_ticket ? names.user : proof->user;
    if (!pass_throttle(broker, conn, account, &hold_us)) {
        return;
    }
    if (!is_ticket) {
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

struct check {
    struct orl_broker *broker;
    uint64_t serial;  /* of the connection, which may be gone when the check is done */
    uint64_t hold_us; /* answer only after this */
    struct orl_timer *hold;
    struct orl_names names;
    bool has_user;
    bool is_right; /* written by the worker */
    char client[ORL_ADDR_MAX + 1];
    char hash[ORL_STORE_SECRET_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
};

static void free_check(struct check *check)
{
    orl_timer_free(check->hold);
    orl_secret_wipe(check, sizeof(*check));
    free(check);
}

static void run_check(void *job)
{
    struct check *check = job;
    check->is_right = orl_password_verify(check->hash, check->password) && check->has_user;
}

/* It was not there any more when the answer was known: that it tried is on record all the same. */
static void audit_leaver(const struct check *check)
{
    struct orl_id audit;
    struct orl_audit_event event = {.actor = "broker",
            .action = "login",
            .reason = check->is_right ? ORL_REASON_CLIENT_CLOSED : ORL_REASON_AUTH_FAILED,
            .user = check->names.user,
            .client = check->client,
            .detail = "the connection was over before the answer"};
    (void)orl_broker_audit(check->broker, &event, &audit);
}

static void finish_check(void *ctx)
{
    struct check *check = ctx;
    struct orl_broker *broker = check->broker;
    struct orl_conn *conn = orl_conn_find(broker->gateways, check->serial);
    if (conn != NULL && check->is_right) {
        orl_throttle_forgive(broker->throttle, check->names.user, conn->client);
        decide(broker, conn, check->names.user, check->names.pool, NULL);
    } else if (conn != NULL) {
        refuse(broker, conn, ORL_REASON_AUTH_FAILED, check->names.user, NULL);
    } else {
        audit_leaver(check);
    }
    free_check(check);
}

static void on_checked(void *job, void *ctx)
{
    (void)ctx;
    struct check *check = job;
    struct orl_loop *loop = check->broker->loop;
    if (check->hold_us > 0 && check->broker->gateways != NULL &&
            orl_timer_new(loop, finish_check, check, &check->hold, NULL) == 0) {
        orl_timer_start(check->hold, check->hold_us, 0);
        return;
    }
    finish_check(check);
}

static int load_hash(struct orl_broker *broker, struct check *check, bool is_name_valid)
{
    struct orl_err err = {0};
    struct orl_user_row user = {0};
    int rc = is_name_valid ? orl_user_get(broker->store, check->names.user, &user, &err)
                           : ORL_E_NOTFOUND;
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        orl_broker_log_store(broker, "user", &err);
        return rc;
    }
    check->has_user = rc == 0 && user.password_hash[0] != '\0';
    orl_msg_text(check->hash, sizeof(check->hash),
            check->has_user ? user.password_hash : broker->dummy_hash);
    orl_secret_wipe(&user, sizeof(user));
    return 0;
}

struct login_claim {
    struct orl_names names;
    bool is_valid;
    uint64_t hold_us;
};

static void check_password(struct orl_broker *broker, struct orl_conn *conn,
        const struct orl_msg_login *login, const struct login_claim *claim)
{
    struct check *check = calloc(1, sizeof(*check));
    if (check == NULL) {
        refuse(broker, conn, ORL_REASON_INTERNAL, claim->names.user, "out of memory");
        return;
    }
    check->broker = broker;
    check->serial = conn->serial;
    check->names = claim->names;
    check->hold_us = claim->hold_us;
    orl_msg_text(check->client, sizeof(check->client), conn->client);
    orl_msg_text(check->password, sizeof(check->password), login->password);
    int rc = load_hash(broker, check, claim->is_valid);
    if (rc == 0) {
        rc = orl_work_submit(broker->work, run_check, on_checked, check, NULL);
    }
    if (rc < 0) {
        free_check(check);
        struct orl_refusal refusal = {.reason = ORL_REASON_INTERNAL, .user = claim->names.user};
        if (rc == ORL_E_LIMIT) {
            refusal.reason = ORL_REASON_AUTH_DELAYED;
            refusal.detail = "too many checks at once";
            refusal.text = "Too many people are logging in just now. Please try again in a minute.";
        }
        orl_login_refuse(broker, conn, &refusal);
    }
}

void orl_login_password(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_login *login)
{
    struct login_claim claim = {0};
    struct orl_names *names = &claim.names;
    begin(conn, login->protocol, login->client, login->client_name);
    /* A ticket knows its pool: whatever stands in the other fields is not looked at. */
    claim.is_valid = (orl_names_parse(login->user, "", "", names) && names->is_ticket) ||
                     orl_names_parse(login->user, login->domain, login->pool, names);
    if (!claim.is_valid) {
        orl_msg_text(names->user, sizeof(names->user), login->user);
    }
    if (!pass_throttle(broker, conn, names->user, &claim.hold_us)) {
        return;
    }
    if (!names->is_ticket) {
        check_password(broker, conn, login, &claim);
        return;
    }
    struct orl_err err = {0};
    struct orl_ticket_row ticket = {0};
    int rc = orl_tickets_check(
            &broker->tickets, names->user, login->password, orl_clock_wall_ms(), &ticket, &err);
    after_ticket(broker, conn, names->user, rc, &ticket, &err);
}
