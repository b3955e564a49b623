#include "vmpool/config.h"
#include "vmpool/guest_address.h"
#include "vmpool/network_filter.h"
#include "vmpool/static_target.h"
#include <string.h>

#define AT(member) offsetof(struct orl_vmpool_cfg, member)
#define STR(key, limit, text, why)                                                                 \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_STR, .offset = AT(key), .max = (limit), .fallback = (text),  \
        .help = (why)                                                                              \
    }
#define INT(key, low, high, of, text, why)                                                         \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_INT, .offset = AT(key), .min = (low), .max = (high),         \
        .unit = (of), .fallback = (text), .help = (why)                                            \
    }
#define ENUM(key, list, text, why)                                                                 \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_ENUM, .offset = AT(key), .choices = (list),                  \
        .fallback = (text), .help = (why)                                                          \
    }

enum { DIR_BYTES = 90, PATH_BYTES = 240, USER_BYTES = 32, NAME_BYTES = 63, RULE_BYTES = 120 };

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
/* In the order of enum orl_accel_mode. */
static const char *const accels[] = {"auto", "kvm", "qemu", NULL};
/* In the order of enum orl_display_mode. */
static const char *const displays[] = {"auto", "dbus", "vnc", NULL};

const struct orl_cfg_key orl_vmpool_keys[] = {
        STR(libvirt_uri, PATH_BYTES, "qemu:///system", "libvirt to make the machines with."),
        STR(run_dir, DIR_BYTES, "/run/oriel", "Folder of console.sock and gateway.sock."),
        STR(state_dir, PATH_BYTES - 40, "/var/lib/oriel",
                "Folder for what must survive a restart."),
        STR(store, PATH_BYTES, "",
                "File of the store, or PostgreSQL's address without a password "
                "(postgresql://USER@HOST/DATABASE, service=NAME); empty: oriel.db in state_dir."),
        STR(images_dir, PATH_BYTES - 40, "",
                "Folder of the machines' disks; QEMU's user must be able to pass through it; "
                "empty: images in state_dir."),
        STR(golden_memory_dir, PATH_BYTES - 40, "",
                "Folder of golden images' memory, as large as their machines' each; empty: "
                "/dev/shm, "
                "or images_dir where that is none."),
        STR(qemu_user, USER_BYTES, "libvirt-qemu",
                "User that libvirt runs machines as: it may open golden images."),
        STR(tiny_dir, PATH_BYTES - 40, "/usr/lib/oriel/tiny",
                "Folder with vmlinux and initrd of the tiny guest that proves KVM."),
        STR(import_dir, PATH_BYTES - 40, "/var/lib/oriel/import",
                "Folder whose disk images and ISOs an administrator may name for a template; "
                "empty: none."),
        STR(host_name, NAME_BYTES, "local", "Name of this libvirt host in the store."),
        STR(user, USER_BYTES, "oriel-vmpool",
                "User to run as when started by root; empty: stay root."),
        STR(gateway_user, USER_BYTES, "oriel", "User whose gateways may ask for consoles."),
        STR(broker_user, USER_BYTES, "oriel-broker", "User whose broker may wake this program."),
        STR(web_user, USER_BYTES, "oriel-web",
                "User whose oriel-web may bring files that people send."),
        STR(isolated_network, NAME_BYTES, "",
                "libvirt network without a way out that guests get a card on; empty: one is made; "
                "none: no card."),
        STR(nat_subnet, NAME_BYTES, "",
                "Addresses of guests behind NAT, 16 to 28 bits; empty: 20 bits of 10.64.0.0/10, by "
                "the "
                "installation."),
        STR(nat_subnet_v6, NAME_BYTES, "",
                "The same in IPv6, 64 bits; guests make their addresses of their MAC. Empty: no "
                "IPv6."),
        STR(routed_subnet, NAME_BYTES, "",
                "Addresses of guests that are routed, 16 to 28 bits; empty: 20 bits of "
                "10.128.0.0/10, by "
                "the installation."),
        STR(routed_subnet_v6, NAME_BYTES, "", "The same in IPv6, as above."),
        {.name = "guest_block",
                .type = ORL_CFG_LIST,
                .offset = AT(guest_block),
                .max = RULE_BYTES,
                .fallback = ORL_NETWORK_BLOCK_HOST ",169.254.0.0/16,100.100.100.200,fd00:ec2::254",
                .help = "What guests of networks with a way out must not reach, besides this "
                        "host's own "
                        "addresses and other guests: addresses and ranges (the networks of nodes "
                        "and "
                        "management); host-subnets: every network that this host has an address "
                        "in."},
        {.name = "static_allow",
                .type = ORL_CFG_LIST,
                .offset = AT(static_allow),
                .max = RULE_BYTES,
                .fallback = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,"
                            "unix:/,!unix:/run,!unix:/var/run,!unix:/proc,!unix:/sys",
                .help = "Where displays of static desktops may be: addresses, ranges, and folders "
                        "of Unix sockets as unix:/DIR, without those named !unix:/DIR."},
        {.name = "static_uris",
                .type = ORL_CFG_LIST,
                .offset = AT(static_uris),
                .max = RULE_BYTES,
                .fallback = "",
                .help = "Other libvirts that static desktops may name machines of, besides "
                        "libvirt_uri; "
                        "exactly as they name them."},
        ENUM(accel, accels, "auto", "auto: KVM if the tiny guest boots under it, else emulation."),
        INT(accel_timeout_s, 1, 300, "s", "20", "How long that boot may take."),
        INT(max_in_flight, 1, 64, NULL, "2", "Machines cloned, booted, stopped at a time."),
        INT(starts_per_minute, 1, 6000, NULL, "120",
                "Machines started a minute, in the long run; people come before spares."),
        INT(start_burst, 1, 1000, NULL, "8", "Machines started at once after a rest."),
        INT(pressure_cpu_percent, 0, 100, "%", "80",
                "Spares hold back (one in 10 s) while work waited for processors for more of the "
                "last "
                "10 s than this (/proc/pressure, some avg10); 0: not looked at."),
        INT(pressure_memory_percent, 0, 100, "%", "20", "The same for memory."),
        INT(pressure_io_percent, 0, 100, "%", "60", "The same for disks."),
        INT(max_attempts, 1, 100, NULL, "3", "Failures after which a spare is made anew."),
        INT(ready_timeout_s, 5, 3600, "s", "300", "From start to a picture."),
        INT(agent_settle_s, 0, 3600, "s", "120",
                "A guest whose agent answers is ready after this, even with a dark screen."),
        INT(golden_settle_s, 0, 3600, "s", "120",
                "How long a golden image's desktop may take to come to rest after it is painted."),
        INT(stop_timeout_s, 1, 3600, "s", "90", "From asking a guest to stop to pulling the plug."),
        INT(sweep_grace_s, 5, 86400, "s", "120",
                "How long a machine that no desktop knows is left alone."),
        INT(reserve_memory_mib, 0, 1048576, "MiB", "512", "Memory kept free on the host."),
        INT(reserve_disk_mib, 0, 1048576, "MiB", "2048", "Disk kept free in images_dir."),
        INT(max_template_gib, 1, 65536, "GiB", "512", "Largest virtual disk of a template."),
        INT(max_upload_gib, 1, 65536, "GiB", "64",
                "Largest disk image or ISO that is taken for a template."),
        ENUM(display, displays, "auto",
                "How machines' screens are read; auto: QEMU's D-Bus display, else VNC."),
        INT(width_px, 320, 8192, "px", "1280", "Width of a machine's display at its start."),
        INT(height_px, 200, 8192, "px", "800", "Height of a machine's display at its start."),
        INT(translation_cache_mib, 0, 1024, "MiB", "32",
                "Without KVM: memory that an instant clone has for code that QEMU translated; 0: "
                "as "
                "much as QEMU likes (1 GiB)."),
        {.name = "allow_backing",
                .type = ORL_CFG_BOOL,
                .offset = AT(allow_backing),
                .fallback = "false",
                .help = "Accept templates that are overlays themselves."},
        ENUM(log_level, levels, "info", "Least important lines that are logged."),
        {.name = NULL},
};

const char *orl_vmpool_log_level(const struct orl_vmpool_cfg *cfg)
{
    return levels[cfg->log_level];
}

static int check_path(const char *key, const char *path, struct orl_err *err)
{
    return path[0] == '\0' || path[0] == '/'
                   ? 0
                   : orl_err_set(err, ORL_E_CONFIG, "%s: '%s' is not absolute", key, path);
}

static int check_nets(const struct orl_vmpool_cfg *cfg, struct orl_err *err)
{
    const struct {
        const char *key, *text;
        bool is_v6;
    } nets[] = {{"nat_subnet", cfg->nat_subnet, false}, {"nat_subnet_v6", cfg->nat_subnet_v6, true},
            {"routed_subnet", cfg->routed_subnet, false},
            {"routed_subnet_v6", cfg->routed_subnet_v6, true}};
    struct orl_addr_net net;
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        if (nets[i].text[0] && orl_guest_net_parse(nets[i].text, nets[i].is_v6, &net, err) < 0) {
            return orl_err_prefix(err, "%s", nets[i].key);
        }
    }
    for (char *const *entry = cfg->guest_block; *entry; entry++) {
        if (entry - cfg->guest_block >= ORL_ADDR_NETS_MAX) {
            return orl_err_set(err, ORL_E_CONFIG, "guest_block: more than %d", ORL_ADDR_NETS_MAX);
        }
        if (!orl_network_block_is_valid(*entry)) {
            return orl_err_set(err, ORL_E_CONFIG,
                    "guest_block: '%s' is no address, range or " ORL_NETWORK_BLOCK_HOST, *entry);
        }
    }
    return 0;
}

int orl_vmpool_cfg_check(const struct orl_vmpool_cfg *cfg, struct orl_err *err)
{
    for (char *const *rule = cfg->static_allow; *rule; rule++) {
        if (!orl_static_rule_is_valid(*rule)) {
            return orl_err_set(err, ORL_E_CONFIG,
                    "static_allow: '%s' is no address, range or unix:/DIR", *rule);
        }
    }
    if (strchr(cfg->golden_memory_dir, ',')) {
        return orl_err_set(err, ORL_E_CONFIG, "golden_memory_dir: QEMU takes no path with a comma");
    }
    int r = check_nets(cfg, err);
    r = r < 0 ? r : check_path("images_dir", cfg->images_dir, err);
    r = r < 0 ? r : check_path("golden_memory_dir", cfg->golden_memory_dir, err);
    r = r < 0 ? r : check_path("import_dir", cfg->import_dir, err);
    r = r < 0 ? r : check_path("tiny_dir", cfg->tiny_dir, err);
    return r < 0 ? r : check_path("state_dir", cfg->state_dir, err);
}
