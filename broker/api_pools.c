#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/pool_drain.h"
#include "broker/session_lease.h"
#include "store/pool.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DESKTOPS = 10000, MAX_MEMORY_MIB = 1 << 20, MAX_VCPUS = 512, MAX_TIMEOUT_S = 31536000 };
enum { MAX_CLIPBOARD_BYTES = 16 << 20, DEFAULT_CLIPBOARD_BYTES = 1 << 20 };

struct input {
    char name[ORL_NAME_MAX + 1];
    char kind[16];
    char template_name[ORL_NAME_MAX + 1];
    char clipboard[16];
    uint32_t spares, max, memory_mib, vcpus, disconnect_timeout_s, clipboard_max_bytes;
    bool has_sound, is_maintenance;
};

#define COMMON_FIELDS                                                                              \
    {"template", ORL_API_STR, offsetof(struct input, template_name), ORL_NAME_MAX + 1, 0, false},  \
            {"spares", ORL_API_U32, offsetof(struct input, spares), 0, MAX_DESKTOPS, false},       \
            {"max", ORL_API_U32, offsetof(struct input, max), 0, MAX_DESKTOPS, false},             \
            {"memory_mib", ORL_API_U32, offsetof(struct input, memory_mib), 0, MAX_MEMORY_MIB,     \
                    false},                                                                        \
            {"vcpus", ORL_API_U32, offsetof(struct input, vcpus), 0, MAX_VCPUS, false},            \
            {"disconnect_timeout_s", ORL_API_U32, offsetof(struct input, disconnect_timeout_s), 0, \
                    MAX_TIMEOUT_S, false},                                                         \
            {"clipboard", ORL_API_STR, offsetof(struct input, clipboard), 16, 0, false},           \
            {"clipboard_max_bytes", ORL_API_U32, offsetof(struct input, clipboard_max_bytes), 0,   \
                    MAX_CLIPBOARD_BYTES, false},                                                   \
            {"sound", ORL_API_BOOL, offsetof(struct input, has_sound), 0, 0, false},               \
    {                                                                                              \
        "maintenance", ORL_API_BOOL, offsetof(struct input, is_maintenance), 0, 0, false           \
    }

static const struct orl_api_field add_fields[] = {
        {"name", ORL_API_STR, offsetof(struct input, name), ORL_NAME_MAX + 1, 0, true},
        {"kind", ORL_API_STR, offsetof(struct input, kind), 16, 0, true},
        COMMON_FIELDS,
        {0},
};
static const struct orl_api_field change_fields[] = {COMMON_FIELDS, {0}};

static json_t *counts_json(struct orl_broker *broker, const char *pool)
{
    struct orl_desktop_counts counts = {0};
    if (orl_desktop_count(broker->store, pool, &counts, NULL) < 0) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:I}", "total", (json_int_t)counts.total, "ready",
            (json_int_t)counts.ready, "given", (json_int_t)counts.given);
}

static json_t *to_json(struct orl_broker *broker, const struct orl_pool_row *row)
{
    int waiting = orl_session_count_waiting(broker->store, row->name, NULL);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:s, s:s, s:I, s:o, "
                     "s:i, s:s, s:I, s:b}",
            "name", row->name, "kind", orl_pool_kind_name(row->kind), "template",
            row->template_name, "spares", (json_int_t)row->spares, "max",
            (json_int_t)row->max_desktops, "memory_mib", (json_int_t)row->memory_mib, "vcpus",
            (json_int_t)row->vcpus, "disconnect_timeout_s", (json_int_t)row->disconnect_timeout_s,
            "maintenance", row->is_maintenance, "deleted", row->is_deleted, "created_ms",
            (json_int_t)row->created_ms, "problem",
            row->problem != ORL_REASON_NONE ? orl_reason_code(row->problem) : "", "problem_text",
            row->problem_text, "retry_ms", (json_int_t)row->retry_ms, "desktops",
            counts_json(broker, row->name), "waiting", waiting < 0 ? 0 : waiting, "clipboard",
            orl_clipboard_policy_name(row->permit.clipboard), "clipboard_max_bytes",
            (json_int_t)row->permit.clipboard_max_bytes, "sound", row->permit.has_sound != 0);
}

struct list {
    struct orl_broker *broker;
    json_t *array;
};

static int add_json(void *ctx, const struct orl_pool_row *row)
{
    struct list *list = ctx;
    return json_array_append_new(list->array, to_json(list->broker, row)) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_pools_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct list list = {.broker = req->broker, .array = json_array()};
    if (orl_pool_list(req->broker->store, add_json, &list, &err) < 0) {
        json_decref(list.array);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o}", "pools", list.array));
}

void orl_api_pools_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_pool_row row;
    if (orl_pool_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, to_json(req->broker, &row));
}

static struct input input_of(const struct orl_pool_row *row)
{
    struct input in = {.spares = row->spares,
            .max = row->max_desktops,
            .memory_mib = row->memory_mib,
            .vcpus = row->vcpus,
            .disconnect_timeout_s = row->disconnect_timeout_s,
            .clipboard_max_bytes = row->permit.clipboard_max_bytes,
            .has_sound = row->permit.has_sound != 0,
            .is_maintenance = row->is_maintenance};
    memcpy(in.template_name, row->template_name, sizeof(in.template_name));
    orl_msg_text(
            in.clipboard, sizeof(in.clipboard), orl_clipboard_policy_name(row->permit.clipboard));
    return in;
}

static const char *find_fault(const struct orl_pool_row *row)
{
    if (row->kind == ORL_POOL_STATIC) {
        return row->template_name[0] != '\0' ? "a static pool has no template" : NULL;
    }
    if (row->template_name[0] == '\0') {
        return "field 'template' is missing";
    }
    if (row->max_desktops == 0) {
        return "field 'max' must be at least 1";
    }
    return row->spares > row->max_desktops ? "field 'spares' is over 'max'" : NULL;
}

/* The fault, or NULL. */
static const char *apply(const struct input *in, struct orl_pool_row *row)
{
    memcpy(row->template_name, in->template_name, sizeof(row->template_name));
    row->spares = in->spares;
    row->max_desktops = in->max;
    row->memory_mib = in->memory_mib;
    row->vcpus = in->vcpus;
    row->disconnect_timeout_s = in->disconnect_timeout_s;
    row->is_maintenance = in->is_maintenance;
    row->permit.clipboard_max_bytes = in->clipboard_max_bytes;
    row->permit.has_sound = in->has_sound ? 1 : 0;
    if (!orl_clipboard_policy_parse(in->clipboard, &row->permit.clipboard)) {
        return "field 'clipboard' must be \"both\", \"to_guest\", \"to_client\" or \"none\"";
    }
    return find_fault(row);
}

static void reply_row(
        struct orl_http_req *req, unsigned status, const char *action, const char *name)
{
    struct orl_err err = {0};
    struct orl_pool_row row;
    char object[ORL_NAME_MAX + 8];
    if (orl_pool_get(req->broker->store, name, &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "pool:%s", row.name);
    orl_leases_poke(req->broker->leases);
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, status, action, object, to_json(req->broker, &row));
}

void orl_api_pools_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {.clipboard = "both",
            .clipboard_max_bytes = DEFAULT_CLIPBOARD_BYTES,
            .has_sound = true,
            .spares = 1,
            .max = 10,
            .disconnect_timeout_s = 3600};
    struct orl_pool_row row = {0};
    uint64_t seen = 0;
    if (!orl_api_body(req, add_fields, &in, &seen)) {
        return;
    }
    if (!orl_pool_kind_parse(in.kind, &row.kind)) {
        orl_api_refuse(req, 400, "bad_request",
                "field 'kind' must be \"floating\", \"dedicated\" or \"static\"");
        return;
    }
    if (row.kind == ORL_POOL_STATIC) {
        in.spares = 0;
        in.max = MAX_DESKTOPS;
    }
    const char *fault = apply(&in, &row);
    memcpy(row.name, in.name, sizeof(row.name));
    if (fault != NULL) {
        orl_api_refuse(req, 400, "bad_request", fault);
    } else if (!orl_api_begin(req)) {
        return;
    } else if (orl_pool_insert(req->broker->store, &row, orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 201, "pool.add", row.name);
    }
}

void orl_api_pools_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_pool_row row;
    uint64_t seen = 0;
    if (orl_pool_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    struct input in = input_of(&row);
    if (!orl_api_body(req, change_fields, &in, &seen)) {
        return;
    }
    const char *fault = apply(&in, &row);
    if (fault != NULL) {
        orl_api_refuse(req, 400, "bad_request", fault);
    } else if (!orl_api_begin(req)) {
        return;
    } else if (orl_pool_update(req->broker->store, &row, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 200, "pool.change", row.name);
    }
}

void orl_api_pools_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 8];
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_pool_set_deleted(req->broker->store, args->arg[0], &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_pool_drain(req->broker);
    orl_leases_poke_vmpool(req->broker->leases);
    (void)snprintf(object, sizeof(object), "pool:%s", args->arg[0]);
    orl_api_done(req, 202, "pool.remove", object, NULL);
}
