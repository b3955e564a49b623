/* The networks that guests get a card on: made when they are missing, looked at each time before they are used. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/network_xml.h"
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct orl_err *err, const char *name, const char *fault)
{
    return orl_err_set(err, ORL_E_DENIED, "network '%s': %s", name, fault);
}

static virNetworkPtr define(const struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_network_plan *plan)
{
    struct orl_buf xml;
    orl_buf_init(&xml, ORL_NETWORK_XML_MAX);
    orl_network_xml(&xml, plan, self->installation);
    virNetworkPtr network =
            xml.is_failed ? NULL : virNetworkDefineXML(conn, (const char *)xml.data);
    orl_buf_fini(&xml);
    return network;
}

/* Verified before it is started: a forward must not come up even for a moment. */
static int bring_up(virNetworkPtr network, const char *fault, bool is_ours, struct orl_err *err)
{
    if (fault) {
        return refuse(err, virNetworkGetName(network), fault);
    }
    if (virNetworkIsActive(network) == 1) {
        return 0;
    }
    if (!is_ours) {
        return refuse(err, virNetworkGetName(network), "it is not started");
    }
    (void)virNetworkSetAutostart(network, 1);
    return virNetworkCreate(network) < 0 ? orl_libvirt_err(err, "starting the guests' network") : 0;
}

static int look_at(const struct orl_backend_libvirt *self, virNetworkPtr network,
        const struct orl_network_plan *plan, bool is_ours, struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) char *xml = virNetworkGetXMLDesc(network, 0);
    if (!xml) {
        return orl_libvirt_err(err, "the guests' network");
    }
    const char *fault = is_ours ? orl_network_fault(xml, plan, self->installation)
                        : plan->mode == ORL_NETWORK_BRIDGED ? NULL
                                                            : orl_network_foreign_fault(xml);
    return bring_up(network, fault, is_ours, err);
}

static int make_own(struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_network_plan *plan, struct orl_vm_network *ret, struct orl_err *err)
{
    bool has_filter = self->xml_type == ORL_DOMAIN_XML_QEMU;
    int r = has_filter ? orl_bl_filter(self, conn, plan, ret->filter, err) : 0;
    if (r < 0) {
        return r;
    }
    orl_network_name(ret->name, plan->mode, self->installation);
    virNetworkPtr network = virNetworkLookupByName(conn, ret->name);
    network = network ? network : define(self, conn, plan);
    if (!network) {
        return orl_libvirt_err(err, "the guests' network");
    }
    r = look_at(self, network, plan, true, err);
    (void)virNetworkFree(network);
    ret->has_addresses = plan->mode != ORL_NETWORK_ISOLATED;
    ret->v4 = plan->v4;
    ret->v6 = plan->v6;
    ret->has_v6 = plan->has_v6;
    return r;
}

/* name: the administrator's. For isolated guests a network of libvirt; for bridged ones that, or a bridge of the host. */
static int use_given(struct orl_backend_libvirt *self, virConnectPtr conn,
        const struct orl_network_plan *plan, const char *name, struct orl_vm_network *ret,
        struct orl_err *err)
{
    int r = 0;
    (void)snprintf(ret->name, sizeof ret->name, "%s", name);
    virNetworkPtr network = virNetworkLookupByName(conn, name);
    if (network) {
        r = look_at(self, network, plan, false, err);
        (void)virNetworkFree(network);
    } else if (plan->mode == ORL_NETWORK_BRIDGED) {
        ret->is_bridge = true;
    } else {
        r = orl_libvirt_err(err, "the guests' network");
    }
    bool has_filter = plan->mode == ORL_NETWORK_BRIDGED && self->xml_type == ORL_DOMAIN_XML_QEMU;
    return r < 0 || !has_filter ? r : orl_bl_filter(self, conn, plan, ret->filter, err);
}

int orl_bl_network(void *self_, enum orl_network_mode mode, const char *name,
        struct orl_vm_network *ret_network, struct orl_err *err)
{
    struct orl_backend_libvirt *self = self_;
    struct orl_vm_network found = {.mode = mode};
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    memset(ret_network, 0, sizeof *ret_network);
    if (mode == ORL_NETWORK_NONE) {
        return 0;
    }
    if (mode == ORL_NETWORK_ISOLATED && !name[0]) {
        if (self->has_no_isolated) {
            return 0;
        }
        name = self->isolated;
    }
    if ((mode == ORL_NETWORK_BRIDGED) != (name[0] != '\0') && mode != ORL_NETWORK_ISOLATED) {
        return orl_err_set(err, ORL_E_INVAL,
                "network_name is the bridge of network bridged, and for "
                "nobody else");
    }
    struct orl_network_plan plan = mode == ORL_NETWORK_ROUTED ? self->routed
                                   : mode == ORL_NETWORK_NAT
                                           ? self->nat
                                           : (struct orl_network_plan){.mode = mode};
    int r = orl_libvirt_get(self->lv, &conn, err);
    if (r == 0) {
        r = name[0] ? use_given(self, conn, &plan, name, &found, err)
                    : make_own(self, conn, &plan, &found, err);
    }
    if (r == 0) {
        *ret_network = found;
    }
    return r;
}
