#include "store/pool_settings.h"

#include "store/pool.h"
#include <string.h>

enum {
    MAX_DESKTOPS = 10000,
    MAX_MEMORY_MIB = 1 << 20,
    MAX_VCPUS = 512,
    MAX_S = 31536000,
    MAX_CLIPBOARD_BYTES = 16 << 20,
    MAX_VERSION = 1000000,
    MAX_HOME_MIB = 16 << 20,
    MIB = 1 << 20,
    DAY_S = 86400,
};

static const char *const clipboards[] = {"none", "to_guest", "to_client", "both", NULL};
static const char *const methods[] = {"auto", "instant", "restore", "cold", NULL};
static const char *const firmwares[] = {"bios", "uefi", NULL};
static const char *const networks[] = {"isolated", "nat", "routed", "bridged", "none", NULL};
static const char *const displays[] = {"auto", "vnc", "rdp", NULL};
static const char *const persons[] = {"auto", "off", NULL};
static const char *const homes[] = {"none", "volume", "nfs", NULL};

#define AT(member) .offset = offsetof(struct orl_pool_row, member)
/* floating, dedicated, static */
#define NEW(f, d, s)                                                                               \
    .fallback = {[ORL_POOL_FLOATING] = (f), [ORL_POOL_DEDICATED] = (d), [ORL_POOL_STATIC] = (s)}
#define ALL(v) NEW(v, v, v)
#define NUM(name, api, member, low, high, fallbacks)                                               \
    {                                                                                              \
        .column = (name), .key = (api), .type = ORL_SETTING_U32, AT(member), .min = (low),         \
        .max = (high), fallbacks                                                                   \
    }
#define BOOL(name, api, member)                                                                    \
    {                                                                                              \
        .column = (name), .key = (api), .type = ORL_SETTING_BOOL, AT(member), .max = 1             \
    }
#define CHOICE(name, member, list, fallbacks)                                                      \
    {                                                                                              \
        .column = (name), .key = (name), .type = ORL_SETTING_CHOICE, AT(member),                   \
        .choices = (list), fallbacks                                                               \
    }
#define TEXT(name, member)                                                                         \
    {                                                                                              \
        .column = (name), .key = (name), .type = ORL_SETTING_TEXT, AT(member),                     \
        .size = sizeof(((struct orl_pool_row *)0)->member)                                         \
    }

/* In the order of the columns in pool.c. */
const struct orl_pool_setting orl_pool_settings[] = {
        {.column = "template",
                .key = "template",
                .type = ORL_SETTING_TEXT,
                AT(template_name),
                .size = ORL_NAME_MAX + 1},
        NUM("template_version", "template_version", template_version, 0, MAX_VERSION, ALL(0)),
        NUM("spares", "spares", spares, 0, MAX_DESKTOPS, NEW(1, 1, 0)),
        NUM("max_desktops", "max", max_desktops, 0, MAX_DESKTOPS, NEW(10, 10, MAX_DESKTOPS)),
        NUM("memory_mib", "memory_mib", memory_mib, 0, MAX_MEMORY_MIB, ALL(0)),
        NUM("vcpus", "vcpus", vcpus, 0, MAX_VCPUS, ALL(0)),
        NUM("disconnect_timeout_s", "disconnect_timeout_s", disconnect_timeout_s, 0, MAX_S,
                NEW(7200, 0, 7200)),
        CHOICE("clipboard", permit.clipboard, clipboards, ALL(ORL_CLIPBOARD_BOTH)),
        NUM("clipboard_max_bytes", "clipboard_max_bytes", permit.clipboard_max_bytes, 0,
                MAX_CLIPBOARD_BYTES, ALL(MIB)),
        {.column = "has_sound",
                .key = "sound",
                .type = ORL_SETTING_FLAG,
                AT(permit.has_sound),
                .max = 1,
                ALL(1)},
        BOOL("is_maintenance", "maintenance", is_maintenance),
        NUM("spares_suspended", "spares_suspended", spares_suspended, 0, MAX_DESKTOPS, ALL(0)),
        NUM("spare_max_age_s", "spare_max_age_s", spare_max_age_s, 0, MAX_S, ALL(DAY_S)),
        TEXT("schedule", schedule),
        BOOL("has_forecast", "forecast", has_forecast),
        CHOICE("clone_method", clone_method, methods, ALL(ORL_CLONE_AUTO)),
        NUM("cpu_shares", "cpu_shares", res.cpu_shares, 0, ORL_VM_SHARES_MAX, ALL(0)),
        NUM("cpu_cap_percent", "cpu_cap_percent", res.cpu_cap_percent, 0, ORL_VM_CAP_MAX_PERCENT,
                ALL(0)),
        NUM("disk_iops", "disk_iops", res.disk_iops, 0, ORL_VM_IOPS_MAX, ALL(0)),
        NUM("disk_mib_s", "disk_mib_s", res.disk_mib_s, 0, ORL_VM_DISK_MIB_S_MAX, ALL(0)),
        NUM("balloon_min_mib", "balloon_min_mib", res.balloon_min_mib, 0, MAX_MEMORY_MIB, ALL(0)),
        BOOL("has_tpm", "tpm", res.has_tpm),
        BOOL("has_secure_boot", "secure_boot", res.has_secure_boot),
        CHOICE("firmware", res.firmware, firmwares, ALL(ORL_FIRMWARE_BIOS)),
        BOOL("has_autostart", "autostart", res.has_autostart),
        CHOICE("network", net.mode, networks, ALL(ORL_NETWORK_ISOLATED)),
        TEXT("network_name", net.name),
        CHOICE("display", display, displays, ALL(ORL_POOL_DISPLAY_AUTO)),
        NUM("idle_timeout_s", "idle_timeout_s", policy.idle_timeout_s, 0, MAX_S, NEW(14400, 0, 0)),
        NUM("max_session_s", "max_session_s", policy.max_session_s, 0, MAX_S, ALL(0)),
        NUM("warn_first_s", "warn_first_s", policy.warn_first_s, 0, DAY_S, ALL(300)),
        NUM("warn_last_s", "warn_last_s", policy.warn_last_s, 0, DAY_S, ALL(60)),
        TEXT("allowed_hours", policy.allowed_hours),
        TEXT("allowed_from", policy.allowed_from),
        NUM("max_per_user", "max_per_user", policy.max_per_user, 1, ORL_POOL_MAX_PER_USER, ALL(1)),
        CHOICE("person", person.mode, persons, ALL(ORL_PERSON_AUTO)),
        CHOICE("home", person.home, homes, ALL(ORL_HOME_NONE)),
        NUM("home_size_mib", "home_size_mib", person.home_size_mib, 0, MAX_HOME_MIB, ALL(0)),
        TEXT("home_target", person.home_target),
        TEXT("on_assign", person.on_assign),
        TEXT("on_logoff", person.on_logoff),
        NUM("hook_deadline_s", "hook_deadline_s", person.hook_deadline_s, 1, 600, ALL(30)),
        {.column = "has_thumbnails",
                .key = "thumbnails",
                .type = ORL_SETTING_BOOL,
                AT(has_thumbnails),
                .max = 1,
                ALL(1)},
        {0},
};
_Static_assert(
        sizeof(orl_pool_settings) / sizeof(orl_pool_settings[0]) == ORL_POOL_SETTING_COUNT + 1,
        "the number of settings");

void orl_pool_set_defaults(struct orl_pool_row *row, enum orl_pool_kind kind)
{
    for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
        char *at = (char *)row + s->offset;
        if (s->type == ORL_SETTING_TEXT) {
            memset(at, 0, s->size);
        } else if (s->type == ORL_SETTING_BOOL) {
            bool flag = s->fallback[kind] != 0;
            memcpy(at, &flag, sizeof(flag));
        } else {
            memcpy(at, &s->fallback[kind], sizeof(uint32_t));
        }
    }
}

const char *orl_pool_choice_name(const char *const *choices, uint32_t index)
{
    for (uint32_t i = 0; choices[i] != NULL; i++) {
        if (i == index) {
            return choices[i];
        }
    }
    return NULL;
}

struct orl_vm_res orl_pool_vm_res(const struct orl_pool_row *row)
{
    const struct orl_pool_resources *res = &row->res;
    return (struct orl_vm_res){.cpu_shares = res->cpu_shares,
            .cpu_cap_percent = res->cpu_cap_percent,
            .disk_iops = res->disk_iops,
            .disk_mib_s = res->disk_mib_s,
            .balloon_min_mib = res->balloon_min_mib,
            .has_uefi = res->firmware == ORL_FIRMWARE_UEFI,
            .has_tpm = res->has_tpm,
            .has_secure_boot = res->has_secure_boot,
            .has_autostart = res->has_autostart};
}
