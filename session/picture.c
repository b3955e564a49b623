#include "session/picture.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/notice.h"
#include <stdlib.h>
#include <string.h>

enum { LINK_MSGS_PER_WAKE = 64, STRIDE_ALIGN = 64 };

struct orl_picture {
    struct orl_loop *loop;
    struct orl_picture_events events;
    void *ctx;

    uint32_t width_px, height_px; /* as the client sees it */
    uint8_t *canvas;     /* of a text screen, a fitted surface, one with a band; NULL: not needed */
    size_t stride_bytes; /* of the canvas */
    struct orl_region damage; /* of the canvas, and full ones */

    bool is_live; /* the surface is shown, not the text */
    char title[ORL_TEXT_MAX + 1];
    char text[ORL_TEXT_MAX + 1];
    char footer[ORL_TEXT_MAX + 1];
    char band[ORL_PICTURE_BAND_MAX + 1]; /* over the surface; empty: none */
    uint64_t since_ms;
    struct orl_timer *clock; /* 1 Hz while elapsed time is shown */

    int link_fd;
    struct orl_io *link_io;
    unsigned waiting;            /* ORL_PICTURE_*, for the link to take more */
    struct orl_surface *surface; /* NULL: none yet */
    struct orl_scale scale;
    struct orl_cursor cursor, told; /* width 0: none yet */
};

static void damage_all(struct orl_picture *picture)
{
    const struct orl_rect all = {0, 0, (int32_t)picture->width_px, (int32_t)picture->height_px};
    orl_region_clear(&picture->damage);
    orl_region_add(&picture->damage, &all);
}

static bool is_direct(const struct orl_picture *picture)
{
    return picture->is_live && picture->band[0] == '\0' && orl_scale_is_identity(&picture->scale);
}

/* The canvas is made when something is to be drawn on it, and given up when nothing is. */
static int ensure_canvas(struct orl_picture *picture)
{
    if (picture->canvas != NULL) {
        return ORL_OK;
    }
    size_t stride =
            ((size_t)picture->width_px * 4 + STRIDE_ALIGN - 1) & ~(size_t)(STRIDE_ALIGN - 1);
    picture->canvas = calloc(picture->height_px, stride);
    picture->stride_bytes = stride;
    return picture->canvas != NULL ? ORL_OK : ORL_E_NOMEM;
}

static void drop_canvas(struct orl_picture *picture)
{
    if (is_direct(picture)) {
        free(picture->canvas);
        picture->canvas = NULL;
    }
}

static int64_t elapsed_s(const struct orl_picture *picture)
{
    uint64_t now_ms = orl_clock_wall_ms();
    if (picture->since_ms == 0) {
        return -1;
    }
    return now_ms > picture->since_ms ? (int64_t)((now_ms - picture->since_ms) / 1000) : 0;
}

static void draw_notice(struct orl_picture *picture, bool only_elapsed)
{
    if (picture->width_px == 0 || ensure_canvas(picture) < 0) {
        return;
    }
    const struct orl_notice notice = {.title = picture->title,
            .text = picture->text,
            .elapsed_s = elapsed_s(picture),
            .footer = picture->footer[0] != '\0' ? picture->footer : NULL};
    struct orl_rect changed = orl_notice_draw(&notice, picture->canvas, picture->stride_bytes,
            picture->width_px, picture->height_px, only_elapsed);
    orl_region_add(&picture->damage, &changed);
}

static void on_second(void *ctx)
{
    struct orl_picture *picture = ctx;
    if (picture->is_live) {
        orl_timer_stop(picture->clock);
        return;
    }
    draw_notice(picture, true);
    picture->events.on_damage(picture->ctx);
}

int orl_picture_new(struct orl_loop *loop, const struct orl_picture_events *events, void *ctx,
        struct orl_picture **ret_picture, struct orl_err *err)
{
    struct orl_picture *picture = calloc(1, sizeof(*picture));
    if (picture == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "picture: out of memory");
    }
    picture->loop = loop;
    picture->events = *events;
    picture->ctx = ctx;
    picture->link_fd = -1;
    int code = orl_timer_new(loop, on_second, picture, &picture->clock, err);
    if (code < 0) {
        free(picture);
        return code;
    }
    *ret_picture = picture;
    return ORL_OK;
}

static void show_notice(struct orl_picture *picture)
{
    picture->is_live = false;
    draw_notice(picture, false);
    damage_all(picture);
    if (picture->since_ms != 0) {
        orl_timer_start(picture->clock, ORL_US_PER_S, ORL_US_PER_S);
    } else {
        orl_timer_stop(picture->clock);
    }
    picture->events.on_damage(picture->ctx);
}

void orl_picture_notice(struct orl_picture *picture, const char *title, const char *text,
        const char *footer, uint64_t since_ms)
{
    orl_msg_text(picture->title, sizeof(picture->title), title);
    orl_msg_text(picture->text, sizeof(picture->text), text);
    orl_msg_text(picture->footer, sizeof(picture->footer), footer != NULL ? footer : "");
    picture->since_ms = since_ms;
    show_notice(picture);
}

void orl_picture_band(struct orl_picture *picture, const char *text)
{
    const char *now = text != NULL ? text : "";
    if (strcmp(now, picture->band) == 0) {
        return;
    }
    orl_msg_text(picture->band, sizeof(picture->band), now);
    if (picture->is_live) {
        drop_canvas(picture);
        damage_all(picture);
        picture->events.on_damage(picture->ctx);
    }
}

static void drop_link(struct orl_picture *picture)
{
    orl_io_close(picture->link_io);
    picture->link_io = NULL;
    orl_close_fd(&picture->link_fd);
    picture->waiting = 0;
    orl_surface_free(picture->surface);
    picture->surface = NULL;
}

static void lose_link(struct orl_picture *picture, enum orl_reason reason)
{
    drop_link(picture);
    if (picture->is_live) {
        orl_picture_notice(picture, "Connecting to your desktop", orl_reason_text(reason), NULL,
                orl_clock_wall_ms());
    }
    picture->events.on_lost(picture->ctx, reason);
}

static bool is_same(const struct orl_cursor *a, const struct orl_cursor *b)
{
    return a->is_visible == b->is_visible && a->width_px == b->width_px &&
           a->height_px == b->height_px && a->hot_x == b->hot_x && a->hot_y == b->hot_y &&
           memcmp(a->pixels, b->pixels,
                   (size_t)a->width_px * a->height_px * sizeof(a->pixels[0])) == 0;
}

/* Each new surface has the cursor anew, and guests set theirs with each new size: the client has it already. */
static void look(struct orl_picture *picture)
{
    if (orl_surface_take_cursor(picture->surface, &picture->cursor) &&
            !is_same(&picture->cursor, &picture->told)) {
        picture->told = picture->cursor;
        picture->events.on_cursor(picture->ctx, &picture->told);
    }
    if (picture->is_live) {
        picture->events.on_damage(picture->ctx);
    }
}

/* Takes the message's fd. Negative: the console broke the rules. */
static int on_surface(struct orl_picture *picture, const struct orl_link_msg *msg)
{
    struct orl_surface *surface = NULL;
    int code = orl_surface_open(msg->surface_fd, &surface, NULL);
    if (code < 0) {
        return code;
    }
    orl_surface_free(picture->surface);
    picture->surface = surface;
    picture->is_live = true;
    orl_timer_stop(picture->clock);
    if (picture->width_px != 0) {
        orl_scale_init(&picture->scale, orl_surface_width(surface), orl_surface_height(surface),
                picture->width_px, picture->height_px);
    }
    damage_all(picture);
    picture->events.on_source(
            picture->ctx, orl_surface_width(surface), orl_surface_height(surface));
    drop_canvas(picture);
    return ORL_OK;
}

/* 1: there is something to look at. Negative: the link is over, or its console broke the rules. */
static int on_link_msg(struct orl_picture *picture, const struct orl_link_msg *msg)
{
    switch (msg->type) {
    case ORL_LINK_SURFACE: {
        int code = on_surface(picture, msg);
        return code < 0 ? code : 1;
    }
    case ORL_LINK_WAKE:
        return picture->surface != NULL ? 1 : ORL_E_PROTO;
    case ORL_LINK_CLIPBOARD:
    case ORL_LINK_SOUND:
        return picture->events.on_aside(picture->ctx, msg);
    case ORL_LINK_LOCKS:
        if (picture->events.on_locks != NULL) {
            picture->events.on_locks(picture->ctx, msg->locks);
        }
        return ORL_OK;
    case ORL_LINK_CLOSED:
        return ORL_E_CLOSED;
    default:
        return ORL_E_PROTO;
    }
}

/* A wake ends the reading: as a rule it is alone, and a read that finds nothing costs as much as one that does. */
static void on_link(void *ctx, unsigned events)
{
    struct orl_picture *picture = ctx;
    bool is_woken = false;
    if ((events & ORL_IO_WRITE) != 0) {
        picture->events.on_writable(picture->ctx);
    }
    for (unsigned i = 0; i < LINK_MSGS_PER_WAKE && picture->link_fd >= 0 && !is_woken; i++) {
        uint8_t buf[ORL_LINK_MSG_MAX];
        struct orl_link_msg msg;
        int code = orl_link_recv(picture->link_fd, buf, &msg);
        if (code == ORL_E_AGAIN) {
            break;
        }
        if (code == ORL_OK) {
            code = on_link_msg(picture, &msg);
            is_woken = code > 0;
        }
        if (code == ORL_E_CLOSED) {
            lose_link(picture, ORL_REASON_CONSOLE_LOST);
        } else if (code < 0) {
            lose_link(picture, ORL_REASON_CONSOLE_PROTOCOL);
            picture->events.on_broken(picture->ctx);
        }
    }
    if (is_woken && picture->surface != NULL) {
        look(picture);
    }
}

void orl_picture_resume(struct orl_picture *picture)
{
    if (!picture->is_live && picture->surface != NULL) {
        picture->is_live = true;
        drop_canvas(picture);
        damage_all(picture);
        picture->events.on_damage(picture->ctx);
    }
}

int orl_picture_attach(struct orl_picture *picture, int fd, struct orl_err *err)
{
    if (picture->is_live) {
        picture->is_live = false;
        show_notice(picture);
    }
    drop_link(picture);
    picture->link_fd = fd;
    return orl_io_open(picture->loop, fd, ORL_IO_READ, on_link, picture, &picture->link_io, err);
}

int orl_picture_set_size(struct orl_picture *picture, uint32_t width_px, uint32_t height_px)
{
    uint32_t old_width = picture->width_px;
    uint32_t old_height = picture->height_px;
    uint8_t *old_canvas = picture->canvas;
    picture->width_px = width_px;
    picture->height_px = height_px;
    picture->canvas = NULL;
    if (picture->surface != NULL) {
        orl_scale_init(&picture->scale, orl_surface_width(picture->surface),
                orl_surface_height(picture->surface), width_px, height_px);
    }
    if (!is_direct(picture) && ensure_canvas(picture) < 0) {
        picture->width_px = old_width;
        picture->height_px = old_height;
        picture->canvas = old_canvas;
        return ORL_E_NOMEM;
    }
    free(old_canvas);
    if (!picture->is_live) {
        draw_notice(picture, false);
    }
    damage_all(picture);
    return ORL_OK;
}

bool orl_picture_is_live(const struct orl_picture *picture)
{
    return picture->is_live;
}

bool orl_picture_source_size(
        const struct orl_picture *picture, uint32_t *ret_width_px, uint32_t *ret_height_px)
{
    if (picture->surface == NULL) {
        return false;
    }
    *ret_width_px = orl_surface_width(picture->surface);
    *ret_height_px = orl_surface_height(picture->surface);
    return true;
}

const uint8_t *orl_picture_live_pixels(const struct orl_picture *picture, size_t *ret_stride)
{
    if (!picture->is_live || picture->surface == NULL) {
        return NULL;
    }
    *ret_stride = orl_surface_stride(picture->surface);
    return orl_surface_pixels(picture->surface);
}

int orl_picture_link_fd(const struct orl_picture *picture)
{
    return picture->link_fd;
}

void orl_picture_want_writable(struct orl_picture *picture, unsigned who, bool is_wanted)
{
    picture->waiting = is_wanted ? picture->waiting | who : picture->waiting & ~who;
    if (picture->link_io != NULL) {
        orl_io_set(picture->link_io,
                ORL_IO_READ | (picture->waiting != 0 ? (unsigned)ORL_IO_WRITE : 0U));
    }
}

void orl_picture_to_source(
        const struct orl_picture *picture, int32_t x, int32_t y, int32_t *ret_x, int32_t *ret_y)
{
    orl_scale_point_to_src(&picture->scale, x, y, ret_x, ret_y);
}

static void copy_rows(struct orl_picture *picture, const struct orl_rect *r)
{
    const struct orl_rect all = {0, 0, (int32_t)picture->width_px, (int32_t)picture->height_px};
    const struct orl_rect c = orl_rect_intersect(r, &all);
    const size_t from_stride = orl_surface_stride(picture->surface);
    const uint8_t *from = orl_surface_pixels(picture->surface);
    for (int32_t y = c.y; y < c.y + c.height; y++) {
        memcpy(picture->canvas + picture->stride_bytes * (size_t)y + (size_t)c.x * 4,
                from + from_stride * (size_t)y + (size_t)c.x * 4, (size_t)c.width * 4);
    }
}

/* Makes the damaged part of the canvas: the console's picture, and the band over it. */
static void compose(struct orl_picture *picture)
{
    const bool is_same_size = orl_scale_is_identity(&picture->scale);
    for (unsigned i = 0; i < picture->damage.count; i++) {
        if (is_same_size) {
            copy_rows(picture, &picture->damage.rects[i]);
        } else {
            orl_scale_paint(&picture->scale, orl_surface_pixels(picture->surface),
                    orl_surface_stride(picture->surface), picture->canvas, picture->stride_bytes,
                    &picture->damage.rects[i]);
        }
    }
    if (picture->band[0] != '\0') {
        const struct orl_rect r =
                orl_notice_band_rect(picture->band, picture->width_px, picture->height_px);
        if (orl_region_intersects(&picture->damage, &r)) {
            orl_notice_draw_band(picture->band, picture->canvas, picture->stride_bytes,
                    picture->width_px, picture->height_px);
        }
    }
}

void orl_picture_take_damage(struct orl_picture *picture, struct orl_region *region)
{
    bool is_composed = picture->is_live && !is_direct(picture);
    if (picture->is_live && picture->surface != NULL) {
        struct orl_region source = {.count = 0};
        struct orl_region seen = {.count = 0};
        orl_surface_take_damage(picture->surface, &source);
        orl_scale_region_to_dst(&picture->scale, &source, &seen);
        orl_region_add_region(&picture->damage, is_composed ? &seen : &source);
    }
    if (is_composed && ensure_canvas(picture) == ORL_OK) {
        compose(picture);
    }
    orl_region_add_region(region, &picture->damage);
    orl_region_clear(&picture->damage);
}

const uint8_t *orl_picture_pixels(const struct orl_picture *picture, size_t *ret_stride)
{
    if (is_direct(picture)) {
        *ret_stride = orl_surface_stride(picture->surface);
        return orl_surface_pixels(picture->surface);
    }
    *ret_stride = picture->stride_bytes;
    return picture->canvas;
}

uint32_t orl_picture_width(const struct orl_picture *picture)
{
    return picture->width_px;
}

uint32_t orl_picture_height(const struct orl_picture *picture)
{
    return picture->height_px;
}

void orl_picture_free(struct orl_picture *picture)
{
    if (picture != NULL) {
        orl_timer_free(picture->clock);
        drop_link(picture);
        free(picture->canvas);
        free(picture);
    }
}
