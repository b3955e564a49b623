#include "broker/api_pools.h"
#include "base/addr.h"
#include "base/client_limits.h"
#include "base/clock.h"
#include "base/hours.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/pool_drain.h"
#include "broker/session_lease.h"
#include "store/desktop.h"
#include "store/forecast.h"
#include "store/pool.h"
#include "store/pool_schedule.h"

#include <stdio.h>
#include <string.h>

struct input {
    char name[ORL_NAME_MAX + 1];
    char kind[16];
    struct orl_pool_row row;
};
enum { OWN_FIELDS = 2, FIELDS = OWN_FIELDS + ORL_POOL_SETTING_COUNT };

static struct orl_api_field field_of(const struct orl_pool_setting *setting)
{
    static const enum orl_api_type types[] = {[ORL_SETTING_U32] = ORL_API_U32,
            [ORL_SETTING_BOOL] = ORL_API_BOOL,
            [ORL_SETTING_FLAG] = ORL_API_FLAG,
            [ORL_SETTING_CHOICE] = ORL_API_CHOICE,
            [ORL_SETTING_TEXT] = ORL_API_STR};
    return (struct orl_api_field){.name = setting->key,
            .type = types[setting->type],
            .offset = offsetof(struct input, row) + setting->offset,
            .size = setting->type == ORL_SETTING_TEXT ? setting->size : setting->min,
            .max = setting->max,
            .choices = setting->choices};
}

/* The settings, and what only a new pool is told. */
static void make_fields(struct orl_api_field ret_fields[FIELDS + 1], bool is_new)
{
    unsigned count = 0;
    if (is_new) {
        ret_fields[count++] = (struct orl_api_field){
                "name", ORL_API_STR, offsetof(struct input, name), ORL_NAME_MAX + 1, 0, true, NULL};
        ret_fields[count++] = (struct orl_api_field){
                "kind", ORL_API_STR, offsetof(struct input, kind), 16, 0, true, NULL};
    }
    for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
        ret_fields[count++] = field_of(s);
    }
    ret_fields[count] = (struct orl_api_field){0};
}

static json_t *setting_json(const struct orl_pool_setting *s, const struct orl_pool_row *row)
{
    const char *at = (const char *)row + s->offset;
    uint32_t number = 0;
    bool flag = false;
    switch (s->type) {
    case ORL_SETTING_TEXT:
        return json_string(at);
    case ORL_SETTING_BOOL:
        memcpy(&flag, at, sizeof(flag));
        return json_boolean(flag);
    default:
        break;
    }
    memcpy(&number, at, sizeof(number));
    return s->type == ORL_SETTING_FLAG     ? json_boolean(number != 0)
           : s->type == ORL_SETTING_CHOICE ? json_string(orl_pool_choice_name(s->choices, number))
                                           : json_integer((json_int_t)number);
}

void orl_api_pool_put_settings(json_t *object, const struct orl_pool_row *row)
{
    for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
        (void)json_object_set_new(object, s->key, setting_json(s, row));
    }
}

static json_t *counts_json(struct orl_broker *broker, const char *pool)
{
    struct orl_desktop_counts counts = {0};
    if (orl_desktop_count(broker->store, pool, &counts, NULL) < 0) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:I, s:I}", "total", (json_int_t)counts.total, "ready",
            (json_int_t)counts.ready, "suspended",
            (json_int_t)counts.by[ORL_LEASE_FREE][ORL_POWER_SUSPENDED], "given",
            (json_int_t)counts.given);
}

static json_t *to_json(struct orl_broker *broker, const struct orl_pool_row *row)
{
    int waiting = orl_session_count_waiting(broker->store, row->name, NULL);
    json_t *object = json_pack("{s:s, s:s, s:b, s:I, s:s, s:s, s:I, s:o, s:i}", "name", row->name,
            "kind", orl_pool_kind_name(row->kind), "deleted", row->is_deleted, "created_ms",
            (json_int_t)row->created_ms, "problem",
            row->problem != ORL_REASON_NONE ? orl_reason_code(row->problem) : "", "problem_text",
            row->problem_text, "retry_ms", (json_int_t)row->retry_ms, "desktops",
            counts_json(broker, row->name), "waiting", waiting < 0 ? 0 : waiting);
    orl_api_pool_put_settings(object, row);
    return object;
}

/* What a PATCH may change. */
static json_t *settings_json(const struct orl_pool_row *row)
{
    json_t *object = json_pack("{s:s}", "name", row->name);
    orl_api_pool_put_settings(object, row);
    return object;
}

static int add_version(void *ctx, const struct orl_desktop_version *count)
{
    json_t *object = json_pack("{s:s, s:I, s:I}", "template", count->template_name, "version",
            (json_int_t)count->template_version, "desktops", (json_int_t)count->desktops);
    return json_array_append_new(ctx, object) < 0 ? ORL_E_NOMEM : 0;
}

/* What the schedule asks for now, or the pool itself where none holds; and who is expected in this quarter of an hour,
 * for whom vmpool keeps more. */
static json_t *now_json(struct orl_broker *broker, const struct orl_pool_row *row)
{
    struct orl_spares spares = {.running = row->spares, .suspended = row->spares_suspended};
    uint64_t now_ms = orl_clock_wall_ms();
    uint32_t mean_milli = 0;
    struct orl_err err = {0};
    if (row->schedule[0] != '\0' &&
            orl_schedule_spares(row->schedule, now_ms, spares, &spares, &err) < 0) {
        orl_log_warn(&broker->log, "pool's schedule can't be read", "pool", row->name, "error",
                err.text);
    }
    if (row->has_forecast && orl_forecast_mean(broker->store, row->name, orl_forecast_slot(now_ms),
                                     &mean_milli, &err) < 0) {
        orl_broker_log_store(broker, "forecast", &err);
    }
    return json_pack("{s:I, s:I, s:f}", "spares", (json_int_t)spares.running, "suspended",
            (json_int_t)spares.suspended, "people_expected", (double)mean_milli / 1000);
}

/* With how many of its desktops lie on which version of a template. */
static json_t *to_full_json(struct orl_broker *broker, const struct orl_pool_row *row)
{
    struct orl_err err = {0};
    json_t *object = to_json(broker, row);
    json_t *versions = json_array();
    if (orl_desktop_versions(broker->store, row->name, add_version, versions, &err) < 0) {
        orl_broker_log_store(broker, "versions", &err);
    }
    (void)json_object_set_new(object, "desktops_by_version", versions);
    (void)json_object_set_new(object, "now", now_json(broker, row));
    return object;
}

struct list {
    struct orl_broker *broker;
    struct orl_api_page page;
};

static int add_json(void *ctx, const struct orl_pool_row *row)
{
    struct list *list = ctx;
    return orl_api_page_add(&list->page, to_json(list->broker, row), "%s", row->name);
}

void orl_api_pools_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct list list = {.broker = req->broker};
    if (orl_api_page_begin(req, &list.page)) {
        int rc = orl_pool_list(req->broker->store, &list.page.page, add_json, &list, &err);
        orl_api_page_reply(req, &list.page, "pools", rc, &err);
    }
}

void orl_api_pools_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_pool_row row;
    if (orl_pool_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_api_etag_set(req, settings_json(&row));
    orl_http_reply(req, 200, to_full_json(req->broker, &row));
}

static const char *find_home_fault(const struct orl_pool_person *person)
{
    if (person->home == ORL_HOME_VOLUME && person->home_size_mib == 0) {
        return "field 'home_size_mib' is missing: how large each home is";
    }
    const char *colon = strchr(person->home_target, ':');
    if (person->home == ORL_HOME_NFS &&
            (colon == NULL || colon == person->home_target || colon[1] != '/')) {
        return "field 'home_target' must be SERVER:/PATH";
    }
    return person->home != ORL_HOME_NONE && person->mode == ORL_PERSON_OFF
                   ? "field 'home' needs field 'person' to be \"auto\""
                   : NULL;
}

static const char *find_setting_fault(const struct orl_pool_row *row)
{
    if (row->net.mode == ORL_NETWORK_BRIDGED && row->net.name[0] == '\0') {
        return "field 'network_name' is missing: the bridge";
    }
    if (row->policy.warn_last_s > row->policy.warn_first_s) {
        return "field 'warn_last_s' is over 'warn_first_s'";
    }
    struct orl_hours hours;
    struct orl_addr_nets nets;
    if (orl_hours_parse(row->policy.allowed_hours, &hours, NULL) < 0) {
        return "field 'allowed_hours' must be like \"mon-fri 08:00-18:00; sat 09:00-12:00\"";
    }
    if (orl_addr_nets_parse(row->policy.allowed_from, &nets, NULL) < 0) {
        return "field 'allowed_from' must be like \"10.0.0.0/8, 2001:db8::/32\"";
    }
    return find_home_fault(&row->person);
}

/* NULL: none. */
static const char *find_fault(const struct orl_pool_row *row)
{
    if (row->kind == ORL_POOL_STATIC) {
        return row->template_name[0] != '\0' ? "a static pool has no template"
                                             : find_setting_fault(row);
    }
    if (row->template_name[0] == '\0') {
        return "field 'template' is missing";
    }
    if (row->max_desktops == 0) {
        return "field 'max' must be at least 1";
    }
    if (row->spares > row->max_desktops || row->spares_suspended > row->max_desktops ||
            row->spares + row->spares_suspended > row->max_desktops) {
        return "fields 'spares' and 'spares_suspended' together are over 'max'";
    }
    return find_setting_fault(row);
}

/* true: it was refused. */
static bool refuse_fault(struct orl_http_req *req, const struct orl_pool_row *row)
{
    const struct orl_spares own = {.running = row->spares, .suspended = row->spares_suspended};
    struct orl_err err = {0};
    const struct orl_vm_res res = orl_pool_vm_res(row);
    const char *limits = orl_vm_res_fault(&res, row->memory_mib);
    const char *fault = find_fault(row);
    if (fault == NULL && orl_schedule_check(row->schedule, own, row->max_desktops, &err) < 0) {
        (void)orl_err_prefix(&err, "field 'schedule'");
        fault = err.text;
    }
    if (limits != NULL) {
        orl_api_refuse(req, 400, orl_reason_code(ORL_REASON_POOL_LIMITS), limits);
    } else if (fault != NULL) {
        orl_api_refuse(req, 400, "bad_request", fault);
    }
    return limits != NULL || fault != NULL;
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
    orl_api_etag_set(req, settings_json(&row));
    orl_api_done(req, status, action, object, to_full_json(req->broker, &row));
}

/* What the request did not say is as it is in a new pool of that kind. */
static void fill_in(struct input *in, enum orl_pool_kind kind, uint64_t seen)
{
    struct orl_pool_row defaults = {0};
    orl_pool_set_defaults(&defaults, kind);
    for (unsigned i = 0; i < ORL_POOL_SETTING_COUNT; i++) {
        const struct orl_pool_setting *s = &orl_pool_settings[i];
        size_t size = s->type == ORL_SETTING_TEXT   ? s->size
                      : s->type == ORL_SETTING_BOOL ? sizeof(bool)
                                                    : sizeof(uint32_t);
        if ((seen & UINT64_C(1) << (i + OWN_FIELDS)) == 0) {
            memcpy((char *)&in->row + s->offset, (char *)&defaults + s->offset, size);
        }
    }
    memcpy(in->row.name, in->name, sizeof(in->row.name));
    in->row.kind = kind;
}

int orl_api_pool_read(
        const json_t *object, bool is_new, struct orl_pool_row *row, struct orl_err *err)
{
    struct input in = {.row = *row};
    struct orl_api_field fields[FIELDS + 1];
    enum orl_pool_kind kind = row->kind;
    uint64_t seen = 0;
    make_fields(fields, is_new);
    int rc = orl_api_fields_read(object, fields, &in, &seen, err);
    if (rc == 0 && is_new && !orl_pool_kind_parse(in.kind, &kind)) {
        return orl_err_set(
                err, ORL_E_INVAL, "field 'kind' must be \"floating\", \"dedicated\" or \"static\"");
    }
    if (rc == 0 && is_new) {
        fill_in(&in, kind, seen);
    }
    const struct orl_vm_res res = orl_pool_vm_res(&in.row);
    const struct orl_spares own = {.running = in.row.spares, .suspended = in.row.spares_suspended};
    const char *fault = rc == 0 ? orl_vm_res_fault(&res, in.row.memory_mib) : NULL;
    fault = rc == 0 && fault == NULL ? find_fault(&in.row) : fault;
    if (fault != NULL) {
        rc = orl_err_set(err, ORL_E_INVAL, "%s", fault);
    }
    if (rc == 0) {
        rc = orl_schedule_check(in.row.schedule, own, in.row.max_desktops, err);
        if (rc < 0) {
            (void)orl_err_prefix(err, "field 'schedule'");
        }
    }
    if (rc == 0) {
        *row = in.row;
    }
    return rc;
}

void orl_api_pools_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {0};
    struct orl_api_field fields[FIELDS + 1];
    enum orl_pool_kind kind;
    uint64_t seen = 0;
    make_fields(fields, true);
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    if (!orl_pool_kind_parse(in.kind, &kind)) {
        orl_api_refuse(req, 400, "bad_request",
                "field 'kind' must be \"floating\", \"dedicated\" or \"static\"");
        return;
    }
    fill_in(&in, kind, seen);
    if (refuse_fault(req, &in.row) || !orl_api_begin(req)) {
        return;
    }
    if (orl_pool_insert(req->broker->store, &in.row, orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 201, "pool.add", in.row.name);
    }
}

void orl_api_pools_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct input in = {0};
    struct orl_api_field fields[FIELDS + 1];
    uint64_t seen = 0;
    if (orl_pool_get(req->broker->store, args->arg[0], &in.row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    make_fields(fields, false);
    if (!orl_api_etag_ok(req, settings_json(&in.row), to_full_json(req->broker, &in.row)) ||
            !orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    if (refuse_fault(req, &in.row) || !orl_api_begin(req)) {
        return;
    }
    if (orl_pool_update(req->broker->store, &in.row, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 200, "pool.change", in.row.name);
    }
}

void orl_api_pools_defaults(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    json_t *body = json_object();
    for (enum orl_pool_kind kind = ORL_POOL_FLOATING; kind < ORL_POOL_KIND_COUNT; kind++) {
        struct orl_pool_row row = {0};
        json_t *object = json_object();
        orl_pool_set_defaults(&row, kind);
        orl_api_pool_put_settings(object, &row);
        (void)json_object_set_new(body, orl_pool_kind_name(kind), object);
    }
    (void)json_object_set_new(body, "client",
            json_pack("{s:i, s:i, s:s}", "handshake_deadline_s", ORL_CLIENT_HANDSHAKE_S,
                    "client_silent_s", ORL_CLIENT_SILENT_S, "note",
                    "built in; handshake_deadline_s and client_silent_s in a gateway's "
                    "gateway.yaml may say otherwise"));
    orl_http_reply(req, 200, body);
}

void orl_api_pools_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 8];
    struct orl_pool_row row;
    if (!orl_api_begin(req)) {
        return;
    }
    if (req->if_match[0] != '\0' &&
            orl_pool_get(req->broker->store, args->arg[0], &row, &err) == 0 &&
            !orl_api_etag_ok(req, settings_json(&row), to_full_json(req->broker, &row))) {
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
