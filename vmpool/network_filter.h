/* What may pass at a guest's card, as a libvirt network filter: rules for frames (ebtables), which need nothing of the
 * host's own firewall and no state. Pure.
 * isolated: nothing. nat, routed: from its own MAC and address only, to the world; of the host DHCP and DNS; nothing
 * of what is blocked (the host's addresses and networks, other guests, guest_block). bridged: its own MAC, the address
 * that DHCP there gave it (libvirt watches), no DHCP server and no router of its own, nothing to what is blocked. */
#ifndef ORL_VMPOOL_NETWORK_FILTER_H
#define ORL_VMPOOL_NETWORK_FILTER_H
#include "vmpool/host_nets.h"
#include "vmpool/network_xml.h"

#define ORL_NETWORK_FILTER_MAX (256 * 1024)
#define ORL_NETWORK_BLOCK_HOST                                                                     \
    "host-subnets" /* in guest_block: every network that the host has an address in */

struct orl_network_block {
    struct orl_addr_net list[2 * ORL_HOST_NETS_MAX + 2 * ORL_ADDR_NETS_MAX];
    unsigned count;
};
bool orl_network_block_is_valid(const char *entry);
/* What guests of that network must not reach: always the host's addresses, their own network where it is ours, and
 * what is nobody's or everybody's; the networks of guest_block. A bridged guest is in one of the host's networks, which
 * is left to it. */
void orl_network_block_make(const struct orl_network_plan *plan, const struct orl_host_nets *host,
        char *const *guest_block, struct orl_network_block *ret_block);
/* A NUL-terminated document. uuid: of the filter of that name that is there, or empty. */
void orl_network_filter_xml(struct orl_buf *out, const struct orl_network_plan *plan,
        const struct orl_network_block *block, const char *installation, const char *uuid);
/* Appends the card's <filterref>. */
void orl_network_filter_ref(struct orl_buf *out, const struct orl_vm_network *network,
        const char *mac, const char *address);

#endif
