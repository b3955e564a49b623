#include "session/aside.h"

static bool has_clipboard(const struct orl_aside *aside)
{
    return aside->viewer.ops != NULL && aside->viewer.ops->clipboard != NULL &&
           aside->caps.has_clipboard && (aside->permit.clipboard & ORL_CLIPBOARD_BOTH) != 0;
}

static bool has_sound(const struct orl_aside *aside)
{
    return aside->viewer.ops != NULL && aside->viewer.ops->sound != NULL && aside->caps.has_sound &&
           aside->permit.has_sound != 0;
}

static int send_now(const struct orl_aside *aside, const struct orl_link_msg *msg)
{
    int fd = orl_picture_link_fd(aside->picture);
    return fd < 0 ? ORL_E_CLOSED : orl_link_send(fd, msg);
}

static void tell_wants(struct orl_aside *aside)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_WANT,
            .wants = (has_clipboard(aside) ? (uint32_t)ORL_WANT_CLIPBOARD : 0U) |
                     (has_sound(aside) ? (uint32_t)ORL_WANT_SOUND : 0U),
            .surface_fd = -1};
    aside->is_told = send_now(aside, &msg) != ORL_E_AGAIN;
}

void orl_aside_flush(struct orl_aside *aside)
{
    struct orl_link_msg msg = {.type = ORL_LINK_CLIPBOARD, .surface_fd = -1};
    if (!aside->is_told) {
        tell_wants(aside);
    }
    bool is_full = !aside->is_told;
    while (!is_full && orl_clipboard_out_next(&aside->out, &msg.clipboard)) {
        is_full = send_now(aside, &msg) == ORL_E_AGAIN;
        if (!is_full) { /* or the link is over, and what was for it goes with it */
            orl_clipboard_out_sent(&aside->out, &msg.clipboard);
        }
    }
    orl_picture_want_writable(aside->picture, ORL_PICTURE_ASIDE, is_full);
}

static void to_guest(struct orl_aside *aside, const struct orl_clipboard *step)
{
    if (orl_clipboard_out_add(&aside->out, step, NULL) == ORL_OK) {
        orl_aside_flush(aside);
    }
}

static void to_client(struct orl_aside *aside, const struct orl_clipboard *step)
{
    aside->viewer.ops->clipboard(aside->viewer.viewer, step);
}

/* What was asked for and will not come. */
static void refuse_client(struct orl_aside *aside)
{
    const struct orl_clipboard none = {.step = ORL_CLIPBOARD_DATA, .serial = aside->asked};
    orl_timer_stop(aside->timer);
    aside->asked = 0;
    if (none.serial != 0) {
        to_client(aside, &none);
    }
}

static void on_late(void *ctx)
{
    refuse_client(ctx);
}

/* ---- from the guest ---- */

static void on_guest_step(struct orl_aside *aside, const struct orl_clipboard *step)
{
    if (!has_clipboard(aside)) {
        return;
    }
    struct orl_clipboard passed = *step;
    bool is_permitted = orl_permit_clipboard(&aside->permit, step, false);
    switch (step->step) {
    case ORL_CLIPBOARD_OFFER:
        refuse_client(aside);
        aside->guest_offer = step->has_text ? step->serial : 0;
        if (is_permitted) {
            to_client(aside, step);
        }
        break;
    case ORL_CLIPBOARD_REQUEST:
        if (is_permitted && aside->client_has_text && step->serial == aside->client_offer) {
            aside->wanted = step->serial;
            to_client(aside, step);
        } else {
            passed.step = ORL_CLIPBOARD_DATA;
            passed.has_text = false;
            to_guest(aside, &passed);
        }
        break;
    case ORL_CLIPBOARD_DATA:
        if (aside->asked != 0 && step->serial == aside->asked) {
            orl_timer_stop(aside->timer);
            aside->asked = 0;
            passed.has_text = step->has_text && is_permitted;
            to_client(aside, &passed);
        }
        break;
    default:
        break;
    }
}

int orl_aside_on_link(struct orl_aside *aside, const struct orl_link_msg *msg)
{
    if (msg->type == ORL_LINK_SOUND) {
        if (has_sound(aside)) {
            aside->viewer.ops->sound(aside->viewer.viewer, &msg->sound);
        }
        return ORL_OK;
    }
    struct orl_clipboard step;
    int code = orl_clipboard_in_add(&aside->in, &msg->clipboard, &step, NULL);
    if (code == 1) {
        on_guest_step(aside, &step);
    }
    if (code == 1 && step.len > 0) {
        orl_clipboard_in_reset(&aside->in, orl_permit_max_bytes(&aside->permit));
    }
    return code < 0 ? code : ORL_OK;
}

/* ---- from the client ---- */

void orl_aside_on_client(struct orl_aside *aside, const struct orl_clipboard *step)
{
    struct orl_clipboard passed = *step;
    bool is_permitted = has_clipboard(aside) && orl_permit_clipboard(&aside->permit, step, true);
    switch (step->step) {
    case ORL_CLIPBOARD_OFFER:
        aside->client_offer = step->serial;
        aside->client_has_text = step->has_text;
        if (is_permitted) {
            to_guest(aside, step);
        }
        break;
    case ORL_CLIPBOARD_REQUEST:
        aside->asked = step->serial;
        if (is_permitted && step->serial != 0 && step->serial == aside->guest_offer &&
                orl_picture_link_fd(aside->picture) >= 0) {
            orl_timer_start(aside->timer, ORL_ASIDE_ANSWER_US, 0);
            to_guest(aside, step);
        } else {
            refuse_client(aside);
        }
        break;
    case ORL_CLIPBOARD_DATA:
        if (aside->wanted != 0 && step->serial == aside->wanted) {
            aside->wanted = 0;
            passed.has_text = step->has_text && is_permitted;
            to_guest(aside, &passed);
        }
        break;
    default:
        break;
    }
}

/* ---- life ---- */

int orl_aside_init(struct orl_aside *aside, struct orl_loop *loop, struct orl_picture *picture,
        struct orl_err *err)
{
    *aside = (struct orl_aside){.loop = loop, .picture = picture};
    orl_clipboard_in_init(&aside->in, 0);
    orl_clipboard_out_init(&aside->out);
    return orl_timer_new(loop, on_late, aside, &aside->timer, err);
}

void orl_aside_set(struct orl_aside *aside, const struct orl_viewer_handle *viewer,
        const struct orl_viewer_caps *caps, const struct orl_permit *permit)
{
    if (orl_permit_max_bytes(permit) != aside->in.max_bytes) {
        orl_clipboard_in_reset(&aside->in, orl_permit_max_bytes(permit));
    }
    aside->viewer = *viewer;
    aside->caps = *caps;
    aside->permit = *permit;
    if (viewer->ops->permit != NULL) {
        viewer->ops->permit(viewer->viewer, permit);
    }
    if (orl_picture_link_fd(aside->picture) >= 0) {
        tell_wants(aside);
        orl_aside_flush(aside);
    }
}

/* The old console's offers are void; the new one must hear of the client's. */
void orl_aside_attached(struct orl_aside *aside)
{
    orl_aside_lost(aside);
    tell_wants(aside);
    if (aside->client_has_text) {
        const struct orl_clipboard offer = {
                .step = ORL_CLIPBOARD_OFFER, .serial = aside->client_offer, .has_text = true};
        orl_aside_on_client(aside, &offer);
    }
    orl_aside_flush(aside);
}

void orl_aside_lost(struct orl_aside *aside)
{
    struct orl_clipboard none = {.step = ORL_CLIPBOARD_OFFER, .serial = aside->guest_offer};
    orl_clipboard_in_reset(&aside->in, orl_permit_max_bytes(&aside->permit));
    orl_clipboard_out_fini(&aside->out);
    orl_clipboard_out_init(&aside->out);
    aside->wanted = 0;
    refuse_client(aside);
    if (aside->guest_offer != 0 && has_clipboard(aside)) {
        aside->guest_offer = 0;
        to_client(aside, &none);
    }
}

void orl_aside_fini(struct orl_aside *aside)
{
    orl_timer_free(aside->timer);
    orl_clipboard_in_fini(&aside->in);
    orl_clipboard_out_fini(&aside->out);
}
