/* What a session's frames cost in time and bytes since it was asked last: histograms and sums, the same
 * effort for every frame. Times are the caller's.
 * A frame's bytes: H.264 its own, the rest to the dearest of the others in it (lossless, refine, copy). */
#ifndef ORL_SESSION_TELEMETRY_H
#define ORL_SESSION_TELEMETRY_H
#include "base/ipc_msgs.h"
#include "display/plan.h"

#define ORL_TELEMETRY_IN_FLIGHT 16                 /* older frames count as never acknowledged */
#define ORL_TELEMETRY_KEY_MAX_US UINT64_C(5000000) /* a key that nothing answered */

struct orl_telemetry_flight {
    uint32_t frame_id;
    uint64_t damage_us, written_us;
};
struct orl_telemetry {
    struct orl_stats_since since;
    struct orl_telemetry_flight in_flight[ORL_TELEMETRY_IN_FLIGHT]; /* oldest first */
    unsigned count;
    uint64_t key_us; /* the oldest key press that no frame answered; 0: none */
    uint64_t taken_us;
};
void orl_telemetry_init(struct orl_telemetry *telemetry, uint64_t now_us);
void orl_telemetry_key(struct orl_telemetry *telemetry, uint64_t now_us);
/* bytes: on the wire, all of it. */
void orl_telemetry_sent(struct orl_telemetry *telemetry, const struct orl_update *update,
        uint64_t bytes, uint64_t written_us);
/* This frame and all before it. */
void orl_telemetry_acked(struct orl_telemetry *telemetry, uint32_t frame_id, uint64_t now_us);
void orl_telemetry_take(
        struct orl_telemetry *telemetry, uint64_t now_us, struct orl_stats_since *ret_since);

#endif
