/* The client's clipboard: the extended one, in which text goes when somebody pastes, or plain cut text in Latin-1,
 * which goes when it is copied: such a client is asked nothing, and gets what the guest copies. */
#include "protocols/vnc/rfb_priv.h"
#include "protocols/vnc/vnc_cut.h"

static const uint64_t ANSWER_US = 5 * UINT64_C(1000000); /* then a paste in the guest fails */
static const uint64_t HASH_BASIS = 0xCBF29CE484222325;   /* FNV-1a */
static const uint64_t HASH_PRIME = 0x100000001B3;
enum { HEADS_BYTES = 4096 }; /* of a compressed text, beside an eighth of it */

/* Who finds a collision only keeps the guest from one text of his own client. */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = HASH_BASIS ^ len;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)text[i]) * HASH_PRIME;
    }
    return hash;
}

static bool is_extended(const struct orl_viewer *v)
{
    return v->ext.has_ext_clipboard;
}

static void tell(struct orl_viewer *v, const struct orl_clipboard *step)
{
    v->events->on_clipboard(v->ctx, step);
}

static void forget_text(struct orl_rfb_clipboard *clip)
{
    orl_buf_wipe(&clip->text);
    orl_buf_fini(&clip->text);
    clip->has_kept = false;
}

/* ---- the client's text ---- */

static void give_up_wanted(struct orl_viewer *v)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    const struct orl_clipboard none = {.step = ORL_CLIPBOARD_DATA, .serial = clip->wanted};
    orl_timer_stop(clip->timer);
    clip->wanted = 0;
    if (none.serial != 0) {
        tell(v, &none);
    }
}

static void on_late(void *ctx)
{
    give_up_wanted(ctx);
}

static void offer(struct orl_viewer *v, bool has_text)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    give_up_wanted(v);
    clip->has_text = has_text;
    clip->offer++;
    const struct orl_clipboard step = {
            .step = ORL_CLIPBOARD_OFFER, .serial = clip->offer, .has_text = has_text};
    tell(v, &step);
}

static void give(struct orl_viewer *v, uint32_t serial, const struct orl_buf *text)
{
    const struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
            .serial = serial,
            .has_text = true,
            .text = (const char *)text->data,
            .len = text->len};
    tell(v, &data);
}

/* A text that came unasked. Some clients send back what they were just given: passed on, guest and client would hand
 * it to each other without end. */
static void keep(struct orl_viewer *v, struct orl_vnc_cut *cut)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    if (cut->has_text && clip->has_given &&
            clip->given_hash == hash_of((const char *)cut->text.data, cut->text.len)) {
        return;
    }
    forget_text(clip);
    if (cut->has_text) {
        clip->text = cut->text;
        orl_buf_init(&cut->text, 0);
        clip->has_kept = true;
    }
    offer(v, clip->has_kept);
}

static void on_provided(struct orl_viewer *v, struct orl_vnc_cut *cut)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    const uint32_t wanted = clip->wanted;
    if (wanted == 0) {
        keep(v, cut);
    } else if (cut->has_text) {
        clip->wanted = 0;
        orl_timer_stop(clip->timer);
        give(v, wanted, &cut->text);
    } else {
        give_up_wanted(v);
    }
}

static void on_guest_request(struct orl_viewer *v, uint32_t serial)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    const struct orl_clipboard none = {.step = ORL_CLIPBOARD_DATA, .serial = serial};
    if (serial == 0 || serial != clip->offer || !clip->has_text) {
        tell(v, &none);
    } else if (clip->has_kept) {
        give(v, serial, &clip->text);
    } else if (clip->wanted == 0) {
        clip->wanted = serial;
        orl_timer_start(clip->timer, ANSWER_US, 0);
        orl_vnc_cut_put_request(&v->stream.out, ORL_VNC_CUT_BY_SERVER);
        orl_rfb_flush(v);
    }
}

/* ---- the guest's text ---- */

static void ask_guest(struct orl_viewer *v)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    const struct orl_clipboard step = {.step = ORL_CLIPBOARD_REQUEST, .serial = clip->guest_offer};
    clip->is_asked = true;
    tell(v, &step);
}

static void list(struct orl_viewer *v)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    if (is_extended(v)) {
        clip->owes_notify = true;
        orl_rfb_flush(v);
    } else if (clip->guest_has_text) {
        ask_guest(v);
    }
}

void orl_rfb_clipboard_put(struct orl_viewer *v)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    if (clip->owes_notify && clip->has_said_caps) {
        clip->owes_notify = false;
        orl_vnc_cut_put_notify(&v->stream.out, ORL_VNC_CUT_BY_SERVER, clip->guest_has_text);
    }
}

static void on_guest_data(struct orl_viewer *v, const struct orl_clipboard *step)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    if (!clip->is_asked || step->serial != clip->guest_offer) {
        return;
    }
    clip->is_asked = false;
    if (!step->has_text || orl_rfb_stream_waiting(&v->stream) > ORL_RFB_ASIDE_WAITING_MAX) {
        return; /* the protocol has no word for "it cannot be had" */
    }
    if (!is_extended(v)) {
        orl_vnc_cut_put_plain(&v->stream.out, ORL_VNC_CUT_BY_SERVER, step->text, step->len);
    } else if (!orl_vnc_cut_put_provide(
                       &v->stream.out, ORL_VNC_CUT_BY_SERVER, step->text, step->len, false)) {
        return;
    }
    clip->has_given = true;
    clip->given_hash = hash_of(step->text, step->len);
    orl_rfb_flush(v);
}

void orl_rfb_clipboard_step(struct orl_viewer *v, const struct orl_clipboard *step)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    if (!clip->is_open) {
        return;
    }
    switch (step->step) {
    case ORL_CLIPBOARD_OFFER:
        clip->is_asked = false;
        clip->guest_offer = step->serial;
        clip->guest_has_text = step->has_text;
        list(v);
        break;
    case ORL_CLIPBOARD_REQUEST:
        on_guest_request(v, step->serial);
        break;
    case ORL_CLIPBOARD_DATA:
        on_guest_data(v, step);
        break;
    default:
        break;
    }
}

/* ---- what the client says ---- */

static void on_cut(struct orl_viewer *v, struct orl_vnc_cut *cut)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    cut->has_text = cut->has_text && cut->text.len <= v->permit.clipboard_max_bytes;
    switch (cut->kind) {
    case ORL_VNC_CUT_NOTIFY:
        forget_text(clip);
        offer(v, cut->has_text);
        break;
    case ORL_VNC_CUT_PROVIDE:
        on_provided(v, cut);
        break;
    case ORL_VNC_CUT_PLAIN:
        keep(v, cut);
        break;
    case ORL_VNC_CUT_REQUEST:
        if (clip->guest_has_text && cut->has_text && !clip->is_asked) {
            ask_guest(v);
        }
        break;
    case ORL_VNC_CUT_PEEK:
        list(v);
        break;
    default: /* its capabilities: it may be told of a text whatever they are */
        break;
    }
}

void orl_rfb_on_cut_text(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    struct orl_vnc_cut *cut = NULL;
    if (!v->clipboard.is_open) {
        return;
    }
    if (msg->u.cut.is_extended && !is_extended(v)) {
        orl_rfb_close(v, ORL_REASON_CLIENT_PROTOCOL, "a clipboard message");
        return;
    }
    const int code =
            orl_vnc_cut_decode(msg->u.cut.data, msg->u.cut.len, msg->u.cut.is_extended, &cut);
    if (code == ORL_E_PROTO) {
        orl_rfb_close(v, ORL_REASON_CLIENT_PROTOCOL, "a clipboard message");
    } else if (code == ORL_OK) {
        on_cut(v, cut);
        orl_vnc_cut_free(cut);
    }
}

void orl_rfb_clipboard_skipped(struct orl_viewer *v)
{
    if (v->clipboard.is_open) {
        give_up_wanted(v);
    }
}

/* ---- life ---- */

void orl_rfb_clipboard_announce(struct orl_viewer *v)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    if (clip->is_open && is_extended(v) && !clip->has_said_caps) {
        clip->has_said_caps = true;
        clip->owes_notify = clip->guest_has_text;
        orl_vnc_cut_put_caps(&v->stream.out, ORL_VNC_CUT_BY_SERVER);
    }
}

void orl_rfb_clipboard_open(struct orl_viewer *v)
{
    struct orl_rfb_clipboard *clip = &v->clipboard;
    const bool takes_text = (v->permit.clipboard & ORL_CLIPBOARD_TO_GUEST) != 0;
    const size_t text_max = v->permit.clipboard_max_bytes;
    v->wire.cut_max = takes_text && text_max > ORL_RFB_SMALL_MAX
                              ? text_max + text_max / 8 + HEADS_BYTES
                              : (size_t)ORL_RFB_SMALL_MAX;
    orl_rfb_stream_set_in_max(&v->stream, v->wire.cut_max + ORL_RFB_SMALL_MAX);
    if (clip->timer == NULL && orl_timer_new(v->loop, on_late, v, &clip->timer, NULL) < 0) {
        return;
    }
    clip->is_open = v->permit.clipboard != 0;
    orl_rfb_clipboard_announce(v);
    orl_rfb_flush(v);
}

void orl_rfb_clipboard_fini(struct orl_viewer *v)
{
    orl_timer_free(v->clipboard.timer);
    forget_text(&v->clipboard);
}
