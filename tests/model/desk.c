#include "tests/model/desk.h"

enum { GLYPH_WIDTH = 8, GLYPH_HEIGHT = 14, PX_BYTES = 4 };

void desk_open(struct desk *desk, struct rng *rng, uint32_t width, uint32_t height)
{
    *desk = (struct desk){.width = width, .height = height};
    desk->stride = (size_t)width * PX_BYTES + (size_t)rng_in(rng, 0, 3) * 20;
    desk->pixels = calloc(height, desk->stride);
    assert_non_null(desk->pixels);
    desk_paint_all(desk, rng);
}

void desk_close(struct desk *desk)
{
    free(desk->pixels);
    desk->pixels = NULL;
}

struct orl_rect desk_bounds(const struct desk *desk)
{
    return (struct orl_rect){0, 0, (int32_t)desk->width, (int32_t)desk->height};
}

struct orl_rect desk_random_rect(const struct desk *desk, struct rng *rng, int32_t max_side)
{
    const int32_t width = rng_in(rng, 1, max_side);
    const int32_t height = rng_in(rng, 1, max_side);
    const struct orl_rect bounds = desk_bounds(desk);
    const struct orl_rect r = {
            rng_in(rng, 0, bounds.width - 1), rng_in(rng, 0, bounds.height - 1), width, height};
    return orl_rect_intersect(&r, &bounds);
}

static uint8_t *at(const struct desk *desk, int32_t x, int32_t y)
{
    return desk->pixels + (size_t)y * desk->stride + (size_t)x * PX_BYTES;
}

struct brush {
    enum desk_paint how;
    uint32_t ink, paper;
    uint32_t salt;
    int32_t slope_x, slope_y;
};

static uint32_t mix(uint32_t v)
{
    v ^= v >> 15;
    v *= UINT32_C(0x2C1B3C6D);
    v ^= v >> 12;
    v *= UINT32_C(0x297A2D39);
    return v ^ v >> 15;
}

/* A letter is one of a few dozen: the caches of the codecs have something to find. */
static bool is_ink(const struct brush *brush, int32_t x, int32_t y)
{
    const uint32_t column = (uint32_t)x / GLYPH_WIDTH;
    const uint32_t row = (uint32_t)y / GLYPH_HEIGHT;
    const uint32_t letter = mix(brush->salt ^ (column * 131 + row * 7919)) % 40;
    const uint32_t px = (uint32_t)x % GLYPH_WIDTH;
    const uint32_t py = (uint32_t)y % GLYPH_HEIGHT;
    return px < 7 && py > 1 && py < 12 && letter > 5 && mix(letter * 977 + py * 8 + px) % 5 < 2;
}

static uint32_t colour_at(const struct brush *brush, int32_t x, int32_t y)
{
    const uint32_t ramp = (uint32_t)(x * brush->slope_x + y * brush->slope_y);
    const uint32_t noise = mix((uint32_t)x * 65537 + (uint32_t)y * 257 + brush->salt);
    switch (brush->how) {
    case DESK_TEXT:
        return is_ink(brush, x, y) ? brush->ink : brush->paper;
    case DESK_GRADIENT:
        return (ramp & 0xFF) << 16 | (ramp / 3 & 0xFF) << 8 | (255 - (ramp / 2 & 0xFF));
    case DESK_PHOTO:
        return ((ramp / 4 & 0xF8) + noise % 8) << 16 | ((ramp / 7 & 0xF8) + noise / 8 % 8) << 8 |
               ((ramp / 5 & 0xF8) + noise / 64 % 8);
    case DESK_NOISE:
        return noise & 0xFFFFFF;
    default:
        return brush->paper;
    }
}

void desk_paint(struct desk *desk, struct rng *rng, const struct orl_rect *r, enum desk_paint how)
{
    const struct orl_rect bounds = desk_bounds(desk);
    const struct orl_rect part = orl_rect_intersect(r, &bounds);
    const struct brush brush = {.how = how,
            .ink = rng_u32(rng) & 0xFFFFFF,
            .paper = rng_in(rng, 0, 2) == 0 ? rng_u32(rng) & 0xFFFFFF : 0xFFFFFF,
            .salt = rng_u32(rng),
            .slope_x = rng_in(rng, 0, 5),
            .slope_y = rng_in(rng, 1, 5)};
    const uint32_t unused = rng_in(rng, 0, 3) == 0 ? rng_u32(rng) : 0;
    for (int32_t y = part.y; y < part.y + part.height; y++) {
        for (int32_t x = part.x; x < part.x + part.width; x++) {
            const uint32_t v = colour_at(&brush, x, y) | (unused << 24);
            memcpy(at(desk, x, y), &v, sizeof(v));
        }
    }
}

void desk_paint_all(struct desk *desk, struct rng *rng)
{
    const struct orl_rect all = desk_bounds(desk);
    const int32_t windows = rng_in(rng, 0, 5);
    desk_paint(desk, rng, &all, (enum desk_paint)rng_in(rng, 0, DESK_PAINTS - 1));
    for (int32_t i = 0; i < windows; i++) {
        const struct orl_rect window = desk_random_rect(desk, rng, all.width);
        desk_paint(desk, rng, &window, (enum desk_paint)rng_in(rng, 0, DESK_PAINTS - 1));
    }
}

struct orl_rect desk_move(
        struct desk *desk, struct rng *rng, const struct orl_rect *r, int32_t dx, int32_t dy)
{
    const struct orl_rect bounds = desk_bounds(desk);
    struct orl_rect to = {r->x + dx, r->y + dy, r->width, r->height};
    to = orl_rect_intersect(&to, &bounds);
    if (orl_rect_is_empty(&to)) {
        return to;
    }
    const size_t row_bytes = (size_t)to.width * PX_BYTES;
    uint8_t *copy = malloc(row_bytes * (size_t)to.height);
    assert_non_null(copy);
    for (int32_t y = 0; y < to.height; y++) {
        memcpy(copy + row_bytes * (size_t)y, at(desk, to.x - dx, to.y - dy + y), row_bytes);
    }
    desk_paint(desk, rng, r, (enum desk_paint)rng_in(rng, 0, DESK_PHOTO));
    for (int32_t y = 0; y < to.height; y++) {
        memcpy(at(desk, to.x, to.y + y), copy + row_bytes * (size_t)y, row_bytes);
    }
    free(copy);
    return orl_rect_union(r, &to);
}
