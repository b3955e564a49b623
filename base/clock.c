#include "base/clock.h"

#include <time.h>

static struct timespec clock_get(clockid_t id)
{
    struct timespec ts = {0};
    (void)clock_gettime(id, &ts); /* cannot fail for these two clocks */
    return ts;
}

uint64_t orl_clock_now_us(void)
{
    struct timespec ts = clock_get(CLOCK_MONOTONIC);
    return (uint64_t)ts.tv_sec * ORL_US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t orl_clock_wall_ms(void)
{
    struct timespec ts = clock_get(CLOCK_REALTIME);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
