/* From damage to frames: asks the picture what changed, the planner what to send, the pacer when, and
 * hands it to the viewer. Sends nothing while nobody sees it. */
#ifndef ORL_SESSION_STREAM_H
#define ORL_SESSION_STREAM_H
#include "base/loop.h"
#include "display/viewer.h"
#include "session/picture.h"
#include "session/telemetry.h"

struct orl_stream;
struct orl_stream_events {
    /* reason: CLIENT_STALLED, or INTERNAL (the encoder or memory). Called once. */
    void (*on_failed)(void *ctx, enum orl_reason reason, const char *text);
};
/* Borrows picture and viewer for life. */
ORL_NODISCARD int orl_stream_new(struct orl_loop *loop, struct orl_picture *picture,
        const struct orl_viewer_handle *viewer, unsigned threads,
        const struct orl_stream_events *events, void *ctx, struct orl_stream **ret_stream,
        struct orl_err *err);
/* A client that takes nothing for so long is over; else ORL_CLIENT_SILENT_S. */
void orl_stream_set_stall(struct orl_stream *stream, uint64_t stall_us);
/* The client is ready, or something about it changed. Everything is sent anew, but for a change of acknowledging. */
void orl_stream_set_caps(struct orl_stream *stream, const struct orl_viewer_caps *caps);
/* The picture has another size now. */
void orl_stream_on_size(struct orl_stream *stream);
void orl_stream_on_damage(struct orl_stream *stream);
void orl_stream_on_ack(struct orl_stream *stream, uint32_t frame_id);
/* All that the viewer's bytes_out() counted up to there has reached the client. */
void orl_stream_on_arrived(struct orl_stream *stream, uint64_t bytes_out);
void orl_stream_on_writable(struct orl_stream *stream);
void orl_stream_set_visible(struct orl_stream *stream, bool is_visible);
void orl_stream_refresh(struct orl_stream *stream); /* the client wants everything again */
void orl_stream_stop(struct orl_stream *stream);    /* no frame after it */
struct orl_telemetry *orl_stream_telemetry(struct orl_stream *stream); /* borrowed */
uint64_t orl_stream_frames(const struct orl_stream *stream);
uint32_t orl_stream_rtt_us(const struct orl_stream *stream);     /* of the line; 0: unknown */
uint64_t orl_stream_latency_us(const struct orl_stream *stream); /* 0: unknown */
void orl_stream_free(struct orl_stream *stream);

#endif
