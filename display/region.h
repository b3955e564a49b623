/* Rectangles and sets of them. Coordinates in pixels of the surface, right and bottom exclusive. */
#ifndef ORL_DISPLAY_REGION_H
#define ORL_DISPLAY_REGION_H
#include <stdbool.h>
#include <stdint.h>

struct orl_rect {
    int32_t x, y, width, height; /* width or height <= 0: empty */
};
bool orl_rect_is_empty(const struct orl_rect *r);
struct orl_rect orl_rect_intersect(const struct orl_rect *a, const struct orl_rect *b);
struct orl_rect orl_rect_union(
        const struct orl_rect *a, const struct orl_rect *b); /* bounding box */
bool orl_rect_contains(const struct orl_rect *outer, const struct orl_rect *inner);
int64_t orl_rect_area(const struct orl_rect *r);

/* A set of at most ORL_REGION_MAX rectangles that may overlap; when full, the pair that costs the
 * fewest extra pixels is merged: a region only ever grows beyond what was added. */
#define ORL_REGION_MAX 64
struct orl_region {
    struct orl_rect rects[ORL_REGION_MAX];
    unsigned count;
};
void orl_region_clear(struct orl_region *region);
void orl_region_add(struct orl_region *region, const struct orl_rect *r); /* empty: nothing */
void orl_region_add_region(struct orl_region *region, const struct orl_region *other);
void orl_region_clip(struct orl_region *region, const struct orl_rect *bounds);
void orl_region_subtract_rect(struct orl_region *region, const struct orl_rect *r);
bool orl_region_is_empty(const struct orl_region *region);
bool orl_region_intersects(const struct orl_region *region, const struct orl_rect *r);
struct orl_rect orl_region_bounds(const struct orl_region *region);
int64_t orl_region_area(const struct orl_region *region); /* sum; overlaps count twice */

#endif
