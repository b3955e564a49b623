#include "broker/broker.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/audit_head.h"
#include "broker/auth.h"
#include "broker/certificates.h"
#include "broker/closing.h"
#include "broker/console.h"
#include "broker/doctor.h"
#include "broker/events.h"
#include "broker/gateway_sock.h"
#include "broker/hashing.h"
#include "broker/http.h"
#include "broker/message.h"
#include "broker/names.h"
#include "broker/plan_work.h"
#include "broker/queue.h"
#include "broker/session_lease.h"
#include "broker/thumbs.h"
#include "broker/watching.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { THROTTLE_ENTRIES = 8192, PATH_BYTES = 400 };

static int open_own_key(struct orl_broker *broker, const char *name, struct orl_seal_key *ret_key,
        struct orl_err *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", broker->cfg->state_dir, name);
    int rc = orl_seal_key_load(path, ret_key, err);
    if (rc == 0 && chmod(path, S_IRUSR | S_IWUSR) < 0) {
        rc = orl_err_sys(err, errno, "%s: change its mode", path);
    }
    return rc;
}

static int open_keys(struct orl_broker *broker, struct orl_err *err)
{
    char path[PATH_BYTES];
    int rc = open_own_key(broker, "ticket.key", &broker->ticket_key, err);
    if (rc == 0) {
        rc = open_own_key(broker, "totp.key", &broker->totp_key, err);
    }
    if (rc == 0) {
        (void)snprintf(path, sizeof(path), "%s/console.key", broker->cfg->state_dir);
        rc = orl_seal_key_load(path, &broker->console_key, err);
    }
    return rc;
}

int orl_broker_open_store(
        const struct orl_broker_cfg *cfg, struct orl_store **ret_store, struct orl_err *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/oriel.db", cfg->state_dir);
    return orl_store_open(cfg->store[0] != '\0' ? cfg->store : path, ret_store, err);
}

static int make_dummy_hash(struct orl_broker *broker, struct orl_err *err)
{
    char secret[33];
    orl_secret_text(secret, sizeof(secret) - 1);
    int rc = orl_password_hash(
            secret, (enum orl_password_cost)broker->cfg->password_cost, broker->dummy_hash);
    return rc < 0 ? orl_err_set(err, rc, "no memory for the password cost that is set") : 0;
}

int orl_broker_init(struct orl_broker *broker, const struct orl_broker_cfg *cfg,
        struct orl_loop *loop, struct orl_err *err)
{
    *broker = (struct orl_broker){.cfg = cfg, .loop = loop, .log = {.name = "broker"}};
    broker->started_ms = orl_clock_wall_ms();
    broker->started_us = orl_clock_now_us();
    broker->refusal_limit =
            (struct orl_log_limit){.period_us = UINT64_C(60) * ORL_US_PER_S, .burst = 60};
    broker->store_limit =
            (struct orl_log_limit){.period_us = UINT64_C(60) * ORL_US_PER_S, .burst = 20};
    int rc = orl_password_init(err);
    if (rc == 0) {
        rc = make_dummy_hash(broker, err);
    }
    if (rc == 0) {
        rc = open_keys(broker, err);
    }
    if (rc == 0) {
        rc = orl_ntlm_new(&broker->ntlm, err);
    }
    if (rc == 0) {
        rc = orl_throttle_new(THROTTLE_ENTRIES, &broker->throttle, err);
    }
    if (rc == 0) {
        rc = orl_auth_new(broker, &broker->auth, err);
    }
    if (rc == 0) {
        rc = orl_broker_open_store(cfg, &broker->store, err);
    }
    if (rc == 0) {
        const struct orl_hashing_opts hashing = {.threads = (unsigned)cfg->password_threads,
                .memory_kib = (uint64_t)cfg->password_memory_mib * 1024,
                .max_waiting = (unsigned)cfg->password_queue};
        rc = orl_hashing_new(loop, &hashing, &broker->hashing, err);
    }
    broker->tickets = (struct orl_tickets){.store = broker->store,
            .ntlm = broker->ntlm,
            .key = &broker->ticket_key,
            .first_use_ms = (uint32_t)(cfg->ticket_first_use_s * 1000),
            .max_failures = (uint32_t)cfg->ticket_max_failures};
    if (rc == 0) {
        rc = orl_leases_new(broker, &broker->leases, err);
    }
    if (rc == 0) {
        rc = orl_queue_new(broker, &broker->queue, err);
    }
    if (rc == 0) {
        rc = orl_plan_work_new(broker, &broker->plans, err);
    }
    if (rc == 0) {
        rc = orl_thumbs_new(broker, &broker->thumbs, err);
    }
    if (rc == 0) {
        rc = orl_messages_new(broker, &broker->messages, err);
    }
    if (rc == 0) {
        rc = orl_watching_new(broker, &broker->watching, err);
    }
    if (rc == 0) {
        rc = orl_audit_teller_new(broker, &broker->audit_teller, err);
    }
    if (rc == 0) {
        rc = orl_certificates_new(broker, &broker->certificates, err);
    }
    if (rc == 0) {
        rc = orl_events_new(broker, &broker->events, err);
    }
    if (rc == 0) {
        rc = orl_console_new(broker, &broker->console, err);
    }
    return rc;
}

int orl_broker_listen(struct orl_broker *broker, struct orl_err *err)
{
    int rc = orl_gateways_new(broker, &broker->gateways, err);
    return rc < 0 ? rc : orl_http_new(broker, &broker->http, err);
}

void orl_broker_stop_plans(struct orl_broker *broker)
{
    orl_plan_work_free(broker->plans); /* what it closes and wakes still is there */
    broker->plans = NULL;
}

void orl_broker_stop(struct orl_broker *broker)
{
    orl_auth_close(broker->auth);
    orl_broker_stop_plans(broker);
    orl_http_stop(broker->http);
    orl_gateways_free(broker->gateways);
    broker->gateways = NULL;
}

void orl_broker_fini(struct orl_broker *broker)
{
    orl_auth_close(broker->auth);
    orl_hashing_free(broker->hashing);
    orl_plan_work_free(broker->plans);
    orl_gateways_free(broker->gateways);
    orl_http_free(broker->http);
    orl_audit_teller_free(broker->audit_teller);
    orl_events_free(broker->events);
    orl_console_free(broker->console);
    orl_watching_free(broker->watching);
    orl_certificates_free(broker->certificates);
    orl_doctor_forget(broker);
    orl_messages_free(broker->messages);
    orl_thumbs_free(broker->thumbs);
    orl_queue_free(broker->queue);
    orl_leases_free(broker->leases);
    orl_auth_free(broker->auth);
    orl_throttle_free(broker->throttle);
    orl_ntlm_free(broker->ntlm);
    orl_closings_drop(broker);
    orl_store_close(broker->store);
    orl_secret_wipe(&broker->ticket_key, sizeof(broker->ticket_key));
    orl_secret_wipe(&broker->totp_key, sizeof(broker->totp_key));
    orl_secret_wipe(&broker->console_key, sizeof(broker->console_key));
}

void orl_broker_log_store(struct orl_broker *broker, const char *what, const struct orl_err *err)
{
    unsigned dropped = 0;
    if (orl_log_limit_pass(&broker->store_limit, orl_loop_now_us(broker->loop), &dropped)) {
        orl_log_error(&broker->log, "the store refused", "what", what, "error", err->text,
                "unlogged", ORL_LOG_NUM(dropped));
    }
}

enum orl_reason orl_broker_store_reason(int rc)
{
    return rc == ORL_E_TIMEOUT ? ORL_REASON_STORE_DOWN : ORL_REASON_INTERNAL;
}

int orl_broker_audit(
        struct orl_broker *broker, const struct orl_audit_event *event, struct orl_id *ret_id)
{
    struct orl_err err = {0};
    unsigned dropped = 0;
    orl_id_new(ret_id);
    struct orl_id id;
    int rc = orl_audit_append(broker->store, event, orl_clock_wall_ms(), &id, &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "audit", &err);
    } else {
        *ret_id = id;
    }
    if (event->reason != ORL_REASON_NONE) {
        broker->counters.refusals[event->reason]++;
        if (!orl_log_limit_pass(&broker->refusal_limit, orl_loop_now_us(broker->loop), &dropped)) {
            return rc;
        }
    }
    char user[24];
    char object[24];
    orl_log_info(&broker->log, event->action, "reason", orl_reason_code(event->reason), "user",
            orl_names_without_ticket(event->user, user), "object",
            orl_names_without_ticket(event->object, object), "client",
            event->client != NULL ? event->client : "", "audit", ret_id->text, "unlogged",
            ORL_LOG_NUM(dropped));
    return rc;
}
