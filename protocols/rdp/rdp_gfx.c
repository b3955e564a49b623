/* The graphics pipeline (MS-RDPEGFX): one surface, updates as frames. A frame's PDUs go as one channel message
 * where they fit, because every message costs about 49 bytes of headers. */
#include "protocols/rdp/rdp_client_match.h"
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/rdpgfx.h>
#include <string.h>

enum {
    KEPT_BYTES = 64 * 1024,            /* of buffers, between frames */
    MESSAGE_BYTES = 256 * 1024,        /* a longer frame is more than one message */
    PDUS_MAX_BYTES = 64 * 1024 * 1024, /* one H.264 picture or one band of pixels on top of it */
};

bool orl_rdp_gfx_open(struct orl_viewer *v)
{
    orl_buf_init(&v->gfx.pdus, PDUS_MAX_BYTES);
    orl_buf_init(&v->gfx.message, PDUS_MAX_BYTES + PDUS_MAX_BYTES / 1024);
    const rdpSettings *settings = orl_rdp_settings(v);
    const bool is_planar = orl_rdp_client_matches(v->planar_clients,
            freerdp_settings_get_string(settings, FreeRDP_ClientHostname),
            freerdp_settings_get_uint32(settings, FreeRDP_ClientBuild));
    if (orl_rdp_pixels_init(&v->gfx.pixels, v->has_clear && !is_planar) < 0 ||
            (v->has_bulk_compression && !is_planar && orl_zgfx_new(&v->gfx.zgfx) < 0)) {
        return false;
    }
    return orl_rdp_dvc_open(v, &v->gfx.dvc, RDPGFX_DVC_CHANNEL_NAME);
}

/* What a whole picture took is not kept for the keys that follow. */
static void reset(struct orl_buf *buf)
{
    if (buf->capacity > KEPT_BYTES) {
        orl_buf_fini(buf);
    }
    orl_buf_reset(buf);
}

/* Hands what was built to FreeRDP's queue. */
static int post(struct orl_viewer *v)
{
    struct orl_rdp_gfx *gfx = &v->gfx;
    int code = 0;
    if (gfx->pdus.is_failed) {
        code = ORL_E_LIMIT;
    } else if (gfx->pdus.len > 0) {
        if (gfx->zgfx != NULL) {
            orl_zgfx_wrap(gfx->zgfx, &gfx->message, gfx->pdus.data, gfx->pdus.len, !gfx->has_video);
        } else {
            orl_gfx_wrap(&gfx->message, gfx->pdus.data, gfx->pdus.len);
        }
        if (gfx->message.is_failed) {
            code = ORL_E_LIMIT;
        } else if (!orl_rdp_dvc_write(v, &gfx->dvc, gfx->message.data, gfx->message.len)) {
            code = ORL_E_CLOSED;
        }
    }
    reset(&gfx->message);
    reset(&gfx->pdus);
    gfx->has_video = false;
    return code;
}

static int on_caps(struct orl_viewer *v, const struct orl_gfx_client_pdu *pdu)
{
    if (pdu->caps.version == 0 || v->gfx.is_confirmed) {
        return ORL_E_PROTO;
    }
    struct orl_gfx_caps caps = pdu->caps;
    if (caps.version == ORL_GFX_V81) {
        caps.flags &= ORL_GFX_FLAG_AVC420 | 0x3;
    }
    v->gfx.has_avc = pdu->has_avc;
    v->gfx.is_confirmed = true;
    orl_gfx_put_caps_confirm(&v->gfx.pdus, &caps);
    return post(v);
}

static int on_ack(struct orl_viewer *v, const struct orl_gfx_client_pdu *pdu)
{
    const bool has_acks = pdu->queue_depth != ORL_GFX_ACKS_SUSPENDED;
    orl_rdp_flight_ack(v, pdu->frame_id);
    if (has_acks == v->has_acks) {
        return 0;
    }
    v->has_acks = has_acks;
    v->flight.count = 0;
    v->wants_writable = !has_acks; /* whoever waits for an acknowledgement would wait for ever */
    orl_rdp_report_caps(v);
    return 0;
}

static int on_pdu(struct orl_viewer *v, const struct orl_gfx_client_pdu *pdu)
{
    switch (pdu->kind) {
    case ORL_GFX_CLIENT_CAPS:
        return on_caps(v, pdu);
    case ORL_GFX_CLIENT_ACK:
        return on_ack(v, pdu);
    case ORL_GFX_CLIENT_CACHE_OFFER:
        /* One answer: FreeRDP would keep any number for a client that reads none. */
        if (!v->gfx.is_confirmed || v->gfx.has_offered) {
            return ORL_E_PROTO;
        }
        v->gfx.has_offered = true;
        orl_gfx_put_cache_reply(&v->gfx.pdus);
        return post(v);
    case ORL_GFX_CLIENT_NONE:
        break;
    }
    return 0;
}

int orl_rdp_gfx_run(struct orl_viewer *v)
{
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_RDP_CHANNEL_MAX_BYTES);
    int code = 0;
    while ((code = orl_rdp_dvc_read(&v->gfx.dvc, &buf)) > 0) {
        size_t at = 0;
        code = 0;
        while (at < buf.len && code >= 0) {
            struct orl_gfx_client_pdu pdu;
            const int used = orl_gfx_parse_client(buf.data + at, buf.len - at, &pdu);
            code = used < 0 ? used : on_pdu(v, &pdu);
            at += used > 0 ? (size_t)used : 0;
        }
        if (code < 0) {
            break;
        }
    }
    orl_buf_fini(&buf);
    return code;
}

uint16_t orl_rdp_gfx_take_id(struct orl_viewer *v)
{
    struct orl_rdp_gfx *gfx = &v->gfx;
    bool is_used = true;
    while (is_used) {
        const uint16_t id = ++gfx->last_surface;
        is_used = id == 0 || id == gfx->surface;
        for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
            is_used = is_used || id == gfx->slots[i].surface;
        }
    }
    return gfx->last_surface;
}

int orl_rdp_gfx_set_size(struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    struct orl_rdp_gfx *gfx = &v->gfx;
    if (gfx->has_surface && gfx->width_px == width_px && gfx->height_px == height_px) {
        return 0;
    }
    orl_rdp_video_keep(v, 0);
    if (gfx->has_surface) {
        orl_gfx_put_delete(&gfx->pdus, gfx->surface);
    }
    gfx->surface = orl_rdp_gfx_take_id(v);
    const struct orl_layout monitors = orl_rdp_monitors_of(v, width_px, height_px);
    orl_gfx_put_reset(&gfx->pdus, &monitors);
    orl_gfx_put_create(&gfx->pdus, gfx->surface, width_px, height_px);
    orl_gfx_put_map(&gfx->pdus, gfx->surface);
    gfx->has_surface = true;
    gfx->width_px = width_px;
    gfx->height_px = height_px;
    const int code = post(v);
    orl_rdp_flush(v);
    return code;
}

static int put_pixels(
        struct orl_viewer *v, const struct orl_update *update, const struct orl_rect *rect)
{
    struct orl_buf *pdus = &v->gfx.pdus;
    const struct orl_rdp_picture picture = {update->pixels, update->stride_bytes};
    struct orl_rect rest = *rect;
    while (rest.height > 0) {
        struct orl_rect band = rest;
        band.height = orl_rdp_pixels_rows(&picture, &rest);
        orl_rdp_pixels_put(&v->gfx.pixels, pdus, v->gfx.surface, &picture, &band);
        rest.y += band.height;
        rest.height -= band.height;
        if (pdus->len >= MESSAGE_BYTES || pdus->is_failed) {
            const int code = post(v);
            if (code < 0) {
                return code;
            }
        }
    }
    return 0;
}

static int put_op(struct orl_viewer *v, const struct orl_update *update, const struct orl_op *op)
{
    const struct orl_rect all = {0, 0, (int32_t)v->gfx.width_px, (int32_t)v->gfx.height_px};
    const struct orl_rect from = {op->from_x, op->from_y, op->rect.width, op->rect.height};
    orl_assert(op->kind == ORL_OP_H264 || orl_rect_contains(&all, &op->rect));
    switch (op->kind) {
    case ORL_OP_NONE:
        break;
    case ORL_OP_COPY:
        orl_assert(orl_rect_contains(&all, &from));
        orl_gfx_put_copy(
                &v->gfx.pdus, v->gfx.surface, v->gfx.surface, &op->rect, op->from_x, op->from_y);
        break;
    case ORL_OP_FILL:
        orl_gfx_put_fill(&v->gfx.pdus, v->gfx.surface, op->colour, &op->rect);
        break;
    case ORL_OP_LOSSLESS:
    case ORL_OP_PHOTO:
        return put_pixels(v, update, &op->rect);
    case ORL_OP_H264:
        orl_rdp_video_put(v, op);
        break;
    }
    return 0;
}

int orl_rdp_gfx_send(struct orl_viewer *v, const struct orl_update *update)
{
    struct orl_rdp_gfx *gfx = &v->gfx;
    if (!gfx->has_surface || update->width_px != gfx->width_px ||
            update->height_px != gfx->height_px) {
        return ORL_E_INVAL;
    }
    int code = 0;
    orl_gfx_put_start(&gfx->pdus, update->frame_id);
    for (unsigned i = 0; i < update->op_count && code == 0; i++) {
        code = put_op(v, update, &update->ops[i]);
    }
    orl_rdp_video_keep(v, update->h264_slots);
    orl_gfx_put_end(&gfx->pdus, update->frame_id);
    orl_rdp_planar_frame(&gfx->pixels.planar);
    if (code == 0) {
        code = post(v);
    }
    return code;
}

void orl_rdp_gfx_fini(struct orl_viewer *v)
{
    orl_rdp_dvc_close(&v->gfx.dvc);
    orl_buf_fini(&v->gfx.pdus);
    orl_buf_fini(&v->gfx.message);
    orl_rdp_pixels_fini(&v->gfx.pixels);
    orl_zgfx_free(v->gfx.zgfx);
}
