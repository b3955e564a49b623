#include "display/layout.h"
#include "display/surface.h"
#include <string.h>

struct orl_layout orl_layout_one(uint32_t width_px, uint32_t height_px)
{
    return (struct orl_layout){
            .count = 1, .heads = {{0, 0, (int32_t)width_px, (int32_t)height_px}}};
}

static bool is_head(const struct orl_rect *r)
{
    return r->width >= ORL_SURFACE_MIN_PX && r->height >= ORL_SURFACE_MIN_PX &&
           r->width <= ORL_SURFACE_MAX_PX && r->height <= ORL_SURFACE_MAX_PX && r->x >= 0 &&
           r->y >= 0 && r->x <= ORL_SURFACE_MAX_PX - r->width &&
           r->y <= ORL_SURFACE_MAX_PX - r->height;
}

static bool overlap(const struct orl_rect *a, const struct orl_rect *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

bool orl_layout_is_valid(const struct orl_layout *layout)
{
    int32_t left = INT32_MAX;
    int32_t top = INT32_MAX;
    uint32_t width;
    uint32_t height;
    if (layout->count < 1 || layout->count > ORL_HEADS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < layout->count; i++) {
        const struct orl_rect *r = &layout->heads[i];
        if (!is_head(r)) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (overlap(r, &layout->heads[j])) {
                return false;
            }
        }
        left = r->x < left ? r->x : left;
        top = r->y < top ? r->y : top;
    }
    orl_layout_bounds(layout, &width, &height);
    return left == 0 && top == 0 && (uint64_t)width * height <= ORL_SURFACE_MAX_PIXELS;
}

void orl_layout_bounds(
        const struct orl_layout *layout, uint32_t *ret_width_px, uint32_t *ret_height_px)
{
    int32_t width = 0;
    int32_t height = 0;
    for (uint32_t i = 0; i < layout->count && i < ORL_HEADS_MAX; i++) {
        const struct orl_rect *r = &layout->heads[i];
        width = r->x + r->width > width ? r->x + r->width : width;
        height = r->y + r->height > height ? r->y + r->height : height;
    }
    *ret_width_px = (uint32_t)width;
    *ret_height_px = (uint32_t)height;
}

bool orl_layout_is_equal(const struct orl_layout *a, const struct orl_layout *b)
{
    return a->count == b->count && memcmp(a->heads, b->heads, a->count * sizeof(a->heads[0])) == 0;
}
