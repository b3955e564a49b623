#include "tests/fakes/scene.h"
#include "display/font.h"
#include "tests/fakes/scene_priv.h"
#include <stdlib.h>
#include <string.h>

#define CELL_W ORL_SCENE_CELL_W
#define CELL_H ORL_SCENE_CELL_H
#define STAMP_PX 32
#define TITLE_PX 24
#define FILM_W 1280
#define FILM_H 720
static const char *const names[ORL_SCENE_COUNT] = {
        "still", "pattern", "typing", "scroll", "drag", "video", "motion", "photo", "mixed"};
static const char words[] = "The quick brown fox jumps over the lazy dog 0123456789 (){}[]<>;:,. ";

static void put(struct orl_scene *s, uint32_t x, uint32_t y, uint32_t colour)
{
    if (x < s->width_px && y < s->height_px) {
        s->pixels[(size_t)y * s->width_px + x] = colour;
    }
}

static void fill(
        struct orl_scene *s, uint32_t x, uint32_t y, uint32_t w, uint32_t h, uint32_t colour)
{
    for (uint32_t j = 0; j < h; j++) {
        for (uint32_t i = 0; i < w; i++) {
            put(s, x + i, y + j, colour);
        }
    }
}

static void glyph(struct orl_scene *s, uint32_t x, uint32_t y, char c, uint32_t ink, uint32_t paper)
{
    const uint8_t *rows = orl_font_glyph(&orl_font_16, (unsigned char)c);
    for (uint32_t j = 0; j < CELL_H; j++) {
        for (uint32_t i = 0; i < CELL_W; i++) {
            bool is_ink = rows != NULL && (rows[j * orl_font_16.row_bytes] >> (7 - i) & 1) != 0;
            put(s, x + i, y + j, is_ink ? ink : paper);
        }
    }
}

void orl_scene_fill(struct orl_scene *s, const struct orl_rect *r, uint32_t colour)
{
    fill(s, (uint32_t)r->x, (uint32_t)r->y, (uint32_t)r->width, (uint32_t)r->height, colour);
}

void orl_scene_letter(
        struct orl_scene *s, uint32_t x, uint32_t y, uint32_t n, uint32_t ink, uint32_t paper)
{
    glyph(s, x, y, words[n % (sizeof(words) - 1)], ink, paper);
}

void orl_scene_text_line(
        struct orl_scene *s, uint32_t x, uint32_t y, uint32_t columns, uint32_t line)
{
    uint32_t length = 20 + orl_scene_hash(line) % (columns > 24 ? columns - 20 : 4);
    for (uint32_t i = 0; i < columns; i++) {
        char c = i < length ? words[(line * 7 + i) % (sizeof(words) - 1)] : ' ';
        glyph(s, x + i * CELL_W, y, c, orl_scene_rgb(20, 20, 20), orl_scene_rgb(250, 250, 245));
    }
}

void orl_scene_window(struct orl_scene *s, const struct orl_rect *r)
{
    const uint32_t face = orl_scene_rgb(235, 235, 240);
    const struct orl_rect title = {r->x, r->y, r->width, TITLE_PX};
    orl_scene_fill(s, r, face);
    orl_scene_fill(s, &title, orl_scene_rgb(50, 80, 150));
    for (uint32_t i = 0; i < (uint32_t)r->width / CELL_W - 2; i++) {
        orl_scene_letter(s, (uint32_t)r->x + 8 + i * CELL_W, (uint32_t)r->y + 40, i, 0, face);
    }
}

bool orl_scene_wallpaper(struct orl_scene *s, const struct orl_rect *r)
{
    if (s->photo == NULL || s->photo_width_px != s->width_px ||
            s->photo_height_px != s->height_px) {
        free(s->photo);
        s->photo = orl_scene_new_photo(s->width_px, s->height_px, 1);
        s->photo_width_px = s->width_px;
        s->photo_height_px = s->height_px;
    }
    if (s->photo == NULL) {
        return false;
    }
    const struct orl_rect all = {0, 0, (int32_t)s->width_px, (int32_t)s->height_px};
    const struct orl_rect part = orl_rect_intersect(r, &all);
    for (int32_t y = part.y; y < part.y + part.height; y++) {
        size_t at = (size_t)y * s->width_px + (size_t)part.x;
        memcpy(s->pixels + at, s->photo + at, (size_t)part.width * sizeof(*s->pixels));
    }
    return true;
}

static void paint_pattern(struct orl_scene *s)
{
    uint32_t w = s->width_px;
    uint32_t h = s->height_px;
    for (uint32_t y = 0; y < h; y++) {
        for (uint32_t x = 0; x < w; x++) {
            uint32_t colour = orl_scene_rgb(x * 255 / w, y * 255 / h, 128);
            if (y >= h / 2) {
                colour = x < w / 2            ? orl_scene_rgb(250, 250, 245)
                         : ((x ^ y) & 1) != 0 ? orl_scene_rgb(255, 255, 255)
                                              : orl_scene_rgb(0, 0, 0);
            }
            put(s, x, y, colour);
        }
    }
    for (uint32_t i = 0; i < 8; i++) { /* bars of pure colour */
        fill(s, i * (w / 8), h / 4, w / 8, h / 16,
                orl_scene_rgb(
                        (i & 1) != 0 ? 255 : 0, (i & 2) != 0 ? 255 : 0, (i & 4) != 0 ? 255 : 0));
    }
    for (uint32_t x = 0; x < w; x += 3) { /* lines one pixel wide */
        fill(s, x, h * 3 / 8, 1, h / 16, orl_scene_rgb(255, 0, 0));
    }
    for (uint32_t line = 0; line < h / 2 / CELL_H; line++) {
        for (uint32_t i = 0; i < w / 2 / CELL_W; i++) {
            glyph(s, i * CELL_W, h / 2 + line * CELL_H, words[(line * 5 + i) % (sizeof(words) - 1)],
                    orl_scene_rgb(10, 10, 60), orl_scene_rgb(250, 250, 245));
        }
    }
    /* One pixel in each corner: a picture that is cut or moved shows. */
    put(s, 0, 0, orl_scene_rgb(255, 0, 0));
    put(s, w - 1, 0, orl_scene_rgb(0, 255, 0));
    put(s, 0, h - 1, orl_scene_rgb(0, 0, 255));
    put(s, w - 1, h - 1, orl_scene_rgb(255, 255, 0));
}

bool orl_scene_parse(const char *name, enum orl_scene_kind *ret_kind)
{
    for (unsigned i = 0; i < ORL_SCENE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_kind = (enum orl_scene_kind)i;
            return true;
        }
    }
    return false;
}

static struct orl_rect whole(const struct orl_scene *s)
{
    const struct orl_rect r = {0, 0, (int32_t)s->width_px, (int32_t)s->height_px};
    return r;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

struct orl_rect orl_scene_film_place(const struct orl_scene *s)
{
    if (s->kind == ORL_SCENE_MOTION) {
        return whole(s);
    }
    uint32_t w = least(s->kind == ORL_SCENE_MIXED ? FILM_W / 2 : FILM_W, s->width_px * 2 / 3);
    uint32_t h = least(s->kind == ORL_SCENE_MIXED ? FILM_H / 2 : FILM_H, s->height_px * 2 / 3);
    const struct orl_rect r = {(int32_t)(s->width_px - w) / 2, (int32_t)(s->height_px - h) / 2,
            (int32_t)w, (int32_t)h};
    return r;
}

struct orl_rect orl_scene_show_film(struct orl_scene *s)
{
    const struct orl_rect r = orl_scene_film_place(s);
    if (orl_scene_film_open(&s->film, (uint32_t)r.width, (uint32_t)r.height)) {
        orl_scene_film_show(
                s->film, s->frame, s->pixels + (size_t)r.y * s->width_px + r.x, s->width_px);
    }
    return r;
}

/* There and back; moves by (12, 5) a frame. */
static struct orl_rect drag_place(const struct orl_scene *s, uint32_t frame)
{
    uint32_t span_x = s->width_px * 2 / 3;
    uint32_t span_y = s->height_px / 2;
    uint32_t x = frame * 12 % (2 * span_x);
    uint32_t y = frame * 5 % (2 * span_y);
    const struct orl_rect r = {(int32_t)(x < span_x ? x : 2 * span_x - x),
            (int32_t)(y < span_y ? y : 2 * span_y - y), (int32_t)s->width_px / 3,
            (int32_t)s->height_px / 3};
    return r;
}

void orl_scene_start(struct orl_scene *s)
{
    const struct orl_rect all = whole(s);
    s->frame = s->first_frame;
    switch (s->kind) {
    case ORL_SCENE_STILL:
        orl_scene_fill(s, &all, orl_scene_rgb(40, 60, 90));
        for (uint32_t i = 0; i < 32; i++) {
            orl_scene_letter(s, 64 + i * CELL_W, 64, i, orl_scene_rgb(230, 230, 230),
                    orl_scene_rgb(40, 60, 90));
        }
        break;
    case ORL_SCENE_SCROLL:
        for (uint32_t y = 0; y < s->height_px; y += CELL_H) {
            orl_scene_text_line(s, 0, y, s->width_px / CELL_W, y / CELL_H);
        }
        break;
    case ORL_SCENE_MOTION:
        (void)orl_scene_show_film(s);
        break;
    case ORL_SCENE_DRAG:
    case ORL_SCENE_PHOTO:
        (void)orl_scene_wallpaper(s, &all);
        break;
    case ORL_SCENE_MIXED:
        orl_scene_start_mixed(s);
        break;
    default:
        paint_pattern(s);
        break;
    }
}

void orl_scene_fini(struct orl_scene *s)
{
    orl_scene_film_free(s->film);
    free(s->photo);
    free(s->under);
    s->film = NULL;
    s->photo = NULL;
    s->under = NULL;
}

static struct orl_rect step_typing(struct orl_scene *s)
{
    uint32_t columns = s->width_px / 2 / CELL_W;
    uint32_t rows = s->height_px / 2 / CELL_H;
    uint32_t at = (s->frame - 1) % (columns * rows);
    uint32_t x = at % columns * CELL_W;
    uint32_t y = s->height_px / 2 + at / columns * CELL_H;
    glyph(s, x, y, words[orl_scene_hash(s->frame) % (sizeof(words) - 2)], orl_scene_rgb(0, 90, 0),
            orl_scene_rgb(250, 250, 245));
    struct orl_rect r = {(int32_t)x, (int32_t)y, CELL_W, CELL_H};
    return r;
}

static struct orl_rect step_scroll(struct orl_scene *s)
{
    size_t row = s->width_px;
    uint32_t lines = s->height_px / CELL_H;
    uint32_t kept = (lines - 1) * CELL_H;
    memmove(s->pixels, s->pixels + row * CELL_H, row * kept * sizeof(s->pixels[0]));
    orl_scene_text_line(s, 0, kept, s->width_px / CELL_W, lines - 1 + s->frame);
    struct orl_rect r = {0, 0, (int32_t)s->width_px, (int32_t)(lines * CELL_H)};
    return r;
}

static struct orl_rect step_drag(struct orl_scene *s)
{
    const struct orl_rect old = drag_place(s, s->frame - 1);
    const struct orl_rect now = drag_place(s, s->frame);
    (void)orl_scene_wallpaper(s, &old);
    orl_scene_window(s, &now);
    return orl_rect_union(&old, &now);
}

static struct orl_rect step(struct orl_scene *s)
{
    struct orl_rect none = {0, 0, 0, 0};
    switch (s->kind) {
    case ORL_SCENE_TYPING:
        return step_typing(s);
    case ORL_SCENE_SCROLL:
        return step_scroll(s);
    case ORL_SCENE_DRAG:
        return step_drag(s);
    case ORL_SCENE_VIDEO:
    case ORL_SCENE_MOTION:
        return orl_scene_show_film(s);
    case ORL_SCENE_MIXED:
        return orl_scene_step_mixed(s);
    default:
        return none;
    }
}

struct orl_rect orl_scene_step(struct orl_scene *s)
{
    s->frame++;
    struct orl_rect r = step(s);
    if (s->has_stamp && !orl_rect_is_empty(&r)) {
        (void)orl_scene_stamp(s, s->stamp);
    }
    return r;
}

uint64_t orl_scene_sum(
        const void *pixels, uint32_t width_px, uint32_t height_px, size_t stride_bytes)
{
    uint64_t sum = UINT64_C(0xCBF29CE484222325);
    for (uint32_t y = 0; y < height_px; y++) {
        const uint32_t *row = (const void *)((const uint8_t *)pixels + y * stride_bytes);
        for (uint32_t x = 0; x < width_px; x++) {
            sum = (sum ^ (row[x] & 0xFFFFFF)) * UINT64_C(0x100000001B3);
        }
    }
    return sum;
}

struct orl_rect orl_scene_stamp(struct orl_scene *s, uint32_t colour)
{
    s->has_stamp = true;
    s->stamp = colour & 0xFFFFFF;
    fill(s, 0, 0, STAMP_PX, STAMP_PX, s->stamp);
    struct orl_rect r = {0, 0, STAMP_PX, STAMP_PX};
    return r;
}
