/* Text screens: waiting with elapsed time, refused and why, desktop restarting, guest died.
 * Drawn from a packaged font (Terminus from console-setup, embedded by the build). */
#ifndef ORL_DISPLAY_NOTICE_H
#define ORL_DISPLAY_NOTICE_H
#include "display/region.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_notice {
    const char *title;  /* UTF-8; characters that the font lacks show as a box */
    const char *text;   /* wrapped at words */
    int64_t elapsed_s;  /* shown as m:ss when >= 0 */
    const char *footer; /* e.g. reason code and audit id; NULL */
};
/* Paints all of the picture (BGRX) and returns what it changed against the last elapsed second as one
 * rectangle when only_elapsed is set: just the line with the time is painted. */
struct orl_rect orl_notice_draw(const struct orl_notice *notice, uint8_t *pixels,
        size_t stride_bytes, uint32_t width_px, uint32_t height_px, bool only_elapsed);
/* A band at the top of a picture that goes on below it, as wide as its text. What it covers, and painting it there. */
struct orl_rect orl_notice_band_rect(const char *text, uint32_t width_px, uint32_t height_px);
void orl_notice_draw_band(const char *text, uint8_t *pixels, size_t stride_bytes, uint32_t width_px,
        uint32_t height_px);
/* Which of the text's characters is painted at this place, from 0; -1: none. */
int orl_notice_band_hit(
        const char *text, uint32_t width_px, uint32_t height_px, int32_t x, int32_t y);

#endif
