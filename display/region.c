/* Rectangle arithmetic in 64 bits, so that no coordinates of a peer overflow it. */
#include "display/region.h"

static int32_t clamp_i32(int64_t v)
{
    if (v > INT32_MAX) {
        return INT32_MAX;
    }
    return v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

static struct orl_rect from_edges(int64_t x0, int64_t y0, int64_t x1, int64_t y1)
{
    struct orl_rect r = {clamp_i32(x0), clamp_i32(y0), clamp_i32(x1 - x0), clamp_i32(y1 - y0)};
    return r;
}

static int64_t right_of(const struct orl_rect *r)
{
    return (int64_t)r->x + r->width;
}

static int64_t bottom_of(const struct orl_rect *r)
{
    return (int64_t)r->y + r->height;
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool orl_rect_is_empty(const struct orl_rect *r)
{
    return r->width <= 0 || r->height <= 0;
}

struct orl_rect orl_rect_intersect(const struct orl_rect *a, const struct orl_rect *b)
{
    const struct orl_rect none = {0, 0, 0, 0};
    if (orl_rect_is_empty(a) || orl_rect_is_empty(b)) {
        return none;
    }
    int64_t x0 = max_i64(a->x, b->x);
    int64_t y0 = max_i64(a->y, b->y);
    int64_t x1 = min_i64(right_of(a), right_of(b));
    int64_t y1 = min_i64(bottom_of(a), bottom_of(b));
    return x1 <= x0 || y1 <= y0 ? none : from_edges(x0, y0, x1, y1);
}

struct orl_rect orl_rect_union(const struct orl_rect *a, const struct orl_rect *b)
{
    if (orl_rect_is_empty(a)) {
        return *b;
    }
    if (orl_rect_is_empty(b)) {
        return *a;
    }
    return from_edges(min_i64(a->x, b->x), min_i64(a->y, b->y), max_i64(right_of(a), right_of(b)),
            max_i64(bottom_of(a), bottom_of(b)));
}

bool orl_rect_contains(const struct orl_rect *outer, const struct orl_rect *inner)
{
    if (orl_rect_is_empty(inner)) {
        return true;
    }
    return !orl_rect_is_empty(outer) && inner->x >= outer->x && inner->y >= outer->y &&
           right_of(inner) <= right_of(outer) && bottom_of(inner) <= bottom_of(outer);
}

int64_t orl_rect_area(const struct orl_rect *r)
{
    return orl_rect_is_empty(r) ? 0 : (int64_t)r->width * r->height;
}

void orl_region_clear(struct orl_region *region)
{
    region->count = 0;
}

static void remove_at(struct orl_region *region, unsigned i)
{
    region->rects[i] = region->rects[--region->count];
}

/* Pixels that the bounding box of both has beyond the two; overlaps make it negative. */
static int64_t merge_cost(const struct orl_rect *a, const struct orl_rect *b)
{
    struct orl_rect both = orl_rect_union(a, b);
    return orl_rect_area(&both) - orl_rect_area(a) - orl_rect_area(b);
}

/* Merges one pair of the region's rectangles, or one of them with *r; true: *r is part of it now. */
static bool merge_cheapest(struct orl_region *region, const struct orl_rect *r)
{
    int64_t best = INT64_MAX;
    unsigned best_i = 0;
    unsigned best_j = 0;
    for (unsigned i = 0; i < region->count; i++) {
        int64_t cost = merge_cost(&region->rects[i], r);
        if (cost < best) {
            best = cost;
            best_i = i;
            best_j = region->count;
        }
        for (unsigned j = i + 1; j < region->count; j++) {
            cost = merge_cost(&region->rects[i], &region->rects[j]);
            if (cost < best) {
                best = cost;
                best_i = i;
                best_j = j;
            }
        }
    }
    bool is_new = best_j == region->count;
    const struct orl_rect *other = is_new ? r : &region->rects[best_j];
    region->rects[best_i] = orl_rect_union(&region->rects[best_i], other);
    if (!is_new) {
        remove_at(region, best_j);
    }
    return is_new;
}

void orl_region_add(struct orl_region *region, const struct orl_rect *r)
{
    if (orl_rect_is_empty(r)) {
        return;
    }
    for (unsigned i = 0; i < region->count; i++) {
        if (orl_rect_contains(&region->rects[i], r)) {
            return;
        }
    }
    for (unsigned i = region->count; i-- > 0;) {
        if (orl_rect_contains(r, &region->rects[i])) {
            remove_at(region, i);
        }
    }
    if (region->count == ORL_REGION_MAX && merge_cheapest(region, r)) {
        return;
    }
    region->rects[region->count++] = *r;
}

void orl_region_add_region(struct orl_region *region, const struct orl_region *other)
{
    for (unsigned i = 0; i < other->count; i++) {
        orl_region_add(region, &other->rects[i]);
    }
}

void orl_region_clip(struct orl_region *region, const struct orl_rect *bounds)
{
    for (unsigned i = region->count; i-- > 0;) {
        region->rects[i] = orl_rect_intersect(&region->rects[i], bounds);
        if (orl_rect_is_empty(&region->rects[i])) {
            remove_at(region, i);
        }
    }
}

/* What is left of outer around hole (inside outer): rows above and below, then the sides. */
static void add_around(
        struct orl_region *region, const struct orl_rect *outer, const struct orl_rect *hole)
{
    const struct orl_rect parts[4] = {
            from_edges(outer->x, outer->y, right_of(outer), hole->y),
            from_edges(outer->x, bottom_of(hole), right_of(outer), bottom_of(outer)),
            from_edges(outer->x, hole->y, hole->x, bottom_of(hole)),
            from_edges(right_of(hole), hole->y, right_of(outer), bottom_of(hole)),
    };
    for (unsigned i = 0; i < 4; i++) {
        orl_region_add(region, &parts[i]);
    }
}

void orl_region_subtract_rect(struct orl_region *region, const struct orl_rect *r)
{
    struct orl_region old = *region;
    orl_region_clear(region);
    for (unsigned i = 0; i < old.count; i++) {
        struct orl_rect hole = orl_rect_intersect(&old.rects[i], r);
        if (orl_rect_is_empty(&hole)) {
            orl_region_add(region, &old.rects[i]);
        } else {
            add_around(region, &old.rects[i], &hole);
        }
    }
}

bool orl_region_is_empty(const struct orl_region *region)
{
    return region->count == 0;
}

bool orl_region_intersects(const struct orl_region *region, const struct orl_rect *r)
{
    for (unsigned i = 0; i < region->count; i++) {
        struct orl_rect both = orl_rect_intersect(&region->rects[i], r);
        if (!orl_rect_is_empty(&both)) {
            return true;
        }
    }
    return false;
}

struct orl_rect orl_region_bounds(const struct orl_region *region)
{
    struct orl_rect bounds = {0, 0, 0, 0};
    for (unsigned i = 0; i < region->count; i++) {
        bounds = orl_rect_union(&bounds, &region->rects[i]);
    }
    return bounds;
}

int64_t orl_region_area(const struct orl_region *region)
{
    int64_t area = 0;
    for (unsigned i = 0; i < region->count; i++) {
        area += orl_rect_area(&region->rects[i]);
    }
    return area;
}
