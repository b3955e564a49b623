/* The addresses of a guests' network: which one the host has, which one a card has. Pure.
 * IPv4: the first is the host's, cards have those from the 16th on, by their slot (store/lease_address.h).
 * IPv6: the first is the host's, cards have what their MAC makes of the network (RFC 4291 appendix A). */
#ifndef ORL_VMPOOL_GUEST_ADDRESS_H
#define ORL_VMPOOL_GUEST_ADDRESS_H
#include "base/addr.h"

#define ORL_GUEST_ADDRESS_MAX 46

/* text is a private network that guests can have, IPv4 of 16 to 28 bits, IPv6 of 64. */
ORL_NODISCARD int orl_guest_net_parse(
        const char *text, bool is_v6, struct orl_addr_net *ret_net, struct orl_err *err);
/* One that is the installation's own: 10.64.0.0/10 has room for NAT, 10.128.0.0/10 for routed ones, 20 bits each. */
void orl_guest_net_default(const char *installation, bool is_routed, struct orl_addr_net *ret_net);
uint32_t orl_guest_net_slots(const struct orl_addr_net *net);
void orl_guest_net_gateway(const struct orl_addr_net *net, char ret_text[ORL_GUEST_ADDRESS_MAX]);
/* slot is below orl_guest_net_slots(). */
void orl_guest_net_address(
        const struct orl_addr_net *net, uint32_t slot, char ret_text[ORL_GUEST_ADDRESS_MAX]);
/* mac: "02:00:00:00:00:01"; false: it is none. */
bool orl_guest_net_address_v6(
        const struct orl_addr_net *net, const char *mac, char ret_text[ORL_GUEST_ADDRESS_MAX]);

#endif
