/* The client's pixel format (RFC 6143 7.4) and our BGRX turned into it. */
#ifndef ORL_VNC_RFB_PIXEL_H
#define ORL_VNC_RFB_PIXEL_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_rfb_format {
    uint8_t bits_per_pixel; /* 8, 16 or 32 */
    uint8_t depth;
    bool is_big_endian, is_true_colour;
    uint16_t red_max, green_max, blue_max; /* 2^n - 1 */
    uint8_t red_shift, green_shift, blue_shift;
};

/* What a server offers first, and what costs nothing to write: BGRX. */
extern const struct orl_rfb_format orl_rfb_format_bgrx;
/* ORL_E_UNSUPPORTED: a colour map. ORL_E_PROTO: maxima and shifts that do not fit into a pixel. */
ORL_NODISCARD int orl_rfb_format_check(const struct orl_rfb_format *format, struct orl_err *err);

/* How pixels are written for one client. */
enum orl_rfb_pixel_kind {
    ORL_RFB_PIXEL_WHOLE = 0, /* as the format says */
    ORL_RFB_PIXEL_TIGHT,     /* TPIXEL: three bytes R, G, B where the format allows */
    ORL_RFB_PIXEL_ZRLE       /* CPIXEL: three of a pixel's four bytes where the format allows */
};
struct orl_rfb_pixels {
    struct orl_rfb_format format;
    unsigned bytes[3];                        /* by kind: 1 .. 4 */
    bool is_bgrx;                             /* WHOLE is a plain copy */
    unsigned offset;                          /* of a CPIXEL's three bytes in the pixel */
    uint32_t red[256], green[256], blue[256]; /* their bits as the pixel's bytes lie in memory */
};
/* The format was checked. */
void orl_rfb_pixels_init(struct orl_rfb_pixels *pixels, const struct orl_rfb_format *format);
/* 0x00RRGGBB, or BGRX read as a little-endian number, as the format's bytes: bytes[WHOLE] of them, first the lowest. */
uint32_t orl_rfb_pixels_of(const struct orl_rfb_pixels *pixels, uint32_t rgb);
/* Writes count pixels of BGRX; ret has room for bytes[kind] * count. Returns where it ended. */
uint8_t *orl_rfb_pixels_put(const struct orl_rfb_pixels *pixels, enum orl_rfb_pixel_kind kind,
        const uint8_t *bgrx, size_t count, uint8_t *ret);

#endif
