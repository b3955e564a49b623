/* What a client says of its monitors, as a layout of heads: the primary one first, the whole moved to 0,0. */
#ifndef ORL_PROTOCOLS_RDP_RDP_MONITORS_H
#define ORL_PROTOCOLS_RDP_RDP_MONITORS_H
#include "base/err.h"
#include "display/layout.h"
#include <stddef.h>

#define ORL_RDP_MONITORS_MAX 16 /* TS_UD_CS_MONITOR, MS-RDPBCGR 2.2.1.3.6 */

struct orl_rdp_monitor {
    int32_t left, top; /* of the virtual desktop; may be negative */
    uint32_t width_px, height_px;
    bool is_primary;
};
/* More monitors than heads, ones that overlap, or a desktop beyond max_width_px x max_height_px: the primary monitor
 * alone, cut to that maximum. False: not even that. count: 1 .. ORL_RDP_MONITORS_MAX. */
bool orl_rdp_monitors_layout(const struct orl_rdp_monitor *monitors, uint32_t count,
        uint32_t max_width_px, uint32_t max_height_px, struct orl_layout *ret_layout);

/* DISPLAYCONTROL_MONITOR_LAYOUT_PDU (MS-RDPEDISP 2.2.2.2): the layout that is wished for, as above; count 0: a size that
 * no desktop has. ORL_E_PROTO: not such a PDU. */
ORL_NODISCARD int orl_rdp_monitors_parse(const uint8_t *data, size_t len, uint32_t max_width_px,
        uint32_t max_height_px, struct orl_layout *ret_layout);

#endif
