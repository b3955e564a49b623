/* Lookup only; the glyphs are generated. */
#include "display/font.h"
#include <stddef.h>

const uint8_t *orl_font_glyph(const struct orl_font *font, uint32_t codepoint)
{
    uint32_t low = 0;
    uint32_t high = font->map_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (font->map[middle].codepoint < codepoint) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == font->map_count || font->map[low].codepoint != codepoint) {
        return NULL;
    }
    return font->glyphs + (size_t)font->map[low].glyph * font->height_px * font->row_bytes;
}
