/* oriel-web's settings: /etc/oriel/web.yaml, every key optional. */
#ifndef ORL_WEB_CONFIG_H
#define ORL_WEB_CONFIG_H
#include "base/cfg.h"

struct orl_web_cfg {
    char *https_address;
    int64_t https_port;
    int64_t http_port;
    char **origins;
    char **proxy_trust;
    char *certificate;
    char *certificate_key;
    char *web_dir;
    char *run_dir;
    char *state_dir;
    char *user;
    char *gateway_user;
    char *broker_user;
    char *vmpool_user;
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t max_rate_per_address;
    int64_t max_relayed;
    int64_t request_s;
    int64_t idle_s;
    int64_t stall_s;
    int64_t ping_s;
    int log_level; /* index into the choices; orl_web_log_level() */
};
extern const struct orl_cfg_key orl_web_keys[];
/* "error", "warn", "info" or "debug". */
const char *orl_web_log_level(const struct orl_web_cfg *cfg);

#endif
