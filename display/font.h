/* Bitmap fonts that the build embeds (fontgen.c makes the .c files from console-setup's PSF files). */
#ifndef ORL_DISPLAY_FONT_H
#define ORL_DISPLAY_FONT_H
#include <stdint.h>

struct orl_font_map {
    uint32_t codepoint;
    uint16_t glyph;
};
struct orl_font {
    uint32_t width_px, height_px;
    uint32_t row_bytes;             /* leftmost pixel in the highest bit */
    const uint8_t *glyphs;          /* height_px * row_bytes each */
    const struct orl_font_map *map; /* ascending codepoints */
    uint32_t map_count;
};
extern const struct orl_font orl_font_16;
extern const struct orl_font orl_font_16_bold;
extern const struct orl_font orl_font_24;
extern const struct orl_font orl_font_32_bold;

/* The glyph's rows, or NULL: the font does not have it. */
const uint8_t *orl_font_glyph(const struct orl_font *font, uint32_t codepoint);

#endif
