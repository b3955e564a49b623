#include "display/speed.h"
#include "base/clock.h"
#include <string.h>

#define WEIGHT 16 /* of the past in a mean */

/* Per cent of the interval. Each step costs about half again as much as the one below: where one is left, the other
 * is not left at once. */
struct bounds {
    unsigned lower_above, raise_below;
};
static const struct bounds bounds_of[] = {
        [ORL_H264_LITTLE] = {100, 35},
        [ORL_H264_USUAL] = {80, 12},
        [ORL_H264_MUCH] = {25, 0},
};

void orl_speed_init(struct orl_speed *speed)
{
    memset(speed, 0, sizeof(*speed));
    speed->effort = ORL_H264_USUAL;
}

static uint64_t mix(uint64_t mean, uint64_t value)
{
    return mean == 0 ? value : (mean * (WEIGHT - 1) + value) / WEIGHT;
}

static bool set_effort(struct orl_speed *speed, enum orl_h264_effort effort, uint64_t now_us)
{
    if (effort < speed->effort) {
        speed->lowered_us = now_us;
    }
    speed->effort = effort;
    speed->changed_us = now_us;
    speed->mean_encode_us = speed->mean_interval_us = 0;
    return true;
}

bool orl_speed_note(struct orl_speed *speed, uint64_t now_us, uint64_t encode_us)
{
    const uint64_t interval_us = now_us - speed->last_us;
    const bool is_first = speed->last_us == 0;
    speed->last_us = now_us;
    if (is_first || interval_us > ORL_SPEED_PAUSE_MS * ORL_US_PER_MS) {
        speed->changed_us = now_us;
        return false;
    }
    speed->mean_encode_us = mix(speed->mean_encode_us, encode_us);
    speed->mean_interval_us = mix(speed->mean_interval_us, interval_us);
    if (now_us < speed->changed_us + ORL_SPEED_SETTLE_MS * ORL_US_PER_MS) {
        return false;
    }
    const struct bounds *bounds = &bounds_of[speed->effort];
    const uint64_t busy = speed->mean_encode_us * 100;
    if (speed->effort > ORL_H264_LITTLE && busy > speed->mean_interval_us * bounds->lower_above) {
        return set_effort(speed, speed->effort - 1, now_us);
    }
    const bool is_regretted = speed->lowered_us != 0 &&
                              now_us < speed->lowered_us + ORL_SPEED_REGRET_MS * ORL_US_PER_MS;
    if (!is_regretted && busy < speed->mean_interval_us * bounds->raise_below) {
        return set_effort(speed, speed->effort + 1, now_us);
    }
    return false;
}
