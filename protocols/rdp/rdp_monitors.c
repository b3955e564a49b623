#include "protocols/rdp/rdp_monitors.h"
#include "base/rd.h"
#include "display/surface.h"

enum {
    PDU_MONITOR_LAYOUT = 2, /* MS-RDPEDISP 2.2.2.2 */
    MONITOR_BYTES = 40,
    MONITOR_IS_PRIMARY = 1
};

/* Far enough for any desk, and nothing overflows. */
static bool is_near(int32_t at)
{
    return at >= -4 * ORL_SURFACE_MAX_PX && at <= 4 * ORL_SURFACE_MAX_PX;
}

static uint32_t find_primary(const struct orl_rdp_monitor *monitors, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (monitors[i].is_primary) {
            return i;
        }
    }
    return 0;
}

static bool several(const struct orl_rdp_monitor *monitors, uint32_t count, uint32_t primary,
        struct orl_layout *ret_layout)
{
    int32_t left = INT32_MAX;
    int32_t top = INT32_MAX;
    if (count < 2 || count > ORL_HEADS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct orl_rdp_monitor *m = &monitors[i];
        if (!is_near(m->left) || !is_near(m->top) || m->width_px > ORL_SURFACE_MAX_PX ||
                m->height_px > ORL_SURFACE_MAX_PX) {
            return false;
        }
        left = m->left < left ? m->left : left;
        top = m->top < top ? m->top : top;
    }
    ret_layout->count = count;
    for (uint32_t i = 0, next = 1; i < count; i++) {
        const struct orl_rdp_monitor *m = &monitors[i];
        ret_layout->heads[i == primary ? 0 : next++] = (struct orl_rect){
                m->left - left, m->top - top, (int32_t)m->width_px, (int32_t)m->height_px};
    }
    return orl_layout_is_valid(ret_layout);
}

bool orl_rdp_monitors_layout(const struct orl_rdp_monitor *monitors, uint32_t count,
        uint32_t max_width_px, uint32_t max_height_px, struct orl_layout *ret_layout)
{
    uint32_t primary = find_primary(monitors, count);
    uint32_t width = 0;
    uint32_t height = 0;
    struct orl_layout layout = {0};
    if (several(monitors, count, primary, &layout)) {
        orl_layout_bounds(&layout, &width, &height);
        if (width <= max_width_px && height <= max_height_px) {
            *ret_layout = layout;
            return true;
        }
    }
    width = monitors[primary].width_px;
    height = monitors[primary].height_px;
    *ret_layout = orl_layout_one(width < max_width_px ? width : max_width_px,
            height < max_height_px ? height : max_height_px);
    return orl_layout_is_valid(ret_layout);
}

int orl_rdp_monitors_parse(const uint8_t *data, size_t len, uint32_t max_width_px,
        uint32_t max_height_px, struct orl_layout *ret_layout)
{
    struct orl_rdp_monitor monitors[ORL_RDP_MONITORS_MAX];
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    const uint32_t type = orl_rd_u32le(&rd);
    const uint32_t length = orl_rd_u32le(&rd);
    const uint32_t monitor_bytes = orl_rd_u32le(&rd);
    const uint32_t count = orl_rd_u32le(&rd);
    if (rd.is_failed || length > len || type != PDU_MONITOR_LAYOUT ||
            monitor_bytes != MONITOR_BYTES || count == 0 || count > ORL_RDP_MONITORS_MAX) {
        return ORL_E_PROTO;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct orl_rdp_monitor *m = &monitors[i];
        m->is_primary = (orl_rd_u32le(&rd) & MONITOR_IS_PRIMARY) != 0;
        m->left = (int32_t)orl_rd_u32le(&rd);
        m->top = (int32_t)orl_rd_u32le(&rd);
        m->width_px = orl_rd_u32le(&rd);
        m->height_px = orl_rd_u32le(&rd);
        orl_rd_skip(&rd, 20);
    }
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    if (!orl_rdp_monitors_layout(monitors, count, max_width_px, max_height_px, ret_layout)) {
        *ret_layout = (struct orl_layout){0};
    }
    return ORL_OK;
}
