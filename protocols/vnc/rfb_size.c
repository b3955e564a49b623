/* The size of the client's desktop: ours to say, its to wish (ExtendedDesktopSize, SetDesktopSize). */
#include "protocols/vnc/rfb_priv.h"
#include <string.h>

static const uint64_t FOLLOW_US = 5 * UINT64_C(1000000); /* for whoever has to follow a wish */

static void answer(struct orl_viewer *v, uint16_t status)
{
    v->is_size_asked = false;
    v->owed.size = true;
    v->owed.size_reason = ORL_RFB_SIZE_BY_CLIENT;
    v->owed.size_status = status;
}

/* Screens as heads whose smallest x and y are 0. False: not a layout that a desktop can have. */
static bool to_layout(const struct orl_rfb_msg *msg, struct orl_layout *ret_layout)
{
    if (msg->u.desktop.count == 0 || msg->u.desktop.count > ORL_HEADS_MAX) {
        return false;
    }
    *ret_layout = (struct orl_layout){.count = msg->u.desktop.count};
    for (unsigned i = 0; i < msg->u.desktop.count; i++) {
        const struct orl_rfb_screen_rect *screen = &msg->u.desktop.screens[i];
        ret_layout->heads[i] =
                (struct orl_rect){screen->x, screen->y, screen->width, screen->height};
    }
    uint32_t width = 0;
    uint32_t height = 0;
    orl_layout_bounds(ret_layout, &width, &height);
    return orl_layout_is_valid(ret_layout) && width == msg->u.desktop.width &&
           height == msg->u.desktop.height;
}

static bool is_allowed(const struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    return (v->max_width_px == 0 || msg->u.desktop.width <= v->max_width_px) &&
           (v->max_height_px == 0 || msg->u.desktop.height <= v->max_height_px);
}

/* Odd sizes are taken as they are: a client that is given another size than it wished asks again, without end. */
void orl_rfb_on_desktop_size(struct orl_viewer *v, const struct orl_rfb_msg *msg)
{
    struct orl_layout layout;
    if (!to_layout(msg, &layout)) {
        answer(v, ORL_RFB_SIZE_BAD_LAYOUT);
        return;
    }
    if (!is_allowed(v, msg)) {
        answer(v, ORL_RFB_SIZE_PROHIBITED);
        return;
    }
    v->layout = layout;
    memcpy(v->screens, msg->u.desktop.screens, layout.count * sizeof(v->screens[0]));
    v->is_size_asked = true;
    v->size_asked_us = orl_loop_now_us(v->loop);
    v->events->on_layout(v->ctx, &layout); /* may set the size at once */
    if (v->is_size_asked && msg->u.desktop.width == v->width_px &&
            msg->u.desktop.height == v->height_px) {
        answer(v, ORL_RFB_SIZE_OK);
    }
}

void orl_rfb_size_set(struct orl_viewer *v, uint32_t width_px, uint32_t height_px)
{
    uint32_t wished_width = 0;
    uint32_t wished_height = 0;
    orl_layout_bounds(&v->layout, &wished_width, &wished_height);
    v->width_px = width_px;
    v->height_px = height_px;
    orl_rfb_enc_reset_h264(v->enc);
    if (v->is_size_asked && wished_width == width_px && wished_height == height_px) {
        answer(v, ORL_RFB_SIZE_OK);
        return;
    }
    v->owed.size = true;
    v->owed.size_reason = ORL_RFB_SIZE_BY_SERVER;
    v->owed.size_status = ORL_RFB_SIZE_OK;
}

void orl_rfb_size_overdue(struct orl_viewer *v)
{
    if (v->is_size_asked && orl_loop_now_us(v->loop) - v->size_asked_us > FOLLOW_US) {
        answer(v, ORL_RFB_SIZE_NO_ROOM);
    }
}

/* Two heads only while the desktop is what the client wished: another one has a single screen. */
static void fill_screens(const struct orl_viewer *v, struct orl_rfb_size *size)
{
    uint32_t width = 0;
    uint32_t height = 0;
    orl_layout_bounds(&v->layout, &width, &height);
    const bool is_wished = v->layout.count > 1 && width == v->width_px && height == v->height_px;
    size->count = is_wished ? v->layout.count : 1;
    for (unsigned i = 0; i < size->count; i++) {
        const struct orl_rect all = {0, 0, (int32_t)v->width_px, (int32_t)v->height_px};
        const struct orl_rect *r = is_wished ? &v->layout.heads[i] : &all;
        size->screens[i] = (struct orl_rfb_screen_rect){.id = v->screens[i].id,
                .flags = v->screens[i].flags,
                .x = (uint16_t)r->x,
                .y = (uint16_t)r->y,
                .width = (uint16_t)r->width,
                .height = (uint16_t)r->height};
    }
}

void orl_rfb_size_put(struct orl_viewer *v)
{
    if (!v->ext.has_ext_size) {
        orl_rfb_put_new_size(&v->stream.out, (uint16_t)v->width_px, (uint16_t)v->height_px);
        return;
    }
    struct orl_rfb_size size = {.width = (uint16_t)v->width_px,
            .height = (uint16_t)v->height_px,
            .reason = v->owed.size_reason,
            .status = v->owed.size_status};
    fill_screens(v, &size);
    orl_rfb_put_ext_size(&v->stream.out, &size);
}
