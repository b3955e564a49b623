#include "tests/fakes/scene.h"
#include "display/font.h"
#include <string.h>

#define CELL_W 8
#define CELL_H 16
#define STAMP_PX 32
static const char *const names[ORL_SCENE_COUNT] = {
        "still", "pattern", "typing", "scroll", "drag", "video", "motion", "photo"};
static const char words[] = "The quick brown fox jumps over the lazy dog 0123456789 (){}[]<>;:,. ";

static uint32_t rgb(uint32_t r, uint32_t g, uint32_t b)
{
    return (r & 0xFF) << 16 | (g & 0xFF) << 8 | (b & 0xFF);
}

static uint32_t hash(uint32_t v)
{
    v ^= v >> 16;
    v *= 0x7FEB352DU;
    v ^= v >> 15;
    v *= 0x846CA68BU;
    return v ^ v >> 16;
}

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

static void text_line(struct orl_scene *s, uint32_t y, uint32_t line)
{
    uint32_t columns = s->width_px / CELL_W;
    uint32_t length = 20 + hash(line) % (columns > 24 ? columns - 20 : 4);
    for (uint32_t i = 0; i < columns; i++) {
        char c = i < length ? words[(line * 7 + i) % (sizeof(words) - 1)] : ' ';
        glyph(s, i * CELL_W, y, c, rgb(20, 20, 20), rgb(250, 250, 245));
    }
}

static void paint_pattern(struct orl_scene *s)
{
    uint32_t w = s->width_px;
    uint32_t h = s->height_px;
    for (uint32_t y = 0; y < h; y++) {
        for (uint32_t x = 0; x < w; x++) {
            uint32_t colour = rgb(x * 255 / w, y * 255 / h, 128);
            if (y >= h / 2) {
                colour = x < w / 2            ? rgb(250, 250, 245)
                         : ((x ^ y) & 1) != 0 ? rgb(255, 255, 255)
                                              : rgb(0, 0, 0);
            }
            put(s, x, y, colour);
        }
    }
    for (uint32_t i = 0; i < 8; i++) { /* bars of pure colour */
        fill(s, i * (w / 8), h / 4, w / 8, h / 16,
                rgb((i & 1) != 0 ? 255 : 0, (i & 2) != 0 ? 255 : 0, (i & 4) != 0 ? 255 : 0));
    }
    for (uint32_t x = 0; x < w; x += 3) { /* lines one pixel wide */
        fill(s, x, h * 3 / 8, 1, h / 16, rgb(255, 0, 0));
    }
    for (uint32_t line = 0; line < h / 2 / CELL_H; line++) {
        for (uint32_t i = 0; i < w / 2 / CELL_W; i++) {
            glyph(s, i * CELL_W, h / 2 + line * CELL_H, words[(line * 5 + i) % (sizeof(words) - 1)],
                    rgb(10, 10, 60), rgb(250, 250, 245));
        }
    }
    /* One pixel in each corner: a picture that is cut or moved shows. */
    put(s, 0, 0, rgb(255, 0, 0));
    put(s, w - 1, 0, rgb(0, 255, 0));
    put(s, 0, h - 1, rgb(0, 0, 255));
    put(s, w - 1, h - 1, rgb(255, 255, 0));
}

static void paint_photo(struct orl_scene *s)
{
    for (uint32_t y = 0; y < s->height_px; y++) {
        for (uint32_t x = 0; x < s->width_px; x++) {
            uint32_t grain = hash(y * s->width_px + x) % 12;
            uint32_t d = ((x * x / 97) + (y * y / 61)) >> 4;
            put(s, x, y,
                    rgb(100 + (d & 127) + grain, 60 + (x * 150 / s->width_px) + grain,
                            40 + (y * 180 / s->height_px) + grain));
        }
    }
}

static struct orl_rect moving(struct orl_scene *s, uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
    uint32_t t = s->frame;
    for (uint32_t j = 0; j < h; j++) {
        for (uint32_t i = 0; i < w; i++) {
            uint32_t u = i + t * 5;
            uint32_t v = j + t * 3;
            uint32_t wave = ((u * u / 211) ^ (v * v / 173)) & 0xFF;
            put(s, x + i, y + j, rgb(wave, (u + v) / 3, (i + t * 7) / 2 + (hash(u ^ v << 12) & 7)));
        }
    }
    struct orl_rect r = {(int32_t)x, (int32_t)y, (int32_t)w, (int32_t)h};
    return r;
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

static void place_window(struct orl_scene *s, uint32_t frame, uint32_t *ret_x, uint32_t *ret_y)
{
    uint32_t span_x = s->width_px * 2 / 3;
    uint32_t span_y = s->height_px / 2;
    uint32_t at = frame * 12 % (2 * span_x);
    *ret_x = at < span_x ? at : 2 * span_x - at;
    at = frame * 5 % (2 * span_y);
    *ret_y = at < span_y ? at : 2 * span_y - at;
}

void orl_scene_start(struct orl_scene *s)
{
    s->frame = 0;
    switch (s->kind) {
    case ORL_SCENE_STILL:
        fill(s, 0, 0, s->width_px, s->height_px, rgb(40, 60, 90));
        for (uint32_t i = 0; i < 32; i++) {
            glyph(s, 64 + i * CELL_W, 64, words[i], rgb(230, 230, 230), rgb(40, 60, 90));
        }
        break;
    case ORL_SCENE_SCROLL:
        for (uint32_t y = 0; y < s->height_px; y += CELL_H) {
            text_line(s, y, y / CELL_H);
        }
        break;
    case ORL_SCENE_MOTION:
        (void)moving(s, 0, 0, s->width_px, s->height_px);
        break;
    case ORL_SCENE_PHOTO:
        paint_photo(s);
        break;
    default:
        paint_pattern(s);
        break;
    }
}

static struct orl_rect step_typing(struct orl_scene *s)
{
    uint32_t columns = s->width_px / 2 / CELL_W;
    uint32_t rows = s->height_px / 2 / CELL_H;
    uint32_t at = (s->frame - 1) % (columns * rows);
    uint32_t x = at % columns * CELL_W;
    uint32_t y = s->height_px / 2 + at / columns * CELL_H;
    glyph(s, x, y, words[hash(s->frame) % (sizeof(words) - 2)], rgb(0, 90, 0), rgb(250, 250, 245));
    struct orl_rect r = {(int32_t)x, (int32_t)y, CELL_W, CELL_H};
    return r;
}

static struct orl_rect step_scroll(struct orl_scene *s)
{
    size_t row = s->width_px;
    uint32_t lines = s->height_px / CELL_H;
    uint32_t kept = (lines - 1) * CELL_H;
    memmove(s->pixels, s->pixels + row * CELL_H, row * kept * sizeof(s->pixels[0]));
    text_line(s, kept, lines - 1 + s->frame);
    struct orl_rect r = {0, 0, (int32_t)s->width_px, (int32_t)(lines * CELL_H)};
    return r;
}

static struct orl_rect step_drag(struct orl_scene *s)
{
    uint32_t x = 0;
    uint32_t y = 0;
    uint32_t w = s->width_px / 3;
    uint32_t h = s->height_px / 3;
    place_window(s, s->frame - 1, &x, &y);
    struct orl_rect old = {(int32_t)x, (int32_t)y, (int32_t)w, (int32_t)h};
    /* The pattern under the window's old place. */
    struct orl_scene under = *s;
    under.kind = ORL_SCENE_PATTERN;
    orl_scene_start(&under);
    place_window(s, s->frame, &x, &y);
    fill(s, x, y, w, h, rgb(235, 235, 240));
    fill(s, x, y, w, 24, rgb(50, 80, 150));
    for (uint32_t i = 0; i < w / CELL_W - 2; i++) {
        glyph(s, x + 8 + i * CELL_W, y + 40, words[i % (sizeof(words) - 1)], 0, rgb(235, 235, 240));
    }
    struct orl_rect now = {(int32_t)x, (int32_t)y, (int32_t)w, (int32_t)h};
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
        return moving(
                s, s->width_px / 6, s->height_px / 6, s->width_px * 5 / 9, s->height_px * 5 / 9);
    case ORL_SCENE_MOTION:
        return moving(s, 0, 0, s->width_px, s->height_px);
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

struct orl_rect orl_scene_stamp(struct orl_scene *s, uint32_t colour)
{
    s->has_stamp = true;
    s->stamp = colour & 0xFFFFFF;
    fill(s, 0, 0, STAMP_PX, STAMP_PX, s->stamp);
    struct orl_rect r = {0, 0, STAMP_PX, STAMP_PX};
    return r;
}
