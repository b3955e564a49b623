#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct input {
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    uint32_t slot;
};
static const struct orl_api_field fields[] = {
        {"user", ORL_API_STR, offsetof(struct input, user), ORL_USER_MAX + 1, 0, true, NULL},
        {"pool", ORL_API_STR, offsetof(struct input, pool), ORL_NAME_MAX + 1, 0, false, NULL},
        {"slot", ORL_API_U32, offsetof(struct input, slot), 1, ORL_POOL_MAX_PER_USER, false, NULL},
        {0},
};

static int add_json(void *ctx, const struct orl_ticket_row *row)
{
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "id", row->id,
            "user", row->user, "pool", row->pool, "session", row->session, "created_ms",
            (json_int_t)row->created_ms, "expires_ms", (json_int_t)row->first_use_by_ms, "used_ms",
            (json_int_t)row->used_ms, "revoked_ms", (json_int_t)row->revoked_ms, "failures",
            (json_int_t)row->failures, "slot", (json_int_t)row->slot);
    return orl_api_page_add(ctx, item, "%" PRIu64 "/%s", row->created_ms, row->id);
}

void orl_api_tickets_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_ticket_list(req->broker->store, &page.page, add_json, &page, &err);
        orl_api_page_reply(req, &page, "tickets", rc, &err);
    }
}

static unsigned status_of(enum orl_reason reason)
{
    if (reason == ORL_REASON_AUTH_FAILED || reason == ORL_REASON_NO_SUCH_POOL) {
        return 404;
    }
    return reason == ORL_REASON_POOL_AMBIGUOUS ? 400 : 403;
}

void orl_api_tickets_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_broker *broker = req->broker;
    struct orl_policy policy;
    struct orl_ticket_issued issued;
    struct input in = {0};
    char object[ORL_USER_MAX + 16];
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    (void)snprintf(object, sizeof(object), "user:%s", in.user);
    if (req->by == ORL_HTTP_BY_TOKEN && strcmp(in.user, req->login.user) != 0) {
        orl_api_refuse_reason(
                req, 403, ORL_REASON_NOT_ALLOWED, object, "A token makes no tickets for others.");
        return;
    }
    if (!orl_api_begin(req)) {
        return;
    }
    const struct orl_policy_ask ask = {.user = in.user, .pool = in.pool, .slot = in.slot};
    int rc = orl_policy_decide(broker->store, &ask, &policy, &err);
    orl_secret_wipe(policy.user.password_hash, sizeof(policy.user.password_hash));
    if (rc == 0 && policy.reason != ORL_REASON_NONE) {
        bool is_unknown = policy.reason == ORL_REASON_AUTH_FAILED;
        bool is_ambiguous = policy.reason == ORL_REASON_POOL_AMBIGUOUS;
        orl_api_refuse_reason(req, status_of(policy.reason), policy.reason, object,
                is_unknown     ? "There is no such user."
                : is_ambiguous ? "This person may use several pools: say which."
                               : NULL);
        return;
    }
    if (rc == 0) {
        const struct orl_ticket_want want = {
                .user = policy.user.name, .pool = policy.pool.name, .slot = policy.slot};
        rc = orl_tickets_issue(&broker->tickets, &want, orl_clock_wall_ms(), &issued, &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "ticket:%s", issued.id);
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "id", issued.id, "user", issued.id,
            "password", issued.password, "pool", policy.pool.name, "for", policy.user.name,
            "expires_ms", (json_int_t)issued.expires_ms);
    orl_secret_wipe(&issued, sizeof(issued));
    orl_api_done(req, 201, "ticket.issue", object, body);
}

void orl_api_tickets_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 12];
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_ticket_revoke(req->broker->store, args->arg[0], orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "ticket:%s", args->arg[0]);
    orl_api_done(req, 200, "ticket.revoke", object, NULL);
}
