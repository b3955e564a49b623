/* The site's own words: GET says them to everybody, as the log-in page does; only an administrator writes them. */
#include "broker/api_handlers.h"
#include "broker/line_text.h"
#include "broker/site.h"

#include <stdio.h>
#include <string.h>

struct site {
    char contact[ORL_TEXT_MAX + 1];
    char notice[ORL_TEXT_MAX + 1];
};
static const struct orl_api_field site_fields[] = {
        {"contact", ORL_API_STR, offsetof(struct site, contact), ORL_TEXT_MAX + 1, 0, false, NULL},
        {"notice", ORL_API_STR, offsetof(struct site, notice), ORL_TEXT_MAX + 1, 0, false, NULL},
        {0},
};

static int load(struct orl_http_req *req, struct site *ret_site, struct orl_err *err)
{
    int rc = orl_site_get(req->broker->store, ORL_SITE_CONTACT, ret_site->contact, err);
    return rc < 0 ? rc : orl_site_get(req->broker->store, ORL_SITE_NOTICE, ret_site->notice, err);
}

static json_t *to_json(const struct site *site)
{
    return json_pack("{s:s, s:s}", "contact", site->contact, "notice", site->notice);
}

void orl_api_site_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct site site;
    (void)args;
    if (load(req, &site, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_api_etag_set(req, to_json(&site));
    orl_http_reply(req, 200, to_json(&site));
}

void orl_api_site_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct site site;
    uint64_t seen = 0;
    (void)args;
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = load(req, &site, &err);
    if (rc == 0 && (!orl_api_etag_ok(req, to_json(&site), to_json(&site)) ||
                           !orl_api_body(req, site_fields, &site, &seen))) {
        return;
    }
    rc = rc < 0 ? rc : orl_site_check(site.contact, site.notice, &err);
    rc = rc < 0 ? rc : orl_site_set(req->broker->store, ORL_SITE_CONTACT, site.contact, &err);
    rc = rc < 0 ? rc : orl_site_set(req->broker->store, ORL_SITE_NOTICE, site.notice, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_api_etag_set(req, to_json(&site));
        orl_api_done(req, 200, "site.set", "site", to_json(&site));
    }
}

/* ---- reasons ---- */

static int reason_json(
        struct orl_store *store, enum orl_reason reason, json_t **ret_json, struct orl_err *err)
{
    char key[ORL_SITE_KEY_MAX + 1];
    char own[ORL_TEXT_MAX + 1];
    orl_site_reason_key(reason, key);
    int rc = orl_site_get(store, key, own, err);
    if (rc == 0) {
        *ret_json = json_pack("{s:s, s:s, s:s, s:b}", "code", orl_reason_code(reason), "text",
                own[0] != '\0' ? own : orl_reason_text(reason), "standard", orl_reason_text(reason),
                "is_own", own[0] != '\0');
    }
    return rc;
}

/* `reasons` is for pages that look a word up, with whom to call; `list` for who writes them. */
void orl_api_reasons(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    json_t *words = json_object();
    json_t *list = json_array();
    int rc = 0;
    (void)args;
    for (unsigned i = ORL_REASON_NONE + 1; rc == 0 && i < ORL_REASON_COUNT; i++) {
        const enum orl_reason reason = (enum orl_reason)i;
        char text[ORL_TEXT_MAX + 1];
        json_t *one = NULL;
        rc = reason_json(req->broker->store, reason, &one, &err);
        orl_site_words(req->broker->store, reason, NULL, text);
        (void)json_object_set_new(words, orl_reason_code(reason), json_string(text));
        (void)json_array_append_new(list, one);
    }
    if (rc < 0) {
        json_decref(words);
        json_decref(list);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o, s:o}", "reasons", words, "list", list));
}

static void set_reason(struct orl_http_req *req, const char *code, const char *text)
{
    struct orl_err err = {0};
    enum orl_reason reason;
    char key[ORL_SITE_KEY_MAX + 1];
    char object[ORL_SITE_KEY_MAX + 1];
    json_t *json = NULL;
    if (!orl_reason_parse(code, &reason) || reason == ORL_REASON_NONE) {
        orl_api_refuse(req, 404, "not_found", "there is no such reason");
        return;
    }
    orl_site_reason_key(reason, key);
    orl_msg_text(object, sizeof(object), key);
    int rc = orl_line_check("text", text, ORL_SITE_REASON_MAX, &err);
    if (rc == 0 && !orl_api_begin(req)) {
        return;
    }
    rc = rc < 0 ? rc : orl_site_set(req->broker->store, key, text, &err);
    rc = rc < 0 ? rc : reason_json(req->broker->store, reason, &json, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_api_done(req, 200, text[0] != '\0' ? "reason.set" : "reason.reset", object, json);
    }
}

void orl_api_reasons_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct text {
        char text[ORL_TEXT_MAX + 1];
    } in = {0};
    static const struct orl_api_field fields[] = {
            {"text", ORL_API_STR, offsetof(struct text, text), ORL_TEXT_MAX + 1, 0, true, NULL},
            {0},
    };
    uint64_t seen = 0;
    if (orl_api_body(req, fields, &in, &seen)) {
        set_reason(req, args->arg[0], in.text);
    }
}

void orl_api_reasons_reset(struct orl_http_req *req, const struct orl_api_args *args)
{
    set_reason(req, args->arg[0], "");
}
