/* The encoder's image of ClearCodec's glyph storage (MS-RDPEGFX 3.3.1.9): whole small pictures, sent again as four
 * bytes. Pixels are kept and compared, as in rdp_clear_cache.h. */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLEAR_GLYPHS_H
#define ORL_PROTOCOLS_RDP_RDP_CLEAR_GLYPHS_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_CLEAR_GLYPH_MAX_PX 1024 /* area, 2.2.4.1 */
#define ORL_CLEAR_GLYPHS 4000
#define ORL_CLEAR_GLYPH_WAYS 4

struct orl_clear_glyph {
    uint32_t *pixels; /* NULL: empty */
    uint16_t width_px, height_px;
};
struct orl_clear_glyphs {
    uint64_t key; /* of the hash */
    size_t bytes; /* of all pixels; bounded */
    struct orl_clear_glyph slots[ORL_CLEAR_GLYPHS];
    uint8_t turns[ORL_CLEAR_GLYPHS / ORL_CLEAR_GLYPH_WAYS]; /* which way is replaced next */
};

void orl_clear_glyphs_fini(struct orl_clear_glyphs *glyphs);
/* Returns the slot that has the picture, or -1; then *ret_free is the slot to put it in. */
int orl_clear_glyphs_find(const struct orl_clear_glyphs *glyphs, const uint32_t *pixels,
        uint32_t width_px, uint32_t height_px, int *ret_free);
/* The decoder has that picture in that slot from now on. */
void orl_clear_glyphs_set(struct orl_clear_glyphs *glyphs, int slot, const uint32_t *pixels,
        uint32_t width_px, uint32_t height_px);

#endif
