/* What is wrong now. An alarm goes by itself when its cause does; clearing one by hand is for what nobody sees any more. */
#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "store/alarm.h"

#include <inttypes.h>

static int add(void *ctx, const struct orl_alarm_row *row)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "reason",
            orl_reason_code(row->reason), "object", row->object, "text",
            row->text[0] != '\0' ? row->text : orl_reason_text(row->reason), "since_ms",
            (json_int_t)row->since_ms, "seen_ms", (json_int_t)row->seen_ms, "count",
            (json_int_t)row->count);
    return orl_api_page_add(ctx, object, "%" PRIu64 "/%s/%s", row->since_ms,
            orl_reason_code(row->reason), row->object);
}

void orl_api_alarms_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_alarm_list(req->broker->store, &page.page, add, &page, &err);
        orl_api_page_reply(req, &page, "alarms", rc, &err);
    }
}

struct input {
    char reason[ORL_STORE_CODE_MAX + 1];
    char object[ORL_TEXT_MAX + 1];
};
static const struct orl_api_field fields[] = {
        {"reason", ORL_API_STR, offsetof(struct input, reason), ORL_STORE_CODE_MAX + 1, 0, true,
                NULL},
        {"object", ORL_API_STR, offsetof(struct input, object), ORL_TEXT_MAX + 1, 0, true, NULL},
        {0},
};

void orl_api_alarms_clear(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {0};
    enum orl_reason reason;
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    if (!orl_reason_parse(in.reason, &reason)) {
        orl_api_refuse(req, 400, "bad_request", "field 'reason' is no reason's code");
    } else if (!orl_api_begin(req)) {
        return;
    } else if (orl_alarm_clear(req->broker->store, reason, in.object, orl_clock_wall_ms(), &err) <
               0) {
        orl_api_fail(req, &err);
    } else {
        orl_api_done(req, 200, "alarm.clear", in.object, NULL);
    }
}
