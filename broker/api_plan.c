/* All that an administrator decides at once: read it, see what would change, change it whole or not at all. */
#include "broker/api_handlers.h"
#include "broker/plan.h"
#include "broker/pool_drain.h"
#include "broker/session_lease.h"
#include "store/entitlement.h"
#include "store/user.h"

#include <string.h>

void orl_api_export(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    json_t *doc = NULL;
    (void)args;
    if (orl_site_doc(req->broker, &doc, &err) < 0) {
        orl_api_fail(req, &err);
    } else {
        orl_http_reply(req, 200, doc);
    }
}

/* What the request asks for; root is owned. */
struct input {
    json_t *root;
    json_t *objects;
    bool is_pruning;
    const char *hash; /* NULL: none was said */
};

static bool read_input(struct orl_http_req *req, bool has_hash, struct input *ret_in)
{
    struct orl_err err = {0};
    const char *key;
    json_t *value;
    *ret_in = (struct input){
            .root = req->body != NULL ? orl_api_parse(req->body, req->body_len, &err) : NULL};
    if (ret_in->root == NULL) {
        orl_api_refuse(req, 400, "bad_request",
                err.text[0] != '\0' ? err.text : "a JSON object is needed");
        return false;
    }
    bool is_good = true;
    json_object_foreach(ret_in->root, key, value)
    {
        bool is_objects = strcmp(key, "objects") == 0 && json_is_object(value);
        bool is_prune = strcmp(key, "prune") == 0 && json_is_boolean(value);
        bool is_hash = has_hash && strcmp(key, "plan") == 0 && json_is_string(value);
        is_good = is_good && (is_objects || is_prune || is_hash);
    }
    ret_in->objects = json_object_get(ret_in->root, "objects");
    ret_in->is_pruning = json_is_true(json_object_get(ret_in->root, "prune"));
    ret_in->hash = json_string_value(json_object_get(ret_in->root, "plan"));
    if (!is_good || ret_in->objects == NULL || (has_hash && ret_in->hash == NULL)) {
        json_decref(ret_in->root);
        orl_api_refuse(req, 400, "bad_request",
                has_hash ? "{objects, prune?, plan} is needed, plan as POST /v1/plan gave it"
                         : "{objects, prune?} is needed");
        return false;
    }
    return true;
}

static int add_lost(void *ctx, const struct orl_entitlement_way *way)
{
    return json_array_append_new(
                   ctx, json_pack("{s:s, s:s}", "user", way->user, "pool", way->pool)) < 0
                   ? ORL_E_NOMEM
                   : 0;
}

/* Inside the transaction, where it is written: whoever has a session or a ticket and may not use the pool then. */
static json_t *to_json(const struct orl_plan *plan)
{
    json_t *lost = json_array();
    struct orl_err err = {0};
    if (orl_entitlement_lost(plan->broker->store, add_lost, lost, &err) < 0) {
        orl_broker_log_store(plan->broker, "plan", &err);
    }
    return json_pack("{s:O, s:o, s:s}", "changes", plan->changes, "lost", lost, "plan", plan->hash);
}

static void refuse(struct orl_http_req *req, const struct orl_plan *plan, const struct orl_err *err)
{
    if (plan->fault_field[0] == '\0' || err->code == ORL_E_BACKEND) {
        orl_api_fail(req, err);
        return;
    }
    json_t *errors = json_pack("[{s:s, s:s}]", "field", plan->fault_field, "text", err->text);
    const unsigned status = err->code == ORL_E_CONFLICT || err->code == ORL_E_DENIED ? 409 : 400;
    orl_api_refuse_with(
            req, status, status == 409 ? "conflict" : "bad_request", err->text, "errors", errors);
}

/* Whoever has root on the host can always make an administrator; people in browsers must not shut themselves out. */
static int keep_an_admin(const struct orl_http_req *req, int count_before, struct orl_err *err)
{
    int count = orl_user_count_admins(req->broker->store, err);
    if (count == 0 && count_before > 0 && req->by != ORL_HTTP_BY_UID) {
        return orl_err_set(err, ORL_E_CONFLICT,
                "No administrator who can log in would be left. Make another one first.");
    }
    return count < 0 ? count : 0;
}

/* All of it is tried, whoever asks: a plan that can't be carried out is none. */
static int try_it(struct orl_http_req *req, const struct input *in, struct orl_plan *plan,
        struct orl_err *err)
{
    int admins = orl_user_count_admins(req->broker->store, err);
    int rc = admins < 0 ? admins
                        : orl_plan_make(req->broker, in->objects, in->is_pruning, plan, err);
    rc = rc < 0 ? rc : orl_plan_write(plan, err);
    return rc < 0 ? rc : keep_an_admin(req, admins, err);
}

void orl_api_plan(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_plan plan = {0};
    struct input in;
    (void)args;
    if (!read_input(req, false, &in)) {
        return;
    }
    if (orl_api_begin(req)) {
        if (try_it(req, &in, &plan, &err) < 0) {
            refuse(req, &plan, &err);
        } else {
            json_t *body = to_json(&plan);
            orl_api_rollback(req);
            orl_http_reply(req, 200, body);
        }
    }
    orl_plan_fini(&plan);
    json_decref(in.root);
}

static void carry_out(struct orl_http_req *req, struct orl_plan *plan)
{
    struct orl_broker *broker = req->broker;
    struct orl_err err = {0};
    char actor[ORL_API_ACTOR_MAX + 1];
    json_t *body = to_json(plan);
    orl_api_actor(req, actor, sizeof(actor));
    if (orl_plan_carry_out(plan, actor, &err) < 0) {
        json_decref(body);
        orl_api_fail(req, &err);
        return;
    }
    orl_api_done(req, 200, "apply", plan->hash, body);
    orl_pool_drain(broker);
    orl_leases_poke(broker->leases);
    orl_leases_poke_vmpool(broker->leases);
}

void orl_api_apply(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_plan plan = {0};
    struct input in;
    (void)args;
    if (!read_input(req, true, &in)) {
        return;
    }
    if (orl_api_begin(req)) {
        if (try_it(req, &in, &plan, &err) < 0) {
            refuse(req, &plan, &err);
        } else if (strcmp(plan.hash, in.hash) != 0) {
            orl_api_refuse_with(req, 412, "changed",
                    "It is not as it was when the plan was made. Look at what would change now.",
                    "current", to_json(&plan));
        } else {
            carry_out(req, &plan);
        }
    }
    orl_plan_fini(&plan);
    json_decref(in.root);
}
