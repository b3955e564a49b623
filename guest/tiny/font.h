/* A font of 5x7 pixels for the tiny guest's picture: capitals, digits and a few signs. */
#ifndef ORL_TINY_FONT_H
#define ORL_TINY_FONT_H
#include <stdint.h>

enum { ORL_FONT_WIDTH = 5, ORL_FONT_HEIGHT = 7 };

/* Seven rows, bit 4 is the leftmost pixel. Characters it has not are a blank. */
const uint8_t *orl_font_glyph(char c);
#endif
