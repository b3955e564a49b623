/* How much work x264 may do: by the time its pictures take of the time between them. Real time, so that other
 * sessions on the same processor count. Pure: time is passed in. Private to the planner's files. */
#ifndef ORL_DISPLAY_SPEED_H
#define ORL_DISPLAY_SPEED_H
#include "display/enc_h264.h"

#define ORL_SPEED_PAUSE_MS 250    /* between two pictures: that was no motion */
#define ORL_SPEED_SETTLE_MS 1000  /* between two changes */
#define ORL_SPEED_REGRET_MS 10000 /* after it was too much, before more is tried again */

struct orl_speed {
    enum orl_h264_effort effort;
    uint64_t mean_encode_us, mean_interval_us; /* exponential; 0: none yet */
    uint64_t last_us;                          /* of the picture before */
    uint64_t changed_us, lowered_us;
};
void orl_speed_init(struct orl_speed *speed);
/* The pictures of one update, begun at now_us, took encode_us. True: effort has changed. */
bool orl_speed_note(struct orl_speed *speed, uint64_t now_us, uint64_t encode_us);

#endif
