#include "broker/plan_work.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/work.h"
#include "broker/api.h"
#include "broker/closing.h"
#include "broker/plan.h"
#include "broker/pool_drain.h"
#include "broker/session_lease.h"
#include "store/entitlement.h"
#include "store/user.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WAITING = 8, RETRY_S = 5 };

struct orl_plan_work {
    struct orl_work *threads;
    atomic_bool is_stopping;
};

int orl_plan_work_new(
        struct orl_broker *broker, struct orl_plan_work **ret_work, struct orl_err *err)
{
    struct orl_plan_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "plans: out of memory");
    }
    int rc = orl_work_new(broker->loop, 1, MAX_WAITING, &work->threads, err);
    if (rc < 0) {
        free(work);
        return rc;
    }
    *ret_work = work;
    return 0;
}

void orl_plan_work_stop(struct orl_plan_work *work)
{
    atomic_store(&work->is_stopping, true);
}

void orl_plan_work_free(struct orl_plan_work *work)
{
    if (work != NULL) {
        orl_plan_work_stop(work);
        orl_work_free(work->threads);
        free(work);
    }
}

/* What the thread answers; how it is said is the loop's. */
enum outcome { FAILED = 0, STOPPED, BAD_FIELD, NOT_ALLOWED, CHANGED, GOOD };
/* The thread has all of it but req between run and done; `who` and `own` are what it sees of the request and the broker. */
struct job {
    struct orl_http_req *req;
    const atomic_bool *is_stopping;
    enum orl_plan_deed_kind kind;
    struct orl_broker own; /* cfg, log, and a store of its own */
    struct orl_http_req who;
    json_t *root;
    json_t *objects;
    bool is_pruning;
    const char *hash; /* NULL: none was said */
    struct orl_plan plan;
    enum outcome outcome;
    struct orl_err err;
    char *text; /* of the answer: GOOD */
    json_t *current;
};

static void free_job(struct job *job)
{
    orl_plan_fini(&job->plan);
    json_decref(job->root);
    json_decref(job->current);
    free(job->text);
    orl_secret_wipe(&job->who, sizeof(job->who));
    free(job);
}

/* Asked before each thing that takes long, as long as nothing is written. */
static bool is_stopped(struct job *job)
{
    bool is_stopping = atomic_load(job->is_stopping);
    if (is_stopping) {
        job->outcome = STOPPED;
    }
    return is_stopping;
}

static int read_input(struct job *job)
{
    const bool has_hash = job->kind == ORL_PLAN_APPLY;
    const char *key;
    json_t *value;
    if (job->who.body == NULL) {
        return orl_err_set(&job->err, ORL_E_INVAL, "a JSON object is needed");
    }
    job->root = orl_api_parse(job->who.body, job->who.body_len, &job->err);
    if (job->root == NULL) {
        return ORL_E_INVAL;
    }
    bool is_good = true;
    json_object_foreach(job->root, key, value)
    {
        bool is_objects = strcmp(key, "objects") == 0 && json_is_object(value);
        bool is_prune = strcmp(key, "prune") == 0 && json_is_boolean(value);
        bool is_hash = has_hash && strcmp(key, "plan") == 0 &&
                       json_string_length(value) == ORL_SHA256_HEX_LEN;
        if (is_good && !is_objects && !is_prune && !is_hash) {
            is_good = false;
            (void)orl_err_set(
                    &job->err, ORL_E_INVAL, "field '%.64s' is unknown, or no good value", key);
        }
    }
    job->objects = json_object_get(job->root, "objects");
    job->is_pruning = json_is_true(json_object_get(job->root, "prune"));
    job->hash = json_string_value(json_object_get(job->root, "plan"));
    if (is_good && job->objects == NULL) {
        return orl_err_set(&job->err, ORL_E_INVAL, "field 'objects' is needed: the document");
    }
    if (is_good && has_hash && job->hash == NULL) {
        return orl_err_set(
                &job->err, ORL_E_INVAL, "field 'plan' is needed, as POST /v1/plan gave it");
    }
    return is_good ? 0 : ORL_E_INVAL;
}

static int add_lost(void *ctx, const struct orl_entitlement_way *way)
{
    return json_array_append_new(
                   ctx, json_pack("{s:s, s:s}", "user", way->user, "pool", way->pool)) < 0
                   ? ORL_E_NOMEM
                   : 0;
}

/* Inside the transaction, where it is written: whoever has a session or a ticket and may not use the pool then. */
static int to_json(struct job *job, json_t **ret_json)
{
    json_t *lost = json_array();
    int rc = orl_entitlement_lost(job->own.store, add_lost, lost, &job->err);
    if (rc < 0) {
        json_decref(lost);
        return rc;
    }
    *ret_json = json_pack(
            "{s:O, s:o, s:s}", "changes", job->plan.changes, "lost", lost, "plan", job->plan.hash);
    return 0;
}

/* Whoever has root on the host can always make an administrator; people in browsers must not shut themselves out. */
static int keep_an_admin(struct job *job, int count_before)
{
    int count = orl_user_count_admins(job->own.store, &job->err);
    if (count == 0 && count_before > 0 && job->who.by != ORL_HTTP_BY_UID) {
        return orl_err_set(&job->err, ORL_E_CONFLICT,
                "No administrator who can log in would be left. Make another one first.");
    }
    return count < 0 ? count : 0;
}

static int make(struct job *job, struct orl_plan *ret_plan)
{
    return orl_plan_make(&job->own, job->objects, job->is_pruning, ret_plan, &job->err);
}

/* Whom each change touches takes the longest, and is no part of what is applied: it is read before anybody has to wait.
 * What has changed since is looked at again. */
static int make_again(struct job *job)
{
    struct orl_plan now = {0};
    int rc = make(job, &now);
    if (rc == 0 && strcmp(now.hash, job->plan.hash) == 0) {
        orl_plan_fini(&now);
        return 0;
    }
    orl_plan_fini(&job->plan);
    job->plan = now;
    return rc < 0 ? rc : orl_plan_put_affects(&job->plan, &job->err);
}

/* All of it is tried, whoever asks: a plan that can't be carried out is none. */
static int try_it(struct job *job)
{
    int admins = orl_user_count_admins(job->own.store, &job->err);
    int rc = admins < 0 ? admins : make_again(job);
    rc = rc < 0 ? rc : orl_plan_write(&job->plan, &job->err);
    return rc < 0 ? rc : keep_an_admin(job, admins);
}

static int answer(struct job *job, json_t *body, enum outcome outcome)
{
    job->text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (job->text == NULL) {
        return orl_err_set(&job->err, ORL_E_NOMEM, "out of memory");
    }
    job->outcome = outcome;
    return 0;
}

static int carry_out(struct job *job, json_t *body)
{
    struct orl_id audit;
    char actor[ORL_API_ACTOR_MAX + 1];
    orl_api_actor(&job->who, actor, sizeof(actor));
    int rc = orl_plan_carry_out(&job->plan, actor, &job->err);
    rc = rc < 0 ? rc : orl_api_record(&job->who, "apply", job->plan.hash, NULL, &audit, &job->err);
    if (rc < 0) {
        json_decref(body);
        return rc;
    }
    (void)json_object_set_new(body, "audit", json_string(audit.text));
    return answer(job, body, GOOD);
}

/* Inside the transaction; GOOD: it is to be committed. */
static int decide(struct job *job)
{
    json_t *body = NULL;
    int rc = orl_api_identify_again(&job->who, &job->err);
    if (rc == 0 && job->who.role < job->who.least) {
        job->outcome = NOT_ALLOWED;
        return 0;
    }
    rc = rc < 0 ? rc : try_it(job);
    rc = rc < 0 ? rc : to_json(job, &body);
    if (rc < 0) {
        return rc;
    }
    if (job->kind == ORL_PLAN_SHOW) {
        return answer(job, body, GOOD);
    }
    if (strcmp(job->plan.hash, job->hash) != 0) {
        job->current = body;
        job->outcome = CHANGED;
        return 0;
    }
    return carry_out(job, body);
}

static int write_all(struct job *job)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(job->own.store, &tx, &job->err);
    rc = rc < 0 ? rc : decide(job);
    if (rc == 0 && job->kind == ORL_PLAN_APPLY && job->outcome == GOOD) {
        rc = orl_store_tx_commit(&tx, &job->err);
    }
    if (rc < 0 || tx.store != NULL) {
        orl_closings_drop(&job->own);
    }
    return rc;
}

static int do_it(struct job *job)
{
    if (job->kind == ORL_PLAN_EXPORT) {
        json_t *doc = NULL;
        int rc = orl_site_doc(&job->own, &doc, &job->err);
        return rc < 0 ? rc : answer(job, doc, GOOD);
    }
    int rc = make(job, &job->plan);
    if (rc == 0 && !is_stopped(job)) {
        rc = orl_plan_put_affects(&job->plan, &job->err);
    }
    return rc < 0 || is_stopped(job) ? rc : write_all(job);
}

static void run(void *ctx)
{
    struct job *job = ctx;
    if (is_stopped(job)) {
        return;
    }
    int rc = job->kind == ORL_PLAN_EXPORT ? 0 : read_input(job);
    rc = rc < 0 ? rc : orl_broker_open_store(job->own.cfg, &job->own.store, &job->err);
    rc = rc < 0 ? rc : do_it(job);
    if (rc < 0) {
        bool is_field = job->plan.fault_field[0] != '\0' && job->err.code != ORL_E_BACKEND;
        job->outcome = is_field ? BAD_FIELD : FAILED;
    }
    orl_store_close(job->own.store);
    job->own.store = NULL;
}

static void refuse_stopping(struct orl_http_req *req)
{
    req->retry_s = RETRY_S;
    orl_api_refuse(req, 503, "busy", "The broker stops. Nothing was changed; please try again.");
}

static void refuse_field(struct job *job)
{
    const struct orl_err *err = &job->err;
    json_t *errors = json_pack("[{s:s, s:s}]", "field", job->plan.fault_field, "text", err->text);
    const bool is_conflict = err->code == ORL_E_CONFLICT || err->code == ORL_E_DENIED;
    orl_api_refuse_with(job->req, is_conflict ? 409 : 400, is_conflict ? "conflict" : "bad_request",
            err->text, "errors", errors);
}

static void reply_text(struct job *job)
{
    struct orl_http_req *req = job->req;
    char *text = job->text;
    job->text = NULL;
    orl_http_reply_text(req, 200, "application/json", text, strlen(text));
}

static void follow(struct orl_broker *broker, struct job *job)
{
    orl_closings_run_late(broker, job->own.closings);
    orl_pool_drain(broker);
    orl_leases_poke(broker->leases);
    orl_leases_poke_vmpool(broker->leases);
}

static void done(void *ctx, void *unused)
{
    struct job *job = ctx;
    struct orl_http_req *req = job->req;
    (void)unused;
    switch (job->outcome) {
    case FAILED:
        orl_api_fail(req, &job->err);
        break;
    case STOPPED:
        refuse_stopping(req);
        break;
    case BAD_FIELD:
        refuse_field(job);
        break;
    case NOT_ALLOWED:
        req->role = job->who.role;
        req->lacks_factor = job->who.lacks_factor;
        (void)orl_api_check_role(req);
        break;
    case CHANGED:
        orl_api_refuse_with(req, 412, "changed",
                "It is not as it was when the plan was made. Look at what would change now.",
                "current", json_incref(job->current));
        break;
    case GOOD:
        if (job->kind == ORL_PLAN_APPLY) {
            follow(req->broker, job);
        }
        reply_text(job);
        break;
    }
    free_job(job);
}

void orl_plan_work_do(struct orl_http_req *req, enum orl_plan_deed_kind kind)
{
    struct orl_plan_work *work = req->broker->plans;
    if (work == NULL) {
        refuse_stopping(req);
        return;
    }
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    job->req = req;
    job->kind = kind;
    job->is_stopping = &work->is_stopping;
    job->own = (struct orl_broker){.cfg = req->broker->cfg, .log = req->broker->log};
    job->who = *req;
    job->who.broker = &job->own;
    if (orl_work_submit(work->threads, run, done, job, NULL) < 0) {
        free_job(job);
        req->retry_s = RETRY_S;
        orl_api_refuse(req, 503, "busy", "Others plan and apply. Please try again.");
    }
}
