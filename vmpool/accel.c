#include "vmpool/accel.h"
#include "base/cleanup.h"
#include "vmpool/vm_meta.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { MEMORY_MIB = 256, VERDICT_MAX = 512 };

static const char cmdline[] = "console=ttyS0 quiet loglevel=3 tsc=reliable panic=1";

static void say(struct orl_accel *accel, enum orl_vm_accel kind, bool is_proven, const char *reason)
{
    accel->kind = kind;
    accel->is_proven = is_proven;
    (void)snprintf(accel->reason, sizeof accel->reason, "%s", reason);
}

/* What the verdict depends on: another kernel or QEMU is tried anew. */
static void key_of(const struct orl_vm_host *host, char *ret_key, size_t size)
{
    struct utsname name;
    if (uname(&name) < 0) {
        name.release[0] = '\0';
    }
    (void)snprintf(
            ret_key, size, "%s %" PRIu64 " %s", name.release, host->qemu_version, host->machine);
}

static bool path_in(const char *dir, const char *file, char *ret_path, size_t size)
{
    int n = snprintf(ret_path, size, "%s/%s", dir, file);
    return n > 0 && (size_t)n < size;
}

/* Two lines: the key, then "kvm" or "qemu" and the reason. */
static bool recall(const char *state_dir, const char *key, struct orl_accel *accel)
{
    char path[ORL_VM_PATH_MAX + 1];
    char text[VERDICT_MAX];
    if (!path_in(state_dir, "accel", path, sizeof path)) {
        return false;
    }
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    char *line = strchr(text, '\n');
    if (!line) {
        return false;
    }
    *line++ = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *reason = strchr(line, ' ');
    if (strcmp(text, key) != 0 || !reason) {
        return false;
    }
    *reason++ = '\0';
    if (strcmp(line, "kvm") != 0 && strcmp(line, "qemu") != 0) {
        return false;
    }
    say(accel, strcmp(line, "kvm") == 0 ? ORL_VM_ACCEL_KVM : ORL_VM_ACCEL_QEMU, true, reason);
    return true;
}

/* A verdict that can't be kept is found again at the next start. */
static void remember(const char *state_dir, const char *key, const struct orl_accel *accel)
{
    char path[ORL_VM_PATH_MAX + 1];
    char fresh[ORL_VM_PATH_MAX + 1];
    char text[VERDICT_MAX];
    if (!path_in(state_dir, "accel", path, sizeof path) ||
            !path_in(state_dir, "accel.new", fresh, sizeof fresh)) {
        return;
    }
    int len = snprintf(text, sizeof text, "%s\n%s %s\n", key,
            accel->kind == ORL_VM_ACCEL_KVM ? "kvm" : "qemu", accel->reason);
    ORL_AUTO(orl_close_auto) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0 || len <= 0 || (size_t)len >= sizeof text || write(fd, text, (size_t)len) != len ||
            fsync(fd) < 0 || rename(fresh, path) < 0) {
        (void)unlink(fresh);
    }
}

static bool make_spec(
        const struct orl_accel_cfg *cfg, const struct orl_vm_host *host, struct orl_vm_spec *spec)
{
    struct orl_id id;
    orl_id_new(&id);
    *spec = (struct orl_vm_spec){.accel = ORL_VM_ACCEL_KVM, .memory_mib = MEMORY_MIB, .vcpus = 1};
    spec->meta.kind = ORL_VM_PROBE;
    spec->meta.version = 1;
    (void)snprintf(
            spec->meta.installation, sizeof spec->meta.installation, "%s", cfg->installation);
    (void)snprintf(spec->meta.pool, sizeof spec->meta.pool, "probe");
    (void)snprintf(spec->meta.desktop, sizeof spec->meta.desktop, "%s", id.text);
    (void)snprintf(spec->machine, sizeof spec->machine, "%s", host->machine);
    (void)snprintf(spec->cmdline, sizeof spec->cmdline, "%s", cmdline);
    orl_vm_name(spec->name, id.text, 1);
    orl_uuid_new(spec->uuid);
    return path_in(cfg->tiny_dir, "vmlinux", spec->kernel, sizeof spec->kernel) &&
           path_in(cfg->tiny_dir, "initrd", spec->initrd, sizeof spec->initrd) &&
           access(spec->kernel, R_OK) == 0 && access(spec->initrd, R_OK) == 0;
}

static int prove(const struct orl_accel_cfg *cfg, const struct orl_backend *backend,
        const struct orl_vm_host *host, const char *key, struct orl_accel *accel,
        struct orl_err *err)
{
    struct orl_vm_spec spec;
    struct orl_err why = {0};
    if (!cfg->tiny_dir[0] || !make_spec(cfg, host, &spec)) {
        say(accel, ORL_VM_ACCEL_QEMU, false,
                "KVM is offered but not proven: build the tiny guest (guest/tiny/build DIR) and "
                "set "
                "tiny_dir to DIR, or set accel: kvm");
        return 0;
    }
    int r = backend->ops->boot_test(backend->self, &spec, ORL_ACCEL_MARKER, cfg->timeout_ms, &why);
    if (r == 0) {
        say(accel, ORL_VM_ACCEL_KVM, true, "the tiny guest booted under KVM");
    } else {
        char reason[sizeof accel->reason];
        (void)snprintf(
                reason, sizeof reason, "the tiny guest did not boot under KVM: %.180s", why.text);
        say(accel, ORL_VM_ACCEL_QEMU, true, reason);
        struct orl_vm_host again;
        if (backend->ops->host(backend->self, &again, err) < 0) {
            return ORL_E_BACKEND; /* it was libvirt that failed, not KVM */
        }
    }
    remember(cfg->state_dir, key, accel);
    return 0;
}

int orl_accel_decide(const struct orl_accel_cfg *cfg, const struct orl_backend *backend,
        const struct orl_vm_host *host, struct orl_accel *ret_accel, struct orl_err *err)
{
    char key[256];
    struct orl_accel accel = {0};
    int r = 0;
    key_of(host, key, sizeof key);
    if (cfg->mode == ORL_ACCEL_QEMU) {
        say(&accel, ORL_VM_ACCEL_QEMU, false, "accel: qemu is configured");
    } else if (cfg->mode == ORL_ACCEL_KVM) {
        say(&accel, ORL_VM_ACCEL_KVM, false, "accel: kvm is configured");
    } else if (!host->has_kvm) {
        say(&accel, ORL_VM_ACCEL_QEMU, false, "libvirt offers no KVM on this host");
    } else if (!recall(cfg->state_dir, key, &accel)) {
        r = prove(cfg, backend, host, key, &accel, err);
    }
    if (r == 0) {
        *ret_accel = accel;
    }
    return r;
}
