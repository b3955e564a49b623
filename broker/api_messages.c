#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/line_text.h"
#include "broker/message.h"
#include "store/pool.h"

#include <stdio.h>
#include <string.h>

struct body {
    char text[ORL_MESSAGE_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
};
static const struct orl_api_field session_fields[] = {
        {.name = "text",
                .type = ORL_API_STR,
                .offset = offsetof(struct body, text),
                .size = sizeof(((struct body *)0)->text),
                .is_required = true},
        {.name = NULL},
};
static const struct orl_api_field all_fields[] = {
        {.name = "text",
                .type = ORL_API_STR,
                .offset = offsetof(struct body, text),
                .size = sizeof(((struct body *)0)->text),
                .is_required = true},
        {.name = "pool",
                .type = ORL_API_STR,
                .offset = offsetof(struct body, pool),
                .size = sizeof(((struct body *)0)->pool)},
        {.name = NULL},
};

static bool read_body(
        struct orl_http_req *req, const struct orl_api_field *fields, struct body *ret_body)
{
    struct orl_err err = {0};
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, ret_body, &seen)) {
        return false;
    }
    int rc = ret_body->text[0] == '\0'
                     ? orl_err_set(&err, ORL_E_INVAL, "text: there is none")
                     : orl_line_check("text", ret_body->text, ORL_MESSAGE_MAX, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
    }
    return rc == 0;
}

static void refuse_rate(struct orl_http_req *req, uint64_t wait_us)
{
    req->retry_s = (unsigned)(wait_us / ORL_US_PER_S) + 1;
    orl_api_refuse(req, 429, "busy", "The last message is still being read. Please wait a little.");
}

static json_t *skipped_json(const struct orl_message_sent *sent)
{
    json_t *names = json_array();
    for (unsigned i = 0; i < sent->skipped && i < ORL_MESSAGE_NAMES_MAX; i++) {
        (void)json_array_append_new(names, json_string(sent->skipped_users[i]));
    }
    return names;
}

/* The row has the words: who said what to whom can be asked for later. No row: no deed. */
static void send_it(struct orl_http_req *req, const struct orl_audit_event *what, const char *pool,
        struct orl_conn *conn)
{
    char actor[ORL_API_ACTOR_MAX + 1];
    struct orl_id audit;
    struct orl_audit_event event = *what;
    orl_api_actor(req, actor, sizeof(actor));
    event.actor = actor;
    event.action = "message";
    event.client = req->client;
    if (orl_broker_audit(req->broker, &event, &audit) < 0) {
        orl_api_refuse_reason(req, 500, ORL_REASON_INTERNAL, event.object, NULL);
        return;
    }
    struct orl_message_sent sent = {.shown = 1};
    if (conn != NULL) {
        orl_message_send(conn, event.detail);
    } else {
        sent = orl_messages_send(req->broker->messages, pool, event.detail);
    }
    orl_http_reply(req, 200,
            json_pack("{s:i, s:i, s:o, s:s}", "shown", (int)sent.shown, "skipped",
                    (int)sent.skipped, "skipped_users", skipped_json(&sent), "audit", audit.text));
}

void orl_api_sessions_message(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_session_row row;
    struct body body = {0};
    char object[ORL_ID_LEN + 12];
    if (!read_body(req, session_fields, &body)) {
        return;
    }
    if (orl_session_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    struct orl_conn *conn = orl_conn_find_session(req->broker->gateways, row.id);
    if (conn == NULL || conn->state != ORL_CONN_LIVE) {
        orl_api_refuse(req, 409, "conflict", "nobody is at this session's desktop now");
    } else if (orl_message_wait_us(conn) > 0) {
        refuse_rate(req, orl_message_wait_us(conn));
    } else {
        (void)snprintf(object, sizeof(object), "session:%s", row.id);
        const struct orl_audit_event event = {
                .object = object, .user = row.user, .detail = body.text};
        send_it(req, &event, NULL, conn);
    }
}

void orl_api_messages_send(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct body body = {0};
    char object[ORL_NAME_MAX + 12] = "sessions:all";
    struct orl_pool_row pool = {0};
    const uint64_t now_us = orl_clock_now_us();
    (void)args;
    if (!read_body(req, all_fields, &body)) {
        return;
    }
    if (body.pool[0] != '\0') {
        if (orl_pool_get(req->broker->store, body.pool, &pool, &err) < 0) {
            orl_api_fail(req, &err);
            return;
        }
        (void)snprintf(object, sizeof(object), "pool:%s", pool.name);
    }
    if (req->broker->message_us != 0 && now_us - req->broker->message_us < ORL_MESSAGE_TO_ALL_US) {
        refuse_rate(req, ORL_MESSAGE_TO_ALL_US - (now_us - req->broker->message_us));
        return;
    }
    req->broker->message_us = now_us;
    const struct orl_audit_event event = {.object = object, .detail = body.text};
    send_it(req, &event, pool.name[0] != '\0' ? pool.name : NULL, NULL);
}
