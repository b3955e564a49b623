/* Displays of machines that are not ours: found in libvirt each time they are opened. Such a machine is looked at;
 * it is never stopped or changed, and started only where the administrator lets us. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/image_build.h"
#include "vmpool/static_domain.h"
#include "vmpool/vm_meta.h"
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

enum { KEEPALIVE_S = 5, KEEPALIVE_COUNT = 3 };

static int connect_to(struct orl_backend_libvirt *self, const char *uri, virConnectPtr *ret_conn,
        struct orl_err *err)
{
    if (uri[0] == '\0' || strcmp(uri, self->uri) == 0) {
        return orl_libvirt_get(self->lv, ret_conn, err);
    }
    bool is_allowed = false;
    for (char *const *at = self->static_uris; *at && !is_allowed; at++) {
        is_allowed = strcmp(*at, uri) == 0;
    }
    if (!is_allowed) {
        return orl_err_set(err, ORL_E_DENIED, "%s is not in static_uris of vmpool.yaml", uri);
    }
    virConnectPtr conn = virConnectOpen(uri);
    if (!conn) {
        return orl_libvirt_err(err, uri);
    }
    (void)virConnectSetKeepAlive(conn, KEEPALIVE_S, KEEPALIVE_COUNT);
    *ret_conn = conn;
    return 0;
}

/* Else a person's own desktop could be given to somebody else by its name: one of ours, or of another Oriel whose
 * libvirt we may use. By its name, too, should it have lost its mark. */
static int refuse_oriels(
        const struct orl_backend_libvirt *self, virDomainPtr domain, struct orl_err *err)
{
    struct orl_vm_meta meta;
    const char *name = virDomainGetName(domain);
    ORL_AUTO(orl_free_auto)
    char *mark = virDomainGetMetadata(
            domain, VIR_DOMAIN_METADATA_ELEMENT, ORL_VM_META_URI, VIR_DOMAIN_AFFECT_CURRENT);
    bool is_ours = mark && orl_vm_meta_parse(mark, &meta) == 0 &&
                   orl_vm_meta_is_of(&meta, self->installation);
    /* One that a template is being installed on is nobody's. */
    if (is_ours && meta.kind == ORL_VM_PROBE && strcmp(meta.pool, ORL_IMAGE_BUILD_POOL) == 0) {
        return 0;
    }
    if (!mark && !(name && orl_vm_name_is_ours(name))) {
        return 0;
    }
    return orl_err_set(err, ORL_E_DENIED, "'%s' is a machine of one of %s pools", name,
            is_ours ? "Oriel's" : "another Oriel's");
}

static int find(const struct orl_backend_libvirt *self, virConnectPtr conn, const char *name,
        virDomainPtr *ret_domain, struct orl_err *err)
{
    virDomainPtr domain = orl_uuid_is_valid(name) ? virDomainLookupByUUIDString(conn, name)
                                                  : virDomainLookupByName(conn, name);
    if (!domain) {
        return orl_libvirt_is_absent()
                       ? orl_err_set(err, ORL_E_NOTFOUND, "libvirt has no machine '%s'", name)
                       : orl_libvirt_err(err, name);
    }
    int r = refuse_oriels(self, domain, err);
    if (r < 0) {
        (void)virDomainFree(domain);
        return r;
    }
    *ret_domain = domain;
    return 0;
}

static int check_power(virDomainPtr domain, bool may_start, struct orl_err *err)
{
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) < 0) {
        return orl_libvirt_err(err, "a machine's state");
    }
    if (orl_bl_state(state, reason) == ORL_VM_RUNNING) {
        return 0;
    }
    bool is_off = state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED;
    if (!may_start || !is_off) {
        return orl_err_set(err, ORL_E_BACKEND, "the machine is %s; %s",
                is_off ? "off" : "not running",
                may_start ? "it is not off, so it is left alone"
                          : "its pool may not start it (autostart)");
    }
    if (virDomainCreate(domain) < 0) {
        return orl_libvirt_err(err, "starting the machine");
    }
    return orl_err_set(err, ORL_E_AGAIN, "the machine was off; it has been started");
}

/* Through libvirt, if it hands fds: then nothing has to listen, and no password is asked. Else where VNC listens. */
static int open_graphics(virDomainPtr domain, const struct orl_static_graphics *graphics,
        bool wants_dbus, struct orl_vm_static_display *ret, struct orl_err *err)
{
    int index =
            wants_dbus && graphics->dbus_index >= 0 ? graphics->dbus_index : graphics->vnc_index;
    if (index < 0) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "the machine has no VNC display");
    }
    ret->fd = virDomainOpenGraphicsFD(domain, (unsigned)index, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
    if (ret->fd >= 0) {
        ret->is_dbus = index == graphics->dbus_index;
        return 0;
    }
    if (!graphics->vnc[0]) {
        return orl_libvirt_err(err, "opening the display");
    }
    (void)snprintf(ret->target, sizeof ret->target, "%s", graphics->vnc);
    return 0;
}

int orl_bl_static_display(void *self_, const struct orl_vm_static *want,
        struct orl_vm_static_display *ret_display, struct orl_err *err)
{
    struct orl_backend_libvirt *self = self_;
    struct orl_static_domain which;
    struct orl_static_graphics graphics;
    struct orl_vm_static_display found = {.fd = -1};
    char host[ORL_TEXT_MAX + 1];
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    if (!orl_static_domain_parse(want->target, &which)) {
        return orl_err_set(err, ORL_E_INVAL, "'%s' is no domain:NAME[@URI]", want->target);
    }
    int r = connect_to(self, which.uri, &conn, err);
    r = r < 0 ? r : find(self, conn, which.name, &domain, err);
    r = r < 0 ? r : check_power(domain, want->may_start, err);
    if (r < 0) {
        return r;
    }
    if (want->has_rdp) {
        *ret_display = found;
        return 0;
    }
    ORL_AUTO(orl_free_auto) char *xml = virDomainGetXMLDesc(domain, 0);
    if (!xml) {
        return orl_libvirt_err(err, "a machine's XML");
    }
    orl_static_domain_host(which.uri[0] ? which.uri : self->uri, host, sizeof host);
    orl_static_domain_graphics(xml, host, &graphics);
    if (want->is_look) {
        r = graphics.vnc_index < 0 && graphics.dbus_index < 0
                    ? orl_err_set(err, ORL_E_UNSUPPORTED, "the machine has no VNC display")
                    : 0;
    } else {
        r = open_graphics(domain, &graphics, want->wants_dbus, &found, err);
    }
    if (r == 0) {
        *ret_display = found;
    }
    return r;
}
