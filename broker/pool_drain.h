/* Pools that are being deleted: their free static desktops go at once, the row when nothing is left.
 * Cloned desktops are vmpool's to retire. */
#ifndef ORL_BROKER_POOL_DRAIN_H
#define ORL_BROKER_POOL_DRAIN_H
#include "broker/broker.h"
#include "store/desktop.h"

void orl_pool_drain(struct orl_broker *broker);
/* Takes a desktop that nobody uses out of service for good: static ones vanish, clones are left
 * ending for vmpool to destroy. ORL_E_CONFLICT: it is in use. */
ORL_NODISCARD int orl_pool_drain_desktop(struct orl_broker *broker,
        const struct orl_desktop_row *desktop, const char *actor, struct orl_err *err);

#endif
