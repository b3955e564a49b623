#include "vmpool/host_report.h"
#include "base/cleanup.h"
#include "vmpool/pressure.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 65536, PATH_MAX_LEN = 512 };

struct facts {
    bool has_vmx, has_svm, is_guest;
    bool has_module_intel, has_module_amd, has_module_other;
};

/* The first TEXT_MAX bytes of root + path: enough for one CPU's flags. */
static bool read_text(const char *root, const char *path, char *ret_text, size_t size)
{
    char full[PATH_MAX_LEN];
    int len = snprintf(full, sizeof full, "%s%s", root, path);
    if (len < 0 || (size_t)len >= sizeof full) {
        return false;
    }
    ORL_AUTO(orl_close_auto) int fd = open(full, O_RDONLY | O_CLOEXEC);
    size_t at = 0;
    while (fd >= 0 && at < size - 1) {
        ssize_t n = read(fd, ret_text + at, size - 1 - at);
        if (n <= 0) {
            break;
        }
        at += (size_t)n;
    }
    ret_text[at] = '\0';
    return fd >= 0;
}

static bool has_path(const char *root, const char *path)
{
    char full[PATH_MAX_LEN];
    int len = snprintf(full, sizeof full, "%s%s", root, path);
    return len > 0 && (size_t)len < sizeof full && access(full, F_OK) == 0;
}

static bool has_word(const char *flags, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(flags, name); at; at = strstr(at + 1, name)) {
        bool is_start = at > flags && (at[-1] == ' ' || at[-1] == '\t');
        if (is_start && (at[len] == ' ' || at[len] == '\n' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static void say(
        struct orl_host_line *line, enum orl_ability state, const char *reason, const char *remedy)
{
    line->state = state;
    (void)snprintf(line->reason, sizeof line->reason, "%s", reason);
    (void)snprintf(line->remedy, sizeof line->remedy, "%s", remedy);
}

static void read_facts(const char *root, struct facts *facts)
{
    static const char *const others[] = {"/sys/module/kvm_pvm"};
    ORL_AUTO(orl_free_auto) char *text = malloc(TEXT_MAX);
    if (text && read_text(root, "/proc/cpuinfo", text, TEXT_MAX)) {
        char *flags = strstr(text, "\nflags");
        char *end = flags ? strchr(flags + 1, '\n') : NULL;
        if (end) {
            *end = '\0';
        }
        facts->has_vmx = flags && has_word(flags, "vmx");
        facts->has_svm = flags && has_word(flags, "svm");
        facts->is_guest = flags && has_word(flags, "hypervisor");
    }
    facts->has_module_intel = has_path(root, "/sys/module/kvm_intel");
    facts->has_module_amd = has_path(root, "/sys/module/kvm_amd");
    facts->has_module_other = has_path(root, others[0]);
}

static void report_cpu(const struct facts *facts, struct orl_host_line *line)
{
    if (facts->has_vmx || facts->has_svm) {
        say(line, ORL_ABILITY_YES, facts->has_vmx ? "the CPU offers VT-x" : "the CPU offers AMD-V",
                "");
    } else if (facts->is_guest) {
        say(line, ORL_ABILITY_NO, "this host is itself a virtual machine and gets no vmx or svm",
                "Switch on nested virtualization for this machine at its provider, or use a "
                "physical host.");
    } else {
        say(line, ORL_ABILITY_NO, "neither vmx nor svm is in /proc/cpuinfo",
                "Switch on VT-x or AMD-V (SVM) in the firmware set-up.");
    }
}

static void report_slat(const char *root, const struct facts *facts, struct orl_host_line *line)
{
    char value[16];
    const char *path = facts->has_module_intel ? "/sys/module/kvm_intel/parameters/ept"
                                               : "/sys/module/kvm_amd/parameters/npt";
    const char *name = facts->has_module_intel ? "EPT" : "NPT";
    char reason[80];
    if (!facts->has_module_intel && !facts->has_module_amd) {
        say(line, ORL_ABILITY_UNKNOWN, "neither kvm_intel nor kvm_amd is loaded",
                facts->has_vmx || facts->has_svm ? "Load the module: modprobe kvm_intel or kvm_amd."
                                                 : "");
        return;
    }
    bool is_on = read_text(root, path, value, sizeof value) && strchr("Yy1", value[0]) && value[0];
    (void)snprintf(reason, sizeof reason, "%s is %s", name, is_on ? "in use" : "off");
    say(line, is_on ? ORL_ABILITY_YES : ORL_ABILITY_NO, reason,
            is_on ? "" : "Load the module without ept=0 or npt=0; very old CPUs have none.");
}

static void report_iommu(const char *root, struct orl_host_line *line)
{
    char full[PATH_MAX_LEN];
    (void)snprintf(full, sizeof full, "%s/sys/kernel/iommu_groups", root);
    unsigned groups = 0;
    DIR *dir = opendir(full);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        groups += entry->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    if (groups > 0) {
        char reason[80];
        (void)snprintf(reason, sizeof reason, "%u IOMMU groups", groups);
        say(line, ORL_ABILITY_YES, reason, "");
    } else {
        say(line, ORL_ABILITY_NO, "/sys/kernel/iommu_groups is empty",
                "Needed only to hand devices to guests: switch on VT-d or AMD-Vi in the firmware "
                "and boot with intel_iommu=on or amd_iommu=on.");
    }
}

static void report_dev_kvm(const char *root, const struct facts *facts, struct orl_host_line *line)
{
    char full[PATH_MAX_LEN];
    (void)snprintf(full, sizeof full, "%s/dev/kvm", root);
    ORL_AUTO(orl_close_auto) int fd = open(full, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && facts->has_module_other && !facts->has_module_intel && !facts->has_module_amd) {
        say(line, ORL_ABILITY_PARTLY, "/dev/kvm opens, but kvm_pvm is behind it, not VT-x or AMD-V",
                "Guests run in emulation unless a boot proves otherwise.");
    } else if (fd >= 0) {
        say(line, ORL_ABILITY_YES, "/dev/kvm opens", "");
    } else if (has_path(root, "/dev/kvm")) {
        say(line, ORL_ABILITY_NO, "/dev/kvm is there but may not be opened",
                "Add this program's user to the group kvm; libvirt's QEMU has its own rights.");
    } else {
        say(line, ORL_ABILITY_NO, "/dev/kvm is missing",
                "Load kvm_intel or kvm_amd; in a container, pass the device in.");
    }
}

static void report_nested(const char *root, const struct facts *facts, struct orl_host_line *line)
{
    char value[16] = "";
    bool is_known =
            read_text(root, "/sys/module/kvm_intel/parameters/nested", value, sizeof value) ||
            read_text(root, "/sys/module/kvm_amd/parameters/nested", value, sizeof value);
    if (!is_known) {
        say(line, ORL_ABILITY_UNKNOWN, "neither kvm_intel nor kvm_amd is loaded", "");
        return;
    }
    bool is_on = value[0] && strchr("Yy1", value[0]);
    say(line, is_on ? ORL_ABILITY_YES : ORL_ABILITY_NO,
            facts->is_guest ? "this host is itself a virtual machine"
            : is_on         ? "guests may run virtual machines"
                            : "guests may not run virtual machines",
            is_on ? "" : "Needed only for virtual machines inside desktops: load with nested=1.");
}

/* libvirt refuses to start a machine whose limits it has no cgroup for. */
static void report_cpu_limits(const char *root, struct orl_host_line *line)
{
    char controllers[512] = "";
    bool is_v2 =
            read_text(root, "/sys/fs/cgroup/cgroup.controllers", controllers, sizeof controllers) &&
            has_word(controllers, "cpu");
    if (is_v2 || has_path(root, "/sys/fs/cgroup/cpu/cpu.shares")) {
        say(line, ORL_ABILITY_YES, "the kernel's cgroup for CPUs is there", "");
    } else {
        say(line, ORL_ABILITY_NO,
                "no cgroup for CPUs: pools' cpu_shares and cpu_cap_percent are left out",
                "Mount cgroups with the controller cpu; in a container, give it a cgroup of its "
                "own.");
    }
}

static void report_ksm(const char *root, struct orl_host_line *line)
{
    char run[16] = "";
    char sharing[32] = "0";
    char reason[80];
    if (!read_text(root, "/sys/kernel/mm/ksm/run", run, sizeof run)) {
        say(line, ORL_ABILITY_NO, "this kernel has no KSM",
                "Needed only to share memory of desktops that are no instant clones.");
        return;
    }
    (void)read_text(root, "/sys/kernel/mm/ksm/pages_sharing", sharing, sizeof sharing);
    sharing[strcspn(sharing, "\n")] = '\0';
    if (run[0] == '1') {
        (void)snprintf(
                reason, sizeof reason, "KSM merges equal pages; %.20s are saved now", sharing);
        say(line, ORL_ABILITY_YES, reason, "");
    } else {
        say(line, ORL_ABILITY_NO, "KSM is off; instant clones share their pages without it",
                "To merge equal pages of other desktops: echo 1 > /sys/kernel/mm/ksm/run. It costs "
                "CPU, and "
                "guests can tell by timing what others have in memory.");
    }
}

static void report_pressure(const char *root, struct orl_host_line *line)
{
    char text[160] = "";
    uint32_t centi = 0;
    if (read_text(root, "/proc/pressure/cpu", text, sizeof text) &&
            orl_pressure_parse(text, &centi)) {
        say(line, ORL_ABILITY_YES, "the kernel says when work waits: spares hold back", "");
    } else {
        say(line, ORL_ABILITY_NO,
                "/proc/pressure is missing: spares are started whatever the load is",
                "Boot with psi=1, or use a kernel with CONFIG_PSI.");
    }
}

void orl_host_report_read(const char *root, struct orl_host_report *ret_report)
{
    struct facts facts = {0};
    memset(ret_report, 0, sizeof *ret_report);
    read_facts(root, &facts);
    report_cpu(&facts, &ret_report->line[ORL_HOST_CPU_VIRT]);
    report_slat(root, &facts, &ret_report->line[ORL_HOST_SLAT]);
    report_iommu(root, &ret_report->line[ORL_HOST_IOMMU]);
    report_dev_kvm(root, &facts, &ret_report->line[ORL_HOST_DEV_KVM]);
    report_nested(root, &facts, &ret_report->line[ORL_HOST_NESTED]);
    report_cpu_limits(root, &ret_report->line[ORL_HOST_CPU_LIMITS]);
    report_ksm(root, &ret_report->line[ORL_HOST_KSM]);
    report_pressure(root, &ret_report->line[ORL_HOST_PRESSURE]);
    say(&ret_report->line[ORL_HOST_ACCEL], ORL_ABILITY_UNKNOWN, "not tried yet", "");
}

void orl_host_report_network(struct orl_host_report *report, const char *name, const char *fault)
{
    struct orl_host_line *line = &report->line[ORL_HOST_NETWORK];
    char reason[sizeof line->reason];
    if (name[0]) {
        (void)snprintf(reason, sizeof reason, "guests are on the isolated network '%s'", name);
        say(line, ORL_ABILITY_YES, reason, "");
    } else if (fault[0]) {
        (void)snprintf(reason, sizeof reason, "guests get no network card: %s", fault);
        say(line, ORL_ABILITY_NO, reason,
                "libvirt needs the right to make bridges and filters (not qemu:///session; in a "
                "container CAP_NET_ADMIN) and its network and nwfilter drivers; or name a network "
                "in isolated_network.");
    } else {
        say(line, ORL_ABILITY_NO, "guests get no network card: isolated_network is none", "");
    }
}

void orl_host_report_firmware(
        struct orl_host_report *report, bool has_uefi, bool has_secure_boot, bool has_tpm)
{
    struct orl_host_line *uefi = &report->line[ORL_HOST_UEFI];
    struct orl_host_line *tpm = &report->line[ORL_HOST_TPM];
    if (has_secure_boot) {
        say(uefi, ORL_ABILITY_YES, "libvirt finds UEFI firmware, with secure boot", "");
    } else {
        say(uefi, has_uefi ? ORL_ABILITY_PARTLY : ORL_ABILITY_NO,
                has_uefi ? "libvirt finds UEFI firmware, but none with secure boot"
                         : "libvirt finds no UEFI firmware",
                "Needed only for pools with firmware uefi: install the package ovmf.");
    }
    if (has_tpm) {
        say(tpm, ORL_ABILITY_YES, "libvirt finds swtpm", "");
    } else {
        say(tpm, ORL_ABILITY_NO, "libvirt finds no swtpm",
                "Needed only for pools with a TPM: install the packages swtpm and swtpm-tools.");
    }
}

const char *orl_host_item_name(enum orl_host_item item)
{
    static const char *const names[] = {"cpu_virtualization", "slat", "iommu", "dev_kvm", "nested",
            "kvm_boots", "guest_network", "cpu_limits", "ksm", "pressure", "uefi", "tpm"};
    return (unsigned)item < ORL_HOST_ITEM_COUNT ? names[item] : "?";
}

const char *orl_ability_name(enum orl_ability state)
{
    static const char *const names[] = {"unknown", "yes", "no", "partly"};
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static void put_json(struct orl_buf *out, const char *name, const char *value, const char *after)
{
    orl_buf_put(out, "\"", 1);
    orl_buf_put(out, name, strlen(name));
    orl_buf_put(out, "\":\"", 3);
    for (const char *at = value; *at; at++) {
        if (*at == '"' || *at == '\\') {
            orl_buf_put(out, "\\", 1);
        }
        /* A program's message may hold control characters; JSON may not. */
        orl_buf_put(out, (unsigned char)*at < 0x20 ? " " : at, 1);
    }
    orl_buf_put(out, "\"", 1);
    orl_buf_put(out, after, strlen(after));
}

void orl_host_report_json(const struct orl_host_report *report, struct orl_buf *out)
{
    static const char head[] = "{\"items\":[";
    orl_buf_put(out, head, sizeof head - 1);
    for (unsigned i = 0; i < ORL_HOST_ITEM_COUNT; i++) {
        const struct orl_host_line *line = &report->line[i];
        orl_buf_put(out, i ? ",{" : "{", i ? 2 : 1);
        put_json(out, "name", orl_host_item_name((enum orl_host_item)i), ",");
        put_json(out, "state", orl_ability_name(line->state), ",");
        put_json(out, "reason", line->reason, ",");
        put_json(out, "remedy", line->remedy, "}");
    }
    orl_buf_put(out, "]}", 2);
}
