/* The XML of the network that guests get a card on, of its filter, and what libvirt says about one. Pure.
 * A bridge that the host has no address on and nothing forwards to; a filter at each card that lets nothing
 * through either way (a bridge without an address still answers ARP for the host's others). */
#ifndef ORL_VMPOOL_NETWORK_XML_H
#define ORL_VMPOOL_NETWORK_XML_H
#include "base/buf.h"
#include "vmpool/backend.h"

#define ORL_NETWORK_XML_MAX 2048

/* "oriel-isolated-<first 8 of the installation's UUID>": the network's name and its filter's. */
void orl_network_name(char ret_name[ORL_VM_NAME_MAX + 1], const char *installation);
/* A NUL-terminated document each. */
void orl_network_xml(struct orl_buf *out, const char *installation);
void orl_network_filter_xml(struct orl_buf *out, const char *installation);
/* Why guests may not be put on it, or NULL: libvirt's XML of a network, ours or the administrator's. */
const char *orl_network_fault(const char *xml, bool is_ours);
/* The same of a filter of that name. */
const char *orl_network_filter_fault(const char *xml);
/* Its own for each clone: "02:..." from the desktop's id and version. */
void orl_network_mac(char ret_mac[18], const char *desktop, uint64_t version);

#endif
