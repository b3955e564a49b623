/* What sessions tell about their frames, added up per protocol, and the last word of each session.
 * A session is hostile here: what cannot have happened since its last word is not counted. Pure. */
#ifndef ORL_BROKER_FRAME_STATS_H
#define ORL_BROKER_FRAME_STATS_H
#include "base/ipc_msgs.h"

struct orl_frame_sums {
    struct orl_histogram times[ORL_STATS_TIME_COUNT];
    uint64_t frames;
    uint64_t kind_frames[ORL_STATS_KIND_COUNT];
    uint64_t kind_bytes[ORL_STATS_KIND_COUNT];
};
struct orl_frame_stats {
    struct orl_frame_sums rdp, vnc;
    uint64_t refused; /* statistics that cannot be true */
};
/* A session's last word. */
struct orl_frame_sample {
    uint32_t seq; /* 0: none yet */
    uint64_t at_us;
    uint64_t at_ms;      /* wall clock */
    uint64_t bytes_more; /* sent to the client since the word before; 0 at first */
    struct orl_msg_stats stats;
};

/* False: it cannot be true, and nothing of `since` is counted. */
bool orl_frame_stats_add(struct orl_frame_stats *stats, uint32_t protocol,
        struct orl_frame_sample *sample, const struct orl_msg_stats *msg, uint64_t now_us,
        uint64_t now_ms);
struct orl_histogram orl_frame_sample_times(
        const struct orl_frame_sample *sample, enum orl_stats_time time);
const char *orl_stats_time_name(enum orl_stats_time time); /* "encode" */
const char *orl_stats_kind_name(enum orl_stats_kind kind); /* "lossless" */

#endif
