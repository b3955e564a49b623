#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_page.h"
#include "broker/display_target.h"
#include "broker/pool_drain.h"
#include "broker/session_lease.h"
#include "store/host.h"
#include "store/pool.h"
#include "store/rdp_login.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN_PREFIX "domain:"
enum { DISPLAY_PASSWORD_MAX = 255, SHA256_DIGITS = 64 };

struct input {
    char pool[ORL_NAME_MAX + 1];
    char vnc[ORL_TEXT_MAX + 1];
    char rdp[ORL_TEXT_MAX + 1];
    char machine[ORL_NAME_MAX + 1]; /* of libvirt */
    char uri[ORL_TEXT_MAX + 1];
    char password[DISPLAY_PASSWORD_MAX + 1];
    struct orl_rdp_login login;
};
static const struct orl_api_field fields[] = {
        {"pool", ORL_API_STR, offsetof(struct input, pool), ORL_NAME_MAX + 1, 0, true, NULL},
        {"vnc", ORL_API_STR, offsetof(struct input, vnc), ORL_TEXT_MAX + 1, 0, false, NULL},
        {"rdp", ORL_API_STR, offsetof(struct input, rdp), ORL_TEXT_MAX + 1, 0, false, NULL},
        {"user", ORL_API_STR, offsetof(struct input, login.user), ORL_USER_MAX + 1, 0, false, NULL},
        {"domain", ORL_API_STR, offsetof(struct input, login.domain), ORL_USER_MAX + 1, 0, false,
                NULL},
        {"fingerprint", ORL_API_STR, offsetof(struct input, login.fingerprint),
                ORL_FINGERPRINT_MAX + 1, 0, false, NULL},
        {"machine", ORL_API_STR, offsetof(struct input, machine), ORL_NAME_MAX + 1, 0, false, NULL},
        {"uri", ORL_API_STR, offsetof(struct input, uri), ORL_TEXT_MAX + 1, 0, false, NULL},
        {"password", ORL_API_STR, offsetof(struct input, password), DISPLAY_PASSWORD_MAX + 1, 0,
                false, NULL},
        {0},
};

/* Of libvirt, where its display is RDP's: "NAME" or "NAME@URI". */
static void machine_of(const struct orl_desktop_row *row, char ret_machine[ORL_TEXT_MAX + 1])
{
    const char *beside = strstr(row->vnc_target, ORL_RDP_TARGET_BESIDE);
    bool has_machine = orl_rdp_target(row->vnc_target) != NULL && beside != NULL &&
                       strncmp(row->vnc_target, DOMAIN_PREFIX, strlen(DOMAIN_PREFIX)) == 0;
    const char *machine = row->vnc_target + strlen(DOMAIN_PREFIX);
    (void)snprintf(ret_machine, ORL_TEXT_MAX + 1, "%.*s", has_machine ? (int)(beside - machine) : 0,
            has_machine ? machine : "");
}

static const char *vnc_of(const struct orl_desktop_row *row)
{
    return orl_rdp_target(row->vnc_target) == NULL ? row->vnc_target : "";
}

static const char *rdp_of(const struct orl_desktop_row *row)
{
    const char *target = orl_rdp_target(row->vnc_target);
    return target != NULL ? target : "";
}

static json_t *to_json(const struct orl_desktop_row *row)
{
    return json_pack(
            "{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:s, s:s, s:s, "
            "s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:s, s:s}",
            "id", row->id, "pool", row->pool, "host", row->host, "kind",
            orl_pool_kind_name(row->kind), "version", (json_int_t)row->version, "lease",
            orl_lease_name(row->lease), "power", orl_power_name(row->power), "want",
            orl_want_name(row->want), "is_tainted", row->is_tainted, "is_ready", row->is_ready,
            "maintenance", row->is_maintenance, "user", row->user, "session", row->session, "uuid",
            row->uuid, "domain", row->domain, "vnc", vnc_of(row), "rdp", rdp_of(row),
            "has_password", row->vnc_password[0] != '\0', "reason",
            row->reason != ORL_REASON_NONE ? orl_reason_code(row->reason) : "", "reason_text",
            row->reason_text[0] != '\0' || row->reason == ORL_REASON_NONE
                    ? row->reason_text
                    : orl_reason_text(row->reason),
            "golden", row->golden, "made_text", row->made_text, "attempts",
            (json_int_t)row->attempts, "retry_ms", (json_int_t)row->retry_ms, "created_ms",
            (json_int_t)row->created_ms, "changed_ms", (json_int_t)row->changed_ms, "ready_ms",
            (json_int_t)row->ready_ms, "template", row->template_name, "template_version",
            (json_int_t)row->template_version, "person", orl_person_name(row->person),
            "guest_state", orl_guest_state_name(row->guest_state));
}

static int add_json(void *ctx, const struct orl_desktop_row *row)
{
    return orl_api_page_add(ctx, to_json(row), "%" PRIu64 "/%s", row->created_ms, row->id);
}

/* false: a value that is none. */
static bool read_states(const struct orl_http_req *req, struct orl_desktop_filter *filter)
{
    char text[16];
    bool is_good = true;
    if (orl_http_query_get(req, "lease", text, sizeof(text))) {
        is_good = orl_lease_parse(text, &filter->lease);
    }
    if (orl_http_query_get(req, "power", text, sizeof(text))) {
        is_good = is_good && orl_power_parse(text, &filter->power);
    }
    return is_good;
}

void orl_api_desktops_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    struct orl_desktop_filter filter = {0};
    char host[ORL_NAME_MAX + 1];
    if (!read_states(req, &filter)) {
        orl_api_refuse(req, 400, "bad_request", "lease, power: not a state of a desktop");
    } else if (orl_api_page_begin(req, &page)) {
        filter.page = page.page;
        filter.pool = page.page.pool;
        filter.user = page.page.user;
        filter.host = orl_http_query_get(req, "host", host, sizeof(host)) ? host : NULL;
        int rc = orl_desktop_list(req->broker->store, &filter, add_json, &page, &err);
        orl_api_page_reply(req, &page, "desktops", rc, &err);
    }
}

/* With what only one desktop shows. */
static json_t *to_json_alone(struct orl_store *store, const struct orl_desktop_row *row)
{
    struct orl_rdp_login login;
    json_t *json = to_json(row);
    if (json != NULL && orl_rdp_target(row->vnc_target) != NULL &&
            orl_rdp_login_get(store, row->id, &login, NULL) == 0) {
        char machine[ORL_TEXT_MAX + 1];
        machine_of(row, machine);
        (void)json_object_set_new(json, "machine", json_string(machine));
        (void)json_object_set_new(json, "rdp_user", json_string(login.user));
        (void)json_object_set_new(json, "rdp_domain", json_string(login.domain));
        (void)json_object_set_new(json, "rdp_fingerprint", json_string(login.fingerprint));
    }
    return json;
}

void orl_api_desktops_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_desktop_row row;
    if (orl_desktop_get(req->broker->store, args->arg[0], &row, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, to_json_alone(req->broker->store, &row));
}

/* Something about a desktop changed: everybody looks, the answer is the row. */
static void reply_row(struct orl_http_req *req, unsigned status, const char *id)
{
    struct orl_desktop_row row;
    int rc = orl_desktop_get(req->broker->store, id, &row, NULL);
    orl_leases_poke(req->broker->leases);
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, status, NULL, NULL, rc == 0 ? to_json_alone(req->broker->store, &row) : NULL);
}

/* A machine of libvirt becomes "domain:NAME@URI"; vmpool looks its display up each time it is opened. */
static int take_machine(struct input *in, struct orl_err *err)
{
    char target[2 * ORL_TEXT_MAX];
    if (in->machine[0] == '\0') {
        return in->uri[0] == '\0' && strncmp(in->vnc, DOMAIN_PREFIX, strlen(DOMAIN_PREFIX)) != 0
                       ? 0
                       : orl_err_set(err, ORL_E_INVAL, "field 'uri' is for a field 'machine'");
    }
    int len = snprintf(target, sizeof(target), "domain:%s%s%s", in->machine,
            in->uri[0] != '\0' ? "@" : "", in->uri);
    if (in->vnc[0] != '\0' || len < 0 || (size_t)len >= sizeof(in->vnc) ||
            !orl_display_target_is_valid(target)) {
        return orl_err_set(err, ORL_E_INVAL,
                "field 'machine' must be a machine's name or UUID, field 'uri' its libvirt's; and "
                "no 'vnc'");
    }
    orl_msg_text(in->vnc, sizeof(in->vnc), target);
    return 0;
}

static int fill_static(struct orl_broker *broker, const struct input *in,
        struct orl_desktop_row *row, struct orl_err *err)
{
    struct orl_id id;
    char purpose[ORL_ID_LEN + 8];
    orl_id_new(&id);
    orl_msg_text(row->id, sizeof(row->id), id.text);
    orl_msg_text(row->pool, sizeof(row->pool), in->pool);
    int len = snprintf(row->vnc_target, sizeof(row->vnc_target), "%s%s%s", in->vnc,
            in->rdp[0] == '\0'   ? ""
            : in->vnc[0] == '\0' ? ORL_RDP_TARGET_PREFIX
                                 : ORL_RDP_TARGET_BESIDE,
            in->rdp);
    if (len < 0 || (size_t)len >= sizeof(row->vnc_target)) {
        return orl_err_set(err, ORL_E_INVAL, "'machine', 'uri' and 'rdp' are too long together");
    }
    row->kind = ORL_POOL_STATIC;
    row->lease = ORL_LEASE_FREE;
    row->power = ORL_POWER_RUNNING;
    if (in->password[0] == '\0') {
        return 0;
    }
    (void)snprintf(purpose, sizeof(purpose), "vnc:%s", id.text);
    int rc = orl_seal(&broker->console_key, purpose, in->password, strlen(in->password),
            row->vnc_password, sizeof(row->vnc_password));
    return rc < 0 ? orl_err_set(err, rc, "sealing the password") : 0;
}

static bool is_fingerprint(const char *text)
{
    unsigned digits = 0;
    for (; *text != '\0'; text++) {
        digits += isxdigit((unsigned char)*text) ? 1 : 0;
        if (!isxdigit((unsigned char)*text) && *text != ':') {
            return false;
        }
    }
    return digits == SHA256_DIGITS;
}

static int check_display(const struct input *in, struct orl_err *err)
{
    const bool is_rdp = in->rdp[0] != '\0';
    const bool has_login = in->login.user[0] != '\0' || in->login.domain[0] != '\0' ||
                           in->login.fingerprint[0] != '\0';
    /* A machine has been taken into 'vnc' by now, and 'rdp' says where it is shown. */
    if (is_rdp == (in->vnc[0] != '\0') && !(is_rdp && in->machine[0] != '\0')) {
        return orl_err_set(err, ORL_E_INVAL,
                "one of the fields 'vnc', 'rdp' and 'machine' is needed, or 'machine' and 'rdp'");
    }
    if (!orl_display_target_is_valid(is_rdp ? in->rdp : in->vnc) ||
            strncmp(in->rdp, DOMAIN_PREFIX, strlen(DOMAIN_PREFIX)) == 0) {
        return orl_err_set(err, ORL_E_INVAL, "field '%s' must be \"host:port\" or \"unix:/path\"",
                is_rdp ? "rdp" : "vnc");
    }
    if (!is_rdp && has_login) {
        return orl_err_set(
                err, ORL_E_INVAL, "'user', 'domain' and 'fingerprint' are for a desktop by RDP");
    }
    if (in->login.fingerprint[0] != '\0' && !is_fingerprint(in->login.fingerprint)) {
        return orl_err_set(err, ORL_E_INVAL, "field 'fingerprint' must be a SHA-256 in hex");
    }
    return 0;
}

static int insert_static(struct orl_store *store, const struct orl_desktop_row *row,
        const struct input *in, const char *actor, struct orl_id *ret_id, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_insert(store, row, actor, orl_clock_wall_ms(), ret_id, err);
    if (rc == 0 && in->rdp[0] != '\0') {
        rc = orl_rdp_login_set(store, ret_id->text, &in->login, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

void orl_api_desktops_add(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_broker *broker = req->broker;
    struct input in = {0};
    struct orl_pool_row pool;
    struct orl_desktop_row row = {0};
    struct orl_id id;
    char actor[ORL_API_ACTOR_MAX + 1];
    uint64_t seen = 0;
    if (!orl_api_body(req, fields, &in, &seen)) {
        return;
    }
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        orl_secret_wipe(&in, sizeof(in));
        return;
    }
    int rc = orl_pool_get(broker->store, in.pool, &pool, &err);
    if (rc == 0 && pool.kind != ORL_POOL_STATIC) {
        rc = orl_err_set(&err, ORL_E_INVAL, "desktops of pool '%s' are made by vmpool", in.pool);
    }
    rc = rc < 0 ? rc : take_machine(&in, &err);
    if (rc == 0) {
        rc = check_display(&in, &err);
    }
    if (rc == 0) {
        rc = fill_static(broker, &in, &row, &err);
    }
    if (rc == 0) {
        rc = insert_static(broker->store, &row, &in, actor, &id, &err);
    }
    orl_secret_wipe(&in, sizeof(in));
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 201, id.text);
    }
}

void orl_api_desktops_remove(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_broker *broker = req->broker;
    struct orl_desktop_row row;
    char actor[ORL_API_ACTOR_MAX + 1];
    char force[8];
    bool is_forced = orl_http_query_get(req, "force", force, sizeof(force));
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = orl_desktop_get(broker->store, args->arg[0], &row, &err);
    if (rc == 0 && row.session[0] != '\0' && is_forced) {
        rc = orl_leases_end(broker, row.session, ORL_REASON_CLOSED_BY_ADMIN, actor, &err);
        if (rc == 0) {
            rc = orl_desktop_get(broker->store, args->arg[0], &row, &err);
        }
    }
    if (rc == 0) {
        rc = orl_pool_drain_desktop(broker, &row, actor, &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, row.kind == ORL_POOL_STATIC ? 200 : 202, row.id);
    }
}

static void set_want(struct orl_http_req *req, const char *id, enum orl_want want)
{
    struct orl_err err = {0};
    struct orl_desktop_row row;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = orl_desktop_get(req->broker->store, id, &row, &err);
    if (rc == 0 && row.kind == ORL_POOL_STATIC) {
        rc = orl_err_set(&err, ORL_E_INVAL, "a static desktop is not ours to start or stop");
    }
    if (rc == 0 && row.lease == ORL_LEASE_ENDING) {
        rc = orl_err_set(&err, ORL_E_CONFLICT, "the desktop is ending");
    }
    if (rc == 0) {
        rc = orl_desktop_set_want(req->broker->store, id, want, actor, orl_clock_wall_ms(), &err);
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 202, id);
    }
}

void orl_api_desktops_start(struct orl_http_req *req, const struct orl_api_args *args)
{
    set_want(req, args->arg[0], ORL_WANT_RUN);
}

void orl_api_desktops_stop(struct orl_http_req *req, const struct orl_api_args *args)
{
    set_want(req, args->arg[0], ORL_WANT_STOP);
}

static void restart(struct orl_http_req *req, const char *id, bool is_reset)
{
    struct orl_err err = {0};
    struct orl_store *store = req->broker->store;
    uint64_t now_ms = orl_clock_wall_ms();
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    int rc = is_reset ? orl_desktop_ask_reset(store, id, actor, now_ms, &err)
                      : orl_desktop_ask_restart(store, id, actor, now_ms, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 202, id);
    }
}

void orl_api_desktops_restart(struct orl_http_req *req, const struct orl_api_args *args)
{
    restart(req, args->arg[0], false);
}

void orl_api_desktops_reset(struct orl_http_req *req, const struct orl_api_args *args)
{
    restart(req, args->arg[0], true);
}

void orl_api_desktops_maintenance(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct mode {
        bool is_on;
    } mode = {.is_on = true};
    static const struct orl_api_field mode_fields[] = {
            {"on", ORL_API_BOOL, offsetof(struct mode, is_on), 0, 0, false, NULL}, {0}};
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX + 1];
    uint64_t seen = 0;
    if (req->body != NULL && !orl_api_body(req, mode_fields, &mode, &seen)) {
        return;
    }
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_desktop_set_maintenance(req->broker->store, args->arg[0], mode.is_on, actor,
                orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        reply_row(req, 200, args->arg[0]);
    }
}

static int add_quarantine(void *ctx, const struct orl_quarantine_row *row)
{
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "id", row->id, "host",
            row->host, "pool", row->pool, "user", row->user, "uuid", row->uuid, "domain",
            row->domain, "reason_text", row->reason_text, "verdict", orl_verdict_name(row->verdict),
            "seen_ms", (json_int_t)row->seen_ms);
    return orl_api_page_add(ctx, item, "%s", row->id);
}

void orl_api_quarantine_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    struct orl_err err = {0};
    struct orl_api_page page;
    if (orl_api_page_begin(req, &page)) {
        int rc = orl_quarantine_list(req->broker->store, &page.page, add_quarantine, &page, &err);
        orl_api_page_reply(req, &page, "quarantine", rc, &err);
    }
}

static void judge(struct orl_http_req *req, const char *id, enum orl_verdict verdict)
{
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req)) {
        return;
    }
    if (orl_quarantine_judge(req->broker->store, id, verdict, actor, orl_clock_wall_ms(), &err) <
            0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, 202, NULL, NULL, NULL);
}

void orl_api_desktops_adopt(struct orl_http_req *req, const struct orl_api_args *args)
{
    judge(req, args->arg[0], ORL_VERDICT_ADOPT);
}

void orl_api_desktops_purge(struct orl_http_req *req, const struct orl_api_args *args)
{
    judge(req, args->arg[0], ORL_VERDICT_PURGE);
}
