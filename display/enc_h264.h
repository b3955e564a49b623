/* H.264 by libx264: zero latency, one slice per thread, infinite GOP, the colours in the VUI.
 * Rate: VBV counts a frame as 1/60 s, the pacer's shortest mean interval: the bound holds at any frame rate,
 * and a slower stream stays below it by as much as it is slower. True times would need a frame's length
 * before the next one is known. */
#ifndef ORL_DISPLAY_ENC_H264_H
#define ORL_DISPLAY_ENC_H264_H
#include "base/err.h"
#include "display/csc.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_h264;
enum orl_h264_effort {
    ORL_H264_LITTLE = 0, /* nearly x264's ultrafast */
    ORL_H264_USUAL,      /* superfast; what an encoder begins with */
    ORL_H264_MUCH,       /* nearly veryfast */
};
struct orl_h264_opts {
    uint32_t width_px, height_px; /* of the picture; coded size is rounded up to 16 */
    bool is_cropped; /* decoders give the picture's size, rounded up to 2; else the coded one */
    enum orl_colours colours;
    unsigned threads;    /* 1 .. 4 */
    uint32_t max_kbit_s; /* VBV; 0: none, all pictures of one quality. See orl_h264_set_rate() */
};
struct orl_h264_frame {
    const uint8_t *data; /* Annex B; borrowed until the next encode */
    size_t len;
    uint32_t coded_width_px, coded_height_px;
    uint8_t qp;
    bool is_key;
};
ORL_NODISCARD int orl_h264_new(
        const struct orl_h264_opts *opts, struct orl_h264 **ret_h264, struct orl_err *err);
/* damage: what changed in bgrx since the last encode; only that is converted, and macroblocks outside it
 * are marked constant. */
ORL_NODISCARD int orl_h264_encode(struct orl_h264 *h264, const uint8_t *bgrx, size_t stride_bytes,
        const struct orl_region *damage, bool want_key, struct orl_h264_frame *ret_frame,
        struct orl_err *err);
/* Both from the next picture on, without a key frame but for the first bound. What x264 refuses changes nothing. */
void orl_h264_set_rate(struct orl_h264 *h264, uint32_t max_kbit_s);
void orl_h264_set_effort(struct orl_h264 *h264, enum orl_h264_effort effort);
void orl_h264_free(struct orl_h264 *h264);

#endif
