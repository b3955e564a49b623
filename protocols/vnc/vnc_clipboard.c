#include "protocols/vnc/vnc_clipboard.h"

#define OUT_MAX_BYTES (ORL_VNC_CUT_MAX_BYTES + 4096)
#define OUT_FULL_BYTES 2048 /* of short messages; a server that reads none gets no more */

void orl_vnc_clipboard_init(struct orl_vnc_clipboard *clipboard,
        void (*on_step)(void *ctx, const struct orl_clipboard *step), void *ctx)
{
    *clipboard = (struct orl_vnc_clipboard){.on_step = on_step, .ctx = ctx};
    orl_buf_init(&clipboard->out, OUT_MAX_BYTES);
    orl_buf_init(&clipboard->kept, ORL_CLIPBOARD_MAX_BYTES);
}

static void forget_kept(struct orl_vnc_clipboard *c)
{
    orl_buf_wipe(&c->kept);
    orl_buf_fini(&c->kept);
    c->has_kept = false;
}

void orl_vnc_clipboard_fini(struct orl_vnc_clipboard *clipboard)
{
    forget_kept(clipboard);
    orl_buf_wipe(&clipboard->out);
    orl_buf_fini(&clipboard->out);
}

static bool has_room(const struct orl_vnc_clipboard *c)
{
    return c->out.len < OUT_FULL_BYTES;
}

static void tell(const struct orl_vnc_clipboard *c, enum orl_clipboard_step step, uint32_t serial,
        const struct orl_buf *text)
{
    const struct orl_clipboard s = {.step = step,
            .serial = serial,
            .has_text = text != NULL,
            .text = text != NULL ? (const char *)text->data : NULL,
            .len = step == ORL_CLIPBOARD_DATA && text != NULL ? text->len : 0};
    c->on_step(c->ctx, &s);
}

static void guest_offers(struct orl_vnc_clipboard *c, bool has_text)
{
    const struct orl_clipboard offer = {
            .step = ORL_CLIPBOARD_OFFER, .serial = ++c->guest_serial, .has_text = has_text};
    c->is_guest_asked = false;
    c->has_client_text = false;
    c->on_step(c->ctx, &offer);
}

static void take_text(struct orl_vnc_clipboard *c, const struct orl_vnc_cut *cut)
{
    if (c->is_guest_asked) {
        c->is_guest_asked = false;
        tell(c, ORL_CLIPBOARD_DATA, c->guest_serial, cut->has_text ? &cut->text : NULL);
        return;
    }
    forget_kept(c);
    orl_buf_put(&c->kept, cut->text.data, cut->text.len);
    c->has_kept = cut->has_text && !c->kept.is_failed;
    guest_offers(c, c->has_kept);
}

void orl_vnc_clipboard_from_server(
        struct orl_vnc_clipboard *clipboard, const struct orl_vnc_cut *cut)
{
    struct orl_vnc_clipboard *c = clipboard;
    switch (cut->kind) {
    case ORL_VNC_CUT_CAPS:
        if (!c->is_extended && cut->has_text) {
            c->is_extended = true;
            c->takes_notify = cut->takes_notify;
            orl_vnc_cut_put_caps(&c->out, ORL_VNC_CUT_BY_CLIENT);
        }
        break;
    case ORL_VNC_CUT_PROVIDE:
    case ORL_VNC_CUT_PLAIN:
        take_text(c, cut);
        break;
    case ORL_VNC_CUT_NOTIFY:
        forget_kept(c);
        guest_offers(c, cut->has_text);
        break;
    case ORL_VNC_CUT_REQUEST:
        if (c->has_client_text && cut->has_text) {
            tell(c, ORL_CLIPBOARD_REQUEST, c->client_serial, NULL);
        }
        break;
    case ORL_VNC_CUT_PEEK:
        if (has_room(c)) {
            orl_vnc_cut_put_notify(&c->out, ORL_VNC_CUT_BY_CLIENT, c->has_client_text);
        }
        break;
    default:
        break;
    }
}

static void client_offers(struct orl_vnc_clipboard *c, const struct orl_clipboard *offer)
{
    c->has_client_text = offer->has_text;
    c->client_serial = offer->serial;
    if (c->is_extended && c->takes_notify) {
        if (has_room(c)) {
            orl_vnc_cut_put_notify(&c->out, ORL_VNC_CUT_BY_CLIENT, offer->has_text);
        }
    } else if (offer->has_text) {
        tell(c, ORL_CLIPBOARD_REQUEST, offer->serial, NULL);
    }
}

static void client_asks(struct orl_vnc_clipboard *c, uint32_t serial)
{
    if (serial != c->guest_serial || (!c->has_kept && !(c->is_extended && has_room(c)))) {
        tell(c, ORL_CLIPBOARD_DATA, serial, NULL);
    } else if (c->has_kept) {
        tell(c, ORL_CLIPBOARD_DATA, serial, &c->kept);
    } else {
        c->is_guest_asked = true;
        orl_vnc_cut_put_request(&c->out, ORL_VNC_CUT_BY_CLIENT);
    }
}

static void client_gives(struct orl_vnc_clipboard *c, const struct orl_clipboard *data)
{
    if (data->serial != c->client_serial || !c->has_client_text) {
        return;
    }
    bool is_fit = data->has_text && data->len <= ORL_VNC_CUT_TEXT_MAX && has_room(c);
    if (!c->is_extended && is_fit) {
        orl_vnc_cut_put_plain(&c->out, ORL_VNC_CUT_BY_CLIENT, data->text, data->len);
    }
    if (!c->is_extended || (is_fit && orl_vnc_cut_put_provide(&c->out, ORL_VNC_CUT_BY_CLIENT,
                                              data->text, data->len, c->is_qemu))) {
        return;
    }
    if (c->takes_notify && has_room(c)) {
        orl_vnc_cut_put_notify(&c->out, ORL_VNC_CUT_BY_CLIENT,
                false); /* the extension has no other way to say no */
    }
}

void orl_vnc_clipboard_from_client(
        struct orl_vnc_clipboard *clipboard, const struct orl_clipboard *step)
{
    if (step->step == ORL_CLIPBOARD_OFFER) {
        client_offers(clipboard, step);
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        client_asks(clipboard, step->serial);
    } else {
        client_gives(clipboard, step);
    }
}
