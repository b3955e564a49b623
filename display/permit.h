/* What a pool's policy lets pass beside pixels and input, asked on both ends of a link: a session that was taken over
 * must not read a guest's clipboard against it, and neither must a console write to a client's. */
#ifndef ORL_DISPLAY_PERMIT_H
#define ORL_DISPLAY_PERMIT_H
#include "base/ipc_msgs.h"
#include "display/clipboard.h"
#include <stdbool.h>
#include <stdint.h>

/* step goes to the guest (from the client), or to the client. Offers and texts need its direction, a request
 * the other one; a text also its size. */
bool orl_permit_clipboard(
        const struct orl_permit *permit, const struct orl_clipboard *step, bool is_to_guest);
/* Of one text, never over ORL_CLIPBOARD_MAX_BYTES. */
uint32_t orl_permit_max_bytes(const struct orl_permit *permit);
uint32_t orl_permit_wants(const struct orl_permit *permit); /* ORL_WANT_* (display/link.h) */

#endif
