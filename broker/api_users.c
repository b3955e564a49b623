#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/hashing.h"
#include "broker/names.h"
#include "broker/revoke.h"
#include "store/entitlement.h"
#include "store/group.h"
#include "store/person.h"
#include "store/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    char name[ORL_USER_MAX + 1];
    char display[ORL_TEXT_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
    char role[16];
    bool is_disabled;
    bool resets_totp;
    uint32_t max_desktops;
    bool may_break_glass;
};
enum {
    SEEN_DISPLAY = 1,
    SEEN_PASSWORD = 2,
    SEEN_ROLE = 4,
    SEEN_DISABLED = 8,
    SEEN_MAX = 16,
    SEEN_GLASS = 32
};
enum { MAX_DESKTOPS = 1000 };

/* In the order of the SEEN bits; name only when adding. */
static const struct orl_api_field fields[] = {
        {"display", ORL_API_STR, offsetof(struct input, display), ORL_TEXT_MAX + 1, 0, false, NULL},
        {"password", ORL_API_STR, offsetof(struct input, password), ORL_PASSWORD_MAX + 1, 0, false,
                NULL},
        {"role", ORL_API_STR, offsetof(struct input, role), 16, 0, false, NULL},
        {"is_disabled", ORL_API_BOOL, offsetof(struct input, is_disabled), 0, 0, false, NULL},
        {"max_desktops", ORL_API_U32, offsetof(struct input, max_desktops), 0, MAX_DESKTOPS, false,
                NULL},
        {"may_break_glass", ORL_API_BOOL, offsetof(struct input, may_break_glass), 0, 0, false,
                NULL},
        {"name", ORL_API_STR, offsetof(struct input, name), ORL_USER_MAX + 1, 0, true, NULL},
        {0},
};
static const struct orl_api_field change_fields[] = {
        {"display", ORL_API_STR, offsetof(struct input, display), ORL_TEXT_MAX + 1, 0, false, NULL},
        {"password", ORL_API_STR, offsetof(struct input, password), ORL_PASSWORD_MAX + 1, 0, false,
                NULL},
        {"role", ORL_API_STR, offsetof(struct input, role), 16, 0, false, NULL},
        {"is_disabled", ORL_API_BOOL, offsetof(struct input, is_disabled), 0, 0, false, NULL},
        {"max_desktops", ORL_API_U32, offsetof(struct input, max_desktops), 0, MAX_DESKTOPS, false,
                NULL},
        {"may_break_glass", ORL_API_BOOL, offsetof(struct input, may_break_glass), 0, 0, false,
                NULL},
        {"reset_totp", ORL_API_BOOL, offsetof(struct input, resets_totp), 0, 0, false, NULL},
        {0},
};

static json_t *to_json(const struct orl_user_row *row)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:b}", "name", row->name, "display",
            row->display, "role", orl_role_name(row->role), "is_disabled", row->is_disabled,
            "has_password", row->password_hash[0] != '\0', "has_totp", row->totp_secret[0] != '\0',
            "created_ms", (json_int_t)row->created_ms, "max_desktops",
            (json_int_t)row->max_desktops, "may_break_glass", row->may_break_glass);
}

static int add_json(void *ctx, const struct orl_user_row *row)
{
    return orl_api_page_add(ctx, to_json(row), "%s", row->name);
}

void orl_api_users_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_user_list(req->broker->store, &page.page, add_json, &page, &err);
        orl_api_page_reply(req, &page, "users", rc, &err);
    }
}

static int add_group(void *ctx, const struct orl_group_of *of)
{
    json_t *item = json_pack("{s:s, s:s}", "name", of->group, "via", of->via);
    return json_array_append_new(ctx, item) < 0 ? ORL_E_NOMEM : 0;
}

static int add_way(void *ctx, const struct orl_entitlement_way *way)
{
    json_t *item = json_pack("{s:s, s:s}", "pool", way->pool, "group", way->group);
    return json_array_append_new(ctx, item) < 0 ? ORL_E_NOMEM : 0;
}

/* What they may use, and why. */
static int add_ways(struct orl_store *store, json_t *user, const char *name, struct orl_err *err)
{
    json_t *groups = json_array();
    json_t *pools = json_array();
    (void)json_object_set_new(user, "groups", groups);
    (void)json_object_set_new(user, "pools", pools);
    int rc = orl_group_of_user(store, name, add_group, groups, err);
    return rc < 0 ? rc : orl_entitlement_ways(store, name, add_way, pools, err);
}

/* By which an NFS server knows them; 0: they never had a desktop with a person in it. */
static int add_guest_uid(
        struct orl_store *store, json_t *user, const char *name, struct orl_err *err)
{
    uint32_t uid = 0;
    int rc = orl_person_uid_find(store, name, &uid, err);
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        return rc;
    }
    return json_object_set_new(user, "guest_uid", json_integer(uid)) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_users_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_user_row row;
    json_t *user = NULL;
    int rc = orl_user_get(req->broker->store, args->arg[0], &row, &err);
    if (rc == 0) {
        user = to_json(&row);
        orl_api_etag_set(req, to_json(&row));
        rc = add_ways(req->broker->store, user, row.name, &err);
        rc = rc < 0 ? rc : add_guest_uid(req->broker->store, user, row.name, &err);
    }
    orl_secret_wipe(&row, sizeof(row));
    if (rc < 0) {
        json_decref(user);
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, user);
}

/* Hashing takes a while: the row is written when the worker is done. */
struct job {
    struct orl_http_req *req;
    struct orl_user_row row;
    enum orl_password_cost cost;
    bool is_new;
    bool resets_totp;
    bool has_new_role;
    uint64_t seen;
    int rc;
    char password[ORL_PASSWORD_MAX + 1];
};

static void free_job(struct job *job)
{
    orl_secret_wipe(job, sizeof(*job));
    free(job);
}

/* What somebody else changed while we hashed stays. */
static int update_row(struct job *job, struct orl_err *err)
{
    struct orl_store *store = job->req->broker->store;
    struct orl_user_row now;
    int rc = orl_user_get(store, job->row.name, &now, err);
    if (rc == 0) {
        if ((job->seen & SEEN_DISPLAY) == 0) {
            memcpy(job->row.display, now.display, sizeof(now.display));
        }
        if ((job->seen & SEEN_PASSWORD) == 0) {
            memcpy(job->row.password_hash, now.password_hash, sizeof(now.password_hash));
        }
        job->row.role = (job->seen & SEEN_ROLE) == 0 ? now.role : job->row.role;
        job->has_new_role = job->row.role != now.role;
        if ((job->seen & SEEN_DISABLED) == 0) {
            job->row.is_disabled = now.is_disabled;
        }
        if ((job->seen & SEEN_MAX) == 0) {
            job->row.max_desktops = now.max_desktops;
        }
        if ((job->seen & SEEN_GLASS) == 0) {
            job->row.may_break_glass = now.may_break_glass;
        }
        job->row.created_ms = now.created_ms;
        memcpy(job->row.name, now.name, sizeof(now.name));
        memcpy(job->row.totp_secret, now.totp_secret, sizeof(now.totp_secret));
        rc = orl_user_update(store, &job->row, err);
    }
    orl_secret_wipe(&now, sizeof(now));
    return rc;
}

/* Whoever has root on the host can always make an administrator; people in browsers must not shut themselves out. */
static int keep_an_admin(const struct orl_http_req *req, int count_before, struct orl_err *err)
{
    if (req->by == ORL_HTTP_BY_UID || count_before == 0) {
        return 0;
    }
    int count = orl_user_count_admins(req->broker->store, err);
    if (count == 0) {
        return orl_err_set(err, ORL_E_CONFLICT,
                "This is the last administrator who can log in. Make another one first.");
    }
    return count < 0 ? count : 0;
}

static int change_row(struct job *job, struct orl_err *err)
{
    struct orl_broker *broker = job->req->broker;
    int admins = orl_user_count_admins(broker->store, err);
    int rc = admins < 0 ? admins : update_row(job, err);
    rc = rc < 0 ? rc : keep_an_admin(job->req, admins, err);
    bool is_loss = job->row.is_disabled || (job->seen & SEEN_PASSWORD) != 0 || job->resets_totp;
    if (rc == 0 && is_loss) {
        rc = orl_revoke_person(broker, job->row.name, NULL, err);
    } else if (rc == 0 && job->has_new_role) {
        rc = orl_revoke_logins(broker, job->row.name, err);
    }
    if (rc == 0 && job->resets_totp) {
        job->row.totp_secret[0] = '\0';
        rc = orl_user_set_totp(broker->store, job->row.name, "", 0, err);
    }
    return rc;
}

/* false: it has answered. */
static bool is_as_read(struct orl_http_req *req, const char *name)
{
    struct orl_err err = {0};
    struct orl_user_row now;
    if (req->if_match[0] == '\0') {
        return true;
    }
    int rc = orl_user_get(req->broker->store, name, &now, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
    }
    bool is_same = rc == 0 && orl_api_etag_ok(req, to_json(&now), to_json(&now));
    orl_secret_wipe(&now, sizeof(now));
    return is_same;
}

static void put(char *text, size_t size, bool is_seen, const char *field, const char *value)
{
    size_t len = strlen(text);
    if (is_seen) {
        (void)snprintf(text + len, size - len, "%s%s%s%s", len > 0 ? " " : "", field,
                value[0] != '\0' ? "=" : "", value);
    }
}

/* What was said, for the audit: of what gives rights, the value, too. */
static void describe(const struct job *job, char *ret_text, size_t size)
{
    char desktops[16];
    (void)snprintf(desktops, sizeof(desktops), "%u", (unsigned)job->row.max_desktops);
    ret_text[0] = '\0';
    put(ret_text, size, (job->seen & SEEN_ROLE) != 0, "role", orl_role_name(job->row.role));
    put(ret_text, size, (job->seen & SEEN_GLASS) != 0, "may_break_glass",
            job->row.may_break_glass ? "true" : "false");
    put(ret_text, size, (job->seen & SEEN_DISABLED) != 0, "is_disabled",
            job->row.is_disabled ? "true" : "false");
    put(ret_text, size, (job->seen & SEEN_MAX) != 0, "max_desktops", desktops);
    put(ret_text, size, (job->seen & SEEN_DISPLAY) != 0, "display", "");
    put(ret_text, size, (job->seen & SEEN_PASSWORD) != 0, "password", "");
    put(ret_text, size, job->resets_totp, "reset_totp", "");
}

static void write_row(struct job *job)
{
    struct orl_http_req *req = job->req;
    struct orl_err err = {.code = job->rc};
    int rc = job->rc;
    if (rc == 0 && (!orl_api_begin(req) || (!job->is_new && !is_as_read(req, job->row.name)))) {
        free_job(job);
        return;
    }
    if (rc == 0 && job->is_new) {
        rc = orl_user_insert(req->broker->store, &job->row, orl_clock_wall_ms(), &err);
    } else if (rc == 0) {
        rc = change_row(job, &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        char object[ORL_USER_MAX + 8];
        char deed[200];
        (void)snprintf(object, sizeof(object), "user:%s", job->row.name);
        describe(job, deed, sizeof(deed));
        req->deed = deed;
        orl_api_etag_set(req, to_json(&job->row));
        orl_api_done(req, job->is_new ? 201 : 200, job->is_new ? "user.add" : "user.change", object,
                to_json(&job->row));
    }
    free_job(job);
}

static void hash_password(void *arg)
{
    struct job *job = arg;
    job->rc = orl_password_hash(job->password, job->cost, job->row.password_hash);
}

static void on_hashed(void *arg, bool was_run)
{
    struct job *job = arg;
    if (was_run) {
        write_row(job);
        return;
    }
    job->req->retry_s = orl_hashing_wait_s(job->req->broker->hashing);
    orl_api_refuse(job->req, 503, "busy", "Too many passwords at once. Please try again.");
    free_job(job);
}

static const char *check_input(const struct input *in, uint64_t seen, struct job *job)
{
    if ((seen & SEEN_PASSWORD) != 0 && strlen(in->password) < ORL_PASSWORD_MIN) {
        return "field 'password' must have at least 8 characters";
    }
    if ((seen & SEEN_ROLE) != 0 && !orl_role_parse(in->role, &job->row.role)) {
        return "field 'role' must be \"user\", \"viewer\", \"operator\" or \"admin\"";
    }
    if (job->is_new && !orl_names_user_is_valid(job->row.name)) {
        return "field 'name' must be 1 to 64 of A-Z a-z 0-9 . _ - and not look like a ticket";
    }
    return NULL;
}

static void submit(struct orl_http_req *req, const struct input *in, uint64_t seen,
        const char *name, bool is_new)
{
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    job->req = req;
    job->is_new = is_new;
    job->seen = seen;
    job->cost = (enum orl_password_cost)req->broker->cfg->password_cost;
    job->row.role = ORL_ROLE_USER;
    job->row.is_disabled = in->is_disabled;
    job->row.max_desktops = in->max_desktops;
    job->row.may_break_glass = in->may_break_glass;
    job->resets_totp = in->resets_totp;
    job->row.created_ms = orl_clock_wall_ms();
    orl_msg_text(job->row.name, sizeof(job->row.name), name);
    orl_msg_text(job->row.display, sizeof(job->row.display), in->display);
    orl_msg_text(job->password, sizeof(job->password), in->password);
    const char *fault = check_input(in, seen, job);
    if (fault != NULL) {
        free_job(job);
        orl_api_refuse(req, 400, "bad_request", fault);
        return;
    }
    if ((seen & SEEN_PASSWORD) == 0) {
        write_row(job);
        return;
    }
    const struct orl_hashing_job hashing = {.client = req->client,
            .account = job->row.name,
            .memory_kib = orl_password_cost_kib(job->cost),
            .run = hash_password,
            .done = on_hashed,
            .ctx = job};
    if (orl_hashing_submit(req->broker->hashing, &hashing) < 0) {
        on_hashed(job, false);
    }
}

/* false: refused. */
static bool may_set(struct orl_http_req *req, const struct input *in, uint64_t seen)
{
    if (req->by == ORL_HTTP_BY_TOKEN && ((seen & SEEN_PASSWORD) != 0 || in->resets_totp)) {
        orl_api_refuse_reason(req, 403, ORL_REASON_NOT_ALLOWED, NULL,
                "A token sets neither passwords nor second factors.");
        return false;
    }
    return true;
}

void orl_api_users_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct input in = {0};
    uint64_t seen = 0;
    if (orl_api_body(req, fields, &in, &seen) && may_set(req, &in, seen)) {
        submit(req, &in, seen, in.name, true);
    }
    orl_secret_wipe(&in, sizeof(in));
}

void orl_api_users_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct input in = {0};
    uint64_t seen = 0;
    if (orl_api_body(req, change_fields, &in, &seen) && may_set(req, &in, seen)) {
        submit(req, &in, seen, args->arg[0], false);
    }
    orl_secret_wipe(&in, sizeof(in));
}

void orl_api_users_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    char object[ORL_API_SEGMENT_MAX + 8];
    if (!orl_api_begin(req) || !is_as_read(req, args->arg[0])) {
        return;
    }
    int admins = orl_user_count_admins(req->broker->store, &err);
    int rc = admins < 0 ? admins : orl_user_remove(req->broker->store, args->arg[0], &err);
    rc = rc < 0 ? rc : keep_an_admin(req, admins, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    (void)snprintf(object, sizeof(object), "user:%s", args->arg[0]);
    orl_api_done(req, 200, "user.remove", object, NULL);
}
