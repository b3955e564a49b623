#include "protocols/qemu/qemu_heads.h"
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_PX 4U

struct orl_qemu_heads {
    const struct orl_qemu_heads_events *events;
    void *ctx;
    struct orl_layout layout;                 /* wanted; count 0: nobody said */
    struct orl_surface *heads[ORL_HEADS_MAX]; /* the readers' own */
    struct orl_surface *whole;                /* of both; NULL: the first head is the picture */
    struct orl_cursor cursor;
};

int orl_qemu_heads_new(
        const struct orl_qemu_heads_events *events, void *ctx, struct orl_qemu_heads **ret_heads)
{
    struct orl_qemu_heads *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return ORL_E_NOMEM;
    }
    h->events = events;
    h->ctx = ctx;
    *ret_heads = h;
    return ORL_OK;
}

void orl_qemu_heads_free(struct orl_qemu_heads *heads)
{
    if (heads != NULL) {
        orl_surface_free(heads->whole);
        free(heads);
    }
}

static bool has_size(const struct orl_surface *surface, const struct orl_rect *head)
{
    return surface != NULL && orl_surface_width(surface) == (uint32_t)head->width &&
           orl_surface_height(surface) == (uint32_t)head->height;
}

static bool is_followed(const struct orl_qemu_heads *h)
{
    if (h->layout.count != ORL_HEADS_MAX) {
        return false;
    }
    for (unsigned i = 0; i < ORL_HEADS_MAX; i++) {
        if (!has_size(h->heads[i], &h->layout.heads[i])) {
            return false;
        }
    }
    return true;
}

static void copy(const struct orl_qemu_heads *h, unsigned head, const struct orl_rect *box)
{
    const struct orl_surface *from = h->heads[head];
    const struct orl_rect *at = &h->layout.heads[head];
    size_t from_stride = orl_surface_stride(from);
    size_t to_stride = orl_surface_stride(h->whole);
    const uint8_t *src =
            orl_surface_pixels(from) + (size_t)box->y * from_stride + (size_t)box->x * BYTES_PER_PX;
    uint8_t *dst = orl_surface_pixels_rw(h->whole) + (size_t)(at->y + box->y) * to_stride +
                   (size_t)(at->x + box->x) * BYTES_PER_PX;
    for (int32_t row = 0; row < box->height; row++) {
        memcpy(dst, src, (size_t)box->width * BYTES_PER_PX);
        src += from_stride;
        dst += to_stride;
    }
    const struct orl_rect moved = {at->x + box->x, at->y + box->y, box->width, box->height};
    orl_surface_damage(h->whole, &moved);
}

static void show(struct orl_qemu_heads *h, struct orl_surface *surface)
{
    if (h->cursor.width_px > 0) {
        orl_surface_set_cursor(surface, &h->cursor);
    }
    h->events->on_surface(h->ctx, surface);
}

/* What is seen is chosen anew. A whole that came before is freed when it is not seen any more. */
static void choose(struct orl_qemu_heads *h)
{
    struct orl_surface *old = h->whole;
    uint32_t width;
    uint32_t height;
    h->whole = NULL;
    if (is_followed(h)) {
        orl_layout_bounds(&h->layout, &width, &height);
        if (orl_surface_create(width, height, &h->whole, NULL) < 0) {
            h->whole = old;
            h->events->on_failed(h->ctx);
            return;
        }
        for (unsigned i = 0; i < ORL_HEADS_MAX; i++) {
            const struct orl_rect all = {0, 0, h->layout.heads[i].width, h->layout.heads[i].height};
            copy(h, i, &all);
        }
    }
    if (h->whole != NULL) {
        show(h, h->whole);
    } else if (h->heads[0] != NULL) {
        const struct orl_rect all = {0, 0, (int32_t)orl_surface_width(h->heads[0]),
                (int32_t)orl_surface_height(h->heads[0])};
        orl_surface_damage(h->heads[0], &all);
        show(h, h->heads[0]);
    }
    orl_surface_free(old);
}

void orl_qemu_heads_set_layout(struct orl_qemu_heads *heads, const struct orl_layout *layout)
{
    bool is_new = !orl_layout_is_equal(&heads->layout, layout);
    bool was_whole = heads->whole != NULL;
    heads->layout = *layout;
    if (is_new && (was_whole || is_followed(heads))) {
        choose(heads);
    }
}

void orl_qemu_heads_set_surface(
        struct orl_qemu_heads *heads, unsigned head, struct orl_surface *surface)
{
    heads->heads[head] = surface;
    if (head == 0 || heads->whole != NULL || is_followed(heads)) {
        choose(heads);
    }
}

void orl_qemu_heads_damage(struct orl_qemu_heads *heads, unsigned head, const struct orl_rect *box)
{
    if (heads->whole != NULL) {
        copy(heads, head, box);
    }
    if (head == 0 || heads->whole != NULL) {
        heads->events->on_damage(heads->ctx);
    }
}

void orl_qemu_heads_set_cursor(struct orl_qemu_heads *heads, const struct orl_cursor *cursor)
{
    struct orl_surface *surface = orl_qemu_heads_surface(heads);
    heads->cursor = *cursor;
    if (surface != NULL) {
        orl_surface_set_cursor(surface, cursor);
        heads->events->on_damage(heads->ctx);
    }
}

struct orl_surface *orl_qemu_heads_surface(const struct orl_qemu_heads *heads)
{
    return heads->whole != NULL ? heads->whole : heads->heads[0];
}

static bool is_inside(const struct orl_rect *r, int32_t x, int32_t y)
{
    return x >= r->x && y >= r->y && x < r->x + r->width && y < r->y + r->height;
}

static int32_t clamp(int32_t v, int32_t max)
{
    return v < 0 ? 0 : v < max ? v : max;
}

void orl_qemu_heads_to_first(const struct orl_qemu_heads *heads, int32_t *x, int32_t *y)
{
    const struct orl_rect *first = &heads->layout.heads[0];
    const struct orl_rect *second = &heads->layout.heads[1];
    if (heads->whole == NULL) {
        return;
    }
    bool is_second = is_inside(second, *x, *y);
    const struct orl_rect *on = is_second ? second : first;
    int64_t guest_x = clamp(*x - on->x, on->width - 1) + (is_second ? first->width : 0);
    int64_t guest_y = clamp(*y - on->y, on->height - 1);
    int64_t guest_height = first->height > second->height ? first->height : second->height;
    *x = (int32_t)(guest_x * first->width / (first->width + second->width));
    *y = (int32_t)(guest_y * first->height / guest_height);
}
