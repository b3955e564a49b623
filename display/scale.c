/* Positions are 16.16 fixed point and a function of the destination pixel alone, so that any part of a
 * picture can be painted again. */
#include "display/scale.h"
#include <stdbool.h>
#include <string.h>

#define PX_BYTES 4

void orl_scale_init(struct orl_scale *scale, uint32_t src_width_px, uint32_t src_height_px,
        uint32_t dst_width_px, uint32_t dst_height_px)
{
    scale->src_width_px = src_width_px;
    scale->src_height_px = src_height_px;
    scale->dst_width_px = dst_width_px;
    scale->dst_height_px = dst_height_px;
    uint64_t by_width = (uint64_t)dst_width_px * src_height_px;
    uint64_t by_height = (uint64_t)dst_height_px * src_width_px;
    uint64_t width = dst_width_px;
    uint64_t height = dst_height_px;
    if (by_width < by_height) {
        height = by_width / src_width_px;
    } else {
        width = by_height / src_height_px;
    }
    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height;
    scale->placed = (struct orl_rect){(int32_t)((dst_width_px - width) / 2),
            (int32_t)((dst_height_px - height) / 2), (int32_t)width, (int32_t)height};
}

bool orl_scale_is_identity(const struct orl_scale *scale)
{
    return scale->src_width_px == scale->dst_width_px &&
           scale->src_height_px == scale->dst_height_px;
}

struct span {
    int32_t from, to;
};

/* Outwards, and one source pixel more each side: bilinear mixes two neighbours. */
static struct span span_to_dst(int32_t from, int32_t length, uint32_t src, int32_t placed)
{
    int64_t low = ((int64_t)from - 1) * placed / (int64_t)src - 1;
    int64_t high = ((int64_t)from + length + 1) * placed / (int64_t)src + 2;
    struct span s = {(int32_t)(low < 0 ? 0 : low), (int32_t)(high > placed ? placed : high)};
    return s;
}

struct orl_rect orl_scale_rect_to_dst(const struct orl_scale *scale, const struct orl_rect *r)
{
    const struct orl_rect picture = {
            0, 0, (int32_t)scale->src_width_px, (int32_t)scale->src_height_px};
    const struct orl_rect c = orl_rect_intersect(r, &picture);
    if (orl_rect_is_empty(&c) || orl_scale_is_identity(scale)) {
        return c;
    }
    struct span cols = span_to_dst(c.x, c.width, scale->src_width_px, scale->placed.width);
    struct span rows = span_to_dst(c.y, c.height, scale->src_height_px, scale->placed.height);
    return (struct orl_rect){scale->placed.x + cols.from, scale->placed.y + rows.from,
            cols.to - cols.from, rows.to - rows.from};
}

void orl_scale_region_to_dst(const struct orl_scale *scale, const struct orl_region *region,
        struct orl_region *ret_region)
{
    orl_region_clear(ret_region);
    for (unsigned i = 0; i < region->count; i++) {
        struct orl_rect r = orl_scale_rect_to_dst(scale, &region->rects[i]);
        orl_region_add(ret_region, &r);
    }
}

static int32_t point_to_src(int32_t at, int32_t placed_at, int32_t placed, uint32_t src)
{
    int64_t v = (2 * ((int64_t)at - placed_at) + 1) * (int64_t)src / (2 * (int64_t)placed);
    if (at < placed_at || v < 0) {
        return 0;
    }
    return v >= (int64_t)src ? (int32_t)(src - 1) : (int32_t)v;
}

void orl_scale_point_to_src(
        const struct orl_scale *scale, int32_t x, int32_t y, int32_t *ret_x, int32_t *ret_y)
{
    *ret_x = point_to_src(x, scale->placed.x, scale->placed.width, scale->src_width_px);
    *ret_y = point_to_src(y, scale->placed.y, scale->placed.height, scale->src_height_px);
}

/* The two source pixels that make a destination pixel, and the second one's weight of 256. */
struct sample {
    uint32_t first, second;
    uint32_t weight;
};

static struct sample sample_at(int32_t at, int32_t placed, uint32_t src)
{
    int64_t step = ((int64_t)src << 16) / placed;
    int64_t pos = at * step + step / 2 - 0x8000; /* pixel centres */
    pos = pos < 0 ? 0 : pos;
    struct sample s = {(uint32_t)(pos >> 16), 0, (uint32_t)(pos >> 8 & 0xFF)};
    s.first = s.first < src ? s.first : src - 1;
    s.second = s.first + 1 < src ? s.first + 1 : s.first;
    return s;
}

static uint8_t mix(uint32_t a, uint32_t b, uint32_t weight)
{
    return (uint8_t)((a * (256 - weight) + b * weight + 128) >> 8);
}

static void paint_row(const struct orl_scale *scale, const uint8_t *row0, const uint8_t *row1,
        uint32_t weight, uint8_t *dst, const struct orl_rect *r)
{
    for (int32_t x = 0; x < r->width; x++) {
        const struct sample s =
                sample_at(r->x - scale->placed.x + x, scale->placed.width, scale->src_width_px);
        for (size_t c = 0; c < PX_BYTES; c++) {
            size_t a = (size_t)s.first * PX_BYTES + c;
            size_t b = (size_t)s.second * PX_BYTES + c;
            dst[(size_t)x * PX_BYTES + c] =
                    mix(mix(row0[a], row0[b], s.weight), mix(row1[a], row1[b], s.weight), weight);
        }
    }
}

static void paint_bars(
        const struct orl_rect *r, const struct orl_rect *inner, uint8_t *dst, size_t dst_stride)
{
    struct orl_region bars = {.rects = {*r}, .count = 1};
    orl_region_subtract_rect(&bars, inner);
    for (unsigned i = 0; i < bars.count; i++) {
        const struct orl_rect *bar = &bars.rects[i];
        for (int32_t y = bar->y; y < bar->y + bar->height; y++) {
            memset(dst + dst_stride * (size_t)y + (size_t)bar->x * PX_BYTES, 0,
                    (size_t)bar->width * PX_BYTES);
        }
    }
}

void orl_scale_paint(const struct orl_scale *scale, const uint8_t *src, size_t src_stride,
        uint8_t *dst, size_t dst_stride, const struct orl_rect *r)
{
    const struct orl_rect all = {0, 0, (int32_t)scale->dst_width_px, (int32_t)scale->dst_height_px};
    const struct orl_rect c = orl_rect_intersect(r, &all);
    if (orl_rect_is_empty(&c)) {
        return;
    }
    paint_bars(&c, &scale->placed, dst, dst_stride);
    const struct orl_rect inner = orl_rect_intersect(&c, &scale->placed);
    for (int32_t y = inner.y; y < inner.y + inner.height; y++) {
        const struct sample s =
                sample_at(y - scale->placed.y, scale->placed.height, scale->src_height_px);
        uint8_t *out = dst + dst_stride * (size_t)y + (size_t)inner.x * PX_BYTES;
        paint_row(scale, src + src_stride * s.first, src + src_stride * s.second, s.weight, out,
                &inner);
    }
}
