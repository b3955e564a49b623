/* An update: what one frame sends, made without knowing the protocol: ops, each over what those before it left.
 * A viewer writes them in its own terms:
 *   copy      GFX SurfaceToSurface                 RFB CopyRect
 *   fill      GFX SolidFill                        RFB (a lossless rectangle)
 *   lossless  GFX planar or ClearCodec, bitmaps    RFB Tight or ZRLE
 *   h264      GFX AVC420                           RFB encoding 50
 *   photo     (never)                              RFB Tight's JPEG */
#ifndef ORL_DISPLAY_PLAN_H
#define ORL_DISPLAY_PLAN_H
#include "display/region.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_UPDATE_MAX_OPS 256
#define ORL_H264_SLOTS 4

enum orl_op_kind {
    ORL_OP_NONE = 0,
    ORL_OP_COPY,
    ORL_OP_FILL,
    ORL_OP_LOSSLESS,
    ORL_OP_H264,
    ORL_OP_PHOTO
};

struct orl_op {
    enum orl_op_kind kind;
    /* PHOTO: what moves, for a client without H264; may lose, and is made exact later. */
    struct orl_rect rect;   /* where it lands; inside the picture */
    int32_t from_x, from_y; /* COPY */
    uint32_t colour;        /* FILL: 0x00RRGGBB */
    bool is_refine;         /* LOSSLESS: makes exact what H264 had touched */
    /* H264: a coded picture of `picture`, which is the whole surface or a part of it, with a decoder of its own
     * for each slot. What is coded shows all of `picture` as it is now; shown are only `regions`. They lie in
     * `picture` and do not overlap: FreeRDP's decoder gives up a frame whose regions do. A slot gets another
     * `picture` only with a key frame, and after an update pictures of different slots do not overlap. */
    unsigned slot;           /* 0 .. ORL_H264_SLOTS - 1 */
    struct orl_rect picture; /* inside the surface; x and y are multiples of 16 */
    const uint8_t *data;     /* Annex B */
    size_t data_len;
    uint32_t coded_width_px, coded_height_px; /* multiples of 16 */
    const struct orl_region *regions;         /* in the surface's coordinates */
    uint8_t qp;                               /* 0 .. 51 */
    bool is_key;
};

/* Everything it points to is borrowed until the viewer's send() returns. */
struct orl_update {
    uint32_t frame_id;     /* counts up from 1, also over new sizes; acknowledged by this number */
    const uint8_t *pixels; /* the picture after this update, BGRX, private to the session */
    size_t stride_bytes;
    uint32_t width_px, height_px;
    const struct orl_op *ops;
    unsigned op_count;
    unsigned h264_slots; /* bit n: slot n is in use; the decoder of any other is no longer needed */
    uint64_t damage_us;  /* when the oldest damage in it was seen */
};

#endif
