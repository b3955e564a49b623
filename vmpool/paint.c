#include "vmpool/paint_priv.h"
#include <stdlib.h>
#include <string.h>

enum { BLACK_BELOW = 16, /* sum of the three colours */ PERCENT = 100 };

struct orl_paint {
    struct orl_paint_count count;
    struct orl_paint_ppm ppm;
    struct orl_paint_png *png; /* NULL: it is no PNG, or nothing came yet */
    bool has_begun;
};

int orl_paint_new(struct orl_paint **ret_paint, struct orl_err *err)
{
    struct orl_paint *paint = calloc(1, sizeof *paint);
    if (!paint) {
        return orl_err_set(err, ORL_E_NOMEM, "picture of a screen");
    }
    *ret_paint = paint;
    return 0;
}

void orl_paint_free(struct orl_paint *paint)
{
    if (paint) {
        orl_paint_png_free(paint->png);
        free(paint);
    }
}

int orl_paint_set_size(struct orl_paint_count *count, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0 || width > ORL_PAINT_SIDE_MAX_PX ||
            height > ORL_PAINT_SIDE_MAX_PX ||
            (uint64_t)width * height > (uint64_t)ORL_PAINT_PIXELS_MAX) {
        return ORL_E_PROTO;
    }
    count->total = (uint64_t)width * height;
    return 0;
}

void orl_paint_add(
        struct orl_paint_count *count, const uint8_t *bytes, size_t pixels, size_t pixel_bytes)
{
    for (size_t i = 0; i < pixels; i++, bytes += pixel_bytes) {
        count->painted += bytes[0] + bytes[1] + bytes[2] >= BLACK_BELOW;
    }
    count->pixels += pixels;
}

int orl_paint_feed(struct orl_paint *paint, const void *data, size_t len)
{
    if (len == 0 || orl_paint_is_done(paint)) {
        return 0;
    }
    const uint8_t *bytes = data;
    if (!paint->has_begun && bytes[0] != 'P') {
        paint->png = orl_paint_png_new();
        if (!paint->png) {
            return ORL_E_NOMEM;
        }
    }
    paint->has_begun = true;
    return paint->png ? orl_paint_png_feed(paint->png, &paint->count, bytes, len)
                      : orl_paint_ppm_feed(&paint->ppm, &paint->count, bytes, len);
}

bool orl_paint_is_done(const struct orl_paint *paint)
{
    return paint->count.total > 0 && paint->count.pixels == paint->count.total;
}

unsigned orl_paint_percent(const struct orl_paint *paint)
{
    return orl_paint_is_done(paint)
                   ? (unsigned)(paint->count.painted * PERCENT / paint->count.total)
                   : 0;
}
