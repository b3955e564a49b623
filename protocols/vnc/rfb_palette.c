/* Neighbours are mostly alike: only a change of colour is looked up. */
#include "protocols/vnc/rfb_palette.h"
#include <string.h>

#define NO_COLOUR UINT32_MAX

/* The bucket of the colour, or the free one where it belongs: four times as many as colours, so there is one. */
static unsigned bucket_of(const struct orl_rfb_palette *palette, uint32_t colour)
{
    unsigned at = (colour * UINT32_C(2654435761)) >> 22;
    while (palette->buckets[at] != 0 && palette->colours[palette->buckets[at] - 1] != colour) {
        at = (at + 1) % ORL_RFB_PALETTE_BUCKETS;
    }
    return at;
}

static bool add(struct orl_rfb_palette *palette, uint32_t colour, unsigned max)
{
    const unsigned at = bucket_of(palette, colour);
    if (palette->buckets[at] != 0) {
        return true;
    }
    if (palette->count == max) {
        return false;
    }
    palette->colours[palette->count++] = colour;
    palette->buckets[at] = (uint16_t)palette->count;
    return true;
}

bool orl_rfb_palette_take(
        struct orl_rfb_palette *palette, const struct orl_rfb_part *part, unsigned max)
{
    uint32_t before = NO_COLOUR;
    palette->count = 0;
    memset(palette->buckets, 0, sizeof(palette->buckets));
    for (size_t y = 0; y < part->height_px; y++) {
        for (size_t x = 0; x < part->width_px; x++) {
            const uint32_t px = orl_rfb_part_pixel(part, x, y);
            if (px != before && !add(palette, px, max)) {
                return false;
            }
            before = px;
        }
    }
    return true;
}

void orl_rfb_palette_index(
        const struct orl_rfb_palette *palette, const struct orl_rfb_part *part, uint8_t *ret)
{
    uint32_t before = NO_COLOUR;
    uint8_t index = 0;
    for (size_t y = 0; y < part->height_px; y++) {
        for (size_t x = 0; x < part->width_px; x++) {
            const uint32_t px = orl_rfb_part_pixel(part, x, y);
            if (px != before) {
                index = (uint8_t)(palette->buckets[bucket_of(palette, px)] - 1);
                before = px;
            }
            *ret++ = index;
        }
    }
}
