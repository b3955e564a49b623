/* JPEG of a part of a picture: what moves for clients without H.264, and thumbnails. */
#ifndef ORL_DISPLAY_JPEG_H
#define ORL_DISPLAY_JPEG_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_jpeg;
struct orl_jpeg_picture {
    const uint8_t *bgrx; /* borrowed; may change meanwhile */
    size_t stride_bytes;
    uint32_t width_px, height_px; /* 1 .. ORL_SURFACE_MAX_PX */
};

ORL_NODISCARD int orl_jpeg_new(struct orl_jpeg **ret_jpeg);
void orl_jpeg_free(struct orl_jpeg *jpeg);
/* quality 1 .. 100; has_full_colour: else colour has a quarter of the samples. *ret_data is the encoder's, until its
 * next call. ORL_E_NOMEM, ORL_E_BACKEND. */
ORL_NODISCARD int orl_jpeg_encode(struct orl_jpeg *jpeg, const struct orl_jpeg_picture *picture,
        int quality, bool has_full_colour, const uint8_t **ret_data, size_t *ret_len);

#endif
