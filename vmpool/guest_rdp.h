/* The way to a guest's RDP server: from the host's address on the guests' network, at fixed ports on both sides,
 * which is all that the cards' filter lets pass between the two (vmpool/network_filter.h). The filter has no memory
 * of connections: nothing on the host may listen at the ports that these come from. */
#ifndef ORL_VMPOOL_GUEST_RDP_H
#define ORL_VMPOOL_GUEST_RDP_H
#include "base/err.h"
#include "vmpool/backend.h"

#define ORL_GUEST_RDP_PORT 3389
/* The host's: below those that Linux gives out (32768). A port serves any number of guests at once, but the same
 * guest only a minute after the last connection from it ended. */
#define ORL_GUEST_RDP_FROM 29389
#define ORL_GUEST_RDP_FROM_COUNT 32

/* Blocks: for workers. */
ORL_NODISCARD int orl_guest_rdp_connect(
        const struct orl_vm_card *card, unsigned timeout_ms, int *ret_fd, struct orl_err *err);

#endif
