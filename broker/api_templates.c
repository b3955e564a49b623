#include "base/clock.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/session_lease.h"
#include "store/desktop.h"
#include "store/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MEMORY_MIB = 1 << 20, MAX_VCPUS = 512 };

struct input {
    char name[ORL_NAME_MAX + 1];
    char kind[16];
    char path[ORL_STORE_PATH_MAX + 1];
    char kernel[ORL_STORE_PATH_MAX + 1];
    char initrd[ORL_STORE_PATH_MAX + 1];
    char cmdline[ORL_STORE_PATH_MAX + 1];
    uint32_t memory_mib, vcpus;
    uint32_t os; /* index of oses */
};
static const char *const oses[] = {"linux", "windows", NULL};

#define PATH_FIELD(key)                                                                            \
    {                                                                                              \
#key, ORL_API_STR, offsetof(struct input, key), ORL_STORE_PATH_MAX + 1, 0, false, NULL     \
    }
#define COMMON_FIELDS                                                                              \
    PATH_FIELD(path), PATH_FIELD(kernel), PATH_FIELD(initrd), PATH_FIELD(cmdline),                 \
            {"os", ORL_API_CHOICE, offsetof(struct input, os), 0, 0, false, oses},                 \
            {"memory_mib", ORL_API_U32, offsetof(struct input, memory_mib), 0, MAX_MEMORY_MIB,     \
                    false, NULL},                                                                  \
    {                                                                                              \
        "vcpus", ORL_API_U32, offsetof(struct input, vcpus), 0, MAX_VCPUS, false, NULL             \
    }

static const struct orl_api_field add_fields[] = {
        {"name", ORL_API_STR, offsetof(struct input, name), ORL_NAME_MAX + 1, 0, true, NULL},
        {"kind", ORL_API_STR, offsetof(struct input, kind), 16, 0, false, NULL},
        COMMON_FIELDS,
        {0},
};
static const struct orl_api_field change_fields[] = {COMMON_FIELDS, {0}};

static json_t *to_json(const struct orl_template_row *row)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:s, s:s, "
                     "s:b, s:s, s:I}",
            "name", row->name, "version", (json_int_t)row->version, "kind",
            orl_template_kind_name(row->kind), "path", row->path, "kernel", row->kernel, "initrd",
            row->initrd, "cmdline", row->cmdline, "disk_format", row->disk_format, "virtual_bytes",
            (json_int_t)row->virtual_bytes, "sha256", row->sha256, "memory_mib",
            (json_int_t)row->memory_mib, "vcpus", (json_int_t)row->vcpus, "state",
            orl_template_state_name(row->state), "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "reason_text",
            row->reason_text, "has_hook", row->has_hook, "os", oses[row->is_windows], "created_ms",
            (json_int_t)row->created_ms);
}

struct list {
    const char *name;
    json_t *array;
};

struct newest {
    struct orl_api_page page;
    char before[ORL_NAME_MAX + 1];
};

static int add_newest(void *ctx, const struct orl_template_row *row)
{
    struct newest *newest = ctx;
    if (strcmp(newest->before, row->name) == 0) {
        return 0;
    }
    orl_msg_text(newest->before, sizeof(newest->before), row->name);
    return orl_api_page_add(&newest->page, to_json(row), "%s", row->name);
}

static int add_version(void *ctx, const struct orl_template_row *row)
{
    struct list *list = ctx;
    if (strcmp(list->name, row->name) != 0) {
        return 0;
    }
    const char *file = row->path[0] != '\0' ? row->path : row->kernel;
    json_t *object = json_pack("{s:I, s:s, s:I, s:s}", "version", (json_int_t)row->version, "state",
            orl_template_state_name(row->state), "desktops", (json_int_t)0, "file", file);
    if (row->reason_text[0] != '\0') {
        (void)json_object_set_new(object, "reason_text", json_string(row->reason_text));
    }
    return json_array_append_new(list->array, object) < 0 ? ORL_E_NOMEM : 0;
}

static int count_version(void *ctx, const struct orl_desktop_version *count)
{
    struct list *list = ctx;
    size_t index = 0;
    json_t *object = NULL;
    json_array_foreach(list->array, index, object)
    {
        if (strcmp(count->template_name, list->name) == 0 &&
                json_integer_value(json_object_get(object, "version")) ==
                        (json_int_t)count->template_version) {
            (void)json_object_set_new(
                    object, "desktops", json_integer((json_int_t)count->desktops));
        }
    }
    return 0;
}

void orl_api_templates_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct newest newest = {0};
    if (orl_api_page_begin(req, &newest.page)) {
        newest.page.page.max_count = 0; /* its rows are versions, of which most are not shown */
        int rc =
                orl_template_list(req->broker->store, &newest.page.page, add_newest, &newest, &err);
        orl_api_page_reply(req, &newest.page, "templates", rc, &err);
    }
}

/* The newest version, and in short all of them. */
static int put_template(
        struct orl_broker *broker, const char *name, json_t **ret_object, struct orl_err *err)
{
    struct orl_template_row row;
    int rc = orl_template_get(broker->store, name, 0, &row, err);
    if (rc < 0) {
        return rc;
    }
    struct list list = {.name = name, .array = json_array()};
    json_t *object = to_json(&row);
    (void)json_object_set_new(object, "versions", list.array);
    rc = orl_template_list(broker->store, NULL, add_version, &list, err);
    rc = rc < 0 ? rc : orl_desktop_versions(broker->store, NULL, count_version, &list, err);
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    *ret_object = object;
    return 0;
}

/* What a PATCH may change. */
static json_t *changeable(const json_t *object)
{
    static const char *const keys[] = {"name", "version", "memory_mib", "vcpus", "os", NULL};
    json_t *part = json_object();
    for (const char *const *key = keys; *key != NULL; key++) {
        (void)json_object_set(part, *key, json_object_get(object, *key));
    }
    return part;
}

/* false: it has answered. */
static bool is_as_read(struct orl_http_req *req, const char *name)
{
    struct orl_err err = {0};
    json_t *object = NULL;
    if (req->if_match[0] == '\0') {
        return true;
    }
    if (put_template(req->broker, name, &object, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return orl_api_etag_ok(req, changeable(object), object);
}

void orl_api_templates_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    json_t *object = NULL;
    if (put_template(req->broker, args->arg[0], &object, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_api_etag_set(req, changeable(object));
    orl_http_reply(req, 200, object);
}

static void apply(const struct input *in, struct orl_template_row *row)
{
    memcpy(row->path, in->path, sizeof(row->path));
    memcpy(row->kernel, in->kernel, sizeof(row->kernel));
    memcpy(row->initrd, in->initrd, sizeof(row->initrd));
    memcpy(row->cmdline, in->cmdline, sizeof(row->cmdline));
    row->memory_mib = in->memory_mib;
    row->vcpus = in->vcpus;
    row->is_windows = in->os != 0;
}

static bool is_path(const char *text)
{
    return text[0] == '/' && strstr(text, "/../") == NULL;
}

static const char *find_fault(const struct orl_template_row *row)
{
    if (row->memory_mib < 16 || row->vcpus == 0) {
        return "fields 'memory_mib' (16 or more) and 'vcpus' (1 or more) are needed";
    }
    if (row->kind == ORL_TEMPLATE_DISK) {
        return is_path(row->path) ? NULL : "field 'path' must be an absolute path";
    }
    if (!is_path(row->kernel) || (row->initrd[0] != '\0' && !is_path(row->initrd))) {
        return "fields 'kernel' and 'initrd' must be absolute paths";
    }
    return row->path[0] != '\0' && !is_path(row->path) ? "field 'path' must be an absolute path"
                                                       : NULL;
}

static void reply_row(
        struct orl_http_req *req, unsigned status, const char *action, const char *name)
{
    struct orl_err err = {0};
    json_t *object = NULL;
    char subject[ORL_NAME_MAX + 12];
    if (put_template(req->broker, name, &object, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(subject, sizeof(subject), "template:%s", name);
    orl_api_etag_set(req, changeable(object));
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, status, action, subject, object);
}

void orl_api_templates_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct input in = {.memory_mib = 1024, .vcpus = 1};
    struct orl_template_row row = {0};
    uint64_t seen = 0;
    if (!orl_api_body(req, add_fields, &in, &seen)) {
        return;
    }
    if (in.kind[0] == '\0') {
        row.kind = in.kernel[0] != '\0' ? ORL_TEMPLATE_KERNEL : ORL_TEMPLATE_DISK;
    } else if (!orl_template_kind_parse(in.kind, &row.kind)) {
        orl_api_refuse(req, 400, "bad_request", "field 'kind' must be \"disk\" or \"kernel\"");
        return;
    }
    apply(&in, &row);
    memcpy(row.name, in.name, sizeof(row.name));
    const char *fault = find_fault(&row);
    if (fault != NULL) {
        orl_api_refuse(req, 400, "bad_request", fault);
    } else if (!orl_api_begin(req)) {
        return;
    } else if (orl_template_insert(req->broker->store, &row, orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 201, "template.add", row.name);
    }
}

static bool has_same_files(const struct input *in, const struct orl_template_row *row)
{
    return strcmp(in->path, row->path) == 0 && strcmp(in->kernel, row->kernel) == 0 &&
           strcmp(in->initrd, row->initrd) == 0 && strcmp(in->cmdline, row->cmdline) == 0;
}

/* What the request does not say is as in the newest version. */
static bool read_change(
        struct orl_http_req *req, const char *name, struct input *in, struct orl_template_row *row)
{
    struct orl_err err = {0};
    uint64_t seen = 0;
    if (orl_template_get(req->broker->store, name, 0, row, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    memcpy(in->path, row->path, sizeof(in->path));
    memcpy(in->kernel, row->kernel, sizeof(in->kernel));
    memcpy(in->initrd, row->initrd, sizeof(in->initrd));
    memcpy(in->cmdline, row->cmdline, sizeof(in->cmdline));
    in->memory_mib = row->memory_mib;
    in->vcpus = row->vcpus;
    in->os = row->is_windows;
    return orl_api_body(req, change_fields, in, &seen);
}

static void write_change(
        struct orl_http_req *req, struct input *in, struct orl_template_row *row, bool is_version)
{
    struct orl_err err = {0};
    uint32_t version = 0;
    apply(in, row);
    const char *fault = find_fault(row);
    if (fault != NULL) {
        orl_api_refuse(req, 400, "bad_request", fault);
        return;
    }
    if (!orl_api_begin(req) || !is_as_read(req, row->name)) {
        return;
    }
    struct orl_store *store = req->broker->store;
    int rc = is_version ? orl_template_add_version(store, row, orl_clock_wall_ms(), &version, &err)
                        : orl_template_update(store, row, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, is_version ? 201 : 200, is_version ? "template.version" : "template.change",
                row->name);
    }
}

void orl_api_templates_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_template_row row;
    struct input in = {0};
    if (!read_change(req, args->arg[0], &in, &row)) {
        return;
    }
    if (!has_same_files(&in, &row)) {
        orl_api_refuse(req, 400, "bad_request",
                "other files or another cmdline are another version: POST to its versions "
                "(oriel template add-version)");
        return;
    }
    write_change(req, &in, &row, false);
}

void orl_api_templates_add_version(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_template_row row;
    struct input in = {0};
    if (read_change(req, args->arg[0], &in, &row)) {
        write_change(req, &in, &row, true);
    }
}

static void remove_version(struct orl_http_req *req, const char *name, uint32_t version)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 24];
    if (!orl_api_begin(req)) {
        return;
    }
    if (!is_as_read(req, name)) {
        return;
    }
    if (orl_template_remove(req->broker->store, name, version, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "template:%s", name);
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(
            req, 200, version > 0 ? "template.remove_version" : "template.remove", object, NULL);
}

void orl_api_templates_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    remove_version(req, args->arg[0], 0);
}

void orl_api_templates_remove_version(struct orl_http_req *req, const struct orl_api_args *args)
{
    char *end = NULL;
    unsigned long version = strtoul(args->arg[1], &end, 10);
    if (args->arg[1][0] < '1' || args->arg[1][0] > '9' || *end != '\0' || version > UINT32_MAX) {
        orl_api_refuse(req, 404, "not_found", "no such version of the template");
        return;
    }
    remove_version(req, args->arg[0], (uint32_t)version);
}
