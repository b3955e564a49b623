/* What the broker's parts share: made once by main.c, passed explicitly. One loop, one store handle,
 * all on the loop thread; only password hashing runs elsewhere. */
#ifndef ORL_BROKER_BROKER_H
#define ORL_BROKER_BROKER_H
#include "base/log.h"
#include "base/loop.h"
#include "broker/config.h"
#include "broker/frame_stats.h"
#include "broker/login_times.h"
#include "broker/throttle.h"
#include "broker/ticket.h"
#include "store/audit.h"

struct orl_auth;
struct orl_audit_teller;
struct orl_certificates;
struct orl_closing;
struct orl_plan_work;
struct orl_console;
struct orl_events;
struct orl_messages;
struct orl_thumbs;
struct orl_watching;
struct orl_hashing;
struct orl_gateways;
struct orl_leases;
struct orl_queue;
struct orl_http;

struct orl_broker_counters {
    uint64_t logins;                     /* that got a desktop, or began to wait for one */
    uint64_t refusals[ORL_REASON_COUNT]; /* of logins and API requests */
    uint64_t session_ends[ORL_REASON_COUNT];
    uint64_t api_requests;
    uint64_t gateway_faults; /* messages that no gateway may send */
};

struct orl_doctor_cache {
    struct json_t *checks; /* NULL: none */
    char host[ORL_NAME_MAX + 1];
    uint64_t at_us;
};

struct orl_broker {
    const struct orl_broker_cfg *cfg;
    struct orl_loop *loop;
    struct orl_hashing *hashing;
    struct orl_store *store;
    struct orl_throttle *throttle;
    struct orl_auth *auth;
    struct orl_ntlm *ntlm;
    struct orl_seal_key ticket_key;  /* ours alone */
    struct orl_seal_key totp_key;    /* ours alone, too */
    struct orl_seal_key console_key; /* shared with vmpool */
    struct orl_tickets tickets;
    struct orl_gateways *gateways;
    struct orl_leases *leases;
    struct orl_queue *queue;
    struct orl_http *http;
    struct orl_events *events;
    struct orl_audit_teller *audit_teller;
    struct orl_certificates *certificates;
    struct orl_console *console;
    struct orl_thumbs *thumbs;
    struct orl_messages *messages;
    struct orl_plan_work *plans;
    struct orl_closing *closings; /* of the open transaction; the newest first */
    struct orl_watching *watching;
    struct orl_broker_counters counters;
    struct orl_doctor_cache doctor;
    struct orl_frame_stats frames;
    struct orl_login_times login_times;
    /* Checked in place of the hash of a person who is not there, so that time does not tell. */
    char dummy_hash[ORL_PASSWORD_HASH_MAX + 1];
    uint64_t started_ms, started_us;
    struct orl_log_ctx log;
    struct orl_log_limit refusal_limit; /* of lines; the audit has its own rule */
    struct orl_log_limit store_limit;   /* it may be away for long */
    uint64_t message_us;                /* when the last message to many was sent; 0: never */
};

/* Opens store and keys, starts the workers; cfg and loop are borrowed until fini. */
ORL_NODISCARD int orl_broker_init(struct orl_broker *broker, const struct orl_broker_cfg *cfg,
        struct orl_loop *loop, struct orl_err *err);
/* One more connection to the store: whose thread has it is alone with it. */
ORL_NODISCARD int orl_broker_open_store(
        const struct orl_broker_cfg *cfg, struct orl_store **ret_store, struct orl_err *err);
/* Opens the sockets. */
ORL_NODISCARD int orl_broker_listen(struct orl_broker *broker, struct orl_err *err);
/* No plan is begun any more: who waits for one is answered, which takes a turn of the loop. */
void orl_broker_stop_plans(struct orl_broker *broker);
/* Closes what a running loop must still close; call on the loop, then stop it. */
void orl_broker_stop(struct orl_broker *broker);
void orl_broker_fini(struct orl_broker *broker);

/* Writes an audit row, logs and counts; ret_id (never empty after it, not even when the store fails)
 * is what the person is shown. The result matters where a deed must not be without its row. */
int orl_broker_audit(
        struct orl_broker *broker, const struct orl_audit_event *event, struct orl_id *ret_id);
/* The store fails: nothing else to tell the person than "internal". */
void orl_broker_log_store(struct orl_broker *broker, const char *what, const struct orl_err *err);
/* What whoever asked is told: a store that does not answer comes back, anything else is our fault. */
enum orl_reason orl_broker_store_reason(int rc);

#endif
