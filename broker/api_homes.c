/* People's homes: what there is. Their files are never touched from here: a row that is forgotten leaves its disk. */
#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "store/home.h"

#include <stdio.h>

static json_t *to_json(const struct orl_home_row *row)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "id", row->id, "user",
            row->user, "pool", row->pool, "kind", row->kind == ORL_HOME_NFS ? "nfs" : "volume",
            "path", row->path, "size_mib", (json_int_t)row->size_mib, "desktop", row->desktop,
            "created_ms", (json_int_t)row->created_ms, "used_ms", (json_int_t)row->used_ms);
}

static int add(void *ctx, const struct orl_home_row *row)
{
    return orl_api_page_add(ctx, to_json(row), "%s/%s/%s", row->user, row->pool,
            row->kind == ORL_HOME_NFS ? "nfs" : "volume");
}

void orl_api_homes_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_home_list(req->broker->store, &page.page, add, &page, &err);
        orl_api_page_reply(req, &page, "homes", rc, &err);
    }
}

void orl_api_homes_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_home_row row;
    if (orl_home_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, to_json(&row));
}

void orl_api_homes_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 8];
    (void)snprintf(object, sizeof(object), "home:%s", args->arg[0]);
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_home_remove(req->broker->store, args->arg[0], "admin", orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_api_done(req, 200, "home.forget", object, NULL);
}
