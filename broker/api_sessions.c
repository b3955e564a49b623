#include "broker/api_handlers.h"
#include "broker/session_lease.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LISTED = 1000 };

static json_t *to_json(const struct orl_session_row *row)
{
    json_t *stats = row->stats[0] != '\0' ? json_loads(row->stats, 0, NULL) : NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, "
                     "s:I, s:s, s:o}",
            "id", row->id, "user", row->user, "pool", row->pool, "desktop", row->desktop,
            "desktop_version", (json_int_t)row->desktop_version, "state",
            orl_session_state_name(row->state), "protocol",
            row->protocol == ORL_PROTOCOL_VNC ? "vnc" : "rdp", "client", row->client, "client_name",
            row->client_name, "ticket", row->ticket, "gateway", row->gateway, "conn",
            (json_int_t)row->conn, "started_ms", (json_int_t)row->started_ms, "lease_until_ms",
            (json_int_t)row->lease_until_ms, "disconnected_ms", (json_int_t)row->disconnected_ms,
            "ended_ms", (json_int_t)row->ended_ms, "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "stats",
            stats != NULL ? stats : json_null());
}

static int add_json(void *ctx, const struct orl_session_row *row)
{
    return json_array_append_new(ctx, to_json(row)) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_sessions_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_session_filter filter = {.is_live = true, .max_count = MAX_LISTED};
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    char all[8];
    json_t *list = json_array();
    filter.user = orl_http_query_get(req, "user", user, sizeof(user)) ? user : NULL;
    filter.pool = orl_http_query_get(req, "pool", pool, sizeof(pool)) ? pool : NULL;
    filter.is_live = !orl_http_query_get(req, "all", all, sizeof(all));
    if (orl_session_list(req->broker->store, &filter, add_json, list, &err) < 0) {
        json_decref(list);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o}", "sessions", list));
}

void orl_api_sessions_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    if (orl_session_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, to_json(&row));
}

static void finish(struct orl_http_req *req, const char *id, const char *action)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    char object[ORL_API_SEGMENT_MAX + 12];
    (void)snprintf(object, sizeof(object), "session:%s", id);
    if (orl_session_get(req->broker->store, id, &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke(req->broker->leases);
    orl_api_done(req, 200, action, object, to_json(&row));
}

void orl_api_sessions_logoff(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char actor[24];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_leases_end(req->broker, args->arg[0], ORL_REASON_LOGGED_OFF, actor, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        finish(req, args->arg[0], NULL);
    }
}

void orl_api_sessions_close(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_leases_disconnect(req->broker, args->arg[0], ORL_REASON_CLOSED_BY_ADMIN, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        finish(req, args->arg[0], "session.close");
    }
}
