/* Looking at somebody's desktop: asking for it, the ticket for one connection, the end. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/line_text.h"
#include "broker/watching.h"
#include "broker/weblogin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct body {
    char why[ORL_WATCH_WHY_MAX + 1];
    char watcher[ORL_USER_MAX + 1];
    bool break_glass;
};
static const struct orl_api_field fields[] = {
        {"why", ORL_API_STR, offsetof(struct body, why), ORL_WATCH_WHY_MAX + 1, 0, true, NULL},
        {"break_glass", ORL_API_BOOL, offsetof(struct body, break_glass), 0, 0, false, NULL},
        {"watcher", ORL_API_STR, offsetof(struct body, watcher), ORL_USER_MAX + 1, 0, false, NULL},
        {0},
};

static json_t *to_json(const struct orl_broker *broker, const struct orl_watch_row *row)
{
    char url[ORL_STORE_PATH_MAX + 1] = "";
    if (broker->cfg->portal_url[0] != '\0') {
        (void)snprintf(url, sizeof(url), "%s/desktop/%s#watch=%s", broker->cfg->portal_url,
                row->pool, row->id);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "id",
            row->id, "session", row->session, "user", row->user, "pool", row->pool, "watcher",
            row->watcher, "mode", row->is_break_glass ? "break_glass" : "consent", "why", row->why,
            "state", orl_watch_state_name(row->state), "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "created_ms",
            (json_int_t)row->created_ms, "answered_ms", (json_int_t)row->answered_ms, "begun_ms",
            (json_int_t)row->begun_ms, "ended_ms", (json_int_t)row->ended_ms, "url", url);
}

static void refuse(struct orl_http_req *req, const char *session, const char *text)
{
    char object[ORL_API_SEGMENT_MAX + 12];
    (void)snprintf(object, sizeof(object), "session:%s", session);
    const struct orl_audit_event event = {.action = "watch.ask",
            .reason = ORL_REASON_NOT_ALLOWED,
            .object = object,
            .user = req->login.user};
    orl_api_refuse_event(req, 403, &event, text);
}

/* Whose eyes: a person's who can sign in at the portal, since only a browser shows it. false: it has answered. */
static bool choose_watcher(struct orl_http_req *req, const char *session, struct body *body)
{
    if (req->by == ORL_HTTP_BY_TOKEN) {
        refuse(req, session, "A token looks at nobody's desktop: sign in at the portal.");
        return false;
    }
    if (req->by == ORL_HTTP_BY_COOKIE) {
        if (body->watcher[0] != '\0' && strcmp(body->watcher, req->login.user) != 0) {
            refuse(req, session, "Others ask for themselves.");
            return false;
        }
        memcpy(body->watcher, req->login.user, sizeof(body->watcher));
    } else if (body->watcher[0] == '\0') {
        orl_api_refuse(req, 400, "bad_request", "field 'watcher' must say who will look");
        return false;
    }
    return true;
}

/* false: it has answered. */
static bool may_watch(struct orl_http_req *req, const struct orl_session_row *session,
        const struct body *body, struct orl_user_row *user)
{
    struct orl_err err = {0};
    if (orl_user_get(req->broker->store, body->watcher, user, &err) < 0) {
        orl_api_fail(req, &err);
    } else if (user->is_disabled || orl_weblogins_role(req->broker, user) < ORL_HTTP_OPERATOR) {
        refuse(req, session->id, "Who looks needs the role operator.");
    } else if (body->break_glass && !user->may_break_glass) {
        refuse(req, session->id, "This account may not look without asking.");
    } else if (strcmp(user->name, session->user) == 0) {
        orl_api_refuse(req, 409, "conflict", "this is their own desktop");
    } else {
        return true;
    }
    return false;
}

static bool is_too_soon(struct orl_http_req *req, const char *session, const struct body *body)
{
    const struct orl_conn *conn = orl_conn_find_session(req->broker->gateways, session);
    uint64_t wait_us = conn != NULL && !body->break_glass ? orl_watching_wait_us(conn) : 0;
    if (wait_us > 0) {
        req->retry_s = (unsigned)(wait_us / ORL_US_PER_S) + 1;
        orl_api_refuse(req, 429, "busy", "They were asked a moment ago. Please wait a little.");
    }
    return wait_us > 0;
}

static void start(
        struct orl_http_req *req, const struct orl_session_row *session, const struct body *body)
{
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX + 1];
    struct orl_watch_row row = {.is_break_glass = body->break_glass};
    orl_api_actor(req, actor, sizeof(actor));
    const struct orl_watch_by by = {.actor = actor, .client = req->client};
    orl_msg_text(row.session, sizeof(row.session), session->id);
    orl_msg_text(row.watcher, sizeof(row.watcher), body->watcher);
    orl_msg_text(row.why, sizeof(row.why), body->why);
    if (orl_watching_start(req->broker, &row, &by, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_http_reply(req, 201, to_json(req->broker, &row));
    }
}

void orl_api_sessions_watch(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_session_row session;
    struct orl_user_row user;
    struct body body = {0};
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, &body, &seen)) {
        return;
    }
    int rc = body.why[0] == '\0' ? orl_err_set(&err, ORL_E_INVAL, "field 'why' must say why")
                                 : orl_line_check("field 'why'", body.why, ORL_WATCH_WHY_MAX, &err);
    rc = rc < 0 ? rc : orl_session_get(req->broker->store, args->arg[0], &session, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    if (choose_watcher(req, session.id, &body)) {
        if (may_watch(req, &session, &body, &user) && !is_too_soon(req, session.id, &body)) {
            start(req, &session, &body);
        }
        orl_secret_wipe(&user, sizeof(user));
    }
}

struct listing {
    struct orl_broker *broker;
    struct orl_api_page page;
};

static int add_json(void *ctx, const struct orl_watch_row *row)
{
    struct listing *listing = ctx;
    return orl_api_page_add(&listing->page, to_json(listing->broker, row), "%" PRIu64 "/%s",
            row->created_ms, row->id);
}

void orl_api_watches_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct listing listing = {.broker = req->broker};
    struct orl_watch_filter filter = {0};
    char session[ORL_ID_LEN + 1];
    char text[8];
    if (orl_api_page_begin(req, &listing.page)) {
        filter.page = listing.page.page;
        filter.session =
                orl_http_query_get(req, "session", session, sizeof(session)) ? session : NULL;
        filter.is_open = orl_http_query_get(req, "open", text, sizeof(text));
        int rc = orl_watch_list(req->broker->store, &filter, add_json, &listing, &err);
        orl_api_page_reply(req, &listing.page, "watches", rc, &err);
    }
}

static void answer_row(struct orl_http_req *req, const char *id)
{
    struct orl_err err = {0};
    struct orl_watch_row row;
    if (orl_watch_get(req->broker->store, id, &row, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_http_reply(req, 200, to_json(req->broker, &row));
    }
}

void orl_api_watches_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    answer_row(req, args->arg[0]);
}

/* A ticket shows pixels: only to the browser of whom it was granted to. */
void orl_api_watches_open(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_ticket_issued issued;
    struct orl_watch_row row;
    if (orl_watch_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    if (req->by != ORL_HTTP_BY_COOKIE || strcmp(row.watcher, req->login.user) != 0) {
        refuse(req, row.session, "Only the one who asked may look, signed in at the portal.");
        return;
    }
    int rc = orl_watching_ticket(
            req->broker, row.id, req->login.user, req->login.token_hash, &issued, &err);
    if (rc < 0) {
        orl_api_refuse(req, rc == ORL_E_NOTFOUND ? 410 : 409,
                row.reason != ORL_REASON_NONE ? orl_reason_code(row.reason) : "conflict",
                row.reason != ORL_REASON_NONE ? orl_reason_text(row.reason) : err.text);
        return;
    }
    orl_http_reply(req, 200,
            json_pack("{s:s, s:s, s:I, s:s, s:s}", "ticket", issued.id, "password", issued.password,
                    "expires_ms", (json_int_t)issued.expires_ms, "user", row.user, "pool",
                    row.pool));
    orl_secret_wipe(&issued, sizeof(issued));
}

void orl_api_watches_end(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    const struct orl_watch_by by = {.actor = actor, .client = req->client};
    int rc = orl_watching_stop(req->broker, args->arg[0], &by, &err);
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        orl_api_fail(req, &err);
    } else {
        answer_row(req, args->arg[0]); /* also of one that was over */
    }
}
