/* What a browser's page asks and is told beside RFB, through rfb_aux.h. */
#include "protocols/vnc/rfb_priv.h"
#include <inttypes.h>
#include <stdio.h>

static void on_input(void *ctx, const struct orl_input *input)
{
    struct orl_viewer *v = ctx;
    if (v->state == ORL_RFB_READY && !v->wants_close) {
        v->events->on_input(v->ctx, input);
    }
}

static void on_quality(void *ctx, enum orl_aux_quality quality)
{
    struct orl_viewer *v = ctx;
    v->quality = quality;
    orl_rfb_report_caps(v);
}

static void on_hello(void *ctx)
{
    orl_rfb_report_caps(ctx);
}

static void on_broken(void *ctx)
{
    orl_rfb_close(ctx, ORL_REASON_CLIENT_PROTOCOL, "aux");
}

/* Of the last second in which something was sent. */
static void note_codec(struct orl_rfb_counts *counts)
{
    if (counts->frames > 0) {
        counts->codec = counts->has_h264 ? "h264" : counts->has_lossless ? "lossless" : "copy";
    }
}

static void on_stats_due(void *ctx, char *ret_json, size_t size)
{
    struct orl_viewer *v = ctx;
    struct orl_rfb_counts *counts = &v->counts;
    const uint64_t now_us = orl_loop_now_us(v->loop);
    const uint64_t bytes_out = orl_rfb_stream_bytes_out(&v->stream);
    const uint64_t took_us = now_us > counts->at_us ? now_us - counts->at_us : 1;
    note_codec(counts);
    (void)snprintf(ret_json, size,
            "{\"fps\":%.1f,\"rtt_ms\":%.1f,\"kbit_s\":%" PRIu64
            ",\"codec\":\"%s\",\"width\":%" PRIu32 ",\"height\":%" PRIu32
            ",\"clipboard\":%s,\"sound\":%s}",
            (double)counts->frames * 1e6 / (double)took_us, (double)v->flight.rtt_us / 1e3,
            (bytes_out - counts->bytes_out) * 8000 / took_us, counts->codec, v->width_px,
            v->height_px, v->permit.clipboard != 0 ? "true" : "false",
            v->permit.has_sound != 0 ? "true" : "false");
    *counts = (struct orl_rfb_counts){
            .at_us = now_us, .bytes_out = bytes_out, .codec = counts->codec};
}

void orl_rfb_page_count(struct orl_viewer *v, const struct orl_update *update)
{
    v->counts.frames++;
    for (unsigned i = 0; i < update->op_count; i++) {
        const enum orl_op_kind kind = update->ops[i].kind;
        v->counts.has_h264 = v->counts.has_h264 || kind == ORL_OP_H264;
        v->counts.has_lossless = v->counts.has_lossless || kind != ORL_OP_COPY;
    }
}

int orl_rfb_page_open(struct orl_viewer *v, int fd, struct orl_err *err)
{
    static const struct orl_rfb_aux_events events = {.on_input = on_input,
            .on_quality = on_quality,
            .on_hello = on_hello,
            .on_stats_due = on_stats_due,
            .on_broken = on_broken};
    v->counts = (struct orl_rfb_counts){.at_us = orl_loop_now_us(v->loop), .codec = "lossless"};
    return orl_rfb_aux_new(v->loop, fd, &events, v, &v->aux, err);
}
