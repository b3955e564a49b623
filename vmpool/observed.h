/* What the state of a machine says about its desktop's power column, when no action is in flight.
 * Pure. Each answer is a legal move of store/desktop_state.h; several steps take several passes. */
#ifndef ORL_VMPOOL_OBSERVED_H
#define ORL_VMPOOL_OBSERVED_H
#include "base/reason.h"
#include "store/desktop_state.h"
#include "vmpool/backend.h"

struct orl_observed {
    enum orl_power power;
    bool has_died; /* by itself, while it should have run: counts as an attempt */
};
/* attempts: restarts since it was last well; a given desktop is restarted once (rebooting), then it
 * has failed. */
struct orl_observed orl_observed(
        enum orl_power power, enum orl_lease lease, uint32_t attempts, enum orl_vm_state state);

#endif
