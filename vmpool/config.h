/* oriel-vmpool's settings: /etc/oriel/vmpool.yaml, or every default. */
#ifndef ORL_VMPOOL_CONFIG_H
#define ORL_VMPOOL_CONFIG_H
#include "base/cfg.h"

struct orl_vmpool_cfg {
    char *libvirt_uri;
    char *run_dir;
    char *state_dir;
    char *store;
    char *images_dir;
    char *golden_memory_dir;
    char *qemu_user;
    char *tiny_dir;
    char *import_dir;
    char *host_name;
    char *user;
    char *gateway_user;
    char *broker_user;
    char *web_user;
    char *isolated_network;
    char *nat_subnet, *nat_subnet_v6;
    char *routed_subnet, *routed_subnet_v6;
    char **guest_block;
    char **static_allow;
    char **static_uris;
    int accel;   /* enum orl_accel_mode */
    int display; /* enum orl_display_mode */
    int log_level;
    int64_t accel_timeout_s;
    int64_t max_in_flight;
    int64_t starts_per_minute;
    int64_t start_burst;
    int64_t pressure_cpu_percent;
    int64_t pressure_memory_percent;
    int64_t pressure_io_percent;
    int64_t max_attempts;
    int64_t ready_timeout_s;
    int64_t agent_settle_s;
    int64_t golden_settle_s;
    int64_t stop_timeout_s;
    int64_t sweep_grace_s;
    int64_t reserve_memory_mib;
    int64_t reserve_disk_mib;
    int64_t max_template_gib;
    int64_t max_upload_gib;
    int64_t width_px;
    int64_t height_px;
    int64_t translation_cache_mib;
    bool allow_backing;
};
extern const struct orl_cfg_key orl_vmpool_keys[];
const char *orl_vmpool_log_level(const struct orl_vmpool_cfg *cfg);
/* What a table can't say. ORL_E_CONFIG names the key. */
ORL_NODISCARD int orl_vmpool_cfg_check(const struct orl_vmpool_cfg *cfg, struct orl_err *err);

#endif
