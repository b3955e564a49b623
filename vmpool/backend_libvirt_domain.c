/* Making, starting, stopping and removing machines. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/overlay.h"
#include "vmpool/tsc.h"
#include "vmpool/vm_meta.h"
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    META_MAX = 2048,
    VDAGENT_LIBVIRT = 8004000, /* the first with <channel type="qemu-vdagent"> */
    READONLY_QEMU = 8002000,   /* the first whose memory-backend-file has rom=off */
    DISKS_MAX = 8,
    STUCK_LOOKS = 10,
    STUCK_LOOK_NS = 50000000
};

static int find(const struct orl_backend_libvirt *self, const char *uuid, virConnectPtr *ret_conn,
        virDomainPtr *ret_domain, struct orl_err *err)
{
    int r = orl_libvirt_get(self->lv, ret_conn, err);
    return r < 0 ? r : orl_libvirt_find(*ret_conn, uuid, ret_domain, err);
}

/* Only what is ours is ever stopped or removed, whatever UUID we are given. */
static int check_ours(
        const struct orl_backend_libvirt *self, virDomainPtr domain, struct orl_err *err)
{
    struct orl_vm_meta meta;
    if (orl_bl_meta(domain, &meta) < 0 || !orl_vm_meta_is_of(&meta, self->installation)) {
        return orl_err_set(err, ORL_E_DENIED, "domain '%s' does not carry our installation's UUID",
                virDomainGetName(domain));
    }
    return 0;
}

int orl_bl_find_ours(const struct orl_backend_libvirt *self, const char *uuid,
        virConnectPtr *ret_conn, virDomainPtr *ret_domain, struct orl_err *err)
{
    int r = find(self, uuid, ret_conn, ret_domain, err);
    return r < 0 ? r : check_ours(self, *ret_domain, err);
}

int orl_bl_forget(const struct orl_backend_libvirt *self, const char *uuid, struct orl_err *err)
{
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    if (r == ORL_E_NOTFOUND) {
        return 0;
    }
    r = r < 0 ? r : check_ours(self, domain, err);
    if (r < 0) {
        return r;
    }
    orl_bl_lease_end(conn, domain);
    if (virDomainIsActive(domain) == 1 && virDomainDestroy(domain) < 0 &&
            !orl_libvirt_is_absent()) {
        r = orl_libvirt_err(err, "destroying a domain"); /* the next call forgets why */
        if (virDomainIsActive(domain) == 1) {
            return r;
        }
    }
    unsigned flags = self->xml_type == ORL_DOMAIN_XML_TEST
                             ? 0
                             : VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                                       VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                                       VIR_DOMAIN_UNDEFINE_NVRAM;
    /* One that was never defined is gone already. */
    if (virDomainIsPersistent(domain) == 1 && virDomainUndefineFlags(domain, flags) < 0 &&
            !orl_libvirt_is_absent()) {
        return orl_libvirt_err(err, "undefining a domain");
    }
    return 0;
}

/* libvirt keeps QEMU's capabilities: this is quick. */
static bool has_dbus_display(const struct orl_backend_libvirt *self, virConnectPtr conn)
{
    if (!self->wants_dbus_display || self->xml_type == ORL_DOMAIN_XML_TEST) {
        return false;
    }
    ORL_AUTO(orl_free_auto)
    char *caps = virConnectGetDomainCapabilities(conn, NULL, "x86_64", "q35", "qemu", 0);
    return caps && strstr(caps, "<value>dbus</value>");
}

static bool has_vdagent(virConnectPtr conn)
{
    unsigned long version = 0;
    return virConnectGetLibVersion(conn, &version) == 0 && version >= VDAGENT_LIBVIRT;
}

void orl_bl_complete(
        const struct orl_backend_libvirt *self, virConnectPtr conn, struct orl_vm_spec *spec)
{
    unsigned long version = 0;
    spec->is_buffered = spec->overlay[0] && !orl_overlay_has_direct(spec->overlay);
    spec->has_dbus_display = has_dbus_display(self, conn);
    spec->has_clipboard = spec->has_clipboard && has_vdagent(conn);
    spec->tsc_khz = spec->accel == ORL_VM_ACCEL_QEMU ? orl_tsc_khz() : 0;
    spec->golden.is_readonly =
            virConnectGetVersion(conn, &version) == 0 && version >= READONLY_QEMU;
}

int orl_bl_create(const struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_vm_spec *spec, unsigned flags, virDomainPtr *ret_domain,
        struct orl_err *err)
{
    struct orl_buf xml;
    struct orl_vm_spec found = *spec;
    orl_buf_init(&xml, ORL_DOMAIN_XML_MAX);
    orl_bl_complete(self, conn, &found);
    int r = orl_domain_xml_build(&found, self->xml_type, &xml, err);
    virDomainPtr domain = r < 0 ? NULL : virDomainCreateXML(conn, (const char *)xml.data, flags);
    orl_buf_fini(&xml);
    if (r == 0 && !domain) {
        r = orl_libvirt_err(err, "starting a machine");
    }
    if (r == 0) {
        *ret_domain = domain;
    }
    return r;
}

int orl_bl_clone(void *self_, const struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    struct orl_buf xml;
    /* What an earlier try left may be half made. */
    int r = orl_bl_forget(self, spec->uuid, err);
    if (r == 0 && spec->overlay[0] && spec->base[0]) {
        r = orl_overlay_create(spec->overlay, spec->base, err);
    }
    if (r < 0) {
        return r;
    }
    struct orl_vm_spec found = *spec;
    orl_buf_init(&xml, ORL_DOMAIN_XML_MAX);
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    r = orl_libvirt_get(self->lv, &conn, err);
    if (r == 0) {
        found.golden.role = ORL_VM_GOLDEN_NONE; /* started again, it boots */
        orl_bl_complete(self, conn, &found);
        r = orl_domain_xml_build(&found, self->xml_type, &xml, err);
    }
    r = r < 0 ? r : orl_bl_lease(conn, spec, err);
    if (r == 0) {
        ORL_AUTO(orl_libvirt_domain_auto)
        virDomainPtr domain = virDomainDefineXMLFlags(conn, (const char *)xml.data, 0);
        r = domain ? 0 : orl_libvirt_err(err, "defining a domain");
    }
    orl_buf_fini(&xml);
    return r;
}

int orl_bl_start(void *self_, const char *uuid, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    r = r < 0 ? r : check_ours(self, domain, err);
    if (r < 0) {
        return r;
    }
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) < 0) {
        return orl_libvirt_err(err, "a domain's state");
    }
    if (orl_bl_state(state, reason) == ORL_VM_RUNNING) {
        return 0;
    }
    if (virDomainIsActive(domain) == 1 && virDomainDestroy(domain) < 0) {
        return orl_libvirt_err(err, "destroying a dead domain");
    }
    r = orl_bl_lease_again(conn, domain, err);
    if (r < 0) {
        return r;
    }
    return virDomainCreate(domain) < 0 ? orl_libvirt_err(err, "starting a domain") : 0;
}

static int stop_domain(virDomainPtr domain, enum orl_vm_stop how)
{
    switch (how) {
    case ORL_VM_STOP_ASK:
        return virDomainShutdownFlags(domain, 0);
    case ORL_VM_STOP_REBOOT:
        return virDomainReboot(domain, 0);
    case ORL_VM_STOP_RESET:
        return virDomainReset(domain, 0);
    case ORL_VM_STOP_KILL:
        break;
    }
    return virDomainDestroy(domain);
}

int orl_bl_stop(void *self_, const char *uuid, enum orl_vm_stop how, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    if (r == ORL_E_NOTFOUND) {
        return 0;
    }
    r = r < 0 ? r : check_ours(self, domain, err);
    if (r < 0 || virDomainIsActive(domain) != 1) {
        return r;
    }
    if (stop_domain(domain, how) < 0 && virDomainIsActive(domain) == 1) {
        return orl_libvirt_err(err, "stopping a domain");
    }
    return 0;
}

/* Its memory stays where it is: waking takes no time, nothing of a guest is written to a disk, and it works
 * with copies of a golden image, which can't be saved. */
int orl_bl_suspend(void *self_, const char *uuid, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int state = 0;
    int r = find(self, uuid, &conn, &domain, err);
    r = r < 0 ? r : check_ours(self, domain, err);
    if (r < 0) {
        return r;
    }
    if (virDomainGetState(domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_PAUSED) {
        return 0;
    }
    return virDomainSuspend(domain) < 0 ? orl_libvirt_err(err, "suspending a domain") : 0;
}

/* Which disk of it is to blame. */
static int say_stuck(virDomainPtr domain, struct orl_err *err)
{
    virDomainDiskError errors[DISKS_MAX] = {0};
    int count = virDomainGetDiskErrors(domain, errors, DISKS_MAX, 0);
    bool is_full = false;
    const char *disk = "?";
    for (int i = 0; i < count; i++) {
        if (!is_full) {
            disk = errors[i].disk;
            is_full = errors[i].error == VIR_DOMAIN_DISK_ERROR_NO_SPACE;
        }
    }
    int r = orl_err_set(err, is_full ? ORL_E_LIMIT : ORL_E_SYS, "disk '%s': %s", disk,
            is_full ? "no space left on the host" : "input/output error");
    for (int i = 0; i < count; i++) {
        free(errors[i].disk);
    }
    return r;
}

/* QEMU does the write again that failed: it takes that a moment to stop the machine again. */
static int check_stuck(virDomainPtr domain, struct orl_err *err)
{
    const struct timespec moment = {.tv_nsec = STUCK_LOOK_NS};
    for (unsigned i = 0; i < STUCK_LOOKS; i++) {
        int state = 0;
        int reason = 0;
        (void)nanosleep(&moment, NULL);
        if (virDomainGetState(domain, &state, &reason, 0) < 0) {
            return orl_libvirt_err(err, "a domain's state");
        }
        if (orl_bl_state(state, reason) == ORL_VM_STUCK) {
            return say_stuck(domain, err);
        }
    }
    return 0;
}

int orl_bl_wake(void *self_, const char *uuid, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int state = 0;
    int reason = 0;
    int r = find(self, uuid, &conn, &domain, err);
    r = r < 0 ? r : check_ours(self, domain, err);
    if (r < 0) {
        return r;
    }
    if (virDomainGetState(domain, &state, &reason, 0) < 0) {
        return orl_libvirt_err(err, "a domain's state");
    }
    /* Its guest may have gone to sleep by itself, in a machine that was made before it could not. */
    int woken = state == VIR_DOMAIN_RUNNING       ? 0
                : state == VIR_DOMAIN_PMSUSPENDED ? virDomainPMWakeup(domain, 0)
                                                  : virDomainResume(domain);
    if (woken < 0) {
        return orl_libvirt_err(err, "waking a domain");
    }
    if (orl_bl_state(state, reason) == ORL_VM_STUCK) {
        r = check_stuck(domain, err);
    }
    if (r == 0) {
        orl_bl_set_clock(domain);
    }
    return r;
}

int orl_bl_remove(void *self_, const char *uuid, const char *overlay, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    int r = uuid && uuid[0] ? orl_bl_forget(self, uuid, err) : 0;
    if (r == 0 && overlay && overlay[0]) {
        r = orl_overlay_remove(overlay, err);
    }
    return r;
}

/* user NULL: its own stays. */
static int write_meta(struct orl_backend_libvirt *self, const char *uuid, const char *user,
        bool is_quarantined, struct orl_err *err)
{
    struct orl_vm_meta meta;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    int r = find(self, uuid, &conn, &domain, err);
    r = r < 0 ? r : check_ours(self, domain, err);
    if (r < 0) {
        return r;
    }
    if (orl_bl_meta(domain, &meta) < 0) {
        return orl_err_set(err, ORL_E_NOTFOUND, "the domain has lost its metadata");
    }
    meta.is_quarantined = is_quarantined;
    if (user) {
        (void)snprintf(meta.user, sizeof meta.user, "%s", user);
    }
    unsigned flags = VIR_DOMAIN_AFFECT_CONFIG |
                     (virDomainIsActive(domain) == 1 ? VIR_DOMAIN_AFFECT_LIVE : 0);
    struct orl_buf xml;
    orl_buf_init(&xml, META_MAX);
    orl_vm_meta_put(&xml, &meta, false);
    orl_buf_put_u8(&xml, 0);
    if (xml.is_failed ||
            virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, (const char *)xml.data,
                    ORL_VM_META_PREFIX, ORL_VM_META_URI, flags) < 0) {
        r = orl_libvirt_err(err, "marking a domain");
    }
    orl_buf_fini(&xml);
    return r;
}

int orl_bl_mark(void *self, const char *uuid, const char *user, struct orl_err *err)
{
    return write_meta(self, uuid, user, false, err);
}

int orl_bl_quarantine(void *self, const char *uuid, struct orl_err *err)
{
    int r = write_meta(self, uuid, NULL, true, err);
    return r < 0 ? r : orl_bl_stop(self, uuid, ORL_VM_STOP_ASK, err);
}
