/* The gateway's settings: /etc/oriel/gateway.yaml, every key optional. */
#ifndef ORL_GATEWAY_CONFIG_H
#define ORL_GATEWAY_CONFIG_H
#include "base/cfg.h"

struct orl_gateway_cfg {
    char *rdp_address;
    int64_t rdp_port;
    bool vnc_enabled;
    char *vnc_address;
    int64_t vnc_port;
    char *certificate;
    char *certificate_key;
    char *run_dir;
    char *state_dir;
    char *libexec_dir;
    char *user;
    char *session_user;
    char *broker_user;
    char *vmpool_user;
    char *web_user;
    int64_t max_connections;
    int64_t max_half_open;
    int64_t max_half_open_per_address;
    int64_t max_rate_per_address;
    int64_t handshake_deadline_s;
    int64_t client_silent_s;
    int64_t console_keep_s;
    int64_t console_retry_s;
    int64_t encoder_threads;
    int64_t max_width_px;
    int64_t max_height_px;
    bool rdp_clearcodec, rdp_bulk_compression;
    char *rdp_planar_clients;
    int rdp_security; /* enum orl_rdp_security */
    int log_level;    /* index into the choices; orl_gateway_log_level() */
};
extern const struct orl_cfg_key orl_gateway_keys[];
/* "error", "warn", "info" or "debug". */
const char *orl_gateway_log_level(const struct orl_gateway_cfg *cfg);

#endif
