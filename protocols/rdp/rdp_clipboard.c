/* Clipboard redirection (MS-RDPECLIP), text only, rendered when somebody pastes. One question to the client at a time:
 * its answers carry no number. */
#include "protocols/rdp/rdp_clipboard_wire.h"
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/cliprdr.h>
#include <string.h>

enum { SMALL_BYTES = 64 * 1024 };                        /* everything but texts */
static const uint64_t ANSWER_US = 5 * UINT64_C(1000000); /* then a paste in the guest fails */
static const uint64_t ECHO_US = UINT64_C(1000000);
static const uint64_t SETTLE_US = UINT64_C(300000);
static const uint64_t HASH_BASIS = 0xCBF29CE484222325; /* FNV-1a */
static const uint64_t HASH_PRIME = 0x100000001B3;

/* Who finds a collision only keeps the guest from one text of his own client. */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = HASH_BASIS ^ len;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)text[i]) * HASH_PRIME;
    }
    return hash;
}

/* Takes what msg holds. */
static bool post(struct orl_viewer *v, struct orl_buf *msg)
{
    const bool ok = orl_rdp_svc_put(&v->clipboard.svc, msg);
    orl_buf_wipe(msg);
    orl_buf_fini(msg);
    if (!v->is_on_stack) {
        orl_rdp_flush(v);
    }
    return ok;
}

/* For messages that always have room, unless the client reads nothing. */
static void post_small(struct orl_viewer *v, struct orl_buf *msg)
{
    if (!post(v, msg)) {
        orl_rdp_close(v, ORL_REASON_CLIENT_STALLED, "clipboard channel");
    }
}

static void tell(struct orl_viewer *v, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    const struct orl_clipboard said = {.step = step, .serial = serial, .has_text = has_text};
    v->events->on_clipboard(v->ctx, &said);
}

static void list(struct orl_viewer *v);

/* ---- the client's text ---- */

static void ask(struct orl_viewer *v)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_request(&msg, clip->format);
    clip->asked = clip->offer;
    clip->asked_format = clip->format;
    orl_timer_start(clip->timer, ANSWER_US, 0);
    post_small(v, &msg);
}

static void report_offer(struct orl_viewer *v)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    const bool has_text = clip->format != ORL_CLIP_NO_FORMAT;
    clip->is_held = false;
    if (clip->asked == 0) {
        orl_timer_stop(clip->timer);
    }
    if (has_text || clip->is_offered) {
        clip->is_offered = has_text;
        tell(v, ORL_CLIPBOARD_OFFER, clip->offer, has_text);
    }
}

static void give_up_wanted(struct orl_viewer *v)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    const uint32_t wanted = clip->wanted;
    clip->wanted = 0;
    if (wanted != 0) {
        tell(v, ORL_CLIPBOARD_DATA, wanted, false);
    }
}

/* Some clients announce as their own what we have just offered them; passed on, guest and client would each wait for
 * the other's text. Whatever they announce right after our offer is fetched, and dropped when it is what we gave;
 * where policy keeps it from the guest, it is not fetched either. */
static bool may_be_echo(const struct orl_viewer *v)
{
    const struct orl_rdp_clipboard *clip = &v->clipboard;
    return clip->guest_has_text && (v->permit.clipboard & ORL_CLIPBOARD_TO_GUEST) != 0 &&
           clip->format != ORL_CLIP_NO_FORMAT &&
           orl_loop_now_us(v->loop) - clip->listed_us < ECHO_US;
}

/* Not at once: FreeRDP 2 announces twice, and mistakes an answer in between for an empty clipboard. */
static void hold(struct orl_viewer *v)
{
    v->clipboard.is_held = true;
    if (v->clipboard.asked == 0) {
        orl_timer_start(v->clipboard.timer, SETTLE_US, 0);
    }
}

static void on_list(struct orl_viewer *v, const struct orl_clip_pdu *pdu)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_list_response(&msg);
    post_small(v, &msg);
    give_up_wanted(v);
    clip->format = orl_clip_listed_text(pdu, clip->has_long_names);
    clip->offer++;
    if (may_be_echo(v)) {
        hold(v);
    } else {
        report_offer(v);
    }
    if (!clip->is_ready) {
        clip->is_ready = true;
        list(v);
    }
}

static void settle(struct orl_viewer *v, const struct orl_clipboard *answer)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    if (clip->is_held && answer->serial != clip->offer) {
        hold(v);
    } else if (clip->is_held) {
        if (answer->has_text && clip->given_hash == hash_of(answer->text, answer->len)) {
            clip->is_held = false;
            clip->format = ORL_CLIP_NO_FORMAT;
        } else {
            report_offer(v);
        }
    }
    if (clip->wanted != 0 && clip->wanted == answer->serial) {
        clip->wanted = 0;
        v->events->on_clipboard(v->ctx, answer);
    } else if (clip->wanted != 0) {
        ask(v);
    }
}

/* A text that did not fit the channel's cap has no end: pdu is NULL. */
static void on_answer(struct orl_viewer *v, const struct orl_clip_pdu *pdu)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    if (clip->asked == 0) {
        return; /* nobody asked, or too late */
    }
    struct orl_clipboard answer = {.step = ORL_CLIPBOARD_DATA, .serial = clip->asked};
    struct orl_buf text;
    orl_buf_init(&text, v->permit.clipboard_max_bytes);
    clip->asked = 0;
    orl_timer_stop(clip->timer);
    if (pdu != NULL && (pdu->flags & ORL_CLIP_OK) != 0 &&
            orl_clip_text_of(pdu, clip->asked_format, &text) == ORL_OK) {
        answer.has_text = true;
        answer.text = (const char *)text.data;
        answer.len = text.len;
    }
    settle(v, &answer);
    orl_buf_wipe(&text);
    orl_buf_fini(&text);
}

/* The client is late with its answer, or what it announced has settled. */
static void on_due(void *ctx)
{
    struct orl_viewer *v = ctx;
    struct orl_rdp_clipboard *clip = &v->clipboard;
    if (v->state != ORL_RDP_READY) {
        return;
    }
    if (clip->asked == 0 && clip->is_held) {
        ask(v);
        return;
    }
    clip->asked = 0;
    if (clip->is_held) {
        report_offer(v);
    }
    give_up_wanted(v);
}

static void on_guest_request(struct orl_viewer *v, uint32_t serial)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    if (serial == 0 || serial != clip->offer || clip->format == ORL_CLIP_NO_FORMAT) {
        tell(v, ORL_CLIPBOARD_DATA, serial, false);
        return;
    }
    clip->wanted = serial;
    if (clip->asked == 0) {
        ask(v);
    }
}

/* ---- the guest's text ---- */

static bool is_text(uint32_t format)
{
    return format == ORL_CLIP_UNICODE_TEXT || format == ORL_CLIP_TEXT;
}

static void put_answer(struct orl_viewer *v, uint32_t format, const struct orl_clipboard *data)
{
    struct orl_buf msg;
    if (data != NULL && data->has_text && is_text(format)) {
        orl_buf_init(&msg, orl_clip_response_max(v->permit.clipboard_max_bytes));
        orl_clip_put_text(&msg, format, data->text, data->len);
        if (post(v, &msg)) {
            v->clipboard.given_hash = hash_of(data->text, data->len);
            return;
        }
    }
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_no_text(&msg);
    post_small(v, &msg);
}

static void answer_waiting(struct orl_viewer *v, const struct orl_clipboard *data)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    const unsigned count = clip->waiting_count;
    clip->waiting_count = 0;
    for (unsigned i = 0; i < count; i++) {
        put_answer(v, clip->waiting[i], data);
    }
}

/* Answers go in the order of the questions, so a format that we lack waits its turn, too. */
static int on_request(struct orl_viewer *v, const struct orl_clip_pdu *pdu)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    uint32_t format = 0;
    if (orl_clip_requested(pdu, &format) < 0) {
        return ORL_E_PROTO;
    }
    const bool is_first = clip->waiting_count == 0;
    if (!clip->guest_has_text || (is_first && !is_text(format)) ||
            clip->waiting_count == ORL_RDP_CLIP_WAITING) {
        put_answer(v, format, NULL);
        return ORL_OK;
    }
    clip->waiting[clip->waiting_count++] = format;
    if (is_first) {
        tell(v, ORL_CLIPBOARD_REQUEST, clip->guest_offer, true);
    }
    return ORL_OK;
}

static void list(struct orl_viewer *v)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    if (!clip->is_ready || (!clip->guest_has_text && !clip->is_listed)) {
        return;
    }
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_list(&msg, clip->guest_has_text, clip->has_long_names);
    clip->is_listed = clip->guest_has_text;
    clip->listed_us = orl_loop_now_us(v->loop);
    clip->given_hash = 0;
    post_small(v, &msg);
}

static void on_guest_offer(struct orl_viewer *v, const struct orl_clipboard *step)
{
    answer_waiting(v, NULL);
    v->clipboard.guest_offer = step->serial;
    v->clipboard.guest_has_text = step->has_text;
    list(v);
}

/* ---- the channel ---- */

void orl_rdp_clipboard_step(struct orl_viewer *v, const struct orl_clipboard *step)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    if (clip->svc.id == 0) {
        return;
    }
    if (step->step == ORL_CLIPBOARD_OFFER) {
        on_guest_offer(v, step);
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        on_guest_request(v, step->serial);
    } else if (step->step == ORL_CLIPBOARD_DATA && step->serial == clip->guest_offer) {
        answer_waiting(v, step);
    }
}

static int on_pdu(struct orl_viewer *v, const struct orl_clip_pdu *pdu)
{
    switch (pdu->type) {
    case ORL_CLIP_CAPS:
        v->clipboard.has_long_names = orl_clip_has_long_names(pdu);
        return ORL_OK;
    case ORL_CLIP_FORMAT_LIST:
        on_list(v, pdu);
        return ORL_OK;
    case ORL_CLIP_DATA_REQUEST:
        return on_request(v, pdu);
    case ORL_CLIP_DATA_RESPONSE:
        on_answer(v, pdu);
        return ORL_OK;
    default: /* what belongs to files */
        return ORL_OK;
    }
}

int orl_rdp_clipboard_receive(struct orl_viewer *v, const uint8_t *data, size_t len, uint32_t flags)
{
    struct orl_buf *in = &v->clipboard.svc.in;
    struct orl_clip_pdu pdu;
    if (!orl_rdp_svc_receive(&v->clipboard.svc, data, len, flags)) {
        return ORL_OK;
    }
    int code = ORL_OK;
    if (in->is_failed) {
        on_answer(v, NULL);
    } else {
        code = orl_clip_parse(in->data, in->len, &pdu);
        code = code < 0 ? code : on_pdu(v, &pdu);
    }
    orl_buf_wipe(in);
    orl_buf_fini(in);
    return code;
}

void orl_rdp_clipboard_open(struct orl_viewer *v)
{
    struct orl_rdp_clipboard *clip = &v->clipboard;
    const size_t text_max = orl_clip_response_max(v->permit.clipboard_max_bytes);
    if (clip->svc.id != 0 || v->permit.clipboard == 0 ||
            !orl_rdp_svc_is_joined(v, CLIPRDR_SVC_CHANNEL_NAME) ||
            orl_timer_new(v->loop, on_due, v, &clip->timer, NULL) < 0) {
        return;
    }
    orl_rdp_svc_open(v, &clip->svc, CLIPRDR_SVC_CHANNEL_NAME,
            text_max > SMALL_BYTES ? text_max : (size_t)SMALL_BYTES, text_max + SMALL_BYTES);
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_caps(&msg);
    post_small(v, &msg);
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_ready(&msg);
    post_small(v, &msg);
}

void orl_rdp_clipboard_close(struct orl_viewer *v)
{
    orl_timer_free(v->clipboard.timer);
    orl_rdp_svc_close(&v->clipboard.svc);
}
