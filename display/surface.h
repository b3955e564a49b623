/* The shared surface: a sealed memfd that a console writes and sessions only read.
 *     header (ORL_SURFACE_HEADER_BYTES): geometry, damage ring, cursor; then the pixels, BGRX, top-down.
 * The writer publishes damage after the pixels are written. A reader keeps its own place in the ring;
 * one that fell behind sees everything as damaged. Neither side believes the other: geometry is read
 * once and checked against the file's size and seals, rectangles are clipped, indexes masked.
 * Pixels may change while they are read: copy first, then look. */
#ifndef ORL_DISPLAY_SURFACE_H
#define ORL_DISPLAY_SURFACE_H
#include "base/err.h"
#include "display/cursor.h"
#include "display/region.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_SURFACE_MAX_PX 8192 /* each side */
#define ORL_SURFACE_MIN_PX 16
#define ORL_SURFACE_MAX_PIXELS 41943040 /* 160 MiB of BGRX */

struct orl_surface; /* one end: writer or reader */

/* Writer (console). Stride is width * 4 rounded up to 64; pixels start black. */
ORL_NODISCARD int orl_surface_create(uint32_t width_px, uint32_t height_px,
        struct orl_surface **ret_surface, struct orl_err *err);
uint8_t *orl_surface_pixels_rw(struct orl_surface *surface);
void orl_surface_damage(struct orl_surface *surface, const struct orl_rect *r); /* clipped */
void orl_surface_set_cursor(struct orl_surface *surface, const struct orl_cursor *cursor);
int orl_surface_fd(const struct orl_surface *surface); /* borrowed; to be sent to readers */

/* Reader (session). Takes fd, also on failure. ORL_E_PROTO: seals, size or geometry do not hold. */
ORL_NODISCARD int orl_surface_open(int fd, struct orl_surface **ret_surface, struct orl_err *err);
/* Adds what was damaged since the last call (all of it on the first). */
void orl_surface_take_damage(struct orl_surface *surface, struct orl_region *region);
/* True and *ret_cursor when the cursor changed since the last call. */
bool orl_surface_take_cursor(struct orl_surface *surface, struct orl_cursor *ret_cursor);

/* Both. */
const uint8_t *orl_surface_pixels(const struct orl_surface *surface);
uint32_t orl_surface_width(const struct orl_surface *surface);
uint32_t orl_surface_height(const struct orl_surface *surface);
size_t orl_surface_stride(const struct orl_surface *surface); /* bytes */
void orl_surface_free(struct orl_surface *surface);

#endif
