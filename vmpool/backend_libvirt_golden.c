/* Making golden images: a machine of its own boots from an overlay on the template, rests, and is frozen. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/overlay.h"
#include "vmpool/qmp.h"
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <stdio.h>
#include <string.h>

enum {
    AGENT_TIMEOUT_S = 20,
    FREEZE_TIMEOUT_MS = 120000,
    STATE_EXTRA_MIB = 256, /* devices, video memory */
    MIB = 1024 * 1024,
};

static bool is_up(const struct orl_backend_libvirt *self, const char *uuid)
{
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int state = 0;
    int reason = 0;
    return orl_bl_find_ours(self, uuid, &conn, &domain, NULL) == 0 &&
           virDomainGetState(domain, &state, &reason, 0) == 0 &&
           orl_bl_state(state, reason) == ORL_VM_RUNNING;
}

static int make_files(const struct orl_backend_libvirt *self, const struct orl_vm_spec *spec,
        const struct orl_golden_paths *paths, struct orl_err *err)
{
    uint64_t memory_mib = spec->golden.is_shared ? spec->memory_mib : 0;
    int r = orl_golden_begin(&self->golden, spec->golden.id, memory_mib, err);
    r = r < 0 ? r : orl_overlay_create(paths->disk_part, spec->base, err);
    return r < 0 ? r : orl_golden_share(&self->golden, paths->disk_part, err);
}

int orl_bl_golden_boot(void *self_, const struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    struct orl_golden_paths paths;
    struct orl_vm_spec found = *spec;
    if (is_up(self, spec->uuid)) {
        return 0;
    }
    int r = orl_bl_forget(self, spec->uuid, err);
    r = r < 0 ? r : orl_golden_paths(&self->golden, spec->golden.id, &paths, err);
    r = r < 0 ? r : make_files(self, spec, &paths, err);
    if (r < 0) {
        return r;
    }
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    found.golden.role = ORL_VM_GOLDEN_MAKE;
    (void)snprintf(found.overlay, sizeof found.overlay, "%s", paths.disk_part);
    (void)snprintf(found.golden.ram, sizeof found.golden.ram, "%s", paths.ram_part);
    r = orl_libvirt_get(self->lv, &conn, err);
    r = r < 0 ? r : orl_bl_create(self, conn, &found, 0, &domain, err);
    return r < 0 ? orl_err_prefix(err, "golden image's machine") : 0;
}

/* What the guest has not written yet would be written again by every clone. A guest without an agent, or with
 * file systems that can't be frozen, does without. */
static void sync_guest(virDomainPtr domain)
{
    ORL_AUTO(orl_free_auto)
    char *frozen = virDomainQemuAgentCommand(
            domain, "{\"execute\":\"guest-fsfreeze-freeze\"}", AGENT_TIMEOUT_S, 0);
    ORL_AUTO(orl_free_auto)
    char *thawed = frozen ? virDomainQemuAgentCommand(domain,
                                    "{\"execute\":\"guest-fsfreeze-thaw\"}", AGENT_TIMEOUT_S, 0)
                          : NULL;
    (void)thawed;
}

static int write_state(
        const struct orl_vm_spec *spec, virDomainPtr domain, const char *path, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto)
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return orl_err_sys(err, errno, "creating %s", path);
    }
    uint64_t max_bytes = ((uint64_t)spec->memory_mib + STATE_EXTRA_MIB) * MIB;
    int r = spec->golden.is_shared ? orl_qmp_ignore_shared(domain, true, err) : 0;
    return r < 0 ? r : orl_qmp_state_save(domain, fd, max_bytes, FREEZE_TIMEOUT_MS, err);
}

int orl_bl_golden_freeze(void *self_, const struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    struct orl_golden_paths paths;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = orl_golden_paths(&self->golden, spec->golden.id, &paths, err);
    r = r < 0 ? r : orl_bl_find_ours(self, spec->uuid, &conn, &domain, err);
    if (r < 0) {
        return r;
    }
    sync_guest(domain);
    if (virDomainSuspend(domain) < 0) {
        return orl_libvirt_err(err, "suspending the golden image's machine");
    }
    r = write_state(spec, domain, paths.state_part, err);
    r = r < 0 ? r : orl_bl_forget(self, spec->uuid, err);
    return r < 0 ? r
                 : orl_golden_publish(&self->golden, spec->golden.id, spec->golden.is_shared, err);
}

int orl_bl_golden_remove(void *self_, const char *id, const char *uuid, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    int r = uuid[0] ? orl_bl_forget(self, uuid, err) : 0;
    return r < 0 ? r : orl_golden_erase(&self->golden, id, err);
}
