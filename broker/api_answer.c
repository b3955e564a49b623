/* What the API answers: problems (RFC 9457), and the deed with its audit row as one transaction. */
#include "broker/api.h"
#include "broker/bearer.h"
#include "broker/closing.h"
#include "broker/site.h"
#include "broker/weblogin.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void orl_api_actor(const struct orl_http_req *req, char *ret_actor, size_t size)
{
    switch (req->by) {
    case ORL_HTTP_BY_TOKEN:
        (void)snprintf(ret_actor, size, "token:%s", req->login.id);
        return;
    case ORL_HTTP_BY_COOKIE:
        (void)snprintf(ret_actor, size, "user:%s", req->login.user);
        return;
    case ORL_HTTP_BY_UID:
        (void)snprintf(ret_actor, size, "admin:%u", (unsigned)req->uid);
        return;
    case ORL_HTTP_BY_NOTHING:
        break;
    }
    if (req->role == ORL_HTTP_NOBODY || req->client[0] == '\0') {
        (void)snprintf(ret_actor, size, "uid:%u", (unsigned)req->uid);
    } else {
        (void)snprintf(ret_actor, size, "portal");
    }
}

/* Who it was or whom it is about: the audit is searched by that. A token's person is in its rows only so. */
static const char *person_of(const struct orl_http_req *req, const char *object)
{
    if (req->by == ORL_HTTP_BY_TOKEN ||
            (req->by == ORL_HTTP_BY_COOKIE && req->least <= ORL_HTTP_USER)) {
        return req->login.user;
    }
    return object != NULL && strncmp(object, "user:", 5) == 0 ? object + 5 : NULL;
}

/* Words for what is no reason of base/reason.h. */
static const char *title_of(const char *code)
{
    static const struct {
        const char *code;
        const char *title;
    } titles[] = {{"bad_request", "The request is not good."},
            {"not_found", "There is no such thing."}, {"exists", "It is there already."},
            {"conflict", "Its state does not allow it."},
            {"changed", "Somebody else has changed it."},
            {"busy", "There is too much to do at the moment."},
            {"method_not_allowed", "The path has no such method."},
            {"not_logged_in", "Nobody is logged in."}};
    enum orl_reason reason = ORL_REASON_NONE;
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (strcmp(titles[i].code, code) == 0) {
            return titles[i].title;
        }
    }
    return orl_reason_parse(code, &reason) ? orl_reason_text(reason) : "It was refused.";
}

/* Our texts name what they are about first: "field 'spares' must be ..."; NULL: not about a field. */
static json_t *errors_of(const char *text)
{
    const char *at = strstr(text, "field '");
    size_t len = at != NULL ? strcspn(at + 7, "'") : 0;
    if (len == 0 || at[7 + len] != '\'') {
        return NULL;
    }
    return json_pack("[{s:s%, s:s}]", "field", at + 7, len, "text", text);
}

static json_t *problem(unsigned status, const char *code, const char *text, const char *audit)
{
    json_t *body = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
            title_of(code), "status", (int)status, "detail", text, "code", code);
    json_t *errors = status == 400 ? errors_of(text) : NULL;
    if (audit != NULL) {
        (void)json_object_set_new(body, "audit", json_string(audit));
    }
    if (errors != NULL) {
        (void)json_object_set_new(body, "errors", errors);
    }
    return body;
}

void orl_api_rollback(struct orl_http_req *req)
{
    if (req->tx.store != NULL) {
        orl_store_tx_end(&req->tx);
        orl_closings_drop(req->broker);
    }
}

int orl_api_commit(struct orl_http_req *req, struct orl_err *err)
{
    int rc = req->tx.store != NULL ? orl_store_tx_commit(&req->tx, err) : 0;
    if (rc < 0) {
        orl_closings_drop(req->broker);
    } else {
        orl_closings_run(req->broker);
    }
    return rc;
}

void orl_api_refuse(struct orl_http_req *req, unsigned status, const char *code, const char *text)
{
    orl_api_rollback(req);
    orl_http_reply(req, status, problem(status, code, text, NULL));
}

void orl_api_refuse_with(struct orl_http_req *req, unsigned status, const char *code,
        const char *text, const char *member, json_t *value)
{
    orl_api_rollback(req);
    json_t *body = problem(status, code, text, NULL);
    (void)json_object_set_new(body, member, value);
    orl_http_reply(req, status, body);
}

void orl_api_refuse_event(struct orl_http_req *req, unsigned status,
        const struct orl_audit_event *event, const char *text)
{
    char actor[ORL_API_ACTOR_MAX + 1];
    struct orl_id audit;
    struct orl_audit_event full = *event;
    orl_api_rollback(req);
    orl_api_actor(req, actor, sizeof(actor));
    full.actor = actor;
    full.action = event->action != NULL ? event->action : "api";
    full.user = event->user != NULL ? event->user : person_of(req, event->object);
    /* An administrator stands where a client's address does: so his floods are counted, too. */
    full.client = req->client[0] != '\0' ? req->client : actor;
    full.detail = event->detail != NULL ? event->detail : req->path;
    (void)orl_broker_audit(req->broker, &full, &audit);
    char words[ORL_TEXT_MAX + 1];
    bool has_text = text != NULL && text[0] != '\0';
    orl_msg_text(words, sizeof(words), has_text ? text : orl_reason_text(event->reason));
    if (req->client[0] != '\0') { /* a browser: a person reads it */
        orl_site_words(req->broker->store, event->reason, text, words);
    }
    orl_http_reply(req, status, problem(status, orl_reason_code(event->reason), words, audit.text));
}

void orl_api_refuse_reason(struct orl_http_req *req, unsigned status, enum orl_reason reason,
        const char *object, const char *text)
{
    const struct orl_audit_event event = {.reason = reason, .object = object};
    orl_api_refuse_event(req, status, &event, text);
}

void orl_api_fail(struct orl_http_req *req, const struct orl_err *err)
{
    static const struct {
        int code;
        unsigned status;
        const char *name;
    } answers[] = {{ORL_E_INVAL, 400, "bad_request"}, {ORL_E_NOTFOUND, 404, "not_found"},
            {ORL_E_EXISTS, 409, "exists"}, {ORL_E_CONFLICT, 409, "conflict"},
            {ORL_E_DENIED, 409, "conflict"}, {ORL_E_LIMIT, 503, "busy"}};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i].code == err->code) {
            const char *text = err->text[0] != '\0' ? err->text : orl_err_name(err->code);
            orl_api_refuse(req, answers[i].status, answers[i].name, text);
            return;
        }
    }
    orl_broker_log_store(req->broker, req->path, err);
    enum orl_reason reason = orl_broker_store_reason(err->code);
    bool is_away = reason == ORL_REASON_STORE_DOWN;
    /* Where our database is, is nobody's business but of who is on this host. */
    orl_api_refuse_reason(req, is_away ? 503 : 500, reason, NULL,
            is_away && req->by == ORL_HTTP_BY_UID ? err->text : NULL);
}

int orl_api_identify_again(struct orl_http_req *req, struct orl_err *err)
{
    switch (req->by) {
    case ORL_HTTP_BY_TOKEN:
        return orl_bearer_identify(req, err);
    case ORL_HTTP_BY_COOKIE:
        return orl_weblogins_identify(req, err);
    case ORL_HTTP_BY_UID:
    case ORL_HTTP_BY_NOTHING:
        break;
    }
    return 0;
}

bool orl_api_begin(struct orl_http_req *req)
{
    struct orl_err err = {0};
    int rc = orl_store_tx_begin(req->broker->store, &req->tx, &err);
    bool is_again = req->by == ORL_HTTP_BY_TOKEN ||
                    (req->by == ORL_HTTP_BY_COOKIE && req->least > ORL_HTTP_USER);
    rc = rc == 0 && is_again ? orl_api_identify_again(req, &err) : rc;
    if (rc < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return !is_again || orl_api_check_role(req);
}

int orl_api_record(struct orl_http_req *req, const char *action, const char *object,
        const char *user, struct orl_id *ret_audit, struct orl_err *err)
{
    int rc = 0;
    if (action != NULL) {
        char actor[ORL_API_ACTOR_MAX + 1];
        orl_api_actor(req, actor, sizeof(actor));
        struct orl_audit_event event = {.actor = actor,
                .action = action,
                .object = object,
                .user = user != NULL ? user : person_of(req, object),
                .client = req->client,
                .detail = req->deed};
        rc = orl_broker_audit(req->broker, &event, ret_audit);
    } else {
        orl_msg_text(
                ret_audit->text, sizeof(ret_audit->text), orl_audit_last_id(req->broker->store));
    }
    return rc < 0 ? orl_err_set(err, ORL_E_BACKEND, "no audit row: no deed") : 0;
}

void orl_api_done(struct orl_http_req *req, unsigned status, const char *action, const char *object,
        json_t *body)
{
    orl_api_done_of(req, status, action, object, NULL, body);
}

void orl_api_done_of(struct orl_http_req *req, unsigned status, const char *action,
        const char *object, const char *user, json_t *body)
{
    struct orl_id audit;
    struct orl_err err = {0};
    if (orl_api_record(req, action, object, user, &audit, &err) < 0 ||
            orl_api_commit(req, &err) < 0) {
        json_decref(body);
        orl_api_fail(req, &err);
        return;
    }
    if (body == NULL) {
        body = json_object();
    }
    (void)json_object_set_new(body, "audit", json_string(audit.text));
    orl_http_reply(req, status, body);
}

static void make_etag(json_t *changeable, char ret_etag[ORL_HTTP_ETAG_LEN + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    char *text = json_dumps(changeable, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(changeable);
    (void)crypto_hash_sha256(hash, (const unsigned char *)text, text != NULL ? strlen(text) : 0);
    (void)sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    (void)snprintf(ret_etag, ORL_HTTP_ETAG_LEN + 1, "\"%.16s\"", hex);
    free(text);
}

void orl_api_etag_set(struct orl_http_req *req, json_t *changeable)
{
    make_etag(changeable, req->etag);
}

bool orl_api_etag_ok(struct orl_http_req *req, json_t *changeable, json_t *current)
{
    char etag[ORL_HTTP_ETAG_LEN + 1];
    make_etag(changeable, etag);
    if (req->if_match[0] == '\0' || strcmp(req->if_match, etag) == 0) {
        json_decref(current);
        return true;
    }
    orl_api_rollback(req);
    memcpy(req->etag, etag, sizeof(etag));
    json_t *body = problem(412, "changed", "Somebody else has changed it since it was read.", NULL);
    (void)json_object_set_new(body, "current", current);
    orl_http_reply(req, 412, body);
    return false;
}
