/* A block of centred lines: title, text, elapsed time, footer. The layout depends on the strings and
 * the picture's size only, so that the line with the time stays where it is. */
#include "display/notice.h"
#include "base/utf8.h"
#include "display/font.h"
#include <stdio.h>
#include <string.h>

#define BACKGROUND 0x1B2733U
#define TITLE_COLOUR 0xFFFFFFU
#define TEXT_COLOUR 0xC8D2DCU
#define TIME_COLOUR 0x8FB7D9U
#define FOOTER_COLOUR 0x8593A1U
#define BAND_COLOUR 0xFFF4CEU
#define BAND_EDGE_COLOUR 0xB58105U
#define BAND_TEXT_COLOUR 0x2B2100U
#define TEXT_MAX 1024  /* code points of one string; the rest is not shown */
#define LINES_MAX 16   /* of one string */
#define COLUMNS_MAX 64 /* a line that is easy to read */
#define TIME_COLUMNS 12
#define ELAPSED_MAX_S 359999 /* 5999:59 */

struct canvas {
    uint8_t *pixels;
    size_t stride_bytes;
    int32_t width_px, height_px;
    int32_t zoom; /* each font pixel is zoom x zoom */
};
struct line {
    size_t from, count;
};
/* One string, laid out. */
struct block {
    const struct orl_font *font;
    uint32_t colour;
    uint32_t text[TEXT_MAX];
    size_t count;
    struct line lines[LINES_MAX];
    unsigned line_count;
    int32_t y;
};

static void fill(const struct canvas *canvas, const struct orl_rect *r, uint32_t colour)
{
    const struct orl_rect all = {0, 0, canvas->width_px, canvas->height_px};
    const struct orl_rect c = orl_rect_intersect(r, &all);
    const uint8_t px[4] = {(uint8_t)colour, (uint8_t)(colour >> 8), (uint8_t)(colour >> 16), 0};
    for (int32_t y = c.y; y < c.y + c.height; y++) {
        uint8_t *out = canvas->pixels + canvas->stride_bytes * (size_t)y + (size_t)c.x * 4;
        for (int32_t x = 0; x < c.width; x++, out += 4) {
            memcpy(out, px, sizeof(px));
        }
    }
}

static bool is_glyph_bit(const struct orl_font *font, const uint8_t *glyph, uint32_t x, uint32_t y)
{
    if (glyph == NULL) { /* a box */
        return (x == 1 || x + 2 == font->width_px || y == 2 || y + 3 == font->height_px) &&
               x >= 1 && x + 2 <= font->width_px && y >= 2 && y + 3 <= font->height_px;
    }
    return (glyph[y * font->row_bytes + x / 8] & (0x80U >> (x % 8))) != 0;
}

static void draw_glyph(const struct canvas *canvas, const struct orl_font *font, uint32_t codepoint,
        int32_t left, int32_t top, uint32_t colour)
{
    const uint8_t *glyph = orl_font_glyph(font, codepoint);
    for (uint32_t y = 0; y < font->height_px; y++) {
        for (uint32_t x = 0; x < font->width_px; x++) {
            if (is_glyph_bit(font, glyph, x, y)) {
                const struct orl_rect dot = {left + (int32_t)x * canvas->zoom,
                        top + (int32_t)y * canvas->zoom, canvas->zoom, canvas->zoom};
                fill(canvas, &dot, colour);
            }
        }
    }
}

/* Where the line that begins at `from` ends, and where the next begins. */
static struct line cut_line(
        const struct block *block, size_t from, size_t columns, size_t *ret_next)
{
    size_t end = from;
    size_t last_space = 0;
    while (end < block->count && block->text[end] != '\n' && end - from < columns) {
        if (block->text[end] == ' ') {
            last_space = end;
        }
        end++;
    }
    bool is_whole = end == block->count || block->text[end] == '\n' || block->text[end] == ' ';
    if (!is_whole && last_space > from) {
        end = last_space;
    }
    *ret_next = end;
    if (end < block->count && (block->text[end] == '\n' || block->text[end] == ' ')) {
        *ret_next = end + 1;
    }
    return (struct line){from, end - from};
}

static int32_t line_height(const struct canvas *canvas, const struct orl_font *font)
{
    return (int32_t)(font->height_px + font->height_px / 4) * canvas->zoom;
}

static void lay_out(struct block *block, const struct canvas *canvas, const char *text,
        const struct orl_font *font, uint32_t colour)
{
    block->font = font;
    block->colour = colour;
    block->line_count = 0;
    block->count = text == NULL ? 0 : orl_utf8_decode(text, block->text, TEXT_MAX);
    size_t cell = font->width_px * (size_t)canvas->zoom;
    size_t columns = (size_t)canvas->width_px / cell;
    columns = columns > 2 ? columns - 2 : 1;
    columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
    size_t at = 0;
    while (at < block->count && block->line_count < LINES_MAX) {
        block->lines[block->line_count++] = cut_line(block, at, columns, &at);
    }
}

static int32_t height_of(const struct block *block, const struct canvas *canvas)
{
    return (int32_t)block->line_count * line_height(canvas, block->font);
}

static void draw(const struct block *block, const struct canvas *canvas)
{
    const int32_t cell = (int32_t)block->font->width_px * canvas->zoom;
    for (unsigned i = 0; i < block->line_count; i++) {
        const struct line *line = &block->lines[i];
        int32_t x = (canvas->width_px - cell * (int32_t)line->count) / 2;
        int32_t y = block->y + (int32_t)i * line_height(canvas, block->font);
        for (size_t c = 0; c < line->count; c++) {
            draw_glyph(canvas, block->font, block->text[line->from + c], x + (int32_t)c * cell, y,
                    block->colour);
        }
    }
}

struct screen {
    struct canvas canvas;
    struct block title, text, elapsed, footer;
};

static void lay_out_screen(struct screen *screen, const struct orl_notice *notice)
{
    struct canvas *canvas = &screen->canvas;
    canvas->zoom = canvas->width_px >= 2560 && canvas->height_px >= 1440 ? 2 : 1;
    bool is_large = canvas->width_px >= 720 && canvas->height_px >= 400;
    const struct orl_font *text_font = is_large ? &orl_font_24 : &orl_font_16;
    char time[32] = "";
    if (notice->elapsed_s >= 0) {
        int64_t s = notice->elapsed_s < ELAPSED_MAX_S ? notice->elapsed_s : ELAPSED_MAX_S;
        snprintf(time, sizeof(time), "%d:%02d", (int)(s / 60), (int)(s % 60));
    }
    lay_out(&screen->title, canvas, notice->title, is_large ? &orl_font_32_bold : &orl_font_16_bold,
            TITLE_COLOUR);
    lay_out(&screen->text, canvas, notice->text, text_font, TEXT_COLOUR);
    lay_out(&screen->elapsed, canvas, time, text_font, TIME_COLOUR);
    lay_out(&screen->footer, canvas, notice->footer, &orl_font_16, FOOTER_COLOUR);
    struct block *blocks[] = {&screen->title, &screen->text, &screen->elapsed, &screen->footer};
    const int32_t gap = line_height(canvas, text_font) / 2;
    int32_t height = 0;
    for (unsigned i = 0; i < 4; i++) {
        height += blocks[i]->line_count > 0 ? height_of(blocks[i], canvas) + gap : 0;
    }
    int32_t y = (canvas->height_px - height) / 2;
    y = y > 0 ? y : 0;
    for (unsigned i = 0; i < 4; i++) {
        blocks[i]->y = y;
        y += blocks[i]->line_count > 0 ? height_of(blocks[i], canvas) + gap : 0;
    }
}

static struct orl_rect elapsed_rect(const struct screen *screen)
{
    const struct canvas *canvas = &screen->canvas;
    const struct orl_rect all = {0, 0, canvas->width_px, canvas->height_px};
    const int32_t width = TIME_COLUMNS * (int32_t)screen->elapsed.font->width_px * canvas->zoom;
    const struct orl_rect r = {(canvas->width_px - width) / 2, screen->elapsed.y, width,
            height_of(&screen->elapsed, canvas)};
    return orl_rect_intersect(&r, &all);
}

struct orl_rect orl_notice_draw(const struct orl_notice *notice, uint8_t *pixels,
        size_t stride_bytes, uint32_t width_px, uint32_t height_px, bool only_elapsed)
{
    struct screen screen;
    screen.canvas = (struct canvas){pixels, stride_bytes, (int32_t)width_px, (int32_t)height_px, 1};
    lay_out_screen(&screen, notice);
    if (only_elapsed) {
        const struct orl_rect line = elapsed_rect(&screen);
        fill(&screen.canvas, &line, BACKGROUND);
        draw(&screen.elapsed, &screen.canvas);
        return line;
    }
    const struct orl_rect all = {0, 0, (int32_t)width_px, (int32_t)height_px};
    fill(&screen.canvas, &all, BACKGROUND);
    draw(&screen.title, &screen.canvas);
    draw(&screen.text, &screen.canvas);
    draw(&screen.elapsed, &screen.canvas);
    draw(&screen.footer, &screen.canvas);
    return all;
}

struct band {
    struct canvas canvas;
    struct block text;
    struct orl_rect rect;
};

static void lay_out_band(struct band *band, const char *text)
{
    struct canvas *canvas = &band->canvas;
    canvas->zoom = canvas->width_px >= 2560 && canvas->height_px >= 1440 ? 2 : 1;
    lay_out(&band->text, canvas, text, &orl_font_16_bold, BAND_TEXT_COLOUR);
    const int32_t cell = (int32_t)band->text.font->width_px * canvas->zoom;
    const int32_t padding = line_height(canvas, band->text.font) / 2;
    int32_t longest = 0;
    for (unsigned i = 0; i < band->text.line_count; i++) {
        int32_t count = (int32_t)band->text.lines[i].count;
        longest = count > longest ? count : longest;
    }
    const struct orl_rect all = {0, 0, canvas->width_px, canvas->height_px};
    const int32_t width = longest * cell + 4 * padding;
    const struct orl_rect r = {
            (canvas->width_px - width) / 2, 0, width, height_of(&band->text, canvas) + 2 * padding};
    band->rect = orl_rect_intersect(&r, &all);
    band->text.y = padding;
}

struct orl_rect orl_notice_band_rect(const char *text, uint32_t width_px, uint32_t height_px)
{
    struct band band;
    band.canvas = (struct canvas){NULL, 0, (int32_t)width_px, (int32_t)height_px, 1};
    lay_out_band(&band, text);
    return band.rect;
}

void orl_notice_draw_band(const char *text, uint8_t *pixels, size_t stride_bytes, uint32_t width_px,
        uint32_t height_px)
{
    struct band band;
    band.canvas = (struct canvas){pixels, stride_bytes, (int32_t)width_px, (int32_t)height_px, 1};
    lay_out_band(&band, text);
    const struct orl_rect *r = &band.rect;
    const struct orl_rect inner = {r->x + 1, r->y, r->width - 2, r->height - 1};
    fill(&band.canvas, r, BAND_EDGE_COLOUR);
    fill(&band.canvas, &inner, BAND_COLOUR);
    draw(&band.text, &band.canvas);
}

int orl_notice_band_hit(
        const char *text, uint32_t width_px, uint32_t height_px, int32_t x, int32_t y)
{
    struct band band;
    band.canvas = (struct canvas){NULL, 0, (int32_t)width_px, (int32_t)height_px, 1};
    lay_out_band(&band, text);
    const int32_t cell = (int32_t)band.text.font->width_px * band.canvas.zoom;
    const int32_t height = line_height(&band.canvas, band.text.font);
    const int32_t line = y >= band.text.y ? (y - band.text.y) / height : -1;
    if (line < 0 || line >= (int32_t)band.text.line_count) {
        return -1;
    }
    const struct line *hit = &band.text.lines[line];
    const int32_t left = (band.canvas.width_px - cell * (int32_t)hit->count) / 2;
    const int32_t column = x >= left ? (x - left) / cell : -1;
    return column >= 0 && column < (int32_t)hit->count ? (int)hit->from + column : -1;
}
