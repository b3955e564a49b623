/* Display control (MS-RDPEDISP): the client's wish for another desktop size. */
#include "base/rd.h"
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/disp.h>

enum {
    PDU_MONITOR_LAYOUT = 2, /* 2.2.2.2 */
    PDU_CAPS = 5,           /* 2.2.2.1 */
    MONITOR_BYTES = 40,
    MONITORS_MAX = 16,
    MONITOR_IS_PRIMARY = 1
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
    orl_buf_put_u32le(&buf, 1); /* monitors */
    orl_buf_put_u32le(&buf, ORL_SURFACE_MAX_PX);
    orl_buf_put_u32le(&buf, ORL_SURFACE_MAX_PX);
    if (!buf.is_failed) {
        (void)orl_rdp_dvc_write(&v->disp, buf.data, buf.len);
    }
    orl_buf_fini(&buf);
}

/* The wanted size is the primary monitor's (the first one's, if none says so). */
static int parse(const uint8_t *data, size_t len, uint32_t *ret_width, uint32_t *ret_height)
{
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    const uint32_t type = orl_rd_u32le(&rd);
    const uint32_t length = orl_rd_u32le(&rd);
    const uint32_t monitor_bytes = orl_rd_u32le(&rd);
    const uint32_t count = orl_rd_u32le(&rd);
    if (rd.is_failed || length > len || type != PDU_MONITOR_LAYOUT ||
            monitor_bytes != MONITOR_BYTES || count == 0 || count > MONITORS_MAX) {
        return ORL_E_PROTO;
    }
    bool has_primary = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t flags = orl_rd_u32le(&rd);
        orl_rd_skip(&rd, 8); /* left, top */
        const uint32_t width = orl_rd_u32le(&rd);
        const uint32_t height = orl_rd_u32le(&rd);
        orl_rd_skip(&rd, 20);
        const bool is_primary = (flags & MONITOR_IS_PRIMARY) != 0;
        if (i == 0 || (is_primary && !has_primary)) {
            *ret_width = width;
            *ret_height = height;
        }
        has_primary = has_primary || is_primary;
    }
    return rd.is_failed ? ORL_E_PROTO : 0;
}

static void report(struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    const uint32_t width_now = v->use_gfx ? v->gfx.width_px : v->bitmap_width_px;
    const uint32_t height_now = v->use_gfx ? v->gfx.height_px : v->bitmap_height_px;
    const struct orl_input input = {
            .kind = ORL_INPUT_SIZE, .x = (int32_t)width_px, .y = (int32_t)height_px};
    if (v->state == ORL_RDP_READY && (width_px != width_now || height_px != height_now)) {
        v->events->on_input(v->ctx, &input);
    }
}

int orl_rdp_disp_run(struct orl_viewer *v)
{
    const bool was_ready = v->disp.is_ready;
    uint32_t width = 0;
    uint32_t height = 0;
    int code = 0;
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_RDP_CHANNEL_MAX_BYTES);
    while ((code = orl_rdp_dvc_read(&v->disp, &buf)) > 0) {
        code = parse(buf.data, buf.len, &width, &height);
        if (code < 0) {
            break;
        }
    }
    orl_buf_fini(&buf);
    if (!was_ready && v->disp.is_ready) {
        send_caps(v);
    }
    /* Several wishes that came together are one. */
    if (code == 0 && width > 0 && height > 0) {
        report(v, orl_rdp_clamp_width(v, width), orl_rdp_clamp_height(v, height));
    }
    return code;
}
