/* The XML of the networks that guests get a card on, and what libvirt says about one. Pure. What may pass at
 * each card: vmpool/network_filter.h.
 * isolated: a bridge that the host has no address on and nothing forwards to.
 * nat, routed: the host is the guests' gateway, DHCP and DNS server; only cards with a reservation get an address. */
#ifndef ORL_VMPOOL_NETWORK_XML_H
#define ORL_VMPOOL_NETWORK_XML_H
#include "base/addr.h"
#include "base/buf.h"
#include "vmpool/backend.h"

#define ORL_NETWORK_XML_MAX 4096

/* One network of ours. */
struct orl_network_plan {
    enum orl_network_mode mode;
    struct orl_addr_net v4, v6; /* nat, routed */
    bool has_v6;
};
/* "oriel-nat-<first 8 of the installation's UUID>": the network's name and its filter's. */
void orl_network_name(
        char ret_name[ORL_VM_NAME_MAX + 1], enum orl_network_mode mode, const char *installation);
/* A NUL-terminated document. */
void orl_network_xml(
        struct orl_buf *out, const struct orl_network_plan *plan, const char *installation);
/* Why guests may not be put on it, or NULL. xml: libvirt's, of a network that we made. */
const char *orl_network_fault(
        const char *xml, const struct orl_network_plan *plan, const char *installation);
/* The same of a network that the administrator gives to isolated guests. */
const char *orl_network_foreign_fault(const char *xml);
/* Its own for each clone: "02:..." from the desktop's id and version. */
void orl_network_mac(char ret_mac[18], const char *desktop, uint64_t version);
/* A reservation, for virNetworkUpdate(): address may be NULL: whichever the card has; mac NULL: whoever has it. */
void orl_network_host_xml(struct orl_buf *out, const char *mac, const char *address);

#endif
