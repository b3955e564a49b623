/* A person's desktops at the portal: what there is, how to get in, start, restart, log off. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/api_me.h"
#include "broker/certificates.h"
#include "broker/names.h"
#include "broker/policy.h"
#include "broker/pool_outlook.h"
#include "broker/rdp_file.h"
#include "broker/session_lease.h"
#include "broker/thumbs.h"
#include "broker/watching.h"
#include "store/entitlement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_POOLS = 64, MAX_UNUSED_TICKETS = 32 };

struct pools {
    char names[MAX_POOLS][ORL_NAME_MAX + 1];
    unsigned count;
};

static int add_pool(void *ctx, const struct orl_entitlement_way *way)
{
    struct pools *pools = ctx;
    if (pools->count > 0 && strcmp(pools->names[pools->count - 1], way->pool) == 0) {
        return 0; /* for another reason */
    }
    if (pools->count == MAX_POOLS) {
        return 1;
    }
    orl_msg_text(pools->names[pools->count++], ORL_NAME_MAX + 1, way->pool);
    return 0;
}

static const char *protocol_of(struct orl_broker *broker, const struct orl_session_row *session)
{
    const struct orl_conn *conn = orl_conn_find_session(broker->gateways, session->id);
    if (conn != NULL && conn->binding[0] != '\0') {
        return "web";
    }
    return session->protocol == ORL_PROTOCOL_VNC ? "vnc" : "rdp";
}

/* What is between this person and a desktop that works, in words; empty: nothing. */
static int problem_of(struct orl_broker *broker, const struct orl_pool_row *pool, uint32_t ready,
        const struct orl_session_row *session, const struct orl_desktop_row *desktop,
        char ret_text[ORL_TEXT_MAX + 1], struct orl_err *err)
{
    ret_text[0] = '\0';
    if (desktop != NULL && desktop->reason != ORL_REASON_NONE) {
        orl_msg_text(ret_text, ORL_TEXT_MAX + 1, orl_reason_text(desktop->reason));
        return 0;
    }
    if (desktop != NULL || session != NULL || ready > 0) {
        return 0;
    }
    struct orl_outlook outlook;
    int rc = orl_pool_outlook(broker, pool->name, orl_clock_wall_ms(), &outlook, err);
    if (rc == 0 && outlook.reason != ORL_REASON_NONE) {
        orl_msg_text(ret_text, ORL_TEXT_MAX + 1,
                outlook.text[0] != '\0' ? outlook.text : orl_reason_text(outlook.reason));
    }
    return rc;
}

/* One of a person's desktops of a pool. */
struct seat {
    const struct orl_pool_row *pool;
    uint32_t slot;
    uint32_t next_slot; /* where another could be opened; 0: nowhere */
};

/* Its place in the queue; NULL: in none that we know of. */
static const struct orl_conn_wait *place_of(
        struct orl_broker *broker, const struct orl_session_row *session)
{
    const struct orl_conn *conn =
            session != NULL ? orl_conn_find_session(broker->gateways, session->id) : NULL;
    return conn != NULL && conn->state == ORL_CONN_WAITING && conn->wait.position > 0 ? &conn->wait
                                                                                      : NULL;
}

static void put_place(
        json_t *item, struct orl_broker *broker, const struct orl_session_row *session)
{
    const struct orl_conn_wait *wait = place_of(broker, session);
    (void)json_object_set_new(
            item, "position", json_integer(wait != NULL ? (json_int_t)wait->position : 0));
    (void)json_object_set_new(
            item, "eta_s", json_integer(wait != NULL ? (json_int_t)wait->eta_s : 0));
}

static json_t *to_json(struct orl_broker *broker, const struct seat *seat,
        const struct orl_session_row *session, const struct orl_desktop_row *desktop,
        struct orl_err *err)
{
    struct orl_desktop_counts counts;
    const struct orl_pool_row *pool = seat->pool;
    char problem[ORL_TEXT_MAX + 1];
    int rc = orl_desktop_count(broker->store, pool->name, &counts, err);
    int waiting = rc < 0 ? rc : orl_session_count_waiting(broker->store, pool->name, err);
    rc = waiting < 0 ? waiting
                     : problem_of(broker, pool, counts.ready, session, desktop, problem, err);
    if (rc < 0) {
        return NULL;
    }
    json_t *item = json_pack(
            "{s:s, s:I, s:I, s:s, s:b, s:s, s:s, s:b, s:s, s:I, s:i, s:I, s:s, s:b, s:b, s:b, s:s}",
            "pool", pool->name, "slot", (json_int_t)seat->slot, "next_slot",
            (json_int_t)seat->next_slot, "kind", orl_pool_kind_name(pool->kind), "maintenance",
            pool->is_maintenance, "state",
            session != NULL ? orl_session_state_name(session->state) : "none", "power",
            desktop != NULL ? orl_power_name(desktop->power) : "", "is_ready",
            desktop != NULL && desktop->is_ready, "session", session != NULL ? session->id : "",
            "started_ms", session != NULL ? (json_int_t)session->started_ms : 0, "waiting", waiting,
            "ready", (json_int_t)counts.ready, "problem_text", problem, "files_kept",
            pool->kind != ORL_POOL_FLOATING || pool->person.home != ORL_HOME_NONE, "thumbnails",
            pool->has_thumbnails, "has_thumbnail",
            session != NULL && pool->has_thumbnails && orl_thumbs_has(broker->thumbs, session->id),
            "protocol",
            session != NULL && session->state == ORL_SESSION_ACTIVE ? protocol_of(broker, session)
                                                                    : "");
    put_place(item, broker, session);
    char looks[ORL_TEXT_MAX + 1] = "";
    if (session != NULL) {
        orl_watching_say(broker, session->id, looks);
    }
    (void)json_object_set_new(item, "watched_text", json_string(looks));
    return item;
}

/* What a person has in each slot of a pool. */
struct seats {
    struct orl_session_row session[ORL_POOL_MAX_PER_USER + 1];
    struct orl_desktop_row desktop[ORL_POOL_MAX_PER_USER + 1];
    bool has_session[ORL_POOL_MAX_PER_USER + 1];
    bool has_desktop[ORL_POOL_MAX_PER_USER + 1];
};

static bool is_taken(const struct seats *seats, uint32_t slot)
{
    return seats->has_session[slot] || seats->has_desktop[slot];
}

static int find_seat(struct orl_broker *broker, const char *user, const char *pool, uint32_t slot,
        struct seats *seats, struct orl_err *err)
{
    int rc = orl_session_find_slot(broker->store, user, pool, slot, &seats->session[slot], err);
    seats->has_session[slot] = rc == 0;
    if (rc == 0 || rc == ORL_E_NOTFOUND) {
        rc = orl_desktop_find_slot(broker->store, pool, user, slot, &seats->desktop[slot], err);
        seats->has_desktop[slot] = rc == 0;
    }
    return rc == ORL_E_NOTFOUND ? 0 : rc;
}

/* Every desktop that the person has there, or the first that they could have. */
static int describe(struct orl_broker *broker, const char *user, const char *name,
        struct seats *seats, json_t *list, struct orl_err *err)
{
    struct orl_pool_row pool = {0};
    struct seat seat = {.pool = &pool};
    bool has_any = false;
    int rc = orl_pool_get(broker->store, name, &pool, err);
    /* Where fewer are allowed by now, those that are there are still shown. */
    uint32_t last = pool.policy.max_per_user > 1 ? ORL_POOL_MAX_PER_USER : 1;
    for (uint32_t slot = 1; rc == 0 && slot <= last; slot++) {
        rc = find_seat(broker, user, name, slot, seats, err);
        has_any = has_any || (rc == 0 && is_taken(seats, slot));
    }
    for (uint32_t slot = pool.policy.max_per_user; rc == 0 && has_any && slot >= 1; slot--) {
        seat.next_slot = is_taken(seats, slot) ? seat.next_slot : slot;
    }
    for (uint32_t slot = 1; rc == 0 && slot <= last; slot++) {
        if (is_taken(seats, slot) || (!has_any && slot == 1)) {
            seat.slot = slot;
            json_t *item =
                    to_json(broker, &seat, seats->has_session[slot] ? &seats->session[slot] : NULL,
                            seats->has_desktop[slot] ? &seats->desktop[slot] : NULL, err);
            rc = item == NULL ? (err->code < 0 ? err->code : ORL_E_NOMEM) : 0;
            (void)(item != NULL && json_array_append_new(list, item) < 0);
        }
    }
    return rc;
}

json_t *orl_api_me_desktops(struct orl_broker *broker, const char *user, struct orl_err *err)
{
    struct pools pools = {0};
    struct seats *seats = calloc(1, sizeof(*seats));
    json_t *list = json_array();
    int rc = seats == NULL ? orl_err_set(err, ORL_E_NOMEM, "out of memory")
                           : orl_entitlement_ways(broker->store, user, add_pool, &pools, err);
    for (unsigned i = 0; rc >= 0 && i < pools.count; i++) {
        rc = describe(broker, user, pools.names[i], seats, list, err);
    }
    free(seats);
    if (rc < 0) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:o}", "desktops", list);
}

void orl_api_me_desktops_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    (void)args;
    json_t *body = orl_api_me_desktops(req->broker, req->login.user, &err);
    if (body == NULL) {
        orl_api_fail(req, &err);
    } else {
        orl_http_reply(req, 200, body);
    }
}

static void refuse_pool(
        struct orl_http_req *req, const char *pool, enum orl_reason reason, const char *text)
{
    char object[ORL_API_SEGMENT_MAX + 8];
    (void)snprintf(object, sizeof(object), "pool:%s", pool);
    const struct orl_audit_event event = {
            .action = "portal.open", .reason = reason, .object = object, .user = req->login.user};
    orl_api_refuse_event(req, reason == ORL_REASON_NO_SUCH_POOL ? 404 : 403, &event, text);
}

/* "POOL" or "POOL:SLOT" of the path. What is neither is no pool's name. */
static struct place {
    char pool[ORL_API_SEGMENT_MAX + 1];
    uint32_t slot;
} place_in(const struct orl_api_args *args)
{
    struct place place = {.slot = 0};
    char pool[ORL_NAME_MAX + 1];
    if (orl_names_pool_parse(args->arg[0], strlen(args->arg[0]), pool, &place.slot)) {
        memcpy(place.pool, pool, sizeof(pool));
    } else {
        orl_msg_text(place.pool, sizeof(place.pool), args->arg[0]);
    }
    place.slot = place.slot > 0 ? place.slot : 1;
    return place;
}

/* May this person open a desktop of the pool now? Inside a transaction; false: it has answered. */
static bool check_open(struct orl_http_req *req, const struct place *place)
{
    struct orl_err err = {0};
    struct orl_broker *broker = req->broker;
    struct orl_policy policy;
    const struct orl_policy_ask ask = {.user = req->login.user,
            .pool = place->pool,
            .slot = place->slot,
            .client = req->client,
            .now_ms = orl_clock_wall_ms()};
    int rc = orl_policy_decide(broker->store, &ask, &policy, &err);
    bool has_factor = policy.user.totp_secret[0] != '\0';
    orl_secret_wipe(&policy.user, sizeof(policy.user));
    bool lacks_factor = broker->cfg->second_factor == ORL_SECOND_FACTOR_REQUIRED && !has_factor;
    int unused = rc < 0 ? rc
                        : orl_ticket_count_unused(
                                  broker->store, req->login.user, orl_clock_wall_ms(), &err);
    if (unused < 0) {
        orl_api_fail(req, &err);
    } else if (policy.reason != ORL_REASON_NONE) {
        refuse_pool(req, place->pool, policy.reason, policy.text);
    } else if (lacks_factor) {
        refuse_pool(req, place->pool, ORL_REASON_SECOND_FACTOR,
                "A second factor is required here. Please set one up first.");
    } else if (unused >= MAX_UNUSED_TICKETS) {
        req->retry_s = (unsigned)broker->cfg->ticket_first_use_s;
        orl_api_refuse(req, 429, "busy", "There are many unused tickets. Please wait a little.");
    } else {
        return true;
    }
    return false;
}

/* false: it has answered. */
struct settings {
    char language[64]; /* BCP 47 */
    char timezone[ORL_TIMEZONE_MAX + 1];
    char keyboard[ORL_KEYBOARD_MAX + 1];
};
static const struct orl_api_field settings_fields[] = {
        {"language", ORL_API_STR, offsetof(struct settings, language), 64, 0, false, NULL},
        {"timezone", ORL_API_STR, offsetof(struct settings, timezone), ORL_TIMEZONE_MAX + 1, 0,
                false, NULL},
        {"keyboard", ORL_API_STR, offsetof(struct settings, keyboard), ORL_KEYBOARD_MAX + 1, 0,
                false, NULL},
        {NULL, 0, 0, 0, 0, false, NULL},
};

/* What the browser says of itself; nothing is an answer, too. What is no such name is taken for nothing. */
static bool read_regional(struct orl_http_req *req, struct orl_regional *ret)
{
    struct settings in = {0};
    uint64_t seen = 0;
    if (req->body == NULL) {
        return true;
    }
    if (!orl_api_body(req, settings_fields, &in, &seen)) {
        return false;
    }
    if (!orl_locale_of_tag(in.language, ret->locale)) {
        ret->locale[0] = '\0';
    }
    orl_msg_text(ret->timezone, sizeof(ret->timezone), in.timezone);
    orl_msg_text(ret->keyboard, sizeof(ret->keyboard),
            in.keyboard[0] != '\0' || ret->locale[0] == '\0' ? in.keyboard
                                                             : orl_keyboard_of_locale(ret->locale));
    return true;
}

static bool issue(struct orl_http_req *req, const struct place *place, const char *binding,
        struct orl_ticket_issued *ret_issued)
{
    struct orl_err err = {0};
    struct orl_regional regional = {0};
    if (!read_regional(req, &regional) || !orl_api_begin(req) || !check_open(req, place)) {
        return false;
    }
    const struct orl_ticket_want want = {.user = req->login.user,
            .pool = place->pool,
            .slot = place->slot,
            .binding = binding,
            .regional = &regional};
    if (orl_tickets_issue(&req->broker->tickets, &want, orl_clock_wall_ms(), ret_issued, &err) <
            0) {
        orl_api_fail(req, &err);
        return false;
    }
    return true;
}

static void done_ticket(
        struct orl_http_req *req, const struct orl_ticket_issued *issued, json_t *body)
{
    char object[ORL_TICKET_ID_LEN + 8];
    (void)snprintf(object, sizeof(object), "ticket:%s", issued->id);
    orl_api_done(req, 200, "ticket.issue", object, body);
}

void orl_api_me_desktops_open(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_ticket_issued issued;
    const struct place place = place_in(args);
    if (issue(req, &place, req->login.token_hash, &issued)) {
        done_ticket(req, &issued,
                json_pack("{s:s, s:s, s:I}", "ticket", issued.id, "password", issued.password,
                        "expires_ms", (json_int_t)issued.expires_ms));
        orl_secret_wipe(&issued, sizeof(issued));
    }
}

void orl_api_me_desktops_rdp(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_ticket_issued issued;
    struct orl_rdp_file file;
    const struct orl_broker_cfg *cfg = req->broker->cfg;
    const struct place place = place_in(args);
    if (!issue(req, &place, NULL, &issued)) {
        return;
    }
    bool is_up = false;
    const struct orl_msg_service *said =
            orl_certificates_get(req->broker->certificates, ORL_SERVICE_RDP, &is_up);
    char print[ORL_CERTIFICATE_PRINT_LEN + 1];
    if (said != NULL) {
        orl_certificates_print(said, print);
    }
    const struct orl_rdp_target target = {.address = cfg->rdp_address_public,
            .portal_url = cfg->portal_url,
            .fingerprint = said != NULL ? print : cfg->rdp_fingerprint,
            .pool = place.pool,
            .user = issued.id,
            .password = issued.password};
    orl_rdp_file_make(&target, &file);
    done_ticket(req, &issued,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "filename", file.name, "file", file.text,
                    "command", file.command, "user", issued.id, "password", issued.password,
                    "expires_ms", (json_int_t)issued.expires_ms));
    orl_secret_wipe(&issued, sizeof(issued));
    orl_secret_wipe(&file, sizeof(file));
}

/* The person's live session in the pool; false: it has answered. */
static bool find_session(struct orl_http_req *req, const struct orl_api_args *args,
        struct orl_session_row *ret_session)
{
    struct orl_err err = {0};
    const struct place place = place_in(args);
    if (orl_session_find_slot(req->broker->store, req->login.user, place.pool, place.slot,
                ret_session, &err) < 0) {
        orl_api_fail(req, &err);
        return false;
    }
    return true;
}

void orl_api_me_desktops_logoff(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_session_row session;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req) || !find_session(req, args, &session)) {
        return;
    }
    if (orl_leases_end(req->broker, session.id, ORL_REASON_LOGGED_OFF, actor, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke(req->broker->leases);
    orl_api_done(req, 200, NULL, NULL, NULL);
}

/* Their own word about their own session, as in its band. */
void orl_api_me_desktops_unwatch(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_session_row session;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    const struct orl_watch_by by = {.actor = actor, .client = req->client};
    if (find_session(req, args, &session)) {
        unsigned count = orl_watching_stop_all(req->broker, session.id, &by);
        orl_http_reply(req, 200, json_pack("{s:I}", "ended", (json_int_t)count));
    }
}

/* The person's machine; false: it has answered. */
static bool find_desktop(struct orl_http_req *req, const struct orl_api_args *args,
        struct orl_desktop_row *ret_desktop)
{
    struct orl_err err = {0};
    const struct place place = place_in(args);
    const char *pool = place.pool;
    int rc = orl_entitlement_has(req->broker->store, req->login.user, pool, &err);
    if (rc == 0) {
        refuse_pool(req, pool, ORL_REASON_NOT_ENTITLED, NULL);
        return false;
    }
    rc = rc < 0 ? rc
                : orl_desktop_find_slot(
                          req->broker->store, pool, req->login.user, place.slot, ret_desktop, &err);
    if (rc == 0 && ret_desktop->kind == ORL_POOL_STATIC) {
        rc = orl_err_set(&err, ORL_E_CONFLICT, "This desktop is not ours to start or stop.");
    }
    if (rc == 0 && ret_desktop->is_maintenance) {
        rc = orl_err_set(&err, ORL_E_CONFLICT, "This desktop is under maintenance.");
    }
    if (rc < 0) {
        orl_api_fail(req, &err);
    }
    return rc == 0;
}

void orl_api_me_desktops_start(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_desktop_row desktop;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req) || !find_desktop(req, args, &desktop)) {
        return;
    }
    if (orl_desktop_set_want(req->broker->store, desktop.id, ORL_WANT_RUN, actor,
                orl_clock_wall_ms(), &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, 202, NULL, NULL, NULL);
}

/* One that is off is started; one that runs keeps its session through the restart. */
void orl_api_me_desktops_restart(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_desktop_row desktop;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(req, actor, sizeof(actor));
    if (!orl_api_begin(req) || !find_desktop(req, args, &desktop)) {
        return;
    }
    bool is_off = desktop.power == ORL_POWER_STOPPED || desktop.power == ORL_POWER_FAILED;
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_store *store = req->broker->store;
    int rc = is_off ? orl_desktop_set_want(store, desktop.id, ORL_WANT_RUN, actor, now_ms, &err)
                    : orl_desktop_ask_restart(store, desktop.id, actor, now_ms, &err);
    if (rc < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_leases_poke_vmpool(req->broker->leases);
    orl_api_done(req, 202, NULL, NULL, NULL);
}

void orl_api_me_desktops_thumbnail(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_session_row session;
    char *jpeg = NULL;
    size_t len = 0;
    if (!find_session(req, args, &session)) {
        return;
    }
    orl_thumbs_ask(req->broker->thumbs, session.id);
    if (!orl_thumbs_has_pool(req->broker->thumbs, session.pool) ||
            orl_thumbs_get(req->broker->thumbs, session.id, &jpeg, &len) < 0) {
        orl_api_refuse(req, 404, "not_found", "no picture of it yet");
        return;
    }
    orl_http_reply_text(req, 200, "image/jpeg", jpeg, len);
}
