/* When a frame may go: never more than a few unacknowledged, on average not faster than the screen. After
 * a pause a few may follow each other at once: what a key press does must not wait for the frame time of
 * something that blinked just before. While it says no, damage merges and nothing is queued.
 * Without acknowledgements (the client has none, or suspended them) the viewer's socket is the brake. */
#ifndef ORL_DISPLAY_PACER_H
#define ORL_DISPLAY_PACER_H
#include <stdbool.h>
#include <stdint.h>

#define ORL_PACER_MAX_IN_FLIGHT 8
#define ORL_PACER_INTERVAL_US 16666 /* 60 frames per second */
#define ORL_PACER_EARLY 2           /* frames that may go before their time, once */

struct orl_pacer_entry {
    uint32_t frame_id;
    uint64_t sent_us;
};
struct orl_pacer {
    unsigned max_in_flight; /* 1 .. ORL_PACER_MAX_IN_FLIGHT */
    uint64_t interval_us;
    bool has_acks;
    struct orl_pacer_entry in_flight[ORL_PACER_MAX_IN_FLIGHT]; /* oldest first */
    unsigned count;
    uint64_t next_us;         /* when the next frame goes if all keep the interval */
    uint64_t mean_latency_us; /* sent to acknowledged, exponential mean; 0: none yet */
    uint64_t last_latency_us;
};

/* max_in_flight is clamped to its range. */
void orl_pacer_init(
        struct orl_pacer *pacer, unsigned max_in_flight, uint64_t interval_us, bool has_acks);
bool orl_pacer_can_send(const struct orl_pacer *pacer, uint64_t now_us);
/* When can_send may become true by time alone; 0: only an acknowledgement helps. */
uint64_t orl_pacer_due_us(const struct orl_pacer *pacer);
void orl_pacer_sent(struct orl_pacer *pacer, uint32_t frame_id, uint64_t now_us);
/* This frame and all before it. False: not one that is in flight; nothing changes. */
bool orl_pacer_acked(struct orl_pacer *pacer, uint32_t frame_id, uint64_t now_us);
/* Clamped as above; what is in flight stays so. */
void orl_pacer_set_max(struct orl_pacer *pacer, unsigned max_in_flight);
/* The client stopped (false) or resumed (true) acknowledging: what was in flight is forgotten. */
void orl_pacer_set_acks(struct orl_pacer *pacer, bool has_acks);
unsigned orl_pacer_in_flight(const struct orl_pacer *pacer);
/* When the oldest unacknowledged frame was sent; 0: there is none. For "the client stopped reading". */
uint64_t orl_pacer_oldest_us(const struct orl_pacer *pacer);

#endif
