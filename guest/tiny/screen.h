/* The tiny guest's screen: one dumb buffer of the kernel's DRM interface, in the size the display asks for; of two
 * connected monitors the second shows what is right of the first.
 * Needs no library and no GPU driver but virtio-gpu. One thread. */
#ifndef ORL_TINY_SCREEN_H
#define ORL_TINY_SCREEN_H
#include "picture.h"

enum { ORL_SCREEN_HEADS = 2 };

struct orl_head {
    uint32_t connector, crtc;
    uint32_t x, width, height; /* which part of the canvas */
};
struct orl_screen {
    int fd;
    struct orl_head heads[ORL_SCREEN_HEADS];
    uint32_t head_count;
    uint32_t fb, handle;
    uint64_t size_bytes;
    uint32_t cursor_handle;
    struct orl_canvas canvas; /* px is NULL until orl_screen_follow() set a mode */
};

/* Waits up to wait_ms for /dev/dri/card0. Fails with -1; errno says why. */
int orl_screen_open(struct orl_screen *screen, int wait_ms);
/* Sets the mode the display prefers now. Returns 1 if the size changed (the canvas is new and black),
 * 0 if not, -1 on failure. */
int orl_screen_follow(struct orl_screen *screen);
/* Tells the display which part of the canvas changed. */
void orl_screen_flush(const struct orl_screen *screen, struct orl_picture_rect area);
void orl_screen_move_pointer(const struct orl_screen *screen, uint32_t x, uint32_t y);
#endif
