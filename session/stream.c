#include "session/stream.h"
#include "base/client_limits.h"
#include "base/clock.h"
#include "display/pacer.h"
#include "display/planner.h"
#include "session/line.h"
#include <stdlib.h>

struct orl_stream {
    struct orl_loop *loop;
    struct orl_picture *picture;
    struct orl_viewer_handle viewer;
    unsigned threads;
    struct orl_stream_events events;
    void *ctx;
    struct orl_viewer_caps caps;
    struct orl_planner *planner; /* NULL: no client yet */
    struct orl_planner_opts planned;
    uint32_t
            frame_id; /* of the last update; a late acknowledgement must not be taken for another's */
    struct orl_pacer pacer;
    struct orl_line line;
    struct orl_timer *timer;
    bool is_visible;
    bool is_blocked; /* the viewer took nothing; an ack or writable follows */
    bool is_stopped;
    bool is_pumping;
    bool is_held;        /* what moves waits for the line; an arrival follows */
    uint64_t blocked_us; /* since when */
    uint64_t stall_us;
    uint64_t frames;
    struct orl_telemetry telemetry;
};

static void fail(struct orl_stream *stream, enum orl_reason reason, const char *text)
{
    if (!stream->is_stopped) {
        orl_stream_stop(stream);
        stream->events.on_failed(stream->ctx, reason, text);
    }
}

static void block(struct orl_stream *stream, uint64_t now_us)
{
    stream->is_blocked = true;
    stream->blocked_us = now_us;
}

/* 1: sent; 0: nothing to send now, or the viewer takes nothing. is_held: only what is small. */
static int send_one(struct orl_stream *stream, bool is_held, uint64_t now_us)
{
    struct orl_update update;
    struct orl_err err = {0};
    size_t stride = 0;
    const uint8_t *pixels = orl_picture_pixels(stream->picture, &stride);
    if (pixels == NULL) {
        return 0;
    }
    const struct orl_viewer_ops *ops = stream->viewer.ops;
    if (ops->can_send != NULL && !ops->can_send(stream->viewer.viewer)) {
        block(stream, now_us);
        return 0;
    }
    orl_planner_hold(stream->planner, is_held);
    int code = orl_planner_next(stream->planner, pixels, stride, now_us, &update, &err);
    if (code <= 0) {
        if (code < 0) {
            fail(stream, ORL_REASON_INTERNAL, err.text);
        }
        return 0;
    }
    stream->frame_id = update.frame_id;
    orl_line_sending(&stream->line, now_us);
    code = ops->send(stream->viewer.viewer, &update);
    if (code < 0) {
        orl_planner_unsent(stream->planner);
        block(stream, now_us);
        return 0; /* other errors close the viewer, which says so by itself */
    }
    stream->frames++;
    const uint64_t bytes = orl_line_sent(&stream->line, &update, now_us);
    orl_telemetry_sent(&stream->telemetry, &update, bytes, orl_clock_now_us());
    orl_pacer_sent(&stream->pacer, update.frame_id, now_us);
    return 1;
}

/* On a slow line a key's answer goes before what moves, in a frame of its own. */
static int send_due(struct orl_stream *stream, uint64_t now_us)
{
    orl_line_tune(&stream->line, stream->planner, &stream->pacer, false);
    stream->is_held = !orl_line_can_move(&stream->line, now_us);
    if (!stream->is_held && !orl_line_is_slow(&stream->line)) {
        return send_one(stream, false, now_us);
    }
    int sent = orl_line_can_send(&stream->line) ? send_one(stream, true, now_us) : 0;
    if (!stream->is_held && !stream->is_blocked && !stream->is_stopped &&
            orl_pacer_can_send(&stream->pacer, now_us)) {
        sent += send_one(stream, false, now_us);
    }
    return sent;
}

static uint64_t earlier(uint64_t a_us, uint64_t b_us)
{
    return a_us == 0 || (b_us != 0 && b_us < a_us) ? b_us : a_us;
}

/* When the oldest frame that the client has not taken becomes too old; 0: there is none. */
static uint64_t stall_due_us(const struct orl_stream *stream)
{
    uint64_t oldest_us = orl_pacer_oldest_us(&stream->pacer);
    uint64_t since_us = earlier(oldest_us, stream->is_blocked ? stream->blocked_us : 0);
    return since_us == 0 ? 0 : since_us + stream->stall_us;
}

static void arm(struct orl_stream *stream, bool is_paced, uint64_t now_us)
{
    uint64_t due_us = stall_due_us(stream);
    if (!stream->is_blocked && !(stream->is_held && !is_paced)) {
        /* While the pacer says no, the planner's wish must wait for it. */
        due_us = earlier(due_us,
                is_paced ? orl_pacer_due_us(&stream->pacer) : orl_planner_due_us(stream->planner));
    }
    if (due_us == 0) {
        orl_timer_stop(stream->timer);
    } else {
        orl_timer_start(stream->timer, due_us > now_us ? due_us - now_us : 0, 0);
    }
}

static void pump(struct orl_stream *stream)
{
    if (stream->planner == NULL || stream->is_stopped || !stream->is_visible ||
            stream->is_pumping) {
        return;
    }
    uint64_t now_us = orl_clock_now_us();
    uint64_t stalled_us = stall_due_us(stream);
    if (stalled_us != 0 && stalled_us <= now_us) {
        fail(stream, ORL_REASON_CLIENT_STALLED, "");
        return;
    }
    struct orl_region region = {.count = 0};
    orl_picture_take_damage(stream->picture, &region);
    orl_planner_damage(stream->planner, &region, now_us);
    stream->is_pumping = true;
    bool may_send = orl_pacer_can_send(&stream->pacer, now_us);
    int sent = 0;
    if (may_send && !stream->is_blocked) {
        sent = send_due(stream, now_us);
    }
    stream->is_pumping = false;
    if (!stream->is_stopped) {
        arm(stream, !may_send || sent > 0, now_us);
    }
}

static void on_timer(void *ctx)
{
    pump(ctx);
}

int orl_stream_new(struct orl_loop *loop, struct orl_picture *picture,
        const struct orl_viewer_handle *viewer, unsigned threads,
        const struct orl_stream_events *events, void *ctx, struct orl_stream **ret_stream,
        struct orl_err *err)
{
    struct orl_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "stream: out of memory");
    }
    *stream = (struct orl_stream){.loop = loop,
            .picture = picture,
            .viewer = *viewer,
            .threads = threads,
            .events = *events,
            .ctx = ctx,
            .stall_us = ORL_CLIENT_SILENT_S * ORL_US_PER_S,
            .is_visible = true};
    orl_telemetry_init(&stream->telemetry, orl_clock_now_us());
    orl_line_init(&stream->line, viewer);
    int code = orl_timer_new(loop, on_timer, stream, &stream->timer, err);
    if (code < 0) {
        free(stream);
        return code;
    }
    *ret_stream = stream;
    return ORL_OK;
}

static struct orl_planner_opts opts_of(const struct orl_stream *stream)
{
    return (struct orl_planner_opts){.width_px = orl_picture_width(stream->picture),
            .height_px = orl_picture_height(stream->picture),
            .has_h264 = stream->caps.has_h264,
            .h264_shows_all = !stream->caps.has_h264_regions,
            .has_photo = stream->caps.has_photo,
            .has_copy = stream->caps.has_copy,
            .colours = stream->caps.h264_colours,
            .threads = stream->threads,
            .frame_id = stream->frame_id};
}

/* The client has what was sent, whatever else about it changed. */
static bool is_planned(const struct orl_stream *stream)
{
    const struct orl_planner_opts opts = opts_of(stream);
    const struct orl_planner_opts *planned = &stream->planned;
    return stream->planner != NULL && opts.width_px == planned->width_px &&
           opts.height_px == planned->height_px && opts.has_h264 == planned->has_h264 &&
           opts.h264_shows_all == planned->h264_shows_all && opts.has_photo == planned->has_photo &&
           opts.has_copy == planned->has_copy && opts.colours == planned->colours;
}

void orl_stream_on_size(struct orl_stream *stream)
{
    struct orl_err err = {0};
    stream->planned = opts_of(stream);
    orl_planner_free(stream->planner);
    stream->planner = NULL;
    if (orl_planner_new(&stream->planned, &stream->planner, &err) < 0) {
        fail(stream, ORL_REASON_INTERNAL, err.text);
        return;
    }
    orl_pacer_init(&stream->pacer, stream->caps.max_in_flight, ORL_PACER_INTERVAL_US,
            stream->caps.has_acks);
    orl_line_forget(&stream->line);
    orl_line_tune(&stream->line, stream->planner, &stream->pacer, true);
    stream->is_blocked = false;
    pump(stream);
}

void orl_stream_set_stall(struct orl_stream *stream, uint64_t stall_us)
{
    stream->stall_us = stall_us;
}

void orl_stream_set_caps(struct orl_stream *stream, const struct orl_viewer_caps *caps)
{
    const bool has_other_acks = stream->caps.has_acks != caps->has_acks;
    stream->caps = *caps;
    orl_line_set_caps(&stream->line, caps, orl_clock_now_us());
    if (is_planned(stream)) {
        if (has_other_acks) { /* what is in flight is not waited for any more */
            orl_pacer_set_acks(&stream->pacer, caps->has_acks);
            orl_line_forget(&stream->line);
        }
        stream->is_blocked = false;
        pump(stream);
    } else {
        orl_stream_on_size(stream);
    }
}

void orl_stream_on_damage(struct orl_stream *stream)
{
    pump(stream);
}

void orl_stream_on_ack(struct orl_stream *stream, uint32_t frame_id)
{
    const uint64_t now_us = orl_clock_now_us();
    if (orl_pacer_acked(&stream->pacer, frame_id, now_us)) {
        orl_line_acked(&stream->line, frame_id, now_us);
    }
    orl_telemetry_acked(&stream->telemetry, frame_id, now_us);
    stream->is_blocked = false;
    pump(stream);
}

void orl_stream_on_arrived(struct orl_stream *stream, uint64_t bytes_out)
{
    orl_line_arrived(&stream->line, bytes_out, orl_clock_now_us());
    if (stream->is_held) {
        pump(stream);
    }
}

void orl_stream_on_writable(struct orl_stream *stream)
{
    stream->is_blocked = false;
    pump(stream);
}

void orl_stream_set_visible(struct orl_stream *stream, bool is_visible)
{
    stream->is_visible = is_visible;
    if (is_visible) {
        orl_stream_refresh(stream);
        return;
    }
    orl_timer_stop(stream->timer);
    if (stream->planner != NULL) {
        orl_planner_rest(stream->planner); /* no timer would */
    }
}

void orl_stream_refresh(struct orl_stream *stream)
{
    if (stream->planner != NULL) {
        orl_planner_reset(stream->planner, orl_clock_now_us());
        pump(stream);
    }
}

void orl_stream_stop(struct orl_stream *stream)
{
    stream->is_stopped = true;
    orl_timer_stop(stream->timer);
}

struct orl_telemetry *orl_stream_telemetry(struct orl_stream *stream)
{
    return &stream->telemetry;
}

uint64_t orl_stream_frames(const struct orl_stream *stream)
{
    return stream->frames;
}

uint32_t orl_stream_rtt_us(const struct orl_stream *stream)
{
    return orl_line_rtt_us(&stream->line);
}

uint64_t orl_stream_latency_us(const struct orl_stream *stream)
{
    return stream->pacer.mean_latency_us;
}

void orl_stream_free(struct orl_stream *stream)
{
    if (stream != NULL) {
        orl_timer_free(stream->timer);
        orl_planner_free(stream->planner);
        free(stream);
    }
}
