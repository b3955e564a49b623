/* Golden images, as vmpool has them: what is being made, what serves, what failed. */
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "store/golden.h"

#include <inttypes.h>

static int add(void *ctx, const struct orl_golden_row *row)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:s, s:s,"
                               " s:I, s:I, s:I, s:I}",
            "id", row->id, "host", row->host, "template", row->template_name, "template_version",
            (json_int_t)row->template_version, "method", row->is_shared ? "instant" : "restore",
            "machine", row->machine, "qemu", (json_int_t)row->qemu, "memory_mib",
            (json_int_t)row->memory_mib, "vcpus", (json_int_t)row->vcpus, "state",
            orl_golden_state_name(row->state), "percent", (json_int_t)row->percent, "text",
            row->text, "path", row->path, "attempts", (json_int_t)row->attempts, "created_ms",
            (json_int_t)row->created_ms, "changed_ms", (json_int_t)row->changed_ms, "built_ms",
            (json_int_t)row->built_ms);
    return orl_api_page_add(ctx, object, "%" PRIu64 "/%s", row->created_ms, row->id);
}

void orl_api_goldens_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_golden_rows(req->broker->store, NULL, &page.page, add, &page, &err);
        orl_api_page_reply(req, &page, "goldens", rc, &err);
    }
}
