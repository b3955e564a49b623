/* Planar compression of 32 bit pixels (MS-RDPEGDI 2.2.2.5), by FreeRDP. */
#ifndef ORL_PROTOCOLS_RDP_RDP_PLANAR_H
#define ORL_PROTOCOLS_RDP_RDP_PLANAR_H
#include <freerdp/codec/planar.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORL_RDP_PLANAR_ROWS = 64 };

struct orl_rdp_planar {
    BITMAP_PLANAR_CONTEXT *context; /* NULL before the first use */
    uint32_t width_px;              /* that it was made for */
    unsigned idle_frames;           /* since a wide picture */
};
void orl_rdp_planar_fini(struct orl_rdp_planar *planar);
/* After a frame: what wide pictures need (two megabytes) is given back when some frames had none. */
void orl_rdp_planar_frame(struct orl_rdp_planar *planar);
/* Rows of the picture as one planar stream (malloc'd, free() it), or NULL when it would not be smaller than the
 * pixels. skips_alpha: the same on every call. */
uint8_t *orl_rdp_planar_encode(struct orl_rdp_planar *planar, const uint8_t *pixels,
        size_t stride_bytes, uint32_t width_px, uint32_t height_px, bool is_top_down,
        bool skips_alpha, uint32_t *ret_len);

#endif
