/* The picture the tiny guest shows: a pure function of size and input state, so that a test can paint
 * the same one on the host (tiny-picture) and compare pixel by pixel.
 * Parts: gradient ground, white edge line, corner squares (red, green, blue, yellow), colour bars,
 * grey ramp, one-pixel checkerboard, noise, title with the size, and the status panel at the bottom.
 * Not here: getting it on a screen (screen.h), reading input (input.h). */
#ifndef ORL_TINY_PICTURE_H
#define ORL_TINY_PICTURE_H
#include <stdbool.h>
#include <stdint.h>

enum {
    ORL_PICTURE_KEYS = 8,
    ORL_PICTURE_MIN = 160,   /* smaller canvases get the ground only */
    ORL_PICTURE_MAX = 16384, /* either side */
};

struct orl_canvas {
    uint32_t *px;    /* XRGB8888, X is zero */
    uint32_t stride; /* in pixels */
    uint32_t width, height;
};

struct orl_picture_rect {
    uint32_t x, y, w, h;
};

struct orl_picture_key {
    uint16_t code; /* evdev number, KEY_* of linux/input-event-codes.h */
    bool is_down;
};

/* What the status panel shows. All zero is the state after boot. */
struct orl_picture_state {
    struct orl_picture_key keys[ORL_PICTURE_KEYS]; /* oldest first */
    uint32_t key_count;
    uint32_t x, y;
    uint32_t buttons; /* bit 0 left, 1 right, 2 middle, 3 side, 4 extra */
    int32_t wheel, hwheel;
};

void orl_picture_add_key(struct orl_picture_state *state, uint16_t code, bool is_down);
void orl_picture_paint(const struct orl_canvas *to, const struct orl_picture_state *state);
/* Paints only the part that depends on the state; returns where. */
struct orl_picture_rect orl_picture_paint_panel(
        const struct orl_canvas *to, const struct orl_picture_state *state);
/* Full motion for benchmarks: everything above the panel changes with each frame number. */
struct orl_picture_rect orl_picture_paint_motion(const struct orl_canvas *to, uint32_t frame);
#endif
