/* Hosts: what they can, how busy they are, who is on them. */
#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/doctor.h"
#include "broker/session_lease.h"
#include "store/host.h"

#include <stdio.h>

static json_t *host_json(const struct orl_host_row *row)
{
    json_t *report = row->report[0] != '\0' ? json_loads(row->report, 0, NULL) : NULL;
    const struct orl_host_load *load = &row->load;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:o, s:b, s:i, s:f,"
                     " s:f, s:{s:f, s:f, s:f}}",
            "name", row->name, "uri", row->uri, "accel", row->accel, "accel_reason",
            row->accel_reason, "memory_mib", (json_int_t)row->memory_mib, "free_memory_mib",
            (json_int_t)row->free_memory_mib, "free_disk_mib", (json_int_t)row->free_disk_mib,
            "state", orl_host_state_name(row->state), "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "reason_text",
            row->reason_text, "heartbeat_ms", (json_int_t)row->heartbeat_ms, "report",
            report != NULL ? report : json_null(), "is_draining", row->is_draining, "cpus",
            (int)load->cpus, "cpu_percent", load->cpu_permille / 10.0, "load",
            load->load_centi / 100.0, "pressure", "cpu", load->pressure_cpu_centi / 100.0, "memory",
            load->pressure_memory_centi / 100.0, "io", load->pressure_io_centi / 100.0);
}

static int add_host(void *ctx, const struct orl_host_row *row)
{
    return orl_api_page_add(ctx, host_json(row), "%s", row->name);
}

/* One, with how many are on it: what a drain or a removal asks of. */
static json_t *host_json_alone(struct orl_store *store, const struct orl_host_row *row)
{
    struct orl_host_counts counts;
    json_t *json = host_json(row);
    if (json != NULL && orl_host_count(store, row->name, &counts, NULL) == 0) {
        (void)json_object_set_new(json, "desktops", json_integer(counts.desktops));
        (void)json_object_set_new(json, "given", json_integer(counts.given));
        (void)json_object_set_new(json, "sessions", json_integer(counts.sessions));
    }
    return json;
}

void orl_api_hosts_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_host_row row;
    if (orl_host_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, host_json_alone(req->broker->store, &row));
}

void orl_api_hosts_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_host_list(req->broker->store, &page.page, add_host, &page, &err);
        orl_api_page_reply(req, &page, "hosts", rc, &err);
    }
}

void orl_api_hosts_doctor(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    json_t *checks = NULL;
    if (orl_doctor_host(req->broker, args->arg[0], &checks, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, json_pack("{s:o}", "checks", checks));
}

static void drain(struct orl_http_req *req, const char *name, bool is_draining)
{
    struct orl_err err = {0};
    struct orl_host_row row;
    struct orl_store *store = req->broker->store;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = orl_host_drain(store, name, is_draining, actor, orl_clock_wall_ms(), &err);
    rc = rc < 0 ? rc : orl_host_get(store, name, &row, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke(req->broker->leases);
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, 200, NULL, NULL, host_json_alone(store, &row));
}

void orl_api_hosts_drain(struct orl_http_req *req, const struct orl_api_args *args)
{
    drain(req, args->arg[0], true);
}

void orl_api_hosts_undrain(struct orl_http_req *req, const struct orl_api_args *args)
{
    drain(req, args->arg[0], false);
}

void orl_api_hosts_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 8];
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_host_remove(req->broker->store, args->arg[0], orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "host:%s", args->arg[0]);
    orl_api_done(req, 200, "host.remove", object, NULL);
}
