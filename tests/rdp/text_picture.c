#include "text_picture.h"
#include "base/err.h"
#include "display/font.h"
#include <stdlib.h>

void text_picture_init(
        struct text_picture *picture, uint32_t width_px, uint32_t height_px, uint64_t seed)
{
    *picture =
            (struct text_picture){.width_px = width_px, .height_px = height_px, .state = seed | 1};
    picture->pixels = calloc((size_t)width_px * height_px, sizeof(*picture->pixels));
    orl_assert(picture->pixels != NULL);
}

void text_picture_fini(struct text_picture *picture)
{
    free(picture->pixels);
}

uint32_t text_picture_random(struct text_picture *picture, uint32_t below)
{
    picture->state ^= picture->state << 13;
    picture->state ^= picture->state >> 7;
    picture->state ^= picture->state << 17;
    return (uint32_t)(picture->state >> 20) % below;
}

static void set(struct text_picture *picture, uint32_t x, uint32_t y, uint32_t colour)
{
    if (x < picture->width_px && y < picture->height_px) {
        picture->pixels[(size_t)y * picture->width_px + x] = colour;
    }
}

void text_picture_plain(struct text_picture *picture, uint32_t colour)
{
    for (size_t i = 0; i < (size_t)picture->width_px * picture->height_px; i++) {
        picture->pixels[i] = colour;
    }
}

static uint32_t mix(uint32_t ink, uint32_t paper, unsigned quarters)
{
    uint32_t colour = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        const uint32_t a = ink >> shift & 0xFF;
        const uint32_t b = paper >> shift & 0xFF;
        colour |= (a * quarters + b * (4 - quarters)) / 4 << shift;
    }
    return colour;
}

void text_picture_glyph(struct text_picture *picture, uint32_t x, uint32_t y, uint32_t codepoint,
        uint32_t ink, uint32_t paper)
{
    const struct orl_font *font = &orl_font_32_bold;
    const uint8_t *rows = orl_font_glyph(font, codepoint);
    orl_assert(rows != NULL);
    for (uint32_t row = 0; row < font->height_px / 2; row++) {
        for (uint32_t column = 0; column < font->width_px / 2; column++) {
            unsigned quarters = 0;
            for (uint32_t i = 0; i < 4; i++) {
                const uint32_t at_x = 2 * column + i % 2;
                const uint32_t at_y = 2 * row + i / 2;
                quarters += rows[at_y * font->row_bytes + at_x / 8] >> (7 - at_x % 8) & 1;
            }
            set(picture, x + column, y + row, mix(ink, paper, quarters));
        }
    }
}

void text_picture_page(struct text_picture *picture, uint32_t ink, uint32_t paper)
{
    text_picture_plain(picture, paper);
    for (uint32_t y = 2; y + 16 <= picture->height_px; y += 18) {
        uint32_t x = 4 + 32 * text_picture_random(picture, 4);
        uint32_t words = text_picture_random(picture, 12);
        for (; words > 0; words--) {
            const uint32_t letters = 1 + text_picture_random(picture, 9);
            const uint32_t colour = text_picture_random(picture, 4) == 0 ? 0x2040A0 : ink;
            for (uint32_t i = 0; i < letters; i++, x += 8) {
                text_picture_glyph(
                        picture, x, y, 'a' + text_picture_random(picture, 26), colour, paper);
            }
            x += 8;
        }
    }
}

void text_picture_noise(struct text_picture *picture, uint32_t colours)
{
    uint32_t palette[256];
    for (uint32_t i = 0; i < 256; i++) {
        palette[i] = text_picture_random(picture, 0x1000000);
    }
    for (size_t i = 0; i < (size_t)picture->width_px * picture->height_px; i++) {
        picture->pixels[i] = colours == 0 ? text_picture_random(picture, 0x1000000)
                                          : palette[text_picture_random(picture, colours) % 256];
    }
}

void text_picture_photo(struct text_picture *picture)
{
    for (uint32_t y = 0; y < picture->height_px; y++) {
        for (uint32_t x = 0; x < picture->width_px; x++) {
            const uint32_t grain = text_picture_random(picture, 8);
            const uint32_t r = (x * 2 + y + grain) % 256;
            const uint32_t g = (x + y * 2 + grain * 2) % 256;
            const uint32_t b = (x * y / 64 + grain) % 256;
            set(picture, x, y, r << 16 | g << 8 | b);
        }
    }
}

static void panel(struct text_picture *picture)
{
    const uint32_t left = text_picture_random(picture, picture->width_px);
    const uint32_t top = text_picture_random(picture, picture->height_px);
    const uint32_t width = 1 + text_picture_random(picture, picture->width_px);
    const uint32_t height = 1 + text_picture_random(picture, picture->height_px);
    const uint32_t colour = text_picture_random(picture, 0x1000000);
    const uint32_t kind = text_picture_random(picture, 4);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const uint32_t shade = kind == 0 ? x : kind == 1 ? y : 0;
            set(picture, left + x, top + y, (colour + shade * 0x010101) & 0xFFFFFF);
        }
    }
    for (uint32_t i = 0; kind == 2 && i < 20; i++) {
        text_picture_glyph(picture, left + 4 + i * 8, top + 4,
                'A' + text_picture_random(picture, 26), ~colour & 0xFFFFFF, colour);
    }
}

void text_picture_panels(struct text_picture *picture)
{
    text_picture_plain(picture, text_picture_random(picture, 0x1000000));
    const uint32_t count = 1 + text_picture_random(picture, 6);
    for (uint32_t i = 0; i < count; i++) {
        panel(picture);
    }
}
