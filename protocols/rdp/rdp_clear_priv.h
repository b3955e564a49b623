/* The ClearCodec encoder's inside, shared by the rdp_clear*.c files. Pixels here are 0x00RRGGBB, rows without gaps. */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLEAR_PRIV_H
#define ORL_PROTOCOLS_RDP_RDP_CLEAR_PRIV_H
#include "base/buf.h"
#include "protocols/rdp/rdp_clear.h"
#include "protocols/rdp/rdp_clear_cache.h"
#include "protocols/rdp/rdp_clear_glyphs.h"
#include <stdbool.h>

/* Additions to a cache in one stream: fewer than either cache has slots, so that all can be taken back. */
#define ORL_CLEAR_ADDED_MAX 8192
#define ORL_CLEAR_PALETTE_MAX 127 /* 2.2.4.1.1.3.1.1 */

struct orl_clear_box { /* within the picture; right and bottom exclusive */
    uint32_t left, top, right, bottom;
};

struct orl_clear {
    struct orl_clear_cache bars, shorts;
    uint32_t bars_added, shorts_added; /* by the stream that is neither kept nor dropped */
    struct orl_clear_glyphs glyphs;
    int glyph; /* slot that the stream fills; -1: none */
    bool is_pending;
    uint8_t sequence;

    uint32_t *pixels; /* the picture; room for capacity_px */
    size_t capacity_px;
    uint32_t width_px, height_px;
    uint8_t *ink[2]; /* columns with ink, for each of two nested cuts */

    struct orl_buf residual, bands, subcodecs, stream;
    uint32_t run_colour; /* of the residual layer */
    uint32_t run_px;
    uint64_t covered_px; /* by bands and subcodecs */
};

/* The most frequent colour of some samples. */
uint32_t orl_clear_background(const struct orl_clear *clear, const struct orl_clear_box *box);

/* rdp_clear_bands.c: writes the box as one band (2.2.4.1.1.2), of at most ORL_CLEAR_BAR_MAX_PX rows. */
void orl_clear_put_band(
        struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background);

/* rdp_clear_rlex.c: writes the box as a subcodec region (2.2.4.1.1.3): RLEX, or raw pixels. The first says no, and
 * has written nothing, when the box has too many colours or would take more than max_bytes. */
bool orl_clear_put_rlex(struct orl_clear *clear, const struct orl_clear_box *box, size_t max_bytes);
void orl_clear_put_raw(struct orl_clear *clear, const struct orl_clear_box *box);

#endif
