#include "display/equal.h"
#include "display/scroll_priv.h"

int32_t orl_scroll_equal_right(const struct orl_scroll_view *v, int32_t x, int32_t y, int32_t old_x,
        int32_t old_y, int32_t count)
{
    return (int32_t)orl_equal_px(
            orl_scroll_src(v, x, y), orl_scroll_picture(v, old_x, old_y), (size_t)count);
}

/* The same to the left of x, which is not part of it. */
static int32_t equal_left(const struct orl_scroll_view *v, int32_t x, int32_t y, int32_t old_x,
        int32_t old_y, int32_t count)
{
    return (int32_t)orl_equal_px_back(
            orl_scroll_src(v, x, y), orl_scroll_picture(v, old_x, old_y), (size_t)count);
}

bool orl_scroll_is_tile_moved(
        const struct orl_scroll_view *v, const struct orl_rect *tile, int32_t dx, int32_t dy)
{
    const int32_t x = tile->x - dx;
    const int32_t y = tile->y - dy;
    if (x < 0 || y < 0 || x + tile->width > (int32_t)v->tiles->width_px ||
            y + tile->height > (int32_t)v->tiles->height_px) {
        return false;
    }
    for (int32_t i = 0; i < tile->height; i++) {
        if (orl_scroll_equal_right(v, tile->x, tile->y + i, x, y + i, tile->width) < tile->width) {
            return false;
        }
    }
    return true;
}

struct growth {
    const struct orl_scroll_view *view;
    struct orl_rect tile, bounds;
    int32_t dx, dy;
};
struct span {
    int32_t x0, x1; /* x1 exclusive; x0 == x1: empty */
};

/* What of the span matches around the tile's columns, which must match. */
static struct span match_row(const struct growth *g, int32_t y, struct span in)
{
    const int32_t at = g->tile.x;
    const int32_t right = orl_scroll_equal_right(g->view, at, y, at - g->dx, y - g->dy, in.x1 - at);
    if (right < g->tile.width) {
        return (struct span){0, 0};
    }
    const int32_t left = equal_left(g->view, at, y, at - g->dx, y - g->dy, at - in.x0);
    return (struct span){at - left, at + right};
}

/* Adds rows below (step 1) or above (-1), narrower ones if that makes the area larger. */
static struct orl_rect extend(const struct growth *g, struct orl_rect best, int32_t step)
{
    struct span span = {best.x, best.x + best.width};
    const int32_t top = best.y;
    const int32_t bottom = best.y + best.height;
    const int32_t end = step > 0 ? g->bounds.y + g->bounds.height : g->bounds.y - 1;
    for (int32_t y = step > 0 ? bottom : top - 1; y != end; y += step) {
        span = match_row(g, y, span);
        const struct orl_rect r = {span.x0, step > 0 ? top : y, span.x1 - span.x0,
                step > 0 ? y + 1 - top : bottom - y};
        const int64_t most = (int64_t)r.width * (step > 0 ? end - top : bottom - end - 1);
        if (most < orl_rect_area(&best)) {
            break;
        }
        if (orl_rect_area(&r) >= orl_rect_area(&best)) {
            best = r;
        }
    }
    return best;
}

struct orl_rect orl_scroll_grow(const struct orl_scroll_view *v, const struct orl_rect *tile,
        const struct orl_rect *bounds, int32_t dx, int32_t dy)
{
    const struct growth g = {v, *tile, *bounds, dx, dy};
    const struct span span =
            match_row(&g, tile->y, (struct span){bounds->x, bounds->x + bounds->width});
    const struct orl_rect first = {span.x0, tile->y, span.x1 - span.x0, 1};
    if (orl_rect_is_empty(&first)) {
        return first;
    }
    const struct orl_rect down = extend(&g, first, 1);
    return extend(&g, down, -1);
}
