/* The network that guests get a card on: made when it is missing, looked at each time before it is used. */
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

static int check_filter(virConnectPtr conn, const char *name, struct orl_err *err)
{
    virNWFilterPtr filter = virNWFilterLookupByName(conn, name);
    ORL_AUTO(orl_free_auto) char *xml = filter ? virNWFilterGetXMLDesc(filter, 0) : NULL;
    if (filter) {
        (void)virNWFilterFree(filter);
    }
    if (!xml) {
        return orl_libvirt_err(err, "the network's filter");
    }
    const char *fault = orl_network_filter_fault(xml);
    return fault ? refuse(err, name, fault) : 0;
}

static int make_filter(
        const struct orl_backend_libvirt *self, virConnectPtr conn, struct orl_err *err)
{
    virNWFilterPtr filter = virNWFilterLookupByName(conn, self->network);
    if (!filter) {
        struct orl_buf xml;
        orl_buf_init(&xml, ORL_NETWORK_XML_MAX);
        orl_network_filter_xml(&xml, self->installation);
        filter = xml.is_failed ? NULL : virNWFilterDefineXML(conn, (const char *)xml.data);
        orl_buf_fini(&xml);
    }
    if (!filter) {
        return orl_libvirt_err(err, "making the network's filter");
    }
    (void)virNWFilterFree(filter);
    return check_filter(conn, self->network, err);
}

static virNetworkPtr define(const struct orl_backend_libvirt *self, virConnectPtr conn)
{
    struct orl_buf xml;
    orl_buf_init(&xml, ORL_NETWORK_XML_MAX);
    orl_network_xml(&xml, self->installation);
    virNetworkPtr network =
            xml.is_failed ? NULL : virNetworkDefineXML(conn, (const char *)xml.data);
    orl_buf_fini(&xml);
    return network;
}

/* Verified before it is started: a forward must not come up even for a moment. */
static int bring_up(virNetworkPtr network, bool is_ours, struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) char *xml = virNetworkGetXMLDesc(network, 0);
    const char *fault = xml ? orl_network_fault(xml, is_ours) : NULL;
    if (!xml || fault) {
        return fault ? refuse(err, virNetworkGetName(network), fault)
                     : orl_libvirt_err(err, "the guests' network");
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

int orl_bl_network(void *self_, struct orl_vm_network *ret_network, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    memset(ret_network, 0, sizeof *ret_network);
    if (!self->network[0]) {
        return 0;
    }
    int r = orl_libvirt_get(self->lv, &conn, err);
    bool has_filter = self->is_own_network && self->xml_type == ORL_DOMAIN_XML_QEMU;
    r = r < 0 || !has_filter ? r : make_filter(self, conn, err);
    if (r < 0) {
        return r;
    }
    virNetworkPtr network = virNetworkLookupByName(conn, self->network);
    if (!network && self->is_own_network) {
        network = define(self, conn);
    }
    if (!network) {
        return orl_libvirt_err(err, "the guests' network");
    }
    r = bring_up(network, self->is_own_network, err);
    (void)virNetworkFree(network);
    if (r == 0) {
        (void)snprintf(ret_network->name, sizeof ret_network->name, "%s", self->network);
        (void)snprintf(ret_network->filter, sizeof ret_network->filter, "%s",
                has_filter ? self->network : "");
    }
    return r;
}
