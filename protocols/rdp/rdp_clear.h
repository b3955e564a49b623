/* A ClearCodec encoder (MS-RDPEGFX 2.2.4.1): exact, and small for text and other flat pictures. One per connection:
 * the decoder's caches follow every stream that is sent, in order, whatever the surface.
 * Not here: whether ClearCodec is worth it for some pixels (rdp_pixels.c). */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLEAR_H
#define ORL_PROTOCOLS_RDP_RDP_CLEAR_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_CLEAR_MAX_SIDE_PX 8192
#define ORL_CLEAR_MAX_AREA_PX (8192 * 64)

struct orl_clear; /* opaque; one owner; at most 12 MB: its caches, and glyphs of up to 6 MB */

ORL_NODISCARD int orl_clear_new(struct orl_clear **ret_clear);
void orl_clear_free(struct orl_clear *clear); /* NULL is fine */

/* Encodes BGRX pixels (X is ignored; sides 1 .. ORL_CLEAR_MAX_SIDE_PX, area at most ORL_CLEAR_MAX_AREA_PX). One of
 * keep and drop must follow, and until then the bytes are there: keep when they were sent; after drop the caches and the sequence number are as if nothing had been encoded. */
ORL_NODISCARD int orl_clear_encode(struct orl_clear *clear, const uint8_t *pixels,
        size_t stride_bytes, uint32_t width_px, uint32_t height_px, const uint8_t **ret_data,
        size_t *ret_len);
void orl_clear_keep(struct orl_clear *clear);
void orl_clear_drop(struct orl_clear *clear);

#endif
