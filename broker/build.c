#include "broker/build.h"

#include "base/clock.h"
#include "broker/session_lease.h"
#include "store/audit.h"
#include "store/desktop.h"
#include "store/entitlement.h"
#include "store/job.h"
#include "store/pool.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { MACHINE_DIGITS = 12, JOBS_MAX = 64 };

void orl_build_pool_name(const char *template_name, char ret_name[ORL_NAME_MAX + 1])
{
    (void)snprintf(ret_name, ORL_NAME_MAX + 1, "build-%.*s", ORL_NAME_MAX - 6, template_name);
}

/* As vmpool names the machine of the job (vmpool/vm_meta.h). */
static void target_of(const char *job, char ret_target[ORL_TEXT_MAX + 1])
{
    (void)snprintf(ret_target, ORL_TEXT_MAX + 1, "domain:oriel-%.*s-1", MACHINE_DIGITS, job);
}

/* Nobody asked for these themselves, and somebody gets in by them. */
static int audit(struct orl_broker *broker, const char *actor, const char *action, const char *pool,
        const char *user, struct orl_err *err)
{
    char object[ORL_USER_MAX + ORL_NAME_MAX + 16];
    bool is_pool = user[0] == '\0';
    (void)snprintf(object, sizeof(object), is_pool ? "pool:%s%s" : "entitlement:%s/%s", user, pool);
    const struct orl_audit_event event = {
            .actor = actor, .action = action, .object = object, .user = user};
    return orl_audit_append(broker->store, &event, orl_clock_wall_ms(), NULL, err);
}

int orl_build_add(struct orl_broker *broker, const char *job, const char *pool, const char *user,
        const char *actor, struct orl_err *err)
{
    struct orl_pool_row row = {.kind = ORL_POOL_STATIC};
    struct orl_desktop_row desktop = {
            .kind = ORL_POOL_STATIC, .lease = ORL_LEASE_FREE, .power = ORL_POWER_RUNNING};
    struct orl_id id;
    uint64_t now_ms = orl_clock_wall_ms();
    orl_pool_set_defaults(&row, ORL_POOL_STATIC);
    orl_msg_text(row.name, sizeof(row.name), pool);
    orl_msg_text(desktop.pool, sizeof(desktop.pool), pool);
    target_of(job, desktop.vnc_target);
    orl_id_new(&id);
    orl_msg_text(desktop.id, sizeof(desktop.id), id.text);
    int rc = orl_pool_insert(broker->store, &row, now_ms, err);
    rc = rc < 0 ? rc : audit(broker, actor, "pool.add", pool, "", err);
    rc = rc < 0 ? rc : orl_desktop_insert(broker->store, &desktop, actor, now_ms, &id, err);
    if (rc < 0 || user[0] == '\0') {
        return rc;
    }
    rc = orl_entitlement_insert(broker->store, user, pool, err);
    return rc < 0 ? rc : audit(broker, actor, "entitlement.add", pool, user, err);
}

struct ended {
    char job[JOBS_MAX][ORL_ID_LEN + 1];
    char pool[JOBS_MAX][ORL_NAME_MAX + 1];
    unsigned count;
};

static int add_ended(void *ctx, const struct orl_job_row *row)
{
    struct ended *ended = ctx;
    bool is_live = row->state == ORL_JOB_WAITING || row->state == ORL_JOB_QUEUED ||
                   row->state == ORL_JOB_RUNNING;
    json_t *parameters = is_live ? NULL : json_loads(row->parameters, 0, NULL);
    const char *pool = json_string_value(json_object_get(parameters, "pool"));
    if (pool != NULL && ended->count < JOBS_MAX) {
        orl_msg_text(ended->job[ended->count], sizeof(ended->job[0]), row->id);
        orl_msg_text(ended->pool[ended->count++], sizeof(ended->pool[0]), pool);
    }
    json_decref(parameters);
    return 0;
}

struct sought {
    const char *target;
    bool is_found;
    char session[ORL_ID_LEN + 1];
};

static int find_target(void *ctx, const struct orl_desktop_row *row)
{
    struct sought *sought = ctx;
    if (strcmp(row->vnc_target, sought->target) == 0) {
        sought->is_found = true;
        orl_msg_text(sought->session, sizeof(sought->session), row->session);
    }
    return 0;
}

/* A pool of that name with another machine in it is another job's, or somebody's own. */
static int remove_pool(
        struct orl_broker *broker, const char *job, const char *name, struct orl_err *err)
{
    struct orl_pool_row pool;
    char target[ORL_TEXT_MAX + 1];
    struct sought sought = {.target = target};
    const struct orl_desktop_filter filter = {.pool = name};
    target_of(job, target);
    int rc = orl_pool_get(broker->store, name, &pool, err);
    if (rc == ORL_E_NOTFOUND || (rc == 0 && pool.kind != ORL_POOL_STATIC)) {
        return 0;
    }
    rc = rc < 0 ? rc : orl_desktop_list(broker->store, &filter, find_target, &sought, err);
    if (rc < 0 || !sought.is_found) {
        return rc;
    }
    if (sought.session[0] != '\0') {
        rc = orl_leases_end(broker, sought.session, ORL_REASON_CLOSED_BY_ADMIN, "broker", err);
    }
    if (rc < 0 || pool.is_deleted) {
        return rc;
    }
    rc = orl_pool_set_deleted(broker->store, name, err);
    return rc < 0 ? rc : audit(broker, "broker", "pool.remove", name, "", err);
}

void orl_build_tidy(struct orl_broker *broker)
{
    struct orl_err err = {0};
    struct ended ended = {.count = 0};
    const struct orl_job_filter filter = {.kind = "template.build", .max_count = JOBS_MAX};
    int rc = orl_job_list(broker->store, &filter, add_ended, &ended, &err);
    for (unsigned i = 0; rc == 0 && i < ended.count; i++) {
        rc = remove_pool(broker, ended.job[i], ended.pool[i], &err);
    }
    if (rc < 0) {
        orl_broker_log_store(broker, "removing the pools of ended installations", &err);
    }
}
