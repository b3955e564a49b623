/* Kr and Kb of ITU-R BT.709-6, 3.2, and BT.601-7, 2.5.1; chroma is the mean of 2 x 2 pixels. */
#include "display/csc.h"
#include "display/csc_priv.h"
#include <string.h>

#define ONE (1 << ORL_CSC_BITS)
#define FIXED(v) ((int16_t)((v) < 0 ? (v)*ONE - 0.5 : (v)*ONE + 0.5))
#define LUMA(kr, kb, scale)                                                                        \
    {                                                                                              \
        FIXED((kb) * (scale)), FIXED((1.0 - (kr) - (kb)) * (scale)), FIXED((kr) * (scale)), 0      \
    }
#define CHROMA_U(kr, kb, scale)                                                                    \
    {                                                                                              \
        FIXED(0.5 * (scale)), FIXED(-0.5 * (1.0 - (kr) - (kb)) / (1.0 - (kb)) * (scale)),          \
                FIXED(-0.5 * (kr) / (1.0 - (kb)) * (scale)), 0                                     \
    }
#define CHROMA_V(kr, kb, scale)                                                                    \
    {                                                                                              \
        FIXED(-0.5 * (kb) / (1.0 - (kr)) * (scale)),                                               \
                FIXED(-0.5 * (1.0 - (kr) - (kb)) / (1.0 - (kr)) * (scale)), FIXED(0.5 * (scale)),  \
                0                                                                                  \
    }
#define FULL(kr, kb)                                                                               \
    {                                                                                              \
        .y = LUMA(kr, kb, 1.0), .u = CHROMA_U(kr, kb, 1.0), .v = CHROMA_V(kr, kb, 1.0),            \
        .y_bias = ONE / 2, .uv_bias = 128 * 4 * ONE + 2 * ONE                                      \
    }
#define LIMITED(kr, kb)                                                                            \
    {                                                                                              \
        .y = LUMA(kr, kb, 219.0 / 255.0), .u = CHROMA_U(kr, kb, 224.0 / 255.0),                    \
        .v = CHROMA_V(kr, kb, 224.0 / 255.0), .y_bias = 16 * ONE + ONE / 2,                        \
        .uv_bias = 128 * 4 * ONE + 2 * ONE                                                         \
    }

const struct orl_csc_matrix orl_csc_matrices[ORL_COLOURS_COUNT] = {
        [ORL_COLOURS_709_LIMITED] = LIMITED(0.2126, 0.0722),
        [ORL_COLOURS_709_FULL] = FULL(0.2126, 0.0722),
        [ORL_COLOURS_601_LIMITED] = LIMITED(0.299, 0.114),
};

static uint8_t clamp_u8(int32_t v)
{
    if (v < 0) {
        return 0;
    }
    return v > 255 ? 255 : (uint8_t)v;
}

static int32_t weigh(const int16_t weights[4], const int32_t bgr[3])
{
    return weights[0] * bgr[0] + weights[1] * bgr[1] + weights[2] * bgr[2];
}

void orl_csc_rows_portable(const struct orl_csc_matrix *m, const struct orl_csc_rows *rows)
{
    for (unsigned block = 0; block < rows->blocks; block++) {
        int32_t sum[3] = {0, 0, 0};
        for (unsigned i = 0; i < 4; i++) {
            size_t x = (size_t)block * 2 + (i & 1);
            const uint8_t *px = rows->src[i >> 1] + x * 4;
            const int32_t bgr[3] = {px[0], px[1], px[2]};
            for (unsigned c = 0; c < 3; c++) {
                sum[c] += bgr[c];
            }
            rows->y[i >> 1][x] = clamp_u8((weigh(m->y, bgr) + m->y_bias) >> ORL_CSC_BITS);
        }
        rows->u[block] = clamp_u8((weigh(m->u, sum) + m->uv_bias) >> (ORL_CSC_BITS + 2));
        rows->v[block] = clamp_u8((weigh(m->v, sum) + m->uv_bias) >> (ORL_CSC_BITS + 2));
    }
}

struct span {
    uint32_t from, to; /* even */
};

/* Widened to even numbers; one that reaches the picture's end goes on to the end of the padding. */
static struct span widen(int32_t from, int32_t length, uint32_t picture, uint32_t padded)
{
    struct span s = {(uint32_t)from & ~1U, ((uint32_t)(from + length) + 1) & ~1U};
    if (s.to >= picture) {
        s.to = padded;
    }
    return s;
}

/* What lies right of the last whole block: the last pixel, over and over. */
static void pad_right(const struct orl_csc_matrix *m, const struct orl_csc_rows *rows,
        const uint8_t *const last[2], unsigned blocks)
{
    uint8_t pixels[2][8];
    uint8_t y[2][2];
    uint8_t u = 0;
    uint8_t v = 0;
    for (unsigned i = 0; i < 2; i++) {
        memcpy(pixels[i], last[i], 4);
        memcpy(pixels[i] + 4, last[i], 4);
    }
    const struct orl_csc_rows one = {
            .src = {pixels[0], pixels[1]}, .y = {y[0], y[1]}, .u = &u, .v = &v, .blocks = 1};
    orl_csc_rows_portable(m, &one);
    for (unsigned i = 0; i < 2; i++) {
        memset(rows->y[i], y[i][0], (size_t)blocks * 2);
    }
    memset(rows->u, u, blocks);
    memset(rows->v, v, blocks);
}

struct job {
    const struct orl_csc_matrix *m;
    orl_csc_rows_fn *convert;
    const uint8_t *src;
    size_t src_stride;
    uint32_t width_px, height_px;
    const struct orl_i420 *dst;
};

/* Two lines of luma and one of each chroma; beyond the picture's last line that one counts. */
static void convert_lines(const struct job *job, uint32_t line, const struct span *cols)
{
    const uint32_t whole = job->width_px & ~1U; /* pixels in whole blocks */
    const uint32_t end = cols->to < whole ? cols->to : whole;
    const uint32_t x = cols->from;
    const struct orl_i420 *dst = job->dst;
    struct orl_csc_rows rows;
    const uint8_t *last[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t src_line = line + i < job->height_px ? line + i : job->height_px - 1;
        const uint8_t *row = job->src + job->src_stride * src_line;
        last[i] = row + (size_t)(job->width_px - 1) * 4;
        rows.src[i] = row + (size_t)x * 4;
        rows.y[i] = dst->plane[0] + (size_t)dst->stride_bytes[0] * (line + i) + x;
    }
    rows.u = dst->plane[1] + (size_t)dst->stride_bytes[1] * (line / 2) + x / 2;
    rows.v = dst->plane[2] + (size_t)dst->stride_bytes[2] * (line / 2) + x / 2;
    rows.blocks = end > x ? (end - x) / 2 : 0;
    job->convert(job->m, &rows);
    if (cols->to > end) {
        rows.y[0] += (size_t)rows.blocks * 2;
        rows.y[1] += (size_t)rows.blocks * 2;
        rows.u += rows.blocks;
        rows.v += rows.blocks;
        pad_right(job->m, &rows, last, (cols->to - x) / 2 - rows.blocks);
    }
}

void orl_csc_bgrx_to_i420(const uint8_t *src, size_t src_stride, uint32_t width_px,
        uint32_t height_px, const struct orl_rect *rect, enum orl_colours colours,
        const struct orl_i420 *dst)
{
    const struct orl_rect picture = {0, 0, (int32_t)width_px, (int32_t)height_px};
    const struct orl_rect r = orl_rect_intersect(rect, &picture);
    if (orl_rect_is_empty(&r)) {
        return;
    }
    const struct job job = {
            .m = &orl_csc_matrices[colours],
            .convert = orl_csc_choose_rows(),
            .src = src,
            .src_stride = src_stride,
            .width_px = width_px,
            .height_px = height_px,
            .dst = dst,
    };
    const struct span cols = widen(r.x, r.width, width_px, dst->width_px);
    const struct span lines = widen(r.y, r.height, height_px, dst->height_px);
    for (uint32_t line = lines.from; line < lines.to; line += 2) {
        convert_lines(&job, line, &cols);
    }
}
