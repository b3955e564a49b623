/* Work that a host does for somebody: asked for, looked at, called off. */
#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/session_lease.h"
#include "store/job.h"
#include "store/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 200, PAGE_MAX = 1000 };

static json_t *to_json(const struct orl_job_row *row)
{
    json_t *result = json_loads(row->result, 0, NULL);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:s, s:o, s:s, s:s, s:I, s:I}",
            "id", row->id, "kind", row->kind, "object", row->object, "host", row->host, "actor",
            row->actor, "state", orl_job_state_name(row->state), "is_cancel_wanted",
            row->is_cancel_wanted, "is_seal_wanted", row->is_seal_wanted, "progress_percent",
            (json_int_t)row->percent, "progress_text", row->progress, "result",
            result != NULL ? result : json_null(), "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "reason_text",
            row->reason_text, "created_ms", (json_int_t)row->created_ms, "changed_ms",
            (json_int_t)row->changed_ms);
}

struct page {
    json_t *list;
    uint32_t room; /* rows that it may still have */
    char last[ORL_ID_LEN + 1];
    bool has_more;
};

static int add(void *ctx, const struct orl_job_row *row)
{
    struct page *page = ctx;
    if (page->room == 0) {
        page->has_more = true;
        return 0;
    }
    page->room--;
    memcpy(page->last, row->id, sizeof(page->last));
    return json_array_append_new(page->list, to_json(row)) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_jobs_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    char kind[ORL_STORE_CODE_MAX + 1] = "";
    char object[ORL_TEXT_MAX + 1] = "";
    char after[ORL_ID_LEN + 1] = "";
    char text[8] = "";
    struct page page = {.room = PAGE};
    (void)orl_http_query_get(req, "kind", kind, sizeof(kind));
    (void)orl_http_query_get(req, "object", object, sizeof(object));
    (void)orl_http_query_get(req, "after", after, sizeof(after));
    if (orl_http_query_get(req, "limit", text, sizeof(text))) {
        size_t len = strlen(text);
        long limit = len > 0 && len < 5 && strspn(text, "0123456789") == len
                             ? strtol(text, NULL, 10)
                             : 0;
        if (limit < 1 || limit > PAGE_MAX) {
            orl_api_refuse(req, 400, "bad_request", "field 'limit' is 1 to 1000");
            return;
        }
        page.room = (uint32_t)limit;
    }
    const struct orl_job_filter filter = {
            .kind = kind, .object = object, .after = after, .max_count = page.room + 1};
    page.list = json_array();
    if (orl_job_list(req->broker->store, &filter, add, &page, &err) < 0) {
        json_decref(page.list);
        orl_api_fail(req, &err);
        return;
    }
    json_t *body = json_pack("{s:o}", "jobs", page.list);
    if (page.has_more) {
        (void)json_object_set_new(body, "next", json_string(page.last));
    }
    orl_http_reply(req, 200, body);
}

void orl_api_jobs_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_job_row row;
    if (orl_job_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_http_reply(req, 200, to_json(&row));
    }
}

void orl_api_jobs_cancel(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_job_cancel(req->broker->store, args->arg[0], actor, orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_api_done(req, 200, NULL, NULL, NULL);
    }
}

struct input {
    uint32_t version;
};
static const struct orl_api_field check_fields[] = {
        {"version", ORL_API_U32, offsetof(struct input, version), 0, UINT32_MAX, false, NULL},
        {0},
};

void orl_api_templates_check(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct input in = {0};
    uint64_t seen = 0;
    struct orl_template_row row;
    struct orl_id id;
    if (req->body != NULL && !orl_api_body(req, check_fields, &in, &seen)) {
        return;
    }
    if (orl_template_get(req->broker->store, args->arg[0], in.version, &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    struct orl_job_row job = {.kind = "template.check"};
    (void)snprintf(job.object, sizeof(job.object), "template:%s", row.name);
    (void)snprintf(job.parameters, sizeof(job.parameters), "{\"version\":%u}", row.version);
    orl_api_actor(req, job.actor, sizeof(job.actor));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_job_add(req->broker->store, &job, orl_clock_wall_ms(), &id, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, 202, NULL, NULL, json_pack("{s:s}", "job", id.text));
}
