/* The broker's settings: /etc/oriel/broker.yaml, every key optional. */
#ifndef ORL_BROKER_CONFIG_H
#define ORL_BROKER_CONFIG_H
#include "base/cfg.h"
#include "broker/password.h"

enum orl_second_factor { ORL_SECOND_FACTOR_OPTIONAL = 0, ORL_SECOND_FACTOR_REQUIRED };

struct orl_broker_cfg {
    char *run_dir;
    char *state_dir;
    char *store;
    char *user;
    char *gateway_user;
    char *vmpool_user;
    char **admin_uids;
    int64_t lease_s;
    int64_t wait_timeout_s;
    int64_t vmpool_silent_s;
    int64_t max_idle_s;
    int64_t ticket_first_use_s;
    int64_t ticket_max_failures;
    int64_t audit_keep_days;
    int64_t audit_head_min;
    int64_t password_threads;
    int64_t password_memory_mib;
    int64_t password_queue;
    int64_t max_connections;
    int64_t max_api_connections;
    int64_t api_request_s;
    int64_t api_idle_s;
    char *web_user;
    int64_t max_web_connections;
    int64_t web_idle_s;
    int64_t web_max_s;
    char *portal_url;
    char *rdp_address_public;
    char *rdp_fingerprint;
    bool console_needs_totp;
    int second_factor; /* enum orl_second_factor */
    int password_cost; /* enum orl_password_cost */
    int log_level;     /* index into the choices; orl_broker_log_level() */
};
extern const struct orl_cfg_key orl_broker_keys[];
/* "error", "warn", "info" or "debug". */
const char *orl_broker_log_level(const struct orl_broker_cfg *cfg);

#endif
