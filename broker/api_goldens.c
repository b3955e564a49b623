/* Golden images, as vmpool has them: what is being made, what serves, what failed. */
#include "broker/api_handlers.h"
#include "store/golden.h"

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
    return json_array_append_new(ctx, object) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_goldens_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    json_t *list = json_array();
    if (orl_golden_rows(req->broker->store, NULL, add, list, &err) < 0) {
        json_decref(list);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o}", "goldens", list));
}
