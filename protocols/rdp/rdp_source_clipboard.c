/* Clipboard text between a server and the console (MS-RDPECLIP), the client's part: a static channel of our own, so
 * that what a server sends is bounded by what a text may be. Rendered when somebody pastes. */
#include "protocols/rdp/rdp_clipboard_wire.h"
#include "protocols/rdp/rdp_source_priv.h"
#include <freerdp/channels/channels.h>
#include <freerdp/channels/cliprdr.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_BYTES = 1024 }; /* everything but texts */

/* Takes what msg holds: FreeRDP gives the memory back with WRITE_COMPLETE. */
static void post(struct orl_source *s, struct orl_buf *msg)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    UINT rc = CHANNEL_RC_BAD_CHANNEL;
    if (clip->is_open && !msg->is_failed && msg->len <= UINT32_MAX) {
        rc = clip->points.pVirtualChannelWriteEx(
                clip->init_handle, clip->open_handle, msg->data, (ULONG)msg->len, msg->data);
    }
    if (rc == CHANNEL_RC_OK) {
        orl_buf_init(msg, 0);
    } else {
        orl_buf_wipe(msg);
        orl_buf_fini(msg);
    }
}

static void tell(struct orl_source *s, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    const struct orl_clipboard said = {.step = step, .serial = serial, .has_text = has_text};
    if (s->state == ORL_RDP_SOURCE_UP) {
        s->events->on_clipboard(s->ctx, &said);
    }
}

static void list(struct orl_source *s)
{
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_list(&msg, s->clip.has_text, s->clip.has_long_names);
    post(s, &msg);
}

static void answer_none(struct orl_source *s)
{
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_no_text(&msg);
    s->clip.is_server_waiting = false;
    post(s, &msg);
}

/* ---- from the server ---- */

static void on_ready(struct orl_source *s)
{
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_caps(&msg);
    post(s, &msg);
    s->clip.is_ready = true;
    list(s); /* also an empty one: the server waits for it */
}

static void give_up_asked(struct orl_source *s)
{
    const uint32_t asked = s->clip.asked;
    s->clip.asked = 0;
    if (asked != 0) {
        tell(s, ORL_CLIPBOARD_DATA, asked, false);
    }
}

static void on_list(struct orl_source *s, const struct orl_clip_pdu *pdu)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    struct orl_buf msg;
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_list_response(&msg);
    post(s, &msg);
    give_up_asked(s);
    const bool had_text = clip->format != ORL_CLIP_NO_FORMAT;
    clip->format = orl_clip_listed_text(pdu, clip->has_long_names);
    clip->serial++;
    if (had_text || clip->format != ORL_CLIP_NO_FORMAT) {
        tell(s, ORL_CLIPBOARD_OFFER, clip->serial, clip->format != ORL_CLIP_NO_FORMAT);
    }
}

static void on_request(struct orl_source *s, const struct orl_clip_pdu *pdu)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    uint32_t format = ORL_CLIP_NO_FORMAT;
    const bool is_text = orl_clip_requested(pdu, &format) == ORL_OK &&
                         (format == ORL_CLIP_TEXT || format == ORL_CLIP_UNICODE_TEXT);
    if (!is_text || !clip->has_text || s->state != ORL_RDP_SOURCE_UP) {
        answer_none(s);
        return;
    }
    clip->is_server_waiting = true;
    clip->wanted_format = format;
    tell(s, ORL_CLIPBOARD_REQUEST, clip->offer, false);
}

static void on_answer(struct orl_source *s, const struct orl_clip_pdu *pdu)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    struct orl_buf text;
    struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA, .serial = clip->asked};
    if (clip->asked == 0 || s->state != ORL_RDP_SOURCE_UP) {
        return;
    }
    orl_buf_init(&text, ORL_CLIPBOARD_MAX_BYTES);
    clip->asked = 0;
    data.has_text = (pdu->flags & ORL_CLIP_OK) != 0 &&
                    orl_clip_text_of(pdu, clip->asked_format, &text) == ORL_OK;
    if (data.has_text) {
        data.text = text.len > 0 ? (const char *)text.data : "";
        data.len = text.len;
    }
    s->events->on_clipboard(s->ctx, &data);
    orl_buf_wipe(&text);
    orl_buf_fini(&text);
}

static void on_message(struct orl_source *s)
{
    struct orl_clip_pdu pdu;
    if (orl_clip_parse(s->clip.in.data, s->clip.in.len, &pdu) < 0) {
        return;
    }
    switch (pdu.type) {
    case ORL_CLIP_CAPS:
        s->clip.has_long_names = orl_clip_has_long_names(&pdu);
        break;
    case ORL_CLIP_MONITOR_READY:
        on_ready(s);
        break;
    case ORL_CLIP_FORMAT_LIST:
        on_list(s, &pdu);
        break;
    case ORL_CLIP_DATA_REQUEST:
        on_request(s, &pdu);
        break;
    case ORL_CLIP_DATA_RESPONSE:
        on_answer(s, &pdu);
        break;
    default:
        break;
    }
}

static void receive(struct orl_source *s, const void *data, size_t len, uint32_t flags)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    if ((flags & CHANNEL_FLAG_FIRST) != 0) {
        orl_buf_reset(&clip->in);
    }
    orl_buf_put(&clip->in, data, len);
    if ((flags & CHANNEL_FLAG_LAST) == 0) {
        return;
    }
    if (!clip->in.is_failed && clip->in.len > 0) {
        on_message(s);
    } else {
        give_up_asked(s); /* a text longer than any may be */
    }
    orl_buf_wipe(&clip->in);
    orl_buf_fini(&clip->in);
    orl_buf_init(&clip->in, orl_clip_response_max(ORL_CLIPBOARD_MAX_BYTES));
}

static VOID VCAPITYPE on_open_event(
        LPVOID ctx, DWORD handle, UINT event, LPVOID data, UINT32 len, UINT32 total, UINT32 flags)
{
    struct orl_source *s = ctx;
    (void)handle;
    (void)total;
    if (event == CHANNEL_EVENT_DATA_RECEIVED) {
        receive(s, data, len, flags);
    } else if (event == CHANNEL_EVENT_WRITE_COMPLETE || event == CHANNEL_EVENT_WRITE_CANCELLED) {
        free(data);
    }
}

static VOID VCAPITYPE on_init_event(LPVOID ctx, LPVOID handle, UINT event, LPVOID data, UINT len)
{
    struct orl_source *s = ctx;
    struct orl_rdp_source_clip *clip = &s->clip;
    (void)data;
    (void)len;
    if (event == CHANNEL_EVENT_CONNECTED) {
        char name[] = CLIPRDR_SVC_CHANNEL_NAME;
        clip->is_open = clip->points.pVirtualChannelOpenEx(
                                handle, &clip->open_handle, name, on_open_event) == CHANNEL_RC_OK;
    } else if (event == CHANNEL_EVENT_DISCONNECTED || event == CHANNEL_EVENT_TERMINATED) {
        clip->is_open = clip->is_ready = false;
    }
}

static BOOL VCAPITYPE on_entry(PCHANNEL_ENTRY_POINTS_EX points, PVOID init_handle)
{
    const CHANNEL_ENTRY_POINTS_FREERDP_EX *p = (const void *)points;
    struct orl_source *s = p->pExtendedData;
    CHANNEL_DEF channel = {.name = CLIPRDR_SVC_CHANNEL_NAME,
            .options = CHANNEL_OPTION_INITIALIZED | CHANNEL_OPTION_ENCRYPT_RDP |
                       CHANNEL_OPTION_SHOW_PROTOCOL};
    s->clip.points = *p;
    s->clip.init_handle = init_handle;
    orl_buf_init(&s->clip.in, orl_clip_response_max(ORL_CLIPBOARD_MAX_BYTES));
    return p->pVirtualChannelInitEx(s, NULL, init_handle, &channel, 1,
                   VIRTUAL_CHANNEL_VERSION_WIN2000, on_init_event) == CHANNEL_RC_OK;
}

bool orl_rdp_source_clip_load(struct orl_source *s)
{
    rdpContext *context = s->instance->context;
    return freerdp_channels_client_load_ex(context->channels, context->settings, on_entry, s) == 0;
}

void orl_rdp_source_clip_fini(struct orl_source *s)
{
    orl_buf_wipe(&s->clip.in);
    orl_buf_fini(&s->clip.in);
}

/* ---- from the console ---- */

static void ask(struct orl_source *s, uint32_t serial)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    struct orl_buf msg;
    if (!clip->is_ready || clip->format == ORL_CLIP_NO_FORMAT || serial != clip->serial) {
        tell(s, ORL_CLIPBOARD_DATA, serial, false);
        return;
    }
    orl_buf_init(&msg, SMALL_BYTES);
    orl_clip_put_request(&msg, clip->format);
    clip->asked = serial;
    clip->asked_format = clip->format;
    post(s, &msg);
}

static void answer(struct orl_source *s, const struct orl_clipboard *step)
{
    struct orl_buf msg;
    if (!s->clip.is_server_waiting || step->serial != s->clip.offer) {
        return;
    }
    if (!step->has_text) {
        answer_none(s);
        return;
    }
    s->clip.is_server_waiting = false;
    orl_buf_init(&msg, orl_clip_response_max(ORL_CLIPBOARD_MAX_BYTES));
    orl_clip_put_text(&msg, s->clip.wanted_format, step->text, step->len);
    post(s, &msg);
}

void orl_rdp_source_clip_step(struct orl_source *s, const struct orl_clipboard *step)
{
    struct orl_rdp_source_clip *clip = &s->clip;
    switch (step->step) {
    case ORL_CLIPBOARD_OFFER:
        clip->has_text = step->has_text;
        clip->offer = step->serial;
        if (clip->is_server_waiting) {
            answer_none(s); /* of the former offer */
        }
        if (clip->is_ready) {
            list(s);
        }
        break;
    case ORL_CLIPBOARD_REQUEST:
        ask(s, step->serial);
        break;
    case ORL_CLIPBOARD_DATA:
        answer(s, step);
        break;
    default:
        break;
    }
}
