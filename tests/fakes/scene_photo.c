/* Pictures like a camera's, made from noise of several sizes, with objects that have edges. */
#include "tests/fakes/scene_priv.h"
#include <math.h>
#include <stdlib.h>

#define OCTAVES 6
#define LARGEST_PX 256
#define EDGE 0.02F
#define GRAIN_COUNT 65536u
#define CUT_FRAMES 150 /* a film cuts to another place that often */
#define OBJECTS 8
#define SWAY_ROWS 24 /* what is filmed bends: no one vector fits a whole picture */
#define SWAY_REACH 10.0

/* 0 .. 1 at the corners of a grid, smooth between them. */
static float noise(uint32_t seed, float x, float y)
{
    uint32_t ix = (uint32_t)x;
    uint32_t iy = (uint32_t)y;
    float fx = x - (float)ix;
    float fy = y - (float)iy;
    float corner[4];
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t h =
                orl_scene_hash(seed + (ix + (i & 1)) * 0x9E3779B1U + (iy + i / 2) * 0x85EBCA77U);
        corner[i] = (float)(h >> 8) / (float)(1U << 24);
    }
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    float top = corner[0] + (corner[1] - corner[0]) * fx;
    float bottom = corner[2] + (corner[3] - corner[2]) * fx;
    return top + (bottom - top) * fy;
}

static float fractal(uint32_t seed, float x, float y, float roughness)
{
    float sum = 0;
    float weight = 1;
    float scale = 1.0F / LARGEST_PX;
    for (uint32_t i = 0; i < OCTAVES; i++) {
        sum += (noise(seed + i, x * scale, y * scale) - 0.5F) * weight;
        weight *= roughness;
        scale *= 2;
    }
    return sum;
}

/* 0 on one side, 1 on the other. */
static float edge(float v)
{
    float t = v / EDGE + 0.5F;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

static uint32_t channel(float v)
{
    return v < 4 ? 4 : v > 246 ? 246 : (uint32_t)v; /* room for grain without a carry */
}

void orl_scene_paint_photo(uint32_t *pixels, uint32_t width_px, uint32_t height_px, uint32_t seed)
{
    for (uint32_t y = 0; y < height_px; y++) {
        for (uint32_t x = 0; x < width_px; x++) {
            float fx = (float)x;
            float fy = (float)y;
            float shape = fractal(seed, fx, fy, 0.45F);
            float detail = fractal(seed + 100, fx * 4, fy * 4, 0.8F);
            float light = 130 + 110 * fractal(seed + 200, fx, fy, 0.5F);
            /* Objects end at an edge, as soft as a lens makes it, and have a surface and a colour. */
            float high = edge(shape - 0.1F);
            float low = edge(-0.12F - shape);
            float level = 40 * high - 50 * low;
            float rough = 40 - 16 * high + 20 * low;
            float warm = -25 + 55 * high + 15 * low;
            float base = light + level + rough * detail;
            uint32_t grain = orl_scene_hash(seed + y * width_px + x);
            pixels[(size_t)y * width_px + x] = orl_scene_rgb(channel(base + warm) + (grain & 3),
                    channel(base + 10 * shape) + (grain >> 2 & 3),
                    channel(base - warm) + (grain >> 4 & 3));
        }
    }
}

uint32_t *orl_scene_new_photo(uint32_t width_px, uint32_t height_px, uint32_t seed)
{
    uint32_t *pixels = malloc((size_t)width_px * height_px * sizeof(*pixels));
    if (pixels != NULL) {
        orl_scene_paint_photo(pixels, width_px, height_px, seed);
    }
    return pixels;
}

/* ---- film ---- */

static void free_film(struct orl_scene_film *film)
{
    free(film->photo);
    free(film->grain);
    free(film);
}

static struct orl_scene_film *new_film(uint32_t width_px, uint32_t height_px)
{
    struct orl_scene_film *film = calloc(1, sizeof(*film));
    if (film == NULL) {
        return NULL;
    }
    film->width_px = width_px;
    film->height_px = height_px;
    film->photo = orl_scene_new_photo(
            width_px + ORL_SCENE_FILM_MARGIN, height_px + ORL_SCENE_FILM_MARGIN, 7);
    film->grain = malloc((GRAIN_COUNT + width_px) * sizeof(*film->grain));
    if (film->photo == NULL || film->grain == NULL) {
        free_film(film);
        return NULL;
    }
    for (uint32_t i = 0; i < GRAIN_COUNT + width_px; i++) {
        uint32_t h = orl_scene_hash(i);
        uint32_t light = h % 2; /* of a camera: mostly in brightness */
        film->grain[i] =
                orl_scene_rgb(light + (h >> 8 & 1), light + (h >> 9 & 1), light + (h >> 10 & 1));
    }
    return film;
}

bool orl_scene_film_open(struct orl_scene_film **film, uint32_t width_px, uint32_t height_px)
{
    if (*film != NULL && ((*film)->width_px != width_px || (*film)->height_px != height_px)) {
        free_film(*film);
        *film = NULL;
    }
    if (*film == NULL) {
        *film = new_film(width_px, height_px);
    }
    return *film != NULL;
}

void orl_scene_film_free(struct orl_scene_film *film)
{
    if (film != NULL) {
        free_film(film);
    }
}

/* Half pixels: 0 .. 2 * (margin - 2), there and back. */
static uint32_t swing(uint32_t at)
{
    const uint32_t span = 2 * (ORL_SCENE_FILM_MARGIN - 2);
    at %= 2 * span;
    return at < span ? at : 2 * span - at;
}

static uint32_t mean(uint32_t a, uint32_t b)
{
    return (a >> 1 & 0x7F7F7F) + (b >> 1 & 0x7F7F7F);
}

/* Part of a row as the camera sees it at (x, y), which are half pixels. */
static void expose(const struct orl_scene_film *film, uint32_t *to, uint32_t count, uint32_t x,
        uint32_t y, const uint32_t *grain)
{
    size_t stride = film->width_px + ORL_SCENE_FILM_MARGIN;
    const uint32_t *from = film->photo + stride * (y / 2) + x / 2;
    const uint32_t *second = from + (x & 1) + stride * (y & 1);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = mean(from[i], second[i]) + grain[i];
    }
}

/* Where a disc covers row y; false: nowhere. */
static bool disc_span(const struct orl_scene_film *film, uint32_t cx, uint32_t cy, uint32_t radius,
        uint32_t y, uint32_t *ret_from, uint32_t *ret_to)
{
    int64_t dy = (int64_t)y - cy;
    int64_t half = (int64_t)radius * radius - dy * dy;
    if (half <= 0) {
        return false;
    }
    int64_t reach = (int64_t)sqrt((double)half);
    int64_t from = (int64_t)cx - reach;
    int64_t to = (int64_t)cx + reach;
    *ret_from = from < 0 ? 0 : (uint32_t)from;
    *ret_to = to > film->width_px ? film->width_px : to < 0 ? 0 : (uint32_t)to;
    return *ret_from < *ret_to;
}

static uint32_t sway(uint32_t x, uint32_t y, uint32_t frame)
{
    double bent = (double)x + SWAY_REACH * sin((double)(y + 4 * frame) / SWAY_ROWS);
    double last = 2 * (ORL_SCENE_FILM_MARGIN - 2);
    return bent < 0 ? 0 : bent > last ? (uint32_t)last : (uint32_t)bent;
}

void orl_scene_film_show(
        const struct orl_scene_film *film, uint32_t frame, uint32_t *pixels, size_t stride_px)
{
    uint32_t cut = orl_scene_hash(frame / CUT_FRAMES);
    uint32_t camera_x = swing(cut + frame * 3);
    uint32_t camera_y = swing((cut >> 12) + frame);
    for (uint32_t y = 0; y < film->height_px; y++) {
        uint32_t *row = pixels + stride_px * y;
        const uint32_t *grain = film->grain + orl_scene_hash(frame * 8192 + y) % GRAIN_COUNT;
        expose(film, row, film->width_px, sway(camera_x, y, frame), camera_y + 2 * y, grain);
        for (uint32_t i = 0; i < OBJECTS;
                i++) { /* each goes its own way, with a picture of its own */
            uint32_t h = orl_scene_hash(cut + i);
            uint32_t radius = film->height_px / 12 + h % (film->height_px / 10 + 1);
            uint32_t cx = (h + frame * (2 + h % 7)) % (film->width_px + 2 * radius);
            uint32_t cy = (h >> 10) % film->height_px;
            uint32_t from = 0;
            uint32_t to = 0;
            cx -= cx < radius ? cx : radius;
            if (disc_span(film, cx, cy, radius, y, &from, &to)) {
                uint32_t own_x = swing(h >> 6) + 2 * from; /* it turns a little as it goes */
                uint32_t own_y = swing((h >> 4) + frame / 2) + 2 * y;
                uint32_t shift = 2 * (cx / 2);
                own_x = own_x > shift ? own_x - shift : own_x;
                expose(film, row + from, to - from, own_x, own_y, grain + from);
            }
        }
    }
}
