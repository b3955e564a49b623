#include "session/line.h"
#include "base/clock.h"
#include <string.h>

#define ENCODER_FPS 60 /* of enc_h264.h's bound */
#define FRAME_US 25000
#define FRAME_BYTES 2500
#define FRAME_MAX_US 80000
#define REFINE_US 20000   /* of the line that one update may refine */
#define LOSSLESS_US 40000 /* as above, of what changed and goes lossless */
#define PROBE_BYTES 1500  /* what is less says little, and a probe has 50 bytes of its own */
#define PROBE_US (2 * ORL_US_PER_S)
#define PROBE_SMALL_US ORL_US_PER_S
#define PX_MIN 512
#define START_MILLI_BYTES_PER_PX 500
#define HEADER_BYTES 100 /* of a frame, more or less */

void orl_line_init(struct orl_line *line, const struct orl_viewer_handle *viewer)
{
    *line = (struct orl_line){.viewer = *viewer, .milli_bytes_per_px = START_MILLI_BYTES_PER_PX};
    orl_rate_init(&line->rate);
}

/* Who says nothing about what arrives is paced by its socket alone. */
static bool is_known(const struct orl_line *line)
{
    return line->has_acks || line->has_arrivals;
}

static uint64_t bytes_out(const struct orl_line *line)
{
    const struct orl_viewer_ops *ops = line->viewer.ops;
    return ops->bytes_out != NULL ? ops->bytes_out(line->viewer.viewer) : 0;
}

/* Of what is not asked for, nobody tells the arrival. */
static void probe(struct orl_line *line, uint64_t now_us)
{
    if (line->viewer.ops->probe == NULL) {
        return;
    }
    line->viewer.ops->probe(line->viewer.viewer);
    line->probed_bytes = bytes_out(line);
    line->probed_us = now_us;
    orl_rate_sent(&line->rate, line->probed_bytes, now_us);
}

void orl_line_set_caps(struct orl_line *line, const struct orl_viewer_caps *caps, uint64_t now_us)
{
    line->has_acks = caps->has_acks;
    line->max_in_flight = caps->max_in_flight;
    line->max_kbit_s = caps->max_kbit_s;
    probe(line, now_us);
}

void orl_line_sending(struct orl_line *line, uint64_t now_us)
{
    /* What is small shows the delay of the line itself. */
    if (now_us >= line->small_us + PROBE_SMALL_US) {
        line->small_us = now_us;
        probe(line, now_us);
    }
    line->before_bytes = bytes_out(line);
}

static void note_lossless(struct orl_line *line, uint64_t bytes, int64_t px)
{
    if (px >= PX_MIN) {
        const uint64_t now = bytes * 1000 / (uint64_t)px;
        line->milli_bytes_per_px = (line->milli_bytes_per_px * 3 + now) / 4 + 1;
    }
}

uint64_t orl_line_sent(struct orl_line *line, const struct orl_update *update, uint64_t now_us)
{
    const uint64_t total = bytes_out(line);
    const uint64_t bytes = total > line->before_bytes ? total - line->before_bytes : 0;
    uint64_t h264_bytes = 0;
    int64_t lossless_px = 0;
    bool has_photo = false;
    for (unsigned i = 0; i < update->op_count; i++) {
        const struct orl_op *op = &update->ops[i];
        h264_bytes += op->kind == ORL_OP_H264 ? op->data_len : 0;
        has_photo = has_photo || op->kind == ORL_OP_PHOTO;
        lossless_px += op->kind == ORL_OP_LOSSLESS ? orl_rect_area(&op->rect) : 0;
    }
    if (total - line->probed_bytes >= PROBE_BYTES || now_us >= line->probed_us + PROBE_US) {
        probe(line, now_us);
    }
    line->frame_bytes[update->frame_id % ORL_LINE_FRAMES] = bytes_out(line);
    orl_rate_sent(&line->rate, bytes_out(line), now_us);
    if (h264_bytes > 0 || has_photo) {
        orl_rate_frame(&line->rate, bytes);
    }
    if (!has_photo && bytes > h264_bytes + HEADER_BYTES) {
        note_lossless(line, bytes - h264_bytes - HEADER_BYTES, lossless_px);
    }
    return bytes;
}

static void ask_socket(struct orl_line *line)
{
    const struct orl_viewer_ops *ops = line->viewer.ops;
    uint64_t rtt_us = 0;
    uint64_t least_us = 0;
    if (ops->socket_rtt == NULL || !ops->socket_rtt(line->viewer.viewer, &rtt_us, &least_us)) {
        rtt_us = 0;
    }
    orl_rate_socket(&line->rate, rtt_us, least_us);
}

void orl_line_arrived(struct orl_line *line, uint64_t bytes_out, uint64_t now_us)
{
    line->has_arrivals = true;
    ask_socket(line);
    orl_rate_arrived(&line->rate, bytes_out, now_us);
}

void orl_line_acked(struct orl_line *line, uint32_t frame_id, uint64_t now_us)
{
    const uint64_t total = line->frame_bytes[frame_id % ORL_LINE_FRAMES];
    const uint64_t former = line->frame_bytes[line->acked_id % ORL_LINE_FRAMES];
    line->acked_id = frame_id;
    if (line->has_arrivals) {
        orl_rate_done(&line->rate, former); /* of the last one, the arrival may still be told */
        return;
    }
    ask_socket(line);
    orl_rate_acked(&line->rate, total, now_us);
}

void orl_line_forget(struct orl_line *line)
{
    orl_rate_done(&line->rate, line->rate.sent_bytes);
}

bool orl_line_is_slow(const struct orl_line *line)
{
    return is_known(line) && orl_rate_kbit_s(&line->rate) != 0;
}

bool orl_line_can_move(struct orl_line *line, uint64_t now_us)
{
    return !is_known(line) || orl_rate_can_move(&line->rate, now_us);
}

bool orl_line_can_send(const struct orl_line *line)
{
    return !is_known(line) || orl_rate_can_send(&line->rate);
}

/* What the line carries, or less where its person wants that; 0: unknown. */
static uint64_t allowed_kbit_s(const struct orl_line *line)
{
    const uint64_t kbit_s = is_known(line) ? orl_rate_kbit_s(&line->rate) : 0;
    const bool is_bound = line->max_kbit_s != 0 && (kbit_s == 0 || kbit_s > line->max_kbit_s);
    return is_bound ? line->max_kbit_s : kbit_s;
}

/* A frame may take the line for so long that 30 go in a second; over a very slow one for longer, for fewer
 * frames are better than none that shows anything. The encoder counts 60. */
static uint32_t encoder_kbit_s(const struct orl_line *line)
{
    const uint64_t kbit_s = allowed_kbit_s(line);
    uint64_t frame_us = FRAME_US;
    if (kbit_s > 0 && frame_us * kbit_s / 8000 < FRAME_BYTES) {
        frame_us = (uint64_t)FRAME_BYTES * 8000 / kbit_s;
        frame_us = frame_us < FRAME_MAX_US ? frame_us : FRAME_MAX_US;
    }
    return (uint32_t)(kbit_s * frame_us * ENCODER_FPS / ORL_US_PER_S);
}

static int64_t lossless_px(const struct orl_line *line, uint64_t time_us)
{
    const size_t bytes = orl_rate_bytes(&line->rate, time_us);
    if (bytes > INT32_MAX) {
        return INT64_MAX;
    }
    const int64_t px = (int64_t)(bytes * 1000 / line->milli_bytes_per_px);
    return px > PX_MIN ? px : PX_MIN;
}

void orl_line_tune(
        struct orl_line *line, struct orl_planner *planner, struct orl_pacer *pacer, bool is_new)
{
    const uint32_t kbit_s = encoder_kbit_s(line);
    const uint32_t told = is_new ? 0 : line->planned_kbit_s;
    const uint32_t step = told / 10;
    if (kbit_s > told + step || kbit_s + step < told) {
        orl_planner_set_rate(planner, kbit_s);
        line->planned_kbit_s = kbit_s;
    } else if (is_new) {
        line->planned_kbit_s = 0;
    }
    orl_planner_set_lossless(planner, lossless_px(line, LOSSLESS_US), lossless_px(line, REFINE_US));
    orl_pacer_set_max(pacer, orl_rate_frames(&line->rate, pacer->interval_us, line->max_in_flight));
}

uint32_t orl_line_rtt_us(const struct orl_line *line)
{
    const uint64_t rtt_us = orl_rate_rtt_us(&line->rate);
    return rtt_us < UINT32_MAX ? (uint32_t)rtt_us : UINT32_MAX;
}
