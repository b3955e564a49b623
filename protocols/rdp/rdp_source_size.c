/* Sizes and monitors that people want, by the display control channel (MS-RDPEDISP). */
#include "protocols/rdp/rdp_source_priv.h"

enum { MIN_PX = 200, SCALE_PERCENT = 100 }; /* 2.2.2.2.1 */

static UINT32 side(int32_t px)
{
    return (UINT32)(px < MIN_PX ? MIN_PX : px);
}

static bool is_shown(const struct orl_source *s, const struct orl_layout *layout)
{
    const struct orl_surface *surface = s->screen.surface;
    uint32_t width = 0;
    uint32_t height = 0;
    orl_layout_bounds(layout, &width, &height);
    return surface != NULL && orl_surface_width(surface) == width &&
           orl_surface_height(surface) == height &&
           (orl_layout_is_equal(layout, &s->size.sent) ||
                   (layout->count == 1 && s->size.sent.count <= 1));
}

static void send_wanted(struct orl_source *s)
{
    struct orl_rdp_source_size *size = &s->size;
    struct orl_layout layout = size->wanted;
    if (!size->is_ready || layout.count == 0 || s->wire.out.len >= ORL_RDP_SOURCE_OUT_FULL) {
        return;
    }
    if (layout.count > size->max_monitors) { /* the first head only */
        layout = orl_layout_one((uint32_t)layout.heads[0].width, (uint32_t)layout.heads[0].height);
    }
    const bool is_asked = size->is_pending && orl_layout_is_equal(&layout, &size->sent);
    if (is_asked || is_shown(s, &layout)) {
        return;
    }
    DISPLAY_CONTROL_MONITOR_LAYOUT monitors[ORL_HEADS_MAX] = {0};
    for (uint32_t i = 0; i < layout.count; i++) {
        const struct orl_rect *head = &layout.heads[i];
        monitors[i].Flags = i == 0 ? DISPLAY_CONTROL_MONITOR_PRIMARY : 0;
        monitors[i].Left = head->x - layout.heads[0].x; /* the primary one is at 0,0 */
        monitors[i].Top = head->y - layout.heads[0].y;
        monitors[i].Width = side(head->width) & ~1U;
        monitors[i].Height = side(head->height);
        monitors[i].DesktopScaleFactor = monitors[i].DeviceScaleFactor = SCALE_PERCENT;
    }
    if (size->disp->SendMonitorLayout(size->disp, layout.count, monitors) == CHANNEL_RC_OK) {
        size->sent = layout;
        size->is_pending = true;
    }
}

static UINT on_caps(DispClientContext *disp, UINT32 max_monitors, UINT32 factor_a, UINT32 factor_b)
{
    struct orl_source *s = disp->custom;
    (void)factor_a;
    (void)factor_b;
    s->size.is_ready = true;
    s->size.max_monitors = max_monitors;
    send_wanted(s);
    return CHANNEL_RC_OK;
}

void orl_rdp_source_size_setup(struct orl_source *s, DispClientContext *disp)
{
    s->size.disp = disp;
    s->size.is_ready = false;
    if (disp != NULL) {
        disp->custom = s;
        disp->DisplayControlCaps = on_caps;
    }
}

void orl_rdp_source_size_want(struct orl_source *s, const struct orl_layout *layout)
{
    s->size.wanted = *layout;
    send_wanted(s);
}
