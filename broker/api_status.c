#include "base/buf.h"
#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/doctor.h"
#include "broker/gateway_sock.h"
#include "broker/names.h"
#include "store/desktop.h"
#include "store/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without ids of tickets for who may not read tickets. */
static json_t *audit_json(const struct orl_audit_row *row, enum orl_http_role role)
{
    char hashes[3][24];
    bool is_all = role >= ORL_HTTP_ADMIN;
    const char *object = is_all ? row->object : orl_names_without_ticket(row->object, hashes[0]);
    const char *user = is_all ? row->user : orl_names_without_ticket(row->user, hashes[1]);
    const char *detail = is_all ? row->detail : orl_names_without_ticket(row->detail, hashes[2]);
    return json_pack("{s:I, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "seq",
            (json_int_t)row->seq, "id", row->id, "time_ms", (json_int_t)row->time_ms, "actor",
            row->actor, "action", row->action, "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "object", object,
            "user", user, "client", row->client, "detail", detail, "count", (json_int_t)row->count,
            "chain", row->chain);
}

struct audit_listing {
    struct orl_api_page page;
    enum orl_http_role role;
};

static int add_audit(void *ctx, const struct orl_audit_row *row)
{
    struct audit_listing *listing = ctx;
    return orl_api_page_add(&listing->page, audit_json(row, listing->role), "%" PRIu64, row->seq);
}

/* false: there, and not a number up to max. */
static bool query_number(
        const struct orl_http_req *req, const char *name, uint64_t max, uint64_t *ret_value)
{
    char text[24];
    char *end = NULL;
    if (!orl_http_query_get(req, name, text, sizeof(text))) {
        return true;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

void orl_api_audit_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_audit_filter filter = {0};
    struct audit_listing listing = {.role = req->role};
    char reason[ORL_STORE_CODE_MAX + 1];
    char user[ORL_USER_MAX + 1];
    char action[ORL_STORE_CODE_MAX + 1];
    char object[ORL_USER_MAX + 1];
    bool is_good = query_number(req, "since_ms", INT64_MAX, &filter.since_ms) &&
                   query_number(req, "until_ms", INT64_MAX, &filter.until_ms) &&
                   query_number(req, "after", INT64_MAX, &filter.before_seq);
    if (orl_http_query_get(req, "reason", reason, sizeof(reason))) {
        filter.is_refusal = strcmp(reason, "any") == 0;
        is_good = is_good && (filter.is_refusal || orl_reason_parse(reason, &filter.reason));
    }
    filter.user = orl_http_query_get(req, "user", user, sizeof(user)) ? user : NULL;
    filter.action = orl_http_query_get(req, "action", action, sizeof(action)) ? action : NULL;
    filter.object = orl_http_query_get(req, "object", object, sizeof(object)) ? object : NULL;
    if (!is_good) {
        orl_api_refuse(req, 400, "bad_request",
                "since_ms, until_ms, after: numbers; reason: a code or any");
        return;
    }
    if (orl_api_page_begin(req, &listing.page)) {
        filter.max_count = listing.page.page.max_count;
        int rc = orl_audit_list(req->broker->store, &filter, add_audit, &listing, &err);
        orl_api_page_reply(req, &listing.page, "audit", rc, &err);
    }
}

void orl_api_audit_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_audit_row row;
    if (orl_audit_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, audit_json(&row, req->role));
}

static json_t *store_json(struct orl_broker *broker)
{
    struct orl_err err = {0};
    uint64_t stamp_ms = 0;
    bool is_up = orl_store_stamp(broker->store, &stamp_ms, &err) == 0;
    return json_pack("{s:s, s:b, s:s}", "kind", orl_store_kind(broker->store), "is_up", is_up,
            "error", err.text);
}

void orl_api_status(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_broker *broker = req->broker;
    const struct orl_gateways *gateways = broker->gateways;
    orl_http_reply(req, 200,
            json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:i, s:{s:i, s:i, s:i}}", "version",
                    ORIEL_VERSION, "installation", orl_store_installation(broker->store), "schema",
                    orl_store_schema(broker->store), "store", store_json(broker), "started_ms",
                    (json_int_t)broker->started_ms, "now_ms", (json_int_t)orl_clock_wall_ms(),
                    "gateways", (int)orl_gateway_count(gateways), "connections", "checking",
                    (int)orl_conn_count(gateways, ORL_CONN_CHECKING), "waiting",
                    (int)orl_conn_count(gateways, ORL_CONN_WAITING), "live",
                    (int)orl_conn_count(gateways, ORL_CONN_LIVE)));
}

void orl_api_doctor(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    json_t *checks = NULL;
    (void)args;
    if (orl_doctor(req->broker, &checks, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_http_reply(req, 200, json_pack("{s:o}", "checks", checks));
    }
}
