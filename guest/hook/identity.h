/* Who this machine is, where it was resumed from an image that others were resumed from, too. */
#ifndef ORL_GUEST_HOOK_IDENTITY_H
#define ORL_GUEST_HOOK_IDENTITY_H
#include "base/hook_wire.h"

/* Of hostname, machine_id, seed (hex), time_ms each that is there. NULL, or why not. */
const char *orl_identity_set(const struct orl_hook_msg *msg);

#endif
