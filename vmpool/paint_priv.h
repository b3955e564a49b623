/* The two formats and what they share, for each other. */
#ifndef ORL_VMPOOL_PAINT_PRIV_H
#define ORL_VMPOOL_PAINT_PRIV_H
#include "vmpool/paint.h"
#include <stdint.h>

enum { ORL_PAINT_SIDE_MAX_PX = 16384, ORL_PAINT_PIXELS_MAX = 64 * 1024 * 1024 };

struct orl_paint_count {
    uint64_t pixels;  /* seen */
    uint64_t total;   /* of the picture; 0: size not known yet */
    uint64_t painted; /* of those seen */
};
/* ORL_E_PROTO: no size of a screen. */
ORL_NODISCARD int orl_paint_set_size(
        struct orl_paint_count *count, uint32_t width, uint32_t height);
/* pixels of pixel_bytes (3 or 4), of which the first three are colours. */
void orl_paint_add(
        struct orl_paint_count *count, const uint8_t *bytes, size_t pixels, size_t pixel_bytes);

struct orl_paint_ppm {
    char head[96];
    size_t head_len;
    uint8_t pixel[3]; /* begun, not whole */
    size_t pixel_len;
};
ORL_NODISCARD int orl_paint_ppm_feed(
        struct orl_paint_ppm *ppm, struct orl_paint_count *count, const uint8_t *data, size_t len);

struct orl_paint_png;
ORL_NODISCARD struct orl_paint_png *orl_paint_png_new(void);
void orl_paint_png_free(struct orl_paint_png *png);
ORL_NODISCARD int orl_paint_png_feed(
        struct orl_paint_png *png, struct orl_paint_count *count, const uint8_t *data, size_t len);

#endif
