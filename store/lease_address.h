/* Which address of a guests' network belongs to which card: a reservation, not what a guest says of itself.
 * Nothing gives one back: it is free when neither a desktop nor the quarantine has its desktop's id, and the one
 * that was taken longest ago goes first. Not here: what address a slot is (vmpool/guest_address.h). */
#ifndef ORL_STORE_LEASE_ADDRESS_H
#define ORL_STORE_LEASE_ADDRESS_H
#include "store/store.h"

struct orl_lease_address {
    const char *host, *network; /* libvirt's names */
    const char *mac;
    const char *desktop;
    uint32_t slots; /* that the network has */
};
/* The card's slot; the same for each time it is asked for. ORL_E_LIMIT: the network is full. */
ORL_NODISCARD int orl_lease_address_take(struct orl_store *store,
        const struct orl_lease_address *want, uint64_t now_ms, uint32_t *ret_slot,
        struct orl_err *err);

#endif
