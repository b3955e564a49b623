/* The guest's pointer shape. */
#ifndef ORL_DISPLAY_CURSOR_H
#define ORL_DISPLAY_CURSOR_H
#include <stdbool.h>
#include <stdint.h>

#define ORL_CURSOR_MAX_PX 128

struct orl_cursor {
    bool is_visible;
    uint32_t width_px, height_px; /* 1 .. ORL_CURSOR_MAX_PX */
    uint32_t hot_x, hot_y;        /* < width_px, < height_px */
    uint32_t pixels[ORL_CURSOR_MAX_PX *
                    ORL_CURSOR_MAX_PX]; /* 0xAARRGGBB, not premultiplied, rows without gaps */
};

#endif
