/* What an RFB client's messages do. */
#include "base/rd.h"
#include "protocols/vnc/rfb_priv.h"

enum {
    FENCE_FLAGS = ORL_RFB_FENCE_BLOCK_BEFORE | ORL_RFB_FENCE_BLOCK_AFTER | ORL_RFB_FENCE_SYNC_NEXT
};

static void on_format(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    struct orl_err err = {0};
    const int code = orl_rfb_enc_set_format(v->enc, &msg->u.format, &err);
    if (code < 0) {
        orl_rfb_close(v,
                code == ORL_E_UNSUPPORTED ? ORL_REASON_CLIENT_UNSUPPORTED
                                          : ORL_REASON_CLIENT_PROTOCOL,
                err.text);
    }
}

static void note(struct orl_rfb_extensions *ext, int32_t encoding)
{
    switch (encoding) {
    case ORL_RFB_DESKTOP_SIZE:
        ext->has_desktop_size = true;
        break;
    case ORL_RFB_EXT_DESKTOP_SIZE:
        ext->has_ext_size = true;
        break;
    case ORL_RFB_DESKTOP_NAME:
        ext->has_name = true;
        break;
    case ORL_RFB_QEMU_LED:
        ext->has_led = true;
        break;
    case ORL_RFB_QEMU_KEY:
        ext->has_ext_key = true;
        break;
    case ORL_RFB_EXT_MOUSE_BUTTONS:
        ext->has_ext_buttons = true;
        break;
    case ORL_RFB_FENCE:
        ext->has_fence = true;
        break;
    case ORL_RFB_CONTINUOUS_UPDATES:
        ext->has_continuous = true;
        break;
    case ORL_RFB_EXT_CLIPBOARD:
        ext->has_ext_clipboard = true;
        break;
    default:
        break;
    }
}

/* How a client learns that we take what it named: a message, or an empty rectangle. */
static void announce(struct orl_viewer *v, const struct orl_rfb_extensions *former)
{
    const struct orl_rfb_extensions *ext = &v->ext;
    if (ext->has_fence && !v->has_said_fence) {
        v->has_said_fence = true;
        orl_rfb_put_fence(&v->stream.out, ORL_RFB_FENCE_REQUEST, NULL, 0);
    }
    if (ext->has_continuous && !v->has_said_continuous) {
        v->has_said_continuous = true;
        orl_rfb_put_end_of_continuous(&v->stream.out);
    }
    v->owed.ext_key = v->owed.ext_key || (ext->has_ext_key && !former->has_ext_key);
    v->owed.name = v->owed.name || (ext->has_name && !former->has_name);
    v->owed.led = v->owed.led || (v->has_locks && ext->has_led && !former->has_led);
    if (ext->has_ext_buttons && !former->has_ext_buttons) {
        v->owed.ext_buttons = true;
        v->wire.has_ext_buttons = true;
    }
    if (ext->has_ext_size && !former->has_ext_size && !v->owed.size) {
        v->owed.size = true;
        v->owed.size_reason = ORL_RFB_SIZE_BY_SERVER;
        v->owed.size_status = ORL_RFB_SIZE_OK;
    }
}

static void on_encodings(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    const struct orl_rfb_extensions former = v->ext;
    struct orl_rfb_enc_caps before;
    struct orl_rfb_enc_caps after;
    orl_rfb_enc_caps(v->enc, &before);
    orl_rfb_enc_set_encodings(v->enc, msg->u.encodings.values, msg->u.encodings.count);
    orl_rfb_enc_caps(v->enc, &after);
    v->ext = (struct orl_rfb_extensions){.has_fence = false};
    for (unsigned i = 0; i < msg->u.encodings.count; i++) {
        note(&v->ext, msg->u.encodings.values[i]);
    }
    announce(v, &former);
    orl_rfb_clipboard_announce(v);
    v->owed.cursor = after.has_cursor && v->cursor != NULL;
    if (!v->ext.has_fence) {
        v->flight.count = 0;
    }
    orl_rfb_report_caps(v);
}

static void ask_update(struct orl_viewer *v, bool is_incremental)
{
    v->has_request = true;
    v->request_us = orl_loop_now_us(v->loop);
    if (v->state == ORL_RFB_INIT) {
        orl_rfb_become_ready(v); /* all of it is new to the client anyhow */
        return;
    }
    if (v->is_hidden) {
        v->is_hidden = false;
        v->events->on_visible(v->ctx, true);
    } else if (!is_incremental) {
        const struct orl_rect all = {0, 0, (int32_t)v->width_px, (int32_t)v->height_px};
        orl_rfb_enc_reset_h264(v->enc);
        v->events->on_refresh(v->ctx, &all);
    }
}

/* The area is not looked at: what is sent outside of what a client asked for it paints as well. */
static void on_continuous(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    if (!v->has_said_continuous) {
        return;
    }
    const bool was_on = v->is_continuous;
    v->is_continuous = msg->u.area.is_on;
    if (was_on && !v->is_continuous) {
        orl_rfb_put_end_of_continuous(&v->stream.out);
        v->request_us = orl_loop_now_us(v->loop);
    }
    if (v->is_continuous && v->state == ORL_RFB_INIT) {
        orl_rfb_become_ready(v);
    } else if (v->is_continuous && v->is_hidden) {
        v->is_hidden = false;
        v->events->on_visible(v->ctx, true);
    }
}

static void on_fence(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    struct orl_rd rd;
    if ((msg->u.fence.flags & ORL_RFB_FENCE_REQUEST) != 0) {
        orl_rfb_put_fence(&v->stream.out, msg->u.fence.flags & FENCE_FLAGS, msg->u.fence.payload,
                msg->u.fence.len);
        return;
    }
    orl_rd_init(&rd, msg->u.fence.payload, msg->u.fence.len);
    const uint32_t frame_id = orl_rd_u32be(&rd);
    if (!rd.is_failed) { /* without: the answer to the one that announced fences */
        orl_rfb_flight_ack(v, frame_id);
    }
}

void orl_rfb_on_msg(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    switch (msg->type) {
    case ORL_RFB_MSG_PIXEL_FORMAT:
        on_format(v, msg);
        break;
    case ORL_RFB_MSG_ENCODINGS:
        on_encodings(v, msg);
        break;
    case ORL_RFB_MSG_UPDATE_REQUEST:
        ask_update(v, msg->u.area.is_on);
        break;
    case ORL_RFB_MSG_CONTINUOUS:
        on_continuous(v, msg);
        break;
    case ORL_RFB_MSG_FENCE:
        on_fence(v, msg);
        break;
    case ORL_RFB_MSG_KEY:
        orl_rfb_on_key(v, msg);
        break;
    case ORL_RFB_MSG_POINTER:
        orl_rfb_on_pointer(v, msg);
        break;
    case ORL_RFB_MSG_DESKTOP_SIZE:
        orl_rfb_on_desktop_size(v, msg);
        break;
    case ORL_RFB_MSG_XVP: /* no policy lets a viewer switch machines off: no INIT was sent */
        orl_rfb_put_xvp(&v->stream.out, ORL_RFB_XVP_FAIL);
        break;
    case ORL_RFB_MSG_SKIP:
        v->skip_bytes = msg->u.skip_bytes;
        orl_rfb_clipboard_skipped(v);
        break;
    case ORL_RFB_MSG_CUT_TEXT:
        orl_rfb_on_cut_text(v, msg);
        break;
    case ORL_RFB_MSG_NONE:
        break;
    }
}
