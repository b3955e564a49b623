/* Display control (MS-RDPEDISP): the client's monitors, and its wish for others. */
#include "protocols/rdp/rdp_monitors.h"
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/disp.h>

enum {
    PDU_CAPS = 5, /* 2.2.2.1 */
};

bool orl_rdp_disp_open(struct orl_viewer *v)
{
    return orl_rdp_dvc_open(v, &v->disp, DISP_DVC_CHANNEL_NAME);
}

static void send_caps(struct orl_viewer *v)
{
    struct orl_buf buf;
    orl_buf_init(&buf, 64);
    orl_buf_put_u32le(&buf, PDU_CAPS);
    orl_buf_put_u32le(&buf, 20);
    orl_buf_put_u32le(&buf, ORL_HEADS_MAX);
    orl_buf_put_u32le(&buf, ORL_SURFACE_MAX_PX);
    orl_buf_put_u32le(&buf, ORL_SURFACE_MAX_PX);
    if (!buf.is_failed) {
        (void)orl_rdp_dvc_write(v, &v->disp, buf.data, buf.len);
    }
    orl_buf_fini(&buf);
}

struct orl_layout orl_rdp_monitors_of(
        const struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    uint32_t width;
    uint32_t height;
    orl_layout_bounds(&v->layout, &width, &height);
    return width == width_px && height == height_px ? v->layout
                                                    : orl_layout_one(width_px, height_px);
}

void orl_rdp_login_monitors(struct orl_viewer *v)
{
    const rdpSettings *settings = orl_rdp_settings(v);
    const uint32_t count = freerdp_settings_get_uint32(settings, FreeRDP_MonitorCount);
    const uint32_t width_px = freerdp_settings_get_uint32(settings, FreeRDP_DesktopWidth);
    const uint32_t height_px = freerdp_settings_get_uint32(settings, FreeRDP_DesktopHeight);
    struct orl_rdp_monitor monitors[ORL_RDP_MONITORS_MAX];
    for (uint32_t i = 0; i < count && i < ORL_RDP_MONITORS_MAX; i++) {
        const rdpMonitor *m =
                freerdp_settings_get_pointer_array(settings, FreeRDP_MonitorDefArray, i);
        if (m == NULL || m->width < 0 || m->height < 0) {
            v->layout = orl_layout_one(width_px, height_px);
            return;
        }
        monitors[i] = (struct orl_rdp_monitor){.left = m->x,
                .top = m->y,
                .width_px = (uint32_t)m->width,
                .height_px = (uint32_t)m->height,
                .is_primary = m->is_primary != 0};
    }
    if (count < 2 || count > ORL_RDP_MONITORS_MAX ||
            !orl_rdp_monitors_layout(
                    monitors, count, v->max_width_px, v->max_height_px, &v->layout)) {
        v->layout = orl_layout_one(width_px, height_px);
    }
    v->layout = orl_rdp_monitors_of(v, width_px, height_px);
}

static void report(struct orl_viewer *v, const struct orl_layout *layout)
{
    const uint32_t width_now = v->use_gfx ? v->gfx.width_px : v->bitmap_width_px;
    const uint32_t height_now = v->use_gfx ? v->gfx.height_px : v->bitmap_height_px;
    uint32_t width;
    uint32_t height;
    orl_layout_bounds(layout, &width, &height);
    const bool is_new =
            width != width_now || height != height_now || !orl_layout_is_equal(layout, &v->layout);
    v->layout = *layout;
    if (v->state == ORL_RDP_READY && is_new) {
        v->events->on_layout(v->ctx, layout);
    }
}

int orl_rdp_disp_run(struct orl_viewer *v)
{
    const bool was_ready = v->disp.is_ready;
    struct orl_layout layout = {0};
    int code = 0;
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_RDP_CHANNEL_MAX_BYTES);
    while ((code = orl_rdp_dvc_read(&v->disp, &buf)) > 0) {
        code = orl_rdp_monitors_parse(
                buf.data, buf.len, v->max_width_px, v->max_height_px, &layout);
        if (code < 0) {
            break;
        }
    }
    orl_buf_fini(&buf);
    if (!was_ready && v->disp.is_ready) {
        send_caps(v);
    }
    /* Several wishes that came together are one. */
    if (code == 0 && layout.count > 0) {
        report(v, &layout);
    }
    return code;
}
