/* Templates from files: of a disk image, or installed from an ISO. What is done is a job of vmpool's; the file goes to it
 * past the broker, with a ticket that is good for this one job. */
#include "base/clock.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "broker/api_handlers.h"
#include "broker/build.h"
#include "broker/session_lease.h"
#include "store/job.h"
#include "store/template.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_MEMORY_MIB = 1 << 20,
    MAX_VCPUS = 512,
    MIN_DISK_MIB = 16,
    MAX_DISK_MIB = 64 << 20,
    TICKET_LEN = 52
};

struct input {
    uint64_t size_bytes;
    char path[ORL_STORE_PATH_MAX + 1];
    char user[ORL_USER_MAX + 1];
    uint32_t memory_mib, vcpus, disk_mib;
    uint32_t os; /* index of oses */
    bool is_version;
};
static const char *const oses[] = {"linux", "windows", NULL};

#define NUMBER(key, least, most, is_needed)                                                        \
    {                                                                                              \
#key, ORL_API_U32, offsetof(struct input, key), least, most, is_needed, NULL               \
    }
#define COMMON_FIELDS                                                                              \
    {"size_bytes", ORL_API_U64, offsetof(struct input, size_bytes), 1, 0, false, NULL},            \
            {"path", ORL_API_STR, offsetof(struct input, path), ORL_STORE_PATH_MAX + 1, 0, false,  \
                    NULL},                                                                         \
            {"is_version", ORL_API_BOOL, offsetof(struct input, is_version), 0, 0, false, NULL},   \
            {"os", ORL_API_CHOICE, offsetof(struct input, os), 0, 0, false, oses},                 \
            NUMBER(memory_mib, 16, MAX_MEMORY_MIB, false), NUMBER(vcpus, 1, MAX_VCPUS, false)

static const struct orl_api_field import_fields[] = {COMMON_FIELDS, {0}};
static const struct orl_api_field build_fields[] = {COMMON_FIELDS,
        NUMBER(disk_mib, MIN_DISK_MIB, MAX_DISK_MIB, true),
        {"user", ORL_API_STR, offsetof(struct input, user), ORL_USER_MAX + 1, 0, false, NULL}, {0}};

/* vmpool reads it with a reader that knows no escapes, and opens it below its import_dir. */
static bool is_path(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
                                  "._-+~@,=()/";
    return text[0] != '\0' && text[0] != '/' && text[strspn(text, allowed)] == '\0';
}

static const char *find_fault(const struct input *in)
{
    if ((in->size_bytes > 0) == (in->path[0] != '\0')) {
        return "one of the fields 'size_bytes' (of a file that is sent) and 'path' (of one below "
               "import_dir) is needed";
    }
    if (in->path[0] != '\0' && !is_path(in->path)) {
        return "field 'path' must be relative to import_dir, of letters, digits and . _ - + ~ @ , "
               "= ( ) /";
    }
    return NULL;
}

static int check_name(
        struct orl_store *store, const char *name, bool is_version, struct orl_err *err)
{
    struct orl_template_row row;
    if (!orl_name_is_valid(name)) {
        return orl_err_set(err, ORL_E_INVAL, "not a name for a template: %.63s", name);
    }
    int rc = orl_template_get(store, name, 0, &row, err);
    if (rc == 0 && !is_version) {
        return orl_err_set(err, ORL_E_EXISTS,
                "there is a template %s; what is to become its next version says is_version", name);
    }
    return rc == ORL_E_NOTFOUND && !is_version ? 0 : rc;
}

static int put_parameters(const struct input *in, const char *name, const char *ticket,
        const char *pool, struct orl_job_row *job, struct orl_err *err)
{
    char sum[ORL_SHA256_HEX_LEN + 1] = "";
    if (in->path[0] == '\0') {
        orl_sha256(ticket, strlen(ticket), sum);
    }
    json_t *object = json_pack("{s:s, s:i, s:s, s:I, s:s, s:i, s:i, s:i, s:s}", "name", name,
            "is_version", (int)in->is_version, "os", oses[in->os], "size_bytes",
            (json_int_t)in->size_bytes, "ticket", sum, "memory_mib", (int)in->memory_mib, "vcpus",
            (int)in->vcpus, "disk_mib", (int)in->disk_mib, "pool", pool);
    if (in->path[0] != '\0') {
        (void)json_object_set_new(object, "path", json_string(in->path));
    }
    size_t len = json_dumpb(object, job->parameters, sizeof(job->parameters) - 1, JSON_COMPACT);
    json_decref(object);
    if (len == 0 || len >= sizeof(job->parameters)) {
        return orl_err_set(err, ORL_E_INVAL, "field 'path' is too long");
    }
    job->parameters[len] = '\0';
    return 0;
}

static void reply(struct orl_http_req *req, const struct input *in, const char *job,
        const char *ticket, const char *pool, const char *user)
{
    char path[ORL_ID_LEN + 16];
    (void)snprintf(path, sizeof(path), "/upload/%s", job);
    json_t *body = json_pack("{s:s}", "job", job);
    if (in->path[0] == '\0') {
        (void)json_object_set_new(
                body, "upload", json_pack("{s:s, s:s}", "path", path, "ticket", ticket));
    }
    if (pool[0] != '\0') {
        (void)json_object_set_new(body, "pool", json_string(pool));
        (void)json_object_set_new(body, "user", json_string(user));
    }
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, 202, NULL, NULL, body);
}

static void begin(struct orl_http_req *req, const struct input *in, const char *name, bool is_build)
{
    struct orl_err err = {0};
    struct orl_broker *broker = req->broker;
    struct orl_job_row job = {.state = in->path[0] == '\0' ? ORL_JOB_WAITING : ORL_JOB_QUEUED};
    struct orl_id id = {0};
    char ticket[TICKET_LEN + 1];
    char pool[ORL_NAME_MAX + 1] = "";
    /* Who asks is who installs, if nobody else is named. */
    const char *user = in->user[0] != '\0' ? in->user : req->login.user;
    const char *fault = find_fault(in);
    if (fault != NULL) {
        orl_api_refuse(req, 400, "bad_request", fault);
        return;
    }
    if (!orl_api_begin(req)) {
        return;
    }
    if (is_build) {
        orl_build_pool_name(name, pool);
    }
    orl_secret_text(ticket, TICKET_LEN);
    orl_msg_text(job.kind, sizeof(job.kind), is_build ? "template.build" : "template.import");
    (void)snprintf(job.object, sizeof(job.object), "template:%.*s", ORL_NAME_MAX, name);
    orl_api_actor(req, job.actor, sizeof(job.actor));
    int rc = check_name(broker->store, name, in->is_version, &err);
    rc = rc < 0 ? rc : put_parameters(in, name, ticket, pool, &job, &err);
    rc = rc < 0 ? rc : orl_job_add(broker->store, &job, orl_clock_wall_ms(), &id, &err);
    if (rc == 0 && is_build) {
        rc = orl_build_add(broker, id.text, pool, user, job.actor, &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        reply(req, in, id.text, ticket, pool, user);
    }
    orl_secret_wipe(ticket, sizeof(ticket));
}

void orl_api_templates_import(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct input in = {0};
    uint64_t seen = 0;
    if (orl_api_body(req, import_fields, &in, &seen)) {
        begin(req, &in, args->arg[0], false);
    }
}

void orl_api_templates_build(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct input in = {0};
    uint64_t seen = 0;
    if (orl_api_body(req, build_fields, &in, &seen)) {
        begin(req, &in, args->arg[0], true);
    }
}

void orl_api_jobs_seal(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_job_seal(req->broker->store, args->arg[0], actor, orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_leases_poke_vmpool(req->broker->leases);
        orl_api_done(req, 200, NULL, NULL, NULL);
    }
}
