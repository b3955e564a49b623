/* See picture.h. Integer arithmetic only: guest and host must agree in every bit. */
#include "picture.h"
#include "font.h"
#include <stdio.h>
#include <string.h>

enum { EDGE = 1, CORNER = 24, MARGIN = 16, PANEL_HEIGHT = 64, PANEL_SCALE = 2 };

static void fill(const struct orl_canvas *to, uint32_t x, uint32_t y, uint32_t w, uint32_t h,
        uint32_t colour)
{
    for (uint32_t j = y; j < y + h && j < to->height; j++) {
        for (uint32_t i = x; i < x + w && i < to->width; i++) {
            to->px[(uint64_t)j * to->stride + i] = colour;
        }
    }
}

static uint32_t rgb(uint32_t r, uint32_t g, uint32_t b)
{
    return (r & 255) << 16 | (g & 255) << 8 | (b & 255);
}

static void paint_glyph(const struct orl_canvas *to, const uint8_t *rows, uint32_t x, uint32_t y,
        uint32_t scale, uint32_t colour)
{
    for (uint32_t j = 0; j < ORL_FONT_HEIGHT; j++) {
        for (uint32_t i = 0; i < ORL_FONT_WIDTH; i++) {
            if (rows[j] >> (ORL_FONT_WIDTH - 1 - i) & 1) {
                fill(to, x + i * scale, y + j * scale, scale, scale, colour);
            }
        }
    }
}

/* Stops before `right`: text never leaves its box. */
static void paint_text(const struct orl_canvas *to, const char *text, uint32_t x, uint32_t y,
        uint32_t right, uint32_t scale, uint32_t colour)
{
    const uint32_t step = (ORL_FONT_WIDTH + 1) * scale;
    for (; *text != '\0' && x + step <= right; text++, x += step) {
        paint_glyph(to, orl_font_glyph(*text), x, y, scale, colour);
    }
}

static void paint_ground(const struct orl_canvas *to)
{
    for (uint32_t y = 0; y < to->height; y++) {
        uint32_t *row = to->px + (uint64_t)y * to->stride;
        for (uint32_t x = 0; x < to->width; x++) {
            row[x] = rgb(
                    24 + 40 * y / to->height, 40 + 64 * y / to->height, 88 + 96 * x / to->width);
        }
    }
}

static void paint_corners(const struct orl_canvas *to)
{
    const uint32_t right = to->width - CORNER - EDGE;
    const uint32_t bottom = to->height - CORNER - EDGE;
    const uint32_t white = rgb(255, 255, 255);
    fill(to, 0, 0, to->width, EDGE, white);
    fill(to, 0, to->height - EDGE, to->width, EDGE, white);
    fill(to, 0, 0, EDGE, to->height, white);
    fill(to, to->width - EDGE, 0, EDGE, to->height, white);
    fill(to, EDGE, EDGE, CORNER, CORNER, rgb(255, 0, 0));
    fill(to, right, EDGE, CORNER, CORNER, rgb(0, 255, 0));
    fill(to, EDGE, bottom, CORNER, CORNER, rgb(0, 0, 255));
    fill(to, right, bottom, CORNER, CORNER, rgb(255, 255, 0));
}

static void paint_bars(const struct orl_canvas *to)
{
    static const uint32_t bars[8] = {
            0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000};
    const uint32_t wide = (to->width - 4 * MARGIN) / 8;
    const uint32_t top = to->height / 4;
    const uint32_t high = to->height / 8;
    for (uint32_t i = 0; i < 8; i++) {
        fill(to, 2 * MARGIN + i * wide, top, wide, high, bars[i]);
    }
    for (uint32_t x = 0; x < 8 * wide; x++) {
        const uint32_t grey = 255 * x / (8 * wide);
        fill(to, 2 * MARGIN + x, top + high, 1, high / 2, rgb(grey, grey, grey));
    }
}

/* What codecs find hard: a checkerboard of single pixels and noise. */
static void paint_hard(const struct orl_canvas *to)
{
    const uint32_t top = to->height / 2;
    const uint32_t side = to->height / 8;
    uint32_t seed = 2463534242U;
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            const uint32_t colour = (x ^ y) & 1 ? 0xffffff : 0x000000;
            fill(to, 2 * MARGIN + x, top + y, 1, 1, colour);
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            fill(to, 3 * MARGIN + side + x, top + y, 1, 1, seed & 0xffffff);
        }
    }
}

static struct orl_picture_rect panel_rect(const struct orl_canvas *to)
{
    return (struct orl_picture_rect){.x = 2 * MARGIN,
            .y = to->height - PANEL_HEIGHT - 2 * MARGIN,
            .w = to->width - 4 * MARGIN,
            .h = PANEL_HEIGHT};
}

static bool is_too_small(const struct orl_canvas *to)
{
    return to->width < ORL_PICTURE_MIN || to->height < ORL_PICTURE_MIN;
}

void orl_picture_add_key(struct orl_picture_state *state, uint16_t code, bool is_down)
{
    if (state->key_count == ORL_PICTURE_KEYS) {
        memmove(state->keys, state->keys + 1, sizeof state->keys - sizeof state->keys[0]);
        state->key_count--;
    }
    state->keys[state->key_count++] = (struct orl_picture_key){code, is_down};
}

struct orl_picture_rect orl_picture_paint_panel(
        const struct orl_canvas *to, const struct orl_picture_state *state)
{
    if (is_too_small(to)) {
        return (struct orl_picture_rect){0};
    }
    const struct orl_picture_rect box = panel_rect(to);
    const uint32_t right = box.x + box.w - MARGIN;
    char line[128];
    int used = snprintf(line, sizeof line, "KEYS");
    for (uint32_t i = 0; i < state->key_count && used > 0 && (size_t)used < sizeof line; i++) {
        used += snprintf(line + used, sizeof line - (size_t)used, " %u%c", state->keys[i].code,
                state->keys[i].is_down ? '+' : '-');
    }
    fill(to, box.x, box.y, box.w, box.h, rgb(8, 8, 8));
    paint_text(to, line, box.x + MARGIN, box.y + 12, right, PANEL_SCALE, rgb(120, 255, 120));
    (void)snprintf(line, sizeof line, "POINTER %u %u BUTTONS %u WHEEL %d %d", state->x, state->y,
            state->buttons, state->wheel, state->hwheel);
    paint_text(to, line, box.x + MARGIN, box.y + 38, right, PANEL_SCALE, rgb(255, 210, 90));
    return box;
}

void orl_picture_paint(const struct orl_canvas *to, const struct orl_picture_state *state)
{
    paint_ground(to);
    if (is_too_small(to)) {
        return;
    }
    char title[64];
    (void)snprintf(title, sizeof title, "ORIEL TINY %ux%u", to->width, to->height);
    const uint32_t scale = to->width >= 1024 ? 5 : 3;
    paint_corners(to);
    paint_bars(to);
    paint_hard(to);
    paint_text(to, title, 2 * MARGIN, to->height / 8, to->width - 2 * MARGIN, scale,
            rgb(255, 255, 255));
    (void)orl_picture_paint_panel(to, state);
}

struct orl_picture_rect orl_picture_paint_motion(const struct orl_canvas *to, uint32_t frame)
{
    if (is_too_small(to)) {
        return (struct orl_picture_rect){0};
    }
    const struct orl_picture_rect box = {0, 0, to->width, panel_rect(to).y};
    for (uint32_t y = 0; y < box.h; y++) {
        uint32_t *row = to->px + (uint64_t)y * to->stride;
        for (uint32_t x = 0; x < box.w; x++) {
            row[x] = rgb(x + frame * 5, y + frame * 3, (x ^ y) + frame);
        }
    }
    return box;
}
