/* Which lossless codec for which pixels of the graphics pipeline: ClearCodec for what looks like text, planar for what
 * looks like a photo, neither when neither is smaller. */
#ifndef ORL_PROTOCOLS_RDP_RDP_PIXELS_H
#define ORL_PROTOCOLS_RDP_RDP_PIXELS_H
#include "base/buf.h"
#include "display/region.h"
#include "protocols/rdp/rdp_clear.h"
#include "protocols/rdp/rdp_planar.h"

struct orl_rdp_pixels {
    struct orl_clear *clear; /* owned; NULL: planar only */
    struct orl_rdp_planar planar;
};
struct orl_rdp_picture {   /* borrowed */
    const uint8_t *pixels; /* BGRX */
    size_t stride_bytes;
};
ORL_NODISCARD int orl_rdp_pixels_init(struct orl_rdp_pixels *codecs, bool has_clear);
void orl_rdp_pixels_fini(struct orl_rdp_pixels *codecs);

/* How many rows of the rectangle to take at once: 1 .. ORL_RDP_PLANAR_ROWS, ending between lines of text if it can. */
int32_t orl_rdp_pixels_rows(const struct orl_rdp_picture *picture, const struct orl_rect *rect);
/* Appends WireToSurface PDUs that make the rectangle of the surface exact: at most ORL_RDP_PLANAR_ROWS rows. */
void orl_rdp_pixels_put(struct orl_rdp_pixels *codecs, struct orl_buf *pdus, uint16_t surface,
        const struct orl_rdp_picture *picture, const struct orl_rect *rect);

#endif
