/* Keeps its own I420 picture, of which only the damage is converted again; x264 does the rest. */
#include "display/enc_h264.h"
#include "base/cleanup.h"
#include "display/csc.h"
#include "display/surface.h"
#include <stdlib.h>
#include <string.h>
#include <x264.h>

#define MB 16
#define RATE_MIN_KBIT_S 100
#define RATE_MAX_KBIT_S 400000
#define FPS 60
#define QP 19 /* without a bound; with one, about the same quality */
#define CRF 16.0F
#define LESS_QUALITY 6 /* with little time: half of the bytes, and a fifth of the work */
#define QP_MAX 51
#define PRESET "superfast"

struct orl_h264 {
    x264_t *x264; /* NULL: did not open again; the next picture tries */
    x264_param_t param;
    struct orl_i420 picture;
    uint8_t *memory; /* of the three planes */
    uint8_t *mb_info;
    size_t mb_cols, mb_rows;
    uint32_t width_px, height_px;
    enum orl_colours colours;
    bool has_picture; /* false: all of it must be converted */
    bool is_bounded;  /* as x264 was opened; it cannot change that while it runs */
    enum orl_h264_effort effort;
    uint32_t max_kbit_s;
    int64_t next_pts;
};

/* x264 writes to stderr by default; what matters comes back as an error. */
static void drop_log(void *ctx, int level, const char *fmt, va_list args)
{
    (void)ctx;
    (void)level;
    (void)fmt;
    (void)args;
}

static void set_bound(x264_param_t *param, uint32_t max_kbit_s)
{
    uint32_t rate = max_kbit_s < RATE_MIN_KBIT_S ? RATE_MIN_KBIT_S : max_kbit_s;
    rate = rate > RATE_MAX_KBIT_S ? RATE_MAX_KBIT_S : rate;
    param->rc.i_vbv_max_bitrate = (int)rate;
    param->rc.i_vbv_buffer_size = (int)(rate / 20); /* three frames: a key press waits no longer */
}

/* To keep a bound, x264 first looks at a smaller copy of each picture, which costs time and memory. */
static void set_rate_control(x264_param_t *p, bool is_bounded, uint32_t max_kbit_s)
{
    p->rc.i_rc_method = is_bounded ? X264_RC_CRF : X264_RC_CQP;
    p->rc.f_rf_constant = CRF;
    p->rc.i_qp_constant = QP;
    p->analyse.i_chroma_qp_offset = is_bounded ? -2 : -3; /* colour has a quarter of the samples */
    if (is_bounded) {
        set_bound(p, max_kbit_s);
    }
}

static int set_params(struct orl_h264 *h264, const struct orl_h264_opts *opts)
{
    x264_param_t *p = &h264->param;
    if (x264_param_default_preset(p, PRESET, "zerolatency") < 0) {
        return ORL_E_INVAL;
    }
    p->pf_log = drop_log;
    p->i_log_level = X264_LOG_NONE;
    p->i_threads = (int)opts->threads;
    p->b_sliced_threads = opts->threads > 1; /* frame threads would each delay by one frame */
    p->i_csp = X264_CSP_I420;
    p->i_width = (int)(opts->is_cropped ? (opts->width_px + 1) & ~1U : h264->picture.width_px);
    p->i_height = (int)(opts->is_cropped ? (opts->height_px + 1) & ~1U : h264->picture.height_px);
    p->i_fps_num = FPS;
    p->i_fps_den = 1;
    p->b_vfr_input = 0;
    p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
    p->i_scenecut_threshold = 0;
    p->i_bframe = 0;
    p->b_annexb = 1;
    p->b_repeat_headers = 1;
    p->b_aud = 0;
    p->analyse.b_mb_info = 1;
    p->analyse.i_weighted_pred = X264_WEIGHTP_NONE; /* else a constant macroblock is not constant */
    p->rc.i_aq_mode =
            X264_AQ_NONE; /* as near as the bytes allow; for the eye it is made exact at rest */
    p->vui.b_fullrange = opts->colours == ORL_COLOURS_709_FULL;
    p->vui.i_colorprim = 1; /* BT.709, 6: BT.601; ISO/IEC 14496-10, tables E-3 to E-5 */
    p->vui.i_transfer = 1;
    p->vui.i_colmatrix = opts->colours == ORL_COLOURS_601_LIMITED ? 6 : 1;
    set_rate_control(p, h264->is_bounded, opts->max_kbit_s);
    return x264_param_apply_profile(p, "high") < 0 ? ORL_E_INVAL : ORL_OK;
}

static int alloc_picture(struct orl_h264 *h264)
{
    struct orl_i420 *p = &h264->picture;
    p->width_px = (h264->width_px + MB - 1) / MB * MB;
    p->height_px = (h264->height_px + MB - 1) / MB * MB;
    size_t luma = (size_t)p->width_px * p->height_px;
    h264->mb_cols = p->width_px / MB;
    h264->mb_rows = p->height_px / MB;
    h264->memory = aligned_alloc(64, (luma + luma / 2 + 63) & ~(size_t)63);
    h264->mb_info = malloc(h264->mb_cols * h264->mb_rows);
    if (h264->memory == NULL || h264->mb_info == NULL) {
        return ORL_E_NOMEM;
    }
    p->plane[0] = h264->memory;
    p->plane[1] = h264->memory + luma;
    p->plane[2] = h264->memory + luma + luma / 4;
    p->stride_bytes[0] = (int)p->width_px;
    p->stride_bytes[1] = p->stride_bytes[2] = (int)(p->width_px / 2);
    return ORL_OK;
}

static void free_auto(struct orl_h264 **h264)
{
    orl_h264_free(*h264);
}

static int open_x264(struct orl_h264 *h264, struct orl_err *err)
{
    h264->x264 = x264_encoder_open(&h264->param);
    if (h264->x264 == NULL) {
        return orl_err_set(
                err, ORL_E_BACKEND, "x264 does not open %ux%u", h264->width_px, h264->height_px);
    }
    return ORL_OK;
}

int orl_h264_new(const struct orl_h264_opts *opts, struct orl_h264 **ret_h264, struct orl_err *err)
{
    if (opts->width_px < 1 || opts->width_px > ORL_SURFACE_MAX_PX || opts->height_px < 1 ||
            opts->height_px > ORL_SURFACE_MAX_PX || opts->threads < 1 || opts->threads > 4) {
        return orl_err_set(err, ORL_E_INVAL, "H.264 of %ux%u pixels, %u threads", opts->width_px,
                opts->height_px, opts->threads);
    }
    ORL_AUTO(free_auto) struct orl_h264 *h264 = calloc(1, sizeof(*h264));
    if (h264 == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "H.264");
    }
    h264->width_px = opts->width_px;
    h264->height_px = opts->height_px;
    h264->colours = opts->colours;
    h264->is_bounded = opts->max_kbit_s != 0;
    h264->max_kbit_s = opts->max_kbit_s;
    h264->effort = ORL_H264_USUAL;
    if (alloc_picture(h264) < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "H.264 picture");
    }
    if (set_params(h264, opts) < 0) {
        return orl_err_set(err, ORL_E_INVAL, "H.264 preset " PRESET);
    }
    const int rc = open_x264(h264, err);
    if (rc == ORL_OK) {
        *ret_h264 = orl_steal(h264);
    }
    return rc;
}

static void mark_changed(struct orl_h264 *h264, const struct orl_rect *r)
{
    size_t col0 = (size_t)r->x / MB;
    size_t row0 = (size_t)r->y / MB;
    size_t col1 = ((size_t)r->x + (size_t)r->width + MB - 1) / MB;
    size_t row1 = ((size_t)r->y + (size_t)r->height + MB - 1) / MB;
    for (size_t row = row0; row < row1; row++) {
        memset(h264->mb_info + row * h264->mb_cols + col0, 0, col1 - col0);
    }
}

/* A constant macroblock among others that move costs x264 a motion vector of its own: where much changed,
 * none is, which halves the bytes of a scrolled page. */
static void mark_region(struct orl_h264 *h264, const struct orl_region *region)
{
    const struct orl_rect bounds = orl_region_bounds(region);
    memset(h264->mb_info, X264_MBINFO_CONSTANT, h264->mb_cols * h264->mb_rows);
    if (orl_region_area(region) * 2 >= orl_rect_area(&bounds)) {
        mark_changed(h264, &bounds);
        return;
    }
    for (unsigned i = 0; i < region->count; i++) {
        mark_changed(h264, &region->rects[i]);
    }
}

static void take_damage(struct orl_h264 *h264, const uint8_t *bgrx, size_t stride_bytes,
        const struct orl_region *damage)
{
    const struct orl_rect all = {0, 0, (int32_t)h264->width_px, (int32_t)h264->height_px};
    struct orl_region region = *damage;
    if (!h264->has_picture) {
        region.count = 0;
        orl_region_add(&region, &all);
    }
    orl_region_clip(&region, &all);
    mark_region(h264, &region);
    for (unsigned i = 0; i < region.count; i++) {
        orl_csc_bgrx_to_i420(bgrx, stride_bytes, h264->width_px, h264->height_px, &region.rects[i],
                h264->colours, &h264->picture);
    }
    h264->has_picture = true;
}

/* The quality, and what of a preset x264 lets change while it runs: not CABAC, adaptive quantization, nor references. */
static void set_effort(x264_param_t *p, enum orl_h264_effort effort)
{
    const unsigned intra = X264_ANALYSE_I4x4 | X264_ANALYSE_I8x8;
    p->analyse.i_subpel_refine = effort == ORL_H264_MUCH ? 2 : 1;
    p->analyse.i_me_method = effort == ORL_H264_MUCH ? X264_ME_HEX : X264_ME_DIA;
    p->analyse.inter = effort == ORL_H264_MUCH ? intra | X264_ANALYSE_PSUB16x16 : intra;
    p->analyse.inter = effort == ORL_H264_LITTLE ? 0 : p->analyse.inter;
    p->analyse.b_transform_8x8 = effort != ORL_H264_LITTLE;
    p->b_deblocking_filter = effort != ORL_H264_LITTLE;
    p->rc.f_rf_constant = CRF + (effort == ORL_H264_LITTLE ? (float)LESS_QUALITY : 0.0F);
}

/* The first bound opens x264 anew, with a key frame; without one again, it keeps the largest. */
static int follow_bound(struct orl_h264 *h264, struct orl_err *err)
{
    if (h264->x264 != NULL && (h264->is_bounded || h264->max_kbit_s == 0)) {
        return ORL_OK;
    }
    if (h264->x264 != NULL) {
        x264_encoder_close(h264->x264);
    }
    h264->is_bounded = h264->max_kbit_s != 0;
    set_rate_control(&h264->param, h264->is_bounded, h264->max_kbit_s);
    set_effort(&h264->param, h264->effort);
    return open_x264(h264, err);
}

int orl_h264_encode(struct orl_h264 *h264, const uint8_t *bgrx, size_t stride_bytes,
        const struct orl_region *damage, bool want_key, struct orl_h264_frame *ret_frame,
        struct orl_err *err)
{
    const int rc = follow_bound(h264, err);
    if (rc < 0) {
        return rc;
    }
    take_damage(h264, bgrx, stride_bytes, damage);
    x264_picture_t in;
    x264_picture_init(&in);
    if (!h264->is_bounded && h264->effort == ORL_H264_LITTLE) {
        in.i_qpplus1 = QP + LESS_QUALITY + 1;
    }
    in.i_type = want_key ? X264_TYPE_IDR : X264_TYPE_AUTO;
    in.i_pts = h264->next_pts++;
    in.img.i_csp = X264_CSP_I420;
    in.img.i_plane = 3;
    for (int i = 0; i < 3; i++) {
        in.img.plane[i] = h264->picture.plane[i];
        in.img.i_stride[i] = h264->picture.stride_bytes[i];
    }
    in.prop.mb_info = h264->mb_info;
    x264_picture_t out;
    x264_nal_t *nals = NULL;
    int nal_count = 0;
    int bytes = x264_encoder_encode(h264->x264, &nals, &nal_count, &in, &out);
    if (bytes <= 0 || nal_count < 1) {
        h264->has_picture = false;
        return orl_err_set(err, ORL_E_BACKEND, "x264 gave %d bytes", bytes);
    }
    /* Where the bound forbids it to code anything, the second says so. */
    int qp = out.i_qpplus1 - 1;
    qp = h264->is_bounded && (int)out.prop.f_crf_avg > qp ? (int)out.prop.f_crf_avg : qp;
    qp = qp < 0 ? 0 : qp;
    ret_frame->data = nals[0].p_payload; /* x264.h: payloads of one call are sequential in memory */
    ret_frame->len = (size_t)bytes;
    ret_frame->coded_width_px = h264->picture.width_px;
    ret_frame->coded_height_px = h264->picture.height_px;
    ret_frame->qp = (uint8_t)(qp > QP_MAX ? QP_MAX : qp);
    ret_frame->is_key = out.b_keyframe != 0;
    return ORL_OK;
}

void orl_h264_set_rate(struct orl_h264 *h264, uint32_t max_kbit_s)
{
    h264->max_kbit_s = max_kbit_s;
    if (h264->is_bounded && h264->x264 != NULL) {
        set_bound(&h264->param, max_kbit_s == 0 ? RATE_MAX_KBIT_S : max_kbit_s);
        (void)x264_encoder_reconfig(h264->x264, &h264->param);
    }
}

void orl_h264_set_effort(struct orl_h264 *h264, enum orl_h264_effort effort)
{
    h264->effort = effort;
    set_effort(&h264->param, effort);
    if (h264->x264 != NULL) {
        (void)x264_encoder_reconfig(h264->x264, &h264->param);
    }
}

void orl_h264_free(struct orl_h264 *h264)
{
    if (h264 == NULL) {
        return;
    }
    if (h264->x264 != NULL) {
        x264_encoder_close(h264->x264);
    }
    free(h264->memory);
    free(h264->mb_info);
    free(h264);
}
