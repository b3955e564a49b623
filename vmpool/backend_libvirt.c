#include "vmpool/backend_libvirt.h"
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/guest_address.h"
#include "vmpool/overlay.h"
#include "vmpool/vm_meta.h"
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

enum { KIB_PER_MIB = 1024, STATS_MAX = 32, MEMINFO_MAX = 4096 };

static const struct orl_backend_ops libvirt_ops = {
        .clone = orl_bl_clone,
        .start = orl_bl_start,
        .stop = orl_bl_stop,
        .suspend = orl_bl_suspend,
        .wake = orl_bl_wake,
        .remove = orl_bl_remove,
        .mark = orl_bl_mark,
        .quarantine = orl_bl_quarantine,
        .list = orl_bl_list,
        .host = orl_bl_host,
        .unreserve = orl_bl_unreserve,
        .network = orl_bl_network,
        .look = orl_bl_look,
        .console = orl_bl_console,
        .display = orl_bl_display,
        .static_display = orl_bl_static_display,
        .card = orl_bl_card,
        .ask = orl_bl_ask,
        .hook_open = orl_bl_hook_open,
        .home_attach = orl_bl_home_attach,
        .users = orl_bl_users,
        .boot_test = orl_bl_boot_test,
        .golden_boot = orl_bl_golden_boot,
        .golden_freeze = orl_bl_golden_freeze,
        .golden_remove = orl_bl_golden_remove,
        .resume = orl_bl_resume,
};

static int plan_network(enum orl_network_mode mode, const char *installation, const char *v4,
        const char *v6, struct orl_network_plan *ret_plan, struct orl_err *err)
{
    struct orl_network_plan plan = {.mode = mode, .has_v6 = v6 && v6[0]};
    int r = 0;
    if (v4 && v4[0]) {
        r = orl_guest_net_parse(v4, false, &plan.v4, err);
    } else {
        orl_guest_net_default(installation, mode == ORL_NETWORK_ROUTED, &plan.v4);
    }
    r = r < 0 || !plan.has_v6 ? r : orl_guest_net_parse(v6, true, &plan.v6, err);
    *ret_plan = plan;
    return r;
}

static int plan_networks(struct orl_backend_libvirt *self,
        const struct orl_backend_libvirt_cfg *cfg, struct orl_err *err)
{
    static char *const nothing[] = {NULL};
    self->guest_block = cfg->guest_block ? cfg->guest_block : nothing;
    self->static_uris = cfg->static_uris ? cfg->static_uris : nothing;
    self->has_no_isolated = strcmp(cfg->network, "none") == 0;
    (void)snprintf(self->isolated, sizeof self->isolated, "%s", cfg->network);
    (void)snprintf(self->uri, sizeof self->uri, "%s", cfg->uri);
    int r = plan_network(ORL_NETWORK_NAT, cfg->installation, cfg->nat_subnet, cfg->nat_subnet_v6,
            &self->nat, err);
    return r < 0 ? r
                 : plan_network(ORL_NETWORK_ROUTED, cfg->installation, cfg->routed_subnet,
                           cfg->routed_subnet_v6, &self->routed, err);
}

static bool is_memory(const char *dir)
{
    struct statfs fs;
    return statfs(dir, &fs) == 0 && fs.f_type == TMPFS_MAGIC && access(dir, W_OK) == 0;
}

static void choose_golden(
        struct orl_backend_libvirt *self, const struct orl_backend_libvirt_cfg *cfg)
{
    struct orl_golden_dirs *dirs = &self->golden;
    const char *memory = cfg->memory_dir && cfg->memory_dir[0] ? cfg->memory_dir
                         : is_memory("/dev/shm")               ? "/dev/shm"
                                                               : self->images_dir;
    const struct passwd *user =
            cfg->qemu_user && cfg->qemu_user[0] ? getpwnam(cfg->qemu_user) : NULL;
    (void)snprintf(dirs->images_dir, sizeof dirs->images_dir, "%s", self->images_dir);
    (void)snprintf(dirs->memory_dir, sizeof dirs->memory_dir, "%s", memory);
    (void)snprintf(dirs->installation, sizeof dirs->installation, "%s", self->installation);
    dirs->qemu_uid = user ? user->pw_uid : (uid_t)-1;
}

int orl_backend_libvirt_new(const struct orl_backend_libvirt_cfg *cfg,
        struct orl_backend *ret_backend, struct orl_err *err)
{
    struct orl_backend_libvirt *self = calloc(1, sizeof *self);
    if (!self) {
        return orl_err_set(err, ORL_E_NOMEM, "libvirt backend");
    }
    self->xml_type = strncmp(cfg->uri, "test:", 5) == 0 ? ORL_DOMAIN_XML_TEST : ORL_DOMAIN_XML_QEMU;
    int n = snprintf(self->images_dir, sizeof self->images_dir, "%s", cfg->images_dir);
    int m = snprintf(self->installation, sizeof self->installation, "%s", cfg->installation);
    self->wants_dbus_display = cfg->wants_dbus_display;
    int r = n < 0 || (size_t)n >= sizeof self->images_dir || m != ORL_UUID_LEN
                    ? orl_err_set(err, ORL_E_INVAL, "images_dir or installation is too long")
                    : orl_overlay_prepare(cfg->images_dir, cfg->installation, err);
    r = r < 0 ? r : plan_networks(self, cfg, err);
    choose_golden(self, cfg);
    r = r < 0 ? r : orl_libvirt_new(cfg->uri, cfg->on_event, cfg->ctx, &self->lv, err);
    if (r < 0) {
        free(self);
        return r;
    }
    *ret_backend = (struct orl_backend){.ops = &libvirt_ops, .self = self};
    return 0;
}

void orl_backend_libvirt_free(struct orl_backend *backend)
{
    struct orl_backend_libvirt *self = backend->self;
    if (self) {
        orl_libvirt_free(self->lv);
        for (size_t i = 0; i < sizeof self->filters / sizeof self->filters[0]; i++) {
            free(self->filters[i].ours);
            free(self->filters[i].theirs);
        }
        free(self);
    }
    backend->self = NULL;
}

enum orl_vm_state orl_bl_state(int state, int reason)
{
    switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN:
        return ORL_VM_RUNNING;
    case VIR_DOMAIN_PAUSED:
        if (reason == VIR_DOMAIN_PAUSED_IOERROR) {
            return ORL_VM_STUCK;
        }
        /* QEMU gave up on it, and nobody will resume it. */
        return reason == VIR_DOMAIN_PAUSED_CRASHED || reason == VIR_DOMAIN_PAUSED_WATCHDOG ||
                               reason == VIR_DOMAIN_PAUSED_UNKNOWN
                       ? ORL_VM_CRASHED
                       : ORL_VM_PAUSED;
    case VIR_DOMAIN_PMSUSPENDED:
        return ORL_VM_PAUSED;
    case VIR_DOMAIN_CRASHED:
        return ORL_VM_CRASHED;
    default:
        return reason == VIR_DOMAIN_SHUTOFF_CRASHED || reason == VIR_DOMAIN_SHUTOFF_FAILED ||
                               reason == VIR_DOMAIN_SHUTOFF_DAEMON
                       ? ORL_VM_CRASHED
                       : ORL_VM_OFF;
    }
}

int orl_bl_meta(virDomainPtr domain, struct orl_vm_meta *ret_meta)
{
    ORL_AUTO(orl_free_auto)
    char *xml = virDomainGetMetadata(
            domain, VIR_DOMAIN_METADATA_ELEMENT, ORL_VM_META_URI, VIR_DOMAIN_AFFECT_CURRENT);
    if (!xml || orl_vm_meta_parse(xml, ret_meta) < 0) {
        return ORL_E_NOTFOUND;
    }
    return 0;
}

/* A domain that goes away while it is looked at is just not listed. */
static void read_domain(
        const struct orl_backend_libvirt *self, virDomainPtr domain, struct orl_vm_list *list)
{
    struct orl_vm vm = {0};
    int state = 0;
    int reason = 0;
    const char *name = virDomainGetName(domain);
    if (!name || orl_bl_meta(domain, &vm.meta) < 0 ||
            !orl_vm_meta_is_of(&vm.meta, self->installation) ||
            virDomainGetState(domain, &state, &reason, 0) < 0 ||
            virDomainGetUUIDString(domain, vm.uuid) < 0) {
        return;
    }
    (void)snprintf(vm.name, sizeof vm.name, "%s", name);
    vm.state = orl_bl_state(state, reason);
    list->vms[list->vm_count++] = vm;
}

static int list_domains(
        const struct orl_backend_libvirt *self, struct orl_vm_list *list, struct orl_err *err)
{
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    int r = orl_libvirt_get(self->lv, &conn, err);
    if (r < 0) {
        return r;
    }
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(conn, &domains, 0);
    if (count < 0) {
        return orl_libvirt_err(err, "listing domains");
    }
    if (count > ORL_VM_LIST_MAX) {
        r = orl_err_set(err, ORL_E_LIMIT, "%d domains are more than we look at", count);
    } else if (count > 0) {
        list->vms = calloc((size_t)count, sizeof *list->vms);
        r = list->vms ? 0 : orl_err_set(err, ORL_E_NOMEM, "listing domains");
    }
    for (int i = 0; i < count; i++) {
        if (r == 0 && list->vms) {
            read_domain(self, domains[i], list);
        }
        (void)virDomainFree(domains[i]);
    }
    free(domains);
    /* Half a list would look like machines that vanished. */
    if (r == 0 && virConnectIsAlive(conn) != 1) {
        r = orl_err_set(err, ORL_E_BACKEND, "libvirt went away while it was asked");
    }
    return r;
}

int orl_bl_list(void *self_, struct orl_vm_list *ret_list, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    struct orl_vm_list list = {0};
    int r = list_domains(self, &list, err);
    r = r < 0 ? r : orl_overlay_list(self->images_dir, self->installation, &list, err);
    r = r < 0 ? r : orl_golden_list(&self->golden, &list, err);
    r = r < 0 ? r : orl_bl_reservations(self, &list, err);
    if (r < 0) {
        orl_vm_list_fini(&list);
        return r;
    }
    *ret_list = list;
    return 0;
}

static uint64_t memory_stat(const virNodeMemoryStats *stats, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(stats[i].field, name) == 0) {
            return stats[i].value / KIB_PER_MIB;
        }
    }
    return 0;
}

/* This host's MemAvailable: what guests could really have. libvirt counts tmpfs as page cache. 0: unknown. */
static uint64_t available_mib(void)
{
    char text[MEMINFO_MAX];
    ORL_AUTO(orl_close_auto) int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, "\nMemAvailable:");
    return at ? strtoull(at + strlen("\nMemAvailable:"), NULL, 10) / KIB_PER_MIB : 0;
}

/* virNodeGetInfo() adds up NUMA cells, which on virtual hosts may have less than the host does. */
static void read_memory(virConnectPtr conn, struct orl_vm_host *host)
{
    virNodeMemoryStats stats[STATS_MAX];
    int count = 0; /* asked for first: any other is refused */
    if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &count, 0) == 0 &&
            count > 0 && count <= STATS_MAX &&
            virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &count, 0) == 0) {
        uint64_t total_mib = memory_stat(stats, count, VIR_NODE_MEMORY_STATS_TOTAL);
        host->memory_mib = total_mib ? total_mib : host->memory_mib;
        /* The page cache makes room for guests. */
        host->free_memory_mib = memory_stat(stats, count, VIR_NODE_MEMORY_STATS_FREE) +
                                memory_stat(stats, count, VIR_NODE_MEMORY_STATS_BUFFERS) +
                                memory_stat(stats, count, VIR_NODE_MEMORY_STATS_CACHED);
    } else {
        host->free_memory_mib = virNodeGetFreeMemory(conn) / KIB_PER_MIB / KIB_PER_MIB;
    }
    uint64_t most_mib = available_mib();
    if (most_mib > 0 && most_mib < host->free_memory_mib) {
        host->free_memory_mib = most_mib;
    }
}

static int read_capabilities(virConnectPtr conn, enum orl_domain_xml_type type,
        struct orl_vm_host *host, struct orl_err *err)
{
    if (type == ORL_DOMAIN_XML_TEST) { /* the test driver has no such call */
        (void)snprintf(host->machine, sizeof host->machine, "pc-q35-7.2");
        return 0;
    }
    ORL_AUTO(orl_free_auto)
    char *emulated = virConnectGetDomainCapabilities(conn, NULL, "x86_64", "q35", "qemu", 0);
    if (!emulated) {
        return orl_libvirt_err(err, "QEMU's capabilities");
    }
    if (!orl_domain_xml_machine(emulated, host->machine)) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "QEMU offers no pc-q35 machine type");
    }
    orl_domain_xml_lacks(emulated, host);
    ORL_AUTO(orl_free_auto)
    char *kvm = virConnectGetDomainCapabilities(conn, NULL, "x86_64", "q35", "kvm", 0);
    host->has_kvm = kvm != NULL;
    return 0;
}

int orl_bl_host(void *self_, struct orl_vm_host *ret_host, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    struct orl_vm_host host = {0};
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    int r = orl_libvirt_get(self->lv, &conn, err);
    if (r < 0) {
        return r;
    }
    virNodeInfo info;
    unsigned long version = 0;
    if (virNodeGetInfo(conn, &info) < 0 || virConnectGetVersion(conn, &version) < 0) {
        return orl_libvirt_err(err, "the host's size");
    }
    host.memory_mib = info.memory / KIB_PER_MIB;
    host.cpus = info.cpus;
    host.qemu_version = version;
    read_memory(conn, &host);
    struct statvfs st;
    if (statvfs(self->images_dir, &st) == 0) {
        host.free_disk_mib = (uint64_t)st.f_bavail * st.f_frsize / KIB_PER_MIB / KIB_PER_MIB;
    }
    host.golden_free_mib = orl_golden_room_mib(&self->golden);
    r = read_capabilities(conn, self->xml_type, &host, err);
    if (r == 0) {
        *ret_host = host;
    }
    return r;
}
