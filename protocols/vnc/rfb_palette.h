/* The colours of a small part of a picture, while they are few. */
#ifndef ORL_VNC_RFB_PALETTE_H
#define ORL_VNC_RFB_PALETTE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_RFB_PALETTE_MAX 256
#define ORL_RFB_PALETTE_BUCKETS 1024

struct orl_rfb_palette {
    unsigned count;
    uint32_t colours[ORL_RFB_PALETTE_MAX];     /* 0x00RRGGBB, in the order they were met */
    uint16_t buckets[ORL_RFB_PALETTE_BUCKETS]; /* index + 1; 0: free */
};
/* A part of a picture: BGRX. */
struct orl_rfb_part {
    const uint8_t *pixels;
    size_t stride_bytes;
    size_t width_px, height_px;
};
static inline uint32_t orl_rfb_part_pixel(const struct orl_rfb_part *part, size_t x, size_t y)
{
    const uint8_t *at = part->pixels + part->stride_bytes * y + x * 4;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}
/* Collects the part's colours; false: there are more than max (1 .. ORL_RFB_PALETTE_MAX). */
bool orl_rfb_palette_take(
        struct orl_rfb_palette *palette, const struct orl_rfb_part *part, unsigned max);
/* One index a pixel; ret has room for all of them. The part is the one that was taken, unchanged. */
void orl_rfb_palette_index(
        const struct orl_rfb_palette *palette, const struct orl_rfb_part *part, uint8_t *ret);

#endif
