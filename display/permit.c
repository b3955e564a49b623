#include "display/permit.h"
#include "display/link.h"

uint32_t orl_permit_max_bytes(const struct orl_permit *permit)
{
    return permit->clipboard_max_bytes < ORL_CLIPBOARD_MAX_BYTES ? permit->clipboard_max_bytes
                                                                 : ORL_CLIPBOARD_MAX_BYTES;
}

bool orl_permit_clipboard(
        const struct orl_permit *permit, const struct orl_clipboard *step, bool is_to_guest)
{
    bool is_asking = step->step == ORL_CLIPBOARD_REQUEST;
    uint32_t needed = is_to_guest != is_asking ? ORL_CLIPBOARD_TO_GUEST : ORL_CLIPBOARD_TO_CLIENT;
    return permit->is_view_only == 0 && (permit->clipboard & needed) != 0 &&
           (step->step != ORL_CLIPBOARD_DATA || !step->has_text ||
                   step->len <= orl_permit_max_bytes(permit));
}

uint32_t orl_permit_wants(const struct orl_permit *permit)
{
    if (permit->is_view_only != 0) {
        return 0;
    }
    return ((permit->clipboard & ORL_CLIPBOARD_BOTH) != 0 ? (uint32_t)ORL_WANT_CLIPBOARD : 0U) |
           (permit->has_sound != 0 ? (uint32_t)ORL_WANT_SOUND : 0U);
}
