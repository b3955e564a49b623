/* Pictures for codecs: text, palettes, noise and plain areas, the same on every run. */
#ifndef ORL_TESTS_RDP_TEXT_PICTURE_H
#define ORL_TESTS_RDP_TEXT_PICTURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_picture {
    uint32_t *pixels; /* BGRX; rows of width_px; owned */
    uint32_t width_px, height_px;
    uint64_t state; /* of the generator; not 0 */
};
void text_picture_init(
        struct text_picture *picture, uint32_t width_px, uint32_t height_px, uint64_t seed);
void text_picture_fini(struct text_picture *picture);
uint32_t text_picture_random(struct text_picture *picture, uint32_t below);
void text_picture_plain(struct text_picture *picture, uint32_t colour);
/* A glyph with grey edges (a font of 16 x 32 at half its size): 8 x 16. What lies outside is cut off. */
void text_picture_glyph(struct text_picture *picture, uint32_t x, uint32_t y, uint32_t codepoint,
        uint32_t ink, uint32_t paper);
/* Lines of words, indented as programs are. */
void text_picture_page(struct text_picture *picture, uint32_t ink, uint32_t paper);
void text_picture_noise(struct text_picture *picture, uint32_t colours); /* 0: any colour */
void text_picture_photo(struct text_picture *picture);                   /* smooth with grain */
void text_picture_panels(
        struct text_picture *picture); /* boxes, lines and gradients with some text */

#endif
