#include "protocols/rdp/rdp_clear_glyphs.h"
#include <stdlib.h>
#include <string.h>

enum {
    SETS = ORL_CLEAR_GLYPHS / ORL_CLEAR_GLYPH_WAYS,
    MAX_BYTES = 6 * 1024 * 1024,
};

static size_t bytes_of(const struct orl_clear_glyph *glyph)
{
    return (size_t)glyph->width_px * glyph->height_px * sizeof(*glyph->pixels);
}

static void empty(struct orl_clear_glyphs *glyphs, struct orl_clear_glyph *glyph)
{
    if (glyph->pixels != NULL) {
        glyphs->bytes -= bytes_of(glyph);
        free(glyph->pixels);
        *glyph = (struct orl_clear_glyph){0};
    }
}

void orl_clear_glyphs_fini(struct orl_clear_glyphs *glyphs)
{
    for (unsigned i = 0; i < ORL_CLEAR_GLYPHS; i++) {
        empty(glyphs, &glyphs->slots[i]);
    }
}

static unsigned set_of(const struct orl_clear_glyphs *glyphs, const uint32_t *pixels,
        uint32_t width_px, uint32_t height_px)
{
    uint64_t hash = glyphs->key ^ width_px;
    for (uint32_t i = 0; i < width_px * height_px; i++) {
        hash = (hash ^ pixels[i]) * UINT64_C(0x9FB21C651E98DF25);
        hash ^= hash >> 32;
    }
    return (unsigned)((hash ^ glyphs->key >> 32) % SETS);
}

int orl_clear_glyphs_find(const struct orl_clear_glyphs *glyphs, const uint32_t *pixels,
        uint32_t width_px, uint32_t height_px, int *ret_free)
{
    const unsigned set = set_of(glyphs, pixels, width_px, height_px);
    const unsigned first = set * ORL_CLEAR_GLYPH_WAYS;
    for (unsigned i = first; i < first + ORL_CLEAR_GLYPH_WAYS; i++) {
        const struct orl_clear_glyph *glyph = &glyphs->slots[i];
        if (glyph->pixels != NULL && glyph->width_px == width_px && glyph->height_px == height_px &&
                memcmp(glyph->pixels, pixels, bytes_of(glyph)) == 0) {
            return (int)i;
        }
    }
    *ret_free = (int)(first + glyphs->turns[set]);
    return -1;
}

void orl_clear_glyphs_set(struct orl_clear_glyphs *glyphs, int slot, const uint32_t *pixels,
        uint32_t width_px, uint32_t height_px)
{
    struct orl_clear_glyph *glyph = &glyphs->slots[slot];
    const struct orl_clear_glyph next = {
            .width_px = (uint16_t)width_px, .height_px = (uint16_t)height_px};
    const size_t bytes = bytes_of(&next);
    empty(glyphs, glyph);
    uint8_t *turn = &glyphs->turns[slot / ORL_CLEAR_GLYPH_WAYS];
    *turn = (uint8_t)((*turn + 1) % ORL_CLEAR_GLYPH_WAYS);
    uint32_t *copy = glyphs->bytes + bytes <= MAX_BYTES ? malloc(bytes) : NULL;
    if (copy == NULL) {
        return; /* the decoder has it, we cannot refer to it */
    }
    memcpy(copy, pixels, bytes);
    *glyph = next;
    glyph->pixels = copy;
    glyphs->bytes += bytes;
}
