#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/gateway_sock.h"
#include "broker/session_lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A ticket's id is half of a secret: only for who may read tickets. */
static json_t *to_json(const struct orl_session_row *row, enum orl_http_role role)
{
    json_t *stats = row->stats[0] != '\0' ? json_loads(row->stats, 0, NULL) : NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, "
                     "s:I, s:s, s:o, s:s}",
            "id", row->id, "user", row->user, "pool", row->pool, "desktop", row->desktop,
            "desktop_version", (json_int_t)row->desktop_version, "state",
            orl_session_state_name(row->state), "protocol",
            row->protocol == ORL_PROTOCOL_VNC ? "vnc" : "rdp", "client", row->client, "client_name",
            row->client_name, "ticket", role >= ORL_HTTP_ADMIN ? row->ticket : "", "gateway",
            row->gateway, "conn", (json_int_t)row->conn, "started_ms", (json_int_t)row->started_ms,
            "lease_until_ms", (json_int_t)row->lease_until_ms, "disconnected_ms",
            (json_int_t)row->disconnected_ms, "ended_ms", (json_int_t)row->ended_ms, "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "stats",
            stats != NULL ? stats : json_null(), "guest_state",
            orl_guest_state_name(row->guest_state));
}

/* What the session told last, in short; not there while nobody is connected. */
static void put_live(json_t *json, struct orl_broker *broker, const char *session)
{
    const struct orl_conn *conn = orl_conn_find_session(broker->gateways, session);
    if (json == NULL || conn == NULL || conn->state != ORL_CONN_LIVE || conn->sample.seq == 0) {
        return;
    }
    const struct orl_msg_stats *stats = &conn->sample.stats;
    const double elapsed_ms = stats->since.elapsed_ms > 0 ? stats->since.elapsed_ms : 1;
    unsigned most = ORL_STATS_KIND_COUNT;
    for (unsigned i = 0; i < ORL_STATS_KIND_COUNT; i++) {
        uint64_t bytes = stats->since.kind_bytes[i];
        most = bytes > 0 && (most == ORL_STATS_KIND_COUNT || bytes > stats->since.kind_bytes[most])
                       ? i
                       : most;
    }
    (void)json_object_set_new(json, "live",
            json_pack("{s:I, s:I, s:I, s:f, s:f, s:I, s:s}", "at_ms",
                    (json_int_t)conn->sample.at_ms, "width_px", (json_int_t)stats->width_px,
                    "height_px", (json_int_t)stats->height_px, "fps",
                    stats->since.frames * 1000.0 / elapsed_ms, "kbit_s",
                    (double)conn->sample.bytes_more * 8 / elapsed_ms, "rtt_us",
                    (json_int_t)stats->rtt_us, "codec",
                    most < ORL_STATS_KIND_COUNT ? orl_stats_kind_name((enum orl_stats_kind)most)
                                                : ""));
}

struct listing {
    struct orl_broker *broker;
    enum orl_http_role role;
    struct orl_api_page page;
};

static int add_json(void *ctx, const struct orl_session_row *row)
{
    struct listing *listing = ctx;
    json_t *json = to_json(row, listing->role);
    put_live(json, listing->broker, row->id);
    return orl_api_page_add(&listing->page, json, "%" PRIu64 "/%s", row->started_ms, row->id);
}

void orl_api_sessions_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct listing listing = {.broker = req->broker, .role = req->role};
    struct orl_session_filter filter = {0};
    char text[ORL_ID_LEN + 1];
    char desktop[ORL_ID_LEN + 1];
    if (orl_http_query_get(req, "state", text, sizeof(text)) &&
            !orl_session_state_parse(text, &filter.state)) {
        orl_api_refuse(req, 400, "bad_request", "state: not a state of a session");
    } else if (orl_api_page_begin(req, &listing.page)) {
        filter.page = listing.page.page;
        filter.user = listing.page.page.user;
        filter.pool = listing.page.page.pool;
        filter.desktop =
                orl_http_query_get(req, "desktop", desktop, sizeof(desktop)) ? desktop : NULL;
        filter.is_live = filter.state != ORL_SESSION_ENDED &&
                         !orl_http_query_get(req, "all", text, sizeof(text));
        int rc = orl_session_list(req->broker->store, &filter, add_json, &listing, &err);
        orl_api_page_reply(req, &listing.page, "sessions", rc, &err);
    }
}

void orl_api_sessions_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    if (orl_session_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, to_json(&row, req->role));
}

static json_t *times_json(const struct orl_frame_sample *sample, enum orl_stats_time time)
{
    const struct orl_histogram times = orl_frame_sample_times(sample, time);
    const uint64_t count = orl_histogram_count(&times);
    return json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)count, "mean_us",
            (json_int_t)(count > 0 ? times.sum_us / count : 0), "p50_us",
            (json_int_t)orl_histogram_quantile_us(&times, 500), "p95_us",
            (json_int_t)orl_histogram_quantile_us(&times, 950));
}

static json_t *sample_json(const struct orl_frame_sample *sample)
{
    const struct orl_msg_stats *stats = &sample->stats;
    const double elapsed_ms = stats->since.elapsed_ms > 0 ? stats->since.elapsed_ms : 1;
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "seq",
            (json_int_t)sample->seq, "at_ms", (json_int_t)sample->at_ms, "elapsed_ms",
            (json_int_t)stats->since.elapsed_ms, "width_px", (json_int_t)stats->width_px,
            "height_px", (json_int_t)stats->height_px, "fps",
            stats->since.frames * 1000.0 / elapsed_ms, "kbit_s",
            (double)sample->bytes_more * 8 / elapsed_ms, "frames", (json_int_t)stats->since.frames,
            "bytes", (json_int_t)sample->bytes_more, "rtt_us", (json_int_t)stats->rtt_us,
            "frames_total", (json_int_t)(stats->frames & INT64_MAX), "bytes_total",
            (json_int_t)(stats->bytes_out & INT64_MAX));
    json_t *kinds = json_object();
    for (unsigned i = 0; i < ORL_STATS_TIME_COUNT && json != NULL; i++) {
        (void)json_object_set_new(json, orl_stats_time_name((enum orl_stats_time)i),
                times_json(sample, (enum orl_stats_time)i));
    }
    for (unsigned i = 0; i < ORL_STATS_KIND_COUNT; i++) {
        (void)json_object_set_new(kinds, orl_stats_kind_name((enum orl_stats_kind)i),
                json_pack("{s:I, s:I}", "frames", (json_int_t)stats->since.kind_frames[i], "bytes",
                        (json_int_t)stats->since.kind_bytes[i]));
    }
    (void)json_object_set_new(json, "kinds", kinds);
    return json;
}

void orl_api_sessions_live(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    if (orl_session_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    struct orl_conn *conn = orl_conn_find_session(req->broker->gateways, row.id);
    bool has_sample = conn != NULL && conn->state == ORL_CONN_LIVE && conn->sample.seq > 0;
    if (conn != NULL && conn->state == ORL_CONN_LIVE) {
        orl_conn_watch(conn);
    }
    orl_http_reply(req, 200,
            json_pack("{s:s, s:s, s:s, s:o}", "id", row.id, "state",
                    orl_session_state_name(row.state), "reason",
                    row.reason != ORL_REASON_NONE ? orl_reason_code(row.reason) : "", "sample",
                    has_sample ? sample_json(&conn->sample) : json_null()));
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
    orl_api_done(req, 200, action, object, to_json(&row, req->role));
}

void orl_api_sessions_logoff(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX + 1];
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
