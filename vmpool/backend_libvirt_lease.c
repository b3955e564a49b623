/* A card's address with the DHCP server of its network: there before the guest asks, gone with its machine. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt_priv.h"
#include "vmpool/guest_address.h"
#include "vmpool/network_xml.h"
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_XML_MAX = 512 };

static int update_in(virNetworkPtr network, virNetworkUpdateCommand command, const char *mac,
        const char *address, unsigned flags)
{
    struct orl_buf xml;
    orl_buf_init(&xml, HOST_XML_MAX);
    orl_network_host_xml(&xml, mac, address);
    int r = xml.is_failed ? -1
                          : virNetworkUpdate(network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1,
                                    (const char *)xml.data, flags);
    orl_buf_fini(&xml);
    return r;
}

static unsigned everywhere(virNetworkPtr network)
{
    return VIR_NETWORK_UPDATE_AFFECT_CONFIG |
           (virNetworkIsActive(network) == 1 ? VIR_NETWORK_UPDATE_AFFECT_LIVE : 0);
}

/* A libvirtd that ended half-way has it in one of two places, and refuses to take it out of both. */
static int drop(virNetworkPtr network, const char *mac, const char *address)
{
    const virNetworkUpdateCommand command = VIR_NETWORK_UPDATE_COMMAND_DELETE;
    if (update_in(network, command, mac, address, everywhere(network)) == 0) {
        return 0;
    }
    int live = update_in(network, command, mac, address, VIR_NETWORK_UPDATE_AFFECT_LIVE);
    int kept = update_in(network, command, mac, address, VIR_NETWORK_UPDATE_AFFECT_CONFIG);
    return live == 0 || kept == 0 ? 0 : -1;
}

static bool has(const char *xml, const char *mac, const char *address)
{
    char want[64 + ORL_VM_ADDRESS_MAX];
    (void)snprintf(want, sizeof want, "<host mac='%s' ip='%s'", mac, address);
    return strstr(xml, want) != NULL;
}

/* What else has that card or that address is of machines that are gone. */
static int reserve(virConnectPtr conn, const char *name, const char *mac, const char *address,
        struct orl_err *err)
{
    virNetworkPtr network = virNetworkLookupByName(conn, name);
    ORL_AUTO(orl_free_auto) char *xml = network ? virNetworkGetXMLDesc(network, 0) : NULL;
    int r = xml ? 0 : orl_libvirt_err(err, "the guests' network");
    if (r == 0 && !has(xml, mac, address)) {
        (void)drop(network, mac, NULL);
        (void)drop(network, NULL, address);
        if (update_in(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, mac, address,
                    everywhere(network)) < 0) {
            r = orl_libvirt_err(err, "keeping an address for a card");
        }
    }
    if (network) {
        (void)virNetworkFree(network);
    }
    return r;
}

int orl_bl_lease(virConnectPtr conn, const struct orl_vm_spec *spec, struct orl_err *err)
{
    char mac[18];
    if (!spec->network.has_addresses) {
        return 0;
    }
    orl_network_mac(mac, spec->meta.desktop, spec->meta.version);
    return reserve(conn, spec->network.name, mac, spec->address, err);
}

/* The value after what, up to its quote. */
static bool value_of(const char *xml, const char *what, char *ret, size_t size)
{
    const char *at = strstr(xml, what);
    size_t len = at ? strcspn(at + strlen(what), "'") : 0;
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(ret, at + strlen(what), len);
    ret[len] = '\0';
    return true;
}

struct card {
    char network[ORL_VM_NAME_MAX + 1];
    char mac[18];
    char address[ORL_VM_ADDRESS_MAX + 1];
};

/* Of a machine that has a card on a network of ours with addresses. */
static bool card_of(virDomainPtr domain, unsigned flags, struct card *ret_card)
{
    ORL_AUTO(orl_free_auto) char *xml = virDomainGetXMLDesc(domain, flags);
    const char *at = xml ? strstr(xml, "<interface type='network'>") : NULL;
    return at && value_of(at, "<source network='", ret_card->network, sizeof ret_card->network) &&
           value_of(at, "<mac address='", ret_card->mac, sizeof ret_card->mac) &&
           value_of(at, "<parameter name='ADDRESS' value='", ret_card->address,
                   sizeof ret_card->address);
}

int orl_bl_card(void *self_, const char *uuid, struct orl_vm_card *ret_card, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    const struct orl_network_plan *plans[] = {&self->nat, &self->routed};
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    ORL_AUTO(orl_libvirt_domain_auto) virDomainPtr domain = NULL;
    struct card card;
    int r = orl_bl_find_ours(self, uuid, &conn, &domain, err);
    if (r < 0) {
        return r;
    }
    bool has_card = card_of(domain, 0, &card);
    r = ORL_E_NOTFOUND;
    for (size_t i = 0; has_card && i < sizeof plans / sizeof plans[0]; i++) {
        char name[ORL_VM_NAME_MAX + 1];
        orl_network_name(name, plans[i]->mode, self->installation);
        if (strcmp(name, card.network) == 0) {
            orl_guest_net_gateway(&plans[i]->v4, ret_card->gateway);
            memcpy(ret_card->address, card.address, sizeof card.address);
            r = 0;
        }
    }
    return r == 0 ? 0 : orl_err_set(err, r, "the machine has no address of ours");
}

int orl_bl_lease_again(virConnectPtr conn, virDomainPtr domain, struct orl_err *err)
{
    struct card card;
    return card_of(domain, 0, &card) ? reserve(conn, card.network, card.mac, card.address, err) : 0;
}

void orl_bl_lease_end(virConnectPtr conn, virDomainPtr domain)
{
    struct card card;
    /* A copy that was not given its card yet has it in its definition only. */
    bool has_card = card_of(domain, 0, &card) || card_of(domain, VIR_DOMAIN_XML_INACTIVE, &card);
    virNetworkPtr network = has_card ? virNetworkLookupByName(conn, card.network) : NULL;
    if (network) {
        (void)drop(network, card.mac, NULL);
        (void)virNetworkFree(network);
    }
}

/* Appends those in xml, a network's. */
static int add_reservations(
        const char *xml, const char *network, struct orl_vm_list *list, struct orl_err *err)
{
    static const char host[] = "<host mac='";
    size_t count = list->reservation_count;
    for (const char *at = strstr(xml, host); at; at = strstr(at + 1, host)) {
        count++;
    }
    if (count == list->reservation_count) {
        return 0;
    }
    struct orl_vm_reservation *grown = realloc(list->reservations, count * sizeof *grown);
    if (!grown) {
        return orl_err_set(err, ORL_E_NOMEM, "listing reservations");
    }
    list->reservations = grown;
    for (const char *at = strstr(xml, host); at; at = strstr(at + 1, host)) {
        struct orl_vm_reservation *card = &grown[list->reservation_count];
        (void)snprintf(card->network, sizeof card->network, "%s", network);
        list->reservation_count += value_of(at, host, card->mac, sizeof card->mac);
    }
    return 0;
}

static bool is_own(const struct orl_backend_libvirt *self, const char *name)
{
    static const enum orl_network_mode modes[] = {ORL_NETWORK_NAT, ORL_NETWORK_ROUTED};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        char own[ORL_VM_NAME_MAX + 1];
        orl_network_name(own, modes[i], self->installation);
        if (strcmp(own, name) == 0) {
            return true;
        }
    }
    return false;
}

int orl_bl_reservations(
        const struct orl_backend_libvirt *self, struct orl_vm_list *list, struct orl_err *err)
{
    virNetworkPtr *networks = NULL;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    int r = orl_libvirt_get(self->lv, &conn, err);
    int count = r < 0 ? 0 : virConnectListAllNetworks(conn, &networks, 0);
    for (int i = 0; i < count; i++) {
        const char *name = virNetworkGetName(networks[i]);
        ORL_AUTO(orl_free_auto)
        char *xml =
                r == 0 && name && is_own(self, name) ? virNetworkGetXMLDesc(networks[i], 0) : NULL;
        r = xml ? add_reservations(xml, name, list, err) : r;
        (void)virNetworkFree(networks[i]);
    }
    free(networks);
    return r;
}

int orl_bl_unreserve(void *self_, const char *name, const char *mac, struct orl_err *err)
{
    const struct orl_backend_libvirt *self = self_;
    ORL_AUTO(orl_libvirt_unref_auto) virConnectPtr conn = NULL;
    int r = orl_libvirt_get(self->lv, &conn, err);
    virNetworkPtr network = r < 0 ? NULL : virNetworkLookupByName(conn, name);
    if (network && drop(network, mac, NULL) < 0) {
        r = orl_libvirt_err(err, "giving up a card's address");
    }
    if (network) {
        (void)virNetworkFree(network);
    }
    return r;
}
